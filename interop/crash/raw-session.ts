/** A session of our own making on a real socket: pipelined requests, answers in order, and nothing repeated or hidden. */

import { connect, type Socket } from 'node:net';
import {
  connectRequest,
  connectResponse,
  decodeReplyBody,
  encodeRequest,
  FrameSplitter,
  type OpName,
  Reader,
  type RequestBodies,
  type RequestName,
  type ResponseBodies,
  replyHeader,
  SpecialXid,
} from '@headkeeper/protocol';
import { frameOf } from '@headkeeper/testkit';

/** What a client keeps of its session over a lost connection. */
export interface SessionKey {
  readonly id: bigint;
  readonly password: Uint8Array;
}

export interface Answer<Name extends OpName> {
  readonly zxid: number;
  readonly error: number;
  readonly body: ResponseBodies[Name] | null;
}

/** The connection ended before the answer came: whether the request was carried out is unknown. */
export class ConnectionLost extends Error {
  constructor() {
    super('the connection ended');
    this.name = 'ConnectionLost';
  }
}

/** The server knows no such session any more, or the password is wrong. */
export class SessionRefused extends Error {
  constructor(id: bigint) {
    super(`session 0x${id.toString(16)} is refused`);
    this.name = 'SessionRefused';
  }
}

interface Waiting {
  readonly xid: number;
  readonly op: RequestName;
  resolve(answer: Answer<OpName>): void;
  reject(error: Error): void;
}

interface Attaching {
  resolve(session: RawSession): void;
  reject(error: Error): void;
}

export interface SessionTiming {
  /** The session's timeout that is asked for, in milliseconds; 40,000 when not given. */
  readonly sessionMs?: number;
  /** Milliseconds without a sign of the server, while it owes an answer, until the connection is given up; never. */
  readonly silenceMs?: number;
}

const LONGEST_FRAME = 1 << 30;
const TIMEOUT_MS = 40_000;

export class RawSession {
  /** Known once `attach` has resolved. */
  key: SessionKey = { id: 0n, password: new Uint8Array(16) };
  /** The largest zxid of any answer. */
  seenZxid: number;
  readonly #socket: Socket;
  readonly #frames: FrameSplitter = new FrameSplitter(LONGEST_FRAME);
  readonly #waiting: Waiting[] = [];
  readonly #attaching: Attaching;
  readonly #wanted: bigint;
  #attached = false;
  #xid = 0;

  private constructor(
    socket: Socket,
    key: SessionKey | null,
    seenZxid: number,
    timing: SessionTiming,
    attaching: Attaching,
  ) {
    this.#socket = socket;
    this.#attaching = attaching;
    this.#wanted = key?.id ?? 0n;
    this.seenZxid = seenZxid;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Uint8Array) => this.#received(bytes));
    socket.on('error', () => {});
    socket.on('close', () => this.#lost());
    if (timing.silenceMs !== undefined) {
      socket.setTimeout(timing.silenceMs, () => {
        if (!this.#attached || this.#waiting.length > 0) socket.destroy();
      });
    }
    const request = {
      protocolVersion: 0,
      lastZxidSeen: seenZxid,
      timeOut: timing.sessionMs ?? TIMEOUT_MS,
      sessionId: this.#wanted,
      passwd: key?.password ?? new Uint8Array(16),
      readOnly: false,
    };
    socket.write(frameOf((out) => connectRequest.encode(out, request)));
  }

  /**
   * Connects, with a new session or with the one of `key`.
   *
   * @throws ConnectionLost, also when the server has not yet the zxid that was seen; SessionRefused
   */
  static attach(
    port: number,
    key: SessionKey | null,
    seenZxid: number,
    timing: SessionTiming = {},
  ): Promise<RawSession> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      new RawSession(socket, key, seenZxid, timing, { resolve, reject });
    });
  }

  /** @throws ConnectionLost */
  request<Name extends RequestName>(op: Name, body: RequestBodies[Name]): Promise<Answer<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new ConnectionLost());
        return;
      }
      const xid = op === 'ping' ? SpecialXid.ping : ++this.#xid;
      // The answer that comes at this place in the order is the one to this operation.
      this.#waiting.push({ xid, op, resolve: resolve as Waiting['resolve'], reject });
      this.#socket.write(frameOf((out) => encodeRequest(out, xid, op, body)));
    });
  }

  /** Whether the connection has ended. */
  get ended(): boolean {
    return this.#socket.destroyed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #received(bytes: Uint8Array): void {
    for (const frame of this.#frames.push(bytes)) {
      if (this.#attached) this.#answer(new Reader(frame));
      else this.#welcome(new Reader(frame));
    }
  }

  #welcome(frame: Reader): void {
    const response = connectResponse.decode(frame);
    if (response.timeOut === 0) {
      this.#attaching.reject(new SessionRefused(this.#wanted));
      this.#socket.destroy();
      return;
    }
    this.#attached = true;
    this.key = { id: response.sessionId, password: (response.passwd ?? new Uint8Array(16)).slice() };
    this.#attaching.resolve(this);
  }

  #answer(frame: Reader): void {
    const header = replyHeader.decode(frame);
    if (header.xid === SpecialXid.watchEvent) return;
    const waiting = this.#waiting.shift();
    if (waiting?.xid !== header.xid) throw new Error(`answer ${header.xid} where ${waiting?.xid ?? 'none'} is due`);
    if (header.zxid > 0) this.seenZxid = Math.max(this.seenZxid, header.zxid);
    waiting.resolve({ zxid: header.zxid, error: header.err, body: decodeReplyBody(frame, header, waiting.op) });
  }

  #lost(): void {
    this.#attaching.reject(new ConnectionLost());
    for (const waiting of this.#waiting.splice(0)) waiting.reject(new ConnectionLost());
  }
}

import {
  beginFrame,
  connectRequest,
  connectResponse,
  decodeReplyBody,
  encodeRequest,
  endFrame,
  FrameSplitter,
  Reader,
  type RequestBodies,
  type RequestName,
  type ResponseBodies,
  replyHeader,
  SpecialXid,
  Writer,
} from '@headkeeper/protocol';
import type { ClientLink } from '../../ports.ts';

/** Where a server takes connections; its driver has this shape. */
export interface ClientDoor {
  /** `isOwn`: the client is a part of the server, which may do everything. */
  open(link: ClientLink, address: string, isOwn: boolean): number;
  data(connection: number, bytes: Uint8Array): void;
  closed(connection: number): void;
}

/** What a session is resumed with. */
export interface SessionTicket {
  readonly id: bigint;
  readonly password: Uint8Array;
  readonly lastZxid: number;
}

/** What a request gets: an error code, 0 when there was none, and then the body. */
export interface Answer<Name extends RequestName> {
  readonly error: number;
  readonly body: (Name extends keyof ResponseBodies ? ResponseBodies[Name] : null) | null;
}

export interface DoorClientListener {
  watchFired(): void;
  /** The connection is gone; called once. */
  closed(): void;
}

interface Waiting {
  readonly op: RequestName;
  readonly answered: (answer: Answer<RequestName> | null) => void;
}

const LONGEST_FRAME = 4 << 20;
const ADDRESS = '127.0.0.1';

/** A client of the server within its own process: the client protocol, without a socket. */
export class DoorClient implements ClientLink {
  readonly port = 0;
  readonly unsentBytes = 0;
  readonly #door: ClientDoor;
  readonly #listener: DoorClientListener;
  readonly #connection: number;
  readonly #frames: FrameSplitter = new FrameSplitter(LONGEST_FRAME);
  readonly #waiting: Waiting[] = [];
  #connected: ((frame: Reader | null) => void) | null = null;
  #isOpen = true;
  #xid = 0;
  #lastZxid = 0;

  constructor(door: ClientDoor, listener: DoorClientListener) {
    this.#door = door;
    this.#listener = listener;
    this.#connection = door.open(this, ADDRESS, true);
  }

  /** The last zxid that the server has named: a session is resumed nowhere behind it. */
  get lastZxid(): number {
    return this.#lastZxid;
  }

  /** Opens a session, or resumes one; null when the server refuses or the connection is lost. The timeout is its shortest. */
  connect(
    ticket: SessionTicket | null,
  ): Promise<{ readonly ticket: SessionTicket; readonly timeoutMs: number } | null> {
    return new Promise((resolve) => {
      this.#connected = (frame) => {
        const response = frame === null ? null : connectResponse.decode(frame);
        if (response === null || response.sessionId === 0n || response.timeOut <= 0) return resolve(null);
        const password = Uint8Array.from(response.passwd ?? []);
        resolve({
          ticket: { id: response.sessionId, password, lastZxid: this.#lastZxid },
          timeoutMs: response.timeOut,
        });
      };
      this.#lastZxid = ticket?.lastZxid ?? 0;
      this.#write((out) =>
        connectRequest.encode(out, {
          protocolVersion: 0,
          lastZxidSeen: this.#lastZxid,
          timeOut: 0,
          sessionId: ticket?.id ?? 0n,
          passwd: ticket?.password ?? new Uint8Array(16),
          readOnly: false,
        }),
      );
    });
  }

  /** Sends a request; null when the connection is lost before the answer. */
  request<Name extends RequestName>(op: Name, body: RequestBodies[Name]): Promise<Answer<Name> | null> {
    if (!this.#isOpen) return Promise.resolve(null);
    const xid = op === 'ping' ? SpecialXid.ping : ++this.#xid;
    return new Promise((resolve) => {
      this.#waiting.push({ op, answered: resolve as Waiting['answered'] });
      this.#write((out) => encodeRequest(out, xid, op, body));
    });
  }

  /** Ends the connection from this side; the session lives on until its time is over. */
  disconnect(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#door.closed(this.#connection);
    this.#connected?.(null);
    this.#connected = null;
    for (const { answered } of this.#waiting.splice(0)) answered(null);
    this.#listener.closed();
  }

  send(out: Writer): void {
    const bytes = out.toBytes();
    out.length = 0;
    if (!this.#isOpen) return;
    try {
      for (const frame of this.#frames.push(bytes)) this.#received(new Reader(frame));
    } catch {
      // What cannot be read is the end of the connection; the next one begins afresh.
      this.close();
    }
  }

  close(): void {
    // The server is in the middle of its work: like a socket's, the end is told afterwards.
    queueMicrotask(() => this.disconnect());
  }

  pause(): void {}

  resume(): void {}

  #received(frame: Reader): void {
    const connected = this.#connected;
    if (connected !== null) {
      this.#connected = null;
      connected(frame);
      return;
    }
    const header = replyHeader.decode(frame);
    if (header.xid === SpecialXid.watchEvent) {
      this.#listener.watchFired();
      return;
    }
    if (header.zxid > this.#lastZxid) this.#lastZxid = header.zxid;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    waiting.answered({ error: header.err, body: decodeReplyBody(frame, header, waiting.op) } as Answer<RequestName>);
  }

  #write(encode: (out: Writer) => void): void {
    const out = new Writer();
    const at = beginFrame(out);
    encode(out);
    endFrame(out, at);
    this.#door.data(this.#connection, out.written());
  }
}

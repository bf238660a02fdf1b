import {
  beginFrame,
  type ConnectRequest,
  type ConnectResponse,
  connectRequest,
  connectResponse,
  decodeReplyBody,
  encodeRequest,
  endFrame,
  FrameSplitter,
  type OpName,
  Reader,
  type RequestBodies,
  type RequestName,
  type ResponseBodies,
  replyHeader,
  SpecialXid,
  Writer,
  watcherEvent,
} from '@headkeeper/protocol';
import { law } from '../check/violation.ts';
import type { Host } from '../network/host.ts';
import type { SimNetwork } from '../network/sim-network.ts';
import type { Stream } from '../network/stream.ts';
import { CLIENT_PORT } from '../node/node-settings.ts';

/** A reply's header and, when there was no error, its body. */
export interface Answer {
  readonly zxid: number;
  readonly error: number;
  readonly body: ResponseBodies[OpName] | null;
}

export interface ConnectionListener {
  established(): void;
  /** The answer to the handshake. */
  attached(response: ConnectResponse): void;
  event(type: number, path: string): void;
  /** The connection is gone, for whatever reason; nothing more comes. */
  lost(): void;
}

interface Waiting {
  readonly xid: number;
  readonly op: RequestName;
  readonly answered: (answer: Answer) => void;
}

const LONGEST_FRAME = 16 << 20;

/** One connection of a client to one server: frames, the handshake, and replies in the order of the requests. */
export class ClientConnection {
  readonly server: string;
  readonly #stream: Stream;
  readonly #listener: ConnectionListener;
  readonly #frames: FrameSplitter = new FrameSplitter(LONGEST_FRAME);
  readonly #waiting: Waiting[] = [];
  readonly #out: Writer = new Writer(512);
  #isAttached = false;
  #isOpen = true;
  /** Requests with a place in the order of writes. */
  writes = 0;

  constructor(network: SimNetwork, host: Host, server: string, timeoutMs: number, listener: ConnectionListener) {
    this.server = server;
    this.#listener = listener;
    this.#stream = network.connect(host, { host: server, port: CLIENT_PORT }, timeoutMs, {
      opened: () => listener.established(),
      data: (bytes) => this.#data(bytes),
      drained: () => {},
      closed: () => this.#lost(),
    });
  }

  get stream(): Stream {
    return this.#stream;
  }

  /** Requests without an answer. */
  get outstanding(): number {
    return this.#waiting.length;
  }

  handshake(request: ConnectRequest): void {
    this.#frame((out) => connectRequest.encode(out, request));
  }

  request<Name extends RequestName>(
    xid: number,
    op: Name,
    body: RequestBodies[Name],
    answered: (answer: Answer) => void,
  ): void {
    this.#waiting.push({ xid, op, answered });
    this.#frame((out) => encodeRequest(out, xid, op, body));
  }

  /** Drops the connection without a word to the listener. */
  drop(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stream.destroy();
  }

  #lost(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#listener.lost();
  }

  #frame(write: (out: Writer) => void): void {
    const out = this.#out;
    out.length = 0;
    const at = beginFrame(out);
    write(out);
    endFrame(out, at);
    this.#stream.write(out.bytes, 0, out.length);
  }

  #data(bytes: Uint8Array): void {
    for (const frame of this.#frames.push(bytes)) {
      if (!this.#isOpen) return;
      this.#received(new Reader(frame));
    }
  }

  #received(frame: Reader): void {
    if (!this.#isAttached) {
      this.#isAttached = true;
      this.#listener.attached(connectResponse.decode(frame));
      return;
    }
    const header = replyHeader.decode(frame);
    if (header.xid === SpecialXid.watchEvent) {
      const { type, path } = watcherEvent.decode(frame);
      this.#listener.event(type, path ?? '');
      return;
    }
    const waiting = this.#waiting.shift();
    law(waiting !== undefined && waiting.xid === header.xid, 'client order', () => {
      return `${this.server} answers request ${header.xid}, ${waiting?.xid ?? 'none'} is the next`;
    });
    const body = decodeReplyBody(frame, header, waiting.op);
    waiting.answered({ zxid: header.zxid, error: header.err, body });
  }
}

import {
  beginFrame,
  type ConnectRequest,
  connectRequest,
  connectResponse,
  decodeRequest,
  ErrorCode,
  encodeEvent,
  encodeReply,
  endFrame,
  FrameSplitter,
  type OpName,
  Reader,
  type Request,
  type RequestName,
  type ResponseBodies,
  SpecialXid,
  Writer,
} from '@headkeeper/protocol';
import type { Link, LinkListener, ServerAddress } from '../../src/ports.ts';

export interface Grant {
  readonly sessionId?: bigint;
  readonly timeOut?: number;
  readonly readOnly?: boolean;
}

/** The server's end of one connection, in the hands of a test: what came in is looked at, what goes out is said. */
export class ServerEnd implements Link {
  readonly ip: string;
  readonly address: ServerAddress;
  handshake: ConnectRequest | null = null;
  readonly requests: Request[] = [];
  /** Text before a handshake, such as a four-letter word. */
  word = '';
  /** The client has closed its end. */
  isLeft = false;
  /** Answers to `Link.write`: false says that the link is full. */
  hasRoom = true;
  /** How many writes have come. */
  writes = 0;
  zxid = 100;
  /** Called for each request, if set. */
  answer: ((request: Request) => void) | null = null;
  readonly #listener: LinkListener;
  readonly #frames: FrameSplitter = new FrameSplitter(1 << 24);
  #isClosed = false;

  constructor(ip: string, address: ServerAddress, listener: LinkListener) {
    this.ip = ip;
    this.address = address;
    this.#listener = listener;
  }

  write(bytes: Uint8Array): boolean {
    this.writes++;
    if (this.#isClosed) return true;
    if (this.handshake === null && bytes.length === 4) {
      this.word = String.fromCharCode(...bytes);
      return true;
    }
    for (const frame of this.#frames.push(bytes)) {
      const input = new Reader(frame.slice());
      if (this.handshake === null) this.handshake = connectRequest.decode(input);
      else {
        const request = decodeRequest(input);
        this.requests.push(request);
        this.answer?.(request);
      }
    }
    return this.hasRoom;
  }

  close(): void {
    this.isLeft = true;
  }

  get isOpen(): boolean {
    return !this.isLeft && !this.#isClosed;
  }

  open(): void {
    if (this.isOpen) this.#listener.opened();
  }

  drain(): void {
    this.hasRoom = true;
    this.#listener.drained();
  }

  /** Answers the handshake. */
  grant({ sessionId = 0x77n, timeOut = 6_000, readOnly = false }: Grant = {}): void {
    const passwd = new Uint8Array(16).fill(timeOut === 0 ? 0 : 7);
    this.send((out) => connectResponse.encode(out, { protocolVersion: 0, timeOut, sessionId, passwd, readOnly }));
  }

  refuse(readOnly = false): void {
    this.grant({ sessionId: 0n, timeOut: 0, readOnly });
  }

  /** The requests of a kind, in order. */
  asked<Name extends RequestName>(op: Name): Extract<Request, { op: Name }>[] {
    return this.requests.filter((request): request is Extract<Request, { op: Name }> => request.op === op);
  }

  last(): Request {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error('nothing was asked');
    return request;
  }

  reply<Name extends OpName>(
    xid: number,
    op: Name,
    body: ResponseBodies[Name] | null,
    err: number = ErrorCode.ok,
    zxid: number = ++this.zxid,
  ): void {
    this.send((out) => encodeReply(out, { xid, zxid, err }, op, body));
  }

  /** Refuses a request. */
  fail(xid: number, err: number): void {
    this.reply(xid, 'delete', null, err);
  }

  pong(err: number = ErrorCode.ok): void {
    this.reply(SpecialXid.ping, 'ping', null, err);
  }

  event(type: number, path: string, zxid = -1): void {
    this.send((out) => encodeEvent(out, zxid, { type, state: 3, path }));
  }

  send(encode: (out: Writer) => void): void {
    const out = new Writer();
    const at = beginFrame(out);
    encode(out);
    endFrame(out, at);
    this.raw(out.toBytes());
  }

  raw(bytes: Uint8Array): void {
    if (this.isOpen) this.#listener.received(bytes);
  }

  /** The connection breaks, or the server closes it. */
  lose(reason: Error | null = null): void {
    if (!this.isOpen) return;
    this.#isClosed = true;
    this.#listener.closed(reason);
  }
}

import {
  beginFrame,
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

/** An answer: `body` is null when `err` is not 0, or when the operation has none. */
export interface Reply<Name extends OpName = OpName> {
  readonly kind: 'reply';
  readonly op: Name | null;
  readonly xid: number;
  readonly zxid: number;
  readonly err: number;
  readonly body: ResponseBodies[Name] | null;
}

export interface WatchEvent {
  readonly kind: 'event';
  readonly zxid: number;
  readonly type: number;
  readonly path: string | null;
}

export interface Handshake extends ConnectResponse {
  readonly kind: 'handshake';
}

export type Received = Reply | WatchEvent | Handshake;

export interface HandshakeOptions {
  readonly lastZxidSeen?: number;
  readonly timeOut?: number;
  readonly sessionId?: bigint;
  readonly passwd?: Uint8Array | null;
  readonly readOnly?: boolean | null;
}

/** What a client's bytes are handed to. */
export interface ClientPort {
  deliver(connection: number, bytes: Uint8Array): void;
  disconnect(connection: number): void;
}

const MAX_REPLY_BYTES = 0x7fffffff;
const OUT_OF_LINE: ReadonlySet<string> = new Set(['auth', 'sasl']);

/**
 * A client that knows the wire and nothing else. It checks what every client relies on: replies come in the order of the
 * requests (auth and SASL aside), each with the xid of its request.
 */
export class RawClient {
  readonly connection: number;
  /** Frames in order of arrival that no call has taken. */
  readonly received: Received[] = [];
  /** Every byte that has arrived. */
  readonly bytes: Uint8Array[] = [];
  closed = false;
  sessionId = 0n;
  passwd: Uint8Array = new Uint8Array(16);
  timeOut = 0;
  readonly #port: ClientPort;
  readonly #frames: FrameSplitter = new FrameSplitter(MAX_REPLY_BYTES);
  readonly #inLine: { xid: number; op: RequestName | null }[] = [];
  readonly #outOfLine: { xid: number; op: RequestName }[] = [];
  #connected = false;
  #xid = 0;

  constructor(connection: number, port: ClientPort) {
    this.connection = connection;
    this.#port = port;
  }

  /** Requests that have no reply yet. */
  get waiting(): number {
    return this.#inLine.length + this.#outOfLine.length;
  }

  /** Sends a handshake; the answer is among `received` when it comes. */
  handshake(options: HandshakeOptions = {}): void {
    this.send(frameOf((out) => connectRequest.encode(out, { ...HANDSHAKE, ...options })));
  }

  /** A handshake that must be answered at once. */
  connect(options: HandshakeOptions = {}): this {
    this.handshake(options);
    const answer = this.received.pop();
    if (answer?.kind !== 'handshake') throw new Error('the handshake was not answered');
    return this;
  }

  /** Attaches to the session of another client. */
  attach(other: RawClient, options: HandshakeOptions = {}): this {
    return this.connect({ sessionId: other.sessionId, passwd: other.passwd, ...options });
  }

  /** The bytes of a request; from now on its reply is expected. */
  encode<Name extends RequestName>(op: Name, body: RequestBodies[Name], xid: number = ++this.#xid): Uint8Array {
    this.expect(op, xid);
    return frameOf((out) => encodeRequest(out, xid, op, body));
  }

  /** Says that a request of this xid is on its way, for bytes that were not made by `encode`. */
  expect(op: RequestName | null, xid: number): void {
    if (op !== null && OUT_OF_LINE.has(op)) this.#outOfLine.push({ xid, op });
    else this.#inLine.push({ xid: op === 'ping' ? SpecialXid.ping : xid, op });
  }

  /** Sends a request and does not wait. */
  ask<Name extends RequestName>(op: Name, body: RequestBodies[Name]): void {
    this.send(this.encode(op, body));
  }

  /** Sends several requests as one piece of the stream. */
  askAll(requests: readonly Uint8Array[]): void {
    const whole = new Uint8Array(requests.reduce((sum, one) => sum + one.length, 0));
    let at = 0;
    for (const one of requests) {
      whole.set(one, at);
      at += one.length;
    }
    this.send(whole);
  }

  /** Sends a request whose reply must be there when this returns, as the last frame. Events stay in `received`. */
  call<Name extends RequestName>(op: Name, body: RequestBodies[Name]): Reply<Name> {
    this.ask(op, body);
    const reply = this.received.pop();
    if (reply?.kind !== 'reply' || reply.op !== op) throw new Error(`${op} was not answered`);
    return reply as unknown as Reply<Name>;
  }

  /** As `call`, and the reply must say 0. */
  must<Name extends RequestName>(op: Name, body: RequestBodies[Name]): ResponseBodies[Name] {
    const reply = this.call(op, body);
    if (reply.err !== 0) throw new Error(`${op} was answered ${reply.err}`);
    return reply.body as ResponseBodies[Name];
  }

  send(bytes: Uint8Array): void {
    this.#port.deliver(this.connection, bytes);
  }

  /** The client's side closes its end. */
  disconnect(): void {
    this.closed = true;
    this.#port.disconnect(this.connection);
  }

  /** Empties `received`. */
  take(): Received[] {
    return this.received.splice(0);
  }

  /** Called by the harness with what the server sends. */
  arrived(bytes: Uint8Array): void {
    this.bytes.push(bytes);
    for (const frame of this.#frames.push(bytes)) this.received.push(this.#decode(frame.slice()));
  }

  #decode(frame: Uint8Array): Received {
    const r = new Reader(frame);
    if (!this.#connected) {
      this.#connected = true;
      const answer = connectResponse.decode(r);
      this.sessionId = answer.sessionId;
      this.timeOut = answer.timeOut;
      if (answer.passwd !== null) this.passwd = answer.passwd.slice();
      return { kind: 'handshake', ...answer };
    }
    const header = replyHeader.decode(r);
    if (header.xid === SpecialXid.watchEvent) {
      const { type, path } = watcherEvent.decode(r);
      return { kind: 'event', zxid: header.zxid, type, path };
    }
    const op = this.#answered(header.xid);
    const body = op === null ? null : decodeReplyBody(r, header, op);
    if (r.remaining() > 0) throw new Error(`${r.remaining()} bytes follow the reply to ${op}`);
    return { kind: 'reply', op, ...header, body };
  }

  #answered(xid: number): RequestName | null {
    const aside = this.#outOfLine.findIndex((request) => request.xid === xid);
    if (aside >= 0) return (this.#outOfLine.splice(aside, 1)[0] as { op: RequestName }).op;
    const request = this.#inLine.shift();
    if (request === undefined) throw new Error(`a reply with xid ${xid} to nothing`);
    if (request.xid !== xid) throw new Error(`a reply with xid ${xid} where ${request.xid} was expected`);
    return request.op;
  }
}

const HANDSHAKE = {
  protocolVersion: 0,
  lastZxidSeen: 0,
  timeOut: 10_000,
  sessionId: 0n,
  passwd: new Uint8Array(16),
  readOnly: false,
};

/** A frame around what `write` appends. */
export function frameOf(write: (out: Writer) => void): Uint8Array {
  const out = new Writer(256);
  const at = beginFrame(out);
  write(out);
  endFrame(out, at);
  return out.toBytes();
}

/** A request's frame with a header and any bytes as its body. */
export function rawRequest(xid: number, type: number, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  return frameOf((out) => {
    out.int(xid);
    out.int(type);
    out.raw(body);
  });
}

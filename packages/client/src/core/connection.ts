import {
  beginFrame,
  type ConnectRequest,
  type ConnectResponse,
  connectRequest,
  connectResponse,
  ErrorCode,
  endFrame,
  FrameSplitter,
  JuteError,
  OpCode,
  Reader,
  type RequestBodies,
  type RequestName,
  requests,
  responses,
  SpecialXid,
  Writer,
  watcherEvent,
} from '@headkeeper/protocol';
import type { ClientPorts, Link, ServerAddress } from '../ports.ts';
import { type Call, CallState } from './call.ts';
import { CallQueue } from './call-queue.ts';
import { errorCodeOf } from './errors.ts';

const OUTPUT_BYTES = 16 * 1024;
const LAST_XID = 0x7fffffff;

/** Request numbers that go on over all connections of a client, so that a txn in a server's log names its request. */
export class RequestNumbers {
  #last = 0;

  /** The number that `take` will give. */
  get next(): number {
    return this.#last === LAST_XID ? 1 : this.#last + 1;
  }

  take(): void {
    this.#last = this.next;
  }
}

/** What a connection tells its session. Nothing comes after `lost`, or after `close`. */
/** The xid, the zxid and the error of an answer. */
const REPLY_HEADER_BYTES = 16;

export interface ConnectionListener {
  opened(): void;
  /** The answer to the handshake. */
  attached(response: ConnectResponse): void;
  /** `error` is an ErrorCode, or 0; `zxid` counts only if positive. */
  answered(call: Call, error: number, zxid: number, body: unknown): void;
  /** An answer without an error, of which no sense can be made: the connection is `lost` next. */
  garbled(call: Call, reason: Error): void;
  /** The answer is longer than allowed: the connection is `lost` next. */
  tooLong(call: Call): void;
  authAnswered(error: number): void;
  ponged(error: number): void;
  event(type: number, path: string, zxid: number): void;
  drained(): void;
  lost(reason: Error | null): void;
}

export interface ConnectionLimits {
  /** The longest frame accepted, and the longest sent; bytes. */
  readonly maxReplyBytes: number;
  readonly maxRequestBytes: number;
}

/** One connection to one server: frames, the handshake, and answers matched to requests in their order. */
export class Connection {
  readonly server: ServerAddress;
  /** Sent and not answered. */
  readonly inFlight: CallQueue = new CallQueue();
  readonly #ports: ClientPorts;
  readonly #limits: ConnectionLimits;
  readonly #listener: ConnectionListener;
  readonly #link: Link;
  readonly #frames: FrameSplitter;
  readonly #input: Reader = new Reader(new Uint8Array(0));
  readonly #out: Writer = new Writer(OUTPUT_BYTES);
  #isAttached = false;
  #isGone = false;
  #isFlushing = false;
  #isFull = false;
  readonly #numbers: RequestNumbers;
  /** Monotonic milliseconds when bytes last came, and when some last left. */
  heardAt: number;
  sentAt: number;
  readonly #flushLater = (): void => {
    this.#isFlushing = false;
    this.#flush();
  };
  readonly #takeFrame = (): boolean => {
    this.#frame();
    return !this.#isGone;
  };

  constructor(
    ports: ClientPorts,
    ip: string,
    server: ServerAddress,
    limits: ConnectionLimits,
    numbers: RequestNumbers,
    listener: ConnectionListener,
  ) {
    this.server = server;
    this.#numbers = numbers;
    this.#ports = ports;
    this.#limits = limits;
    this.#listener = listener;
    this.#frames = new FrameSplitter(limits.maxReplyBytes);
    this.heardAt = ports.nowMs();
    this.sentAt = this.heardAt;
    this.#link = ports.dial(ip, server, {
      opened: () => {
        if (!this.#isGone) listener.opened();
      },
      received: (bytes) => this.#received(bytes),
      drained: () => {
        this.#isFull = false;
        if (!this.#isGone) listener.drained();
      },
      closed: (reason) => this.#lost(reason),
    });
  }

  /** Whether another request may be sent now; if not, `drained` will say when. */
  get hasRoom(): boolean {
    return !this.#isFull && !this.#isGone;
  }

  handshake(request: ConnectRequest): void {
    const at = beginFrame(this.#out);
    connectRequest.encode(this.#out, request);
    endFrame(this.#out, at);
    this.#flush();
  }

  /** Sends a request; the answer comes with `answered`. Returns why it cannot be sent, or null. */
  send(call: Call): string | null {
    const xid = this.#numbers.next;
    const fault = this.#encode(xid, call.operation.op, call.body);
    if (fault !== null) return fault;
    this.#numbers.take();
    call.xid = xid;
    call.state = CallState.sent;
    call.timesSent++;
    call.sentAt = this.#ports.nowMs();
    this.inFlight.push(call);
    return null;
  }

  sendAuth(scheme: string, auth: Uint8Array): void {
    this.#encode(SpecialXid.auth, 'auth', { type: 0, scheme, auth });
  }

  sendPing(): void {
    this.sentAt = this.#ports.nowMs();
    this.#encode(SpecialXid.ping, 'ping', null);
  }

  /** Drops the connection without a word to the listener. What was sent in this turn still leaves. */
  close(): void {
    if (this.#isGone) return;
    this.#flush();
    this.#isGone = true;
    this.#link.close();
  }

  #encode<Name extends RequestName>(xid: number, op: Name, body: RequestBodies[Name]): string | null {
    const out = this.#out;
    const at = beginFrame(out);
    try {
      out.int(xid);
      out.int(OpCode[op]);
      requests[op].encode(out, body);
    } catch (error) {
      // Half a request would spoil all that follow.
      out.length = at;
      return `the request cannot be encoded: ${(error as Error).message}`;
    }
    endFrame(out, at);
    const length = out.length - at - Int32Array.BYTES_PER_ELEMENT;
    if (length > this.#limits.maxRequestBytes) {
      out.length = at;
      return `the request has ${length} bytes, more than maxRequestBytes (${this.#limits.maxRequestBytes}) and the jute.maxbuffer of most servers`;
    }
    if (!this.#isFlushing) {
      // All that is asked for in one turn leaves in one write.
      this.#isFlushing = true;
      this.#ports.defer(this.#flushLater);
    }
    return null;
  }

  #flush(): void {
    if (this.#isGone || this.#out.length === 0) return;
    this.sentAt = this.#ports.nowMs();
    const bytes = this.#out.toBytes();
    if (this.#out.bytes.length > OUTPUT_BYTES) this.#out.replaceMemory(OUTPUT_BYTES);
    this.#out.length = 0;
    if (!this.#link.write(bytes)) this.#isFull = true;
  }

  #received(bytes: Uint8Array): void {
    if (this.#isGone) return;
    this.heardAt = this.#ports.nowMs();
    try {
      this.#frames.scan(bytes, this.#input, this.#takeFrame);
    } catch (error) {
      const due = this.inFlight.peek();
      if (error instanceof JuteError && error.reason === 'over-limit' && due !== undefined) {
        this.inFlight.shift();
        this.#listener.tooLong(due);
      }
      this.#link.close();
      this.#lost(error as Error);
    }
  }

  #frame(): void {
    const input = this.#input;
    if (!this.#isAttached) {
      this.#isAttached = true;
      // Apache's servers without a quorum answer so when they are not to have sessions of their own.
      if (input.remaining() === REPLY_HEADER_BYTES) {
        input.int();
        input.long();
        throw new Error(`the server refuses a session: ${errorCodeOf(input.int())}`);
      }
      this.#listener.attached(connectResponse.decode(input));
      return;
    }
    const xid = input.int();
    const zxid = input.long();
    const error = input.int();
    if (xid < 0) {
      if (xid === SpecialXid.watchEvent) {
        const { type, path } = watcherEvent.decode(input);
        this.#listener.event(type, path ?? '', zxid);
        return;
      }
      if (xid === SpecialXid.ping) {
        this.#listener.ponged(error);
        return;
      }
      if (xid === SpecialXid.auth) {
        this.#listener.authAnswered(error);
        return;
      }
    }
    const call = this.inFlight.peek();
    if (call === undefined || call.xid !== xid) {
      throw new Error(`request ${xid} was answered where ${call?.xid ?? 'none'} was due`);
    }
    this.inFlight.shift();
    let body: unknown = null;
    // Only SASL may have a body with an error.
    if (!call.isSettled && (error === ErrorCode.ok || (call.operation.op === 'sasl' && input.remaining() > 0))) {
      try {
        body = responses[call.operation.op].decode(input);
      } catch (reason) {
        this.#listener.garbled(call, reason as Error);
        throw reason;
      }
    }
    this.#listener.answered(call, error, zxid, body);
  }

  #lost(reason: Error | null): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#listener.lost(reason);
  }
}

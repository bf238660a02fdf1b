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
  Reader,
  type RequestBodies,
  type RequestName,
  replyHeader,
  SpecialXid,
  Writer,
  watcherEvent,
} from '@headkeeper/protocol';
import type { ClientPorts, Link, ServerAddress } from '../ports.ts';
import { type Call, CallState } from './call.ts';
import { CallQueue } from './call-queue.ts';

const OUTPUT_BYTES = 16 * 1024;
const LAST_XID = 0x7fffffff;

/** What a connection tells its session. Nothing comes after `lost`, or after `close`. */
export interface ConnectionListener {
  opened(): void;
  /** The answer to the handshake. */
  attached(response: ConnectResponse): void;
  /** `error` is an ErrorCode, or 0; `zxid` counts only if positive. */
  answered(call: Call, error: number, zxid: number, body: unknown): void;
  authAnswered(error: number): void;
  ponged(): void;
  event(type: number, path: string, zxid: number): void;
  drained(): void;
  lost(reason: Error | null): void;
}

/** One connection to one server: frames, the handshake, and answers matched to requests in their order. */
export class Connection {
  readonly server: ServerAddress;
  /** Sent and not answered. */
  readonly inFlight: CallQueue = new CallQueue();
  readonly #ports: ClientPorts;
  readonly #listener: ConnectionListener;
  readonly #link: Link;
  readonly #frames: FrameSplitter;
  readonly #out: Writer = new Writer(OUTPUT_BYTES);
  #isAttached = false;
  #isGone = false;
  #isFlushing = false;
  #isFull = false;
  #xid = 0;
  /** Monotonic milliseconds when bytes last came, and when some last left. */
  heardAt: number;
  sentAt: number;

  constructor(
    ports: ClientPorts,
    ip: string,
    server: ServerAddress,
    maxReplyBytes: number,
    listener: ConnectionListener,
  ) {
    this.server = server;
    this.#ports = ports;
    this.#listener = listener;
    this.#frames = new FrameSplitter(maxReplyBytes);
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

  /** Sends a request; the answer comes with `answered`. */
  send(call: Call): void {
    this.#xid = this.#xid === LAST_XID ? 1 : this.#xid + 1;
    call.xid = this.#xid;
    call.state = CallState.sent;
    call.sentAt = this.#ports.nowMs();
    this.inFlight.push(call);
    this.#encode(call.xid, call.operation.op, call.body);
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

  #encode<Name extends RequestName>(xid: number, op: Name, body: RequestBodies[Name]): void {
    const at = beginFrame(this.#out);
    encodeRequest(this.#out, xid, op, body);
    endFrame(this.#out, at);
    if (this.#isFlushing) return;
    // All that is asked for in one turn leaves in one write.
    this.#isFlushing = true;
    this.#ports.defer(() => {
      this.#isFlushing = false;
      this.#flush();
    });
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
      for (const frame of this.#frames.push(bytes)) {
        this.#frame(frame);
        if (this.#isGone) return;
      }
    } catch (error) {
      this.#link.close();
      this.#lost(error as Error);
    }
  }

  #frame(frame: Uint8Array): void {
    const input = new Reader(frame);
    if (!this.#isAttached) {
      this.#isAttached = true;
      this.#listener.attached(connectResponse.decode(input));
      return;
    }
    const header = replyHeader.decode(input);
    switch (header.xid) {
      case SpecialXid.ping:
        this.#listener.ponged();
        return;
      case SpecialXid.auth:
        this.#listener.authAnswered(header.err);
        return;
      case SpecialXid.watchEvent: {
        const { type, path } = watcherEvent.decode(input);
        this.#listener.event(type, path ?? '', header.zxid);
        return;
      }
    }
    const call = this.inFlight.shift();
    if (call === undefined || call.xid !== header.xid) {
      if (call !== undefined) this.inFlight.unshift([call]);
      throw new Error(`request ${header.xid} was answered where ${call?.xid ?? 'none'} was due`);
    }
    const body = call.isSettled ? null : decodeReplyBody(input, header, call.operation.op);
    this.#listener.answered(call, header.err, header.zxid, body);
  }

  #lost(reason: Error | null): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#listener.lost(reason);
  }
}

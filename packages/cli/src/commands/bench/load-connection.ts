import { connect, type Socket } from 'node:net';
import {
  beginFrame,
  connectRequest,
  connectResponse,
  encodeRequest,
  endFrame,
  FrameSplitter,
  OpCode,
  Reader,
  type RequestBodies,
  type RequestName,
  SpecialXid,
  Writer,
} from '@headkeeper/protocol';
import { CommandError } from '../../exit-codes.ts';
import { formatHostPort, type HostPort } from '../../host-port.ts';

const SESSION_TIMEOUT_MS = 30_000;
/** A power of two above the largest window. */
const SLOTS = 4096;
/** No reply is longer than a list of children; a server's replies have no limit. */
const MAX_REPLY_BYTES = 1 << 30;
const REPLY_HEADER_BYTES = 16;

export interface LoadListener {
  /** A reply came: the request's type, when it was sent (milliseconds of `performance.now`), its error code. */
  reply(connection: LoadConnection, type: number, sentAt: number, error: number): void;
  /** A watch event came. */
  event(): void;
  /** The connection is of no more use. Not called after `close`. */
  lost(why: CommandError): void;
}

/**
 * One session for loads: requests are only counted and timed, in the order in which a server must answer them. What is
 * sent while a chunk of replies is handled goes out in one write.
 */
export class LoadConnection {
  readonly #address: HostPort;
  readonly #listener: LoadListener;
  readonly #out: Writer = new Writer(4096);
  readonly #in: FrameSplitter = new FrameSplitter(MAX_REPLY_BYTES);
  readonly #sentAt: Float64Array = new Float64Array(SLOTS);
  readonly #types: Int32Array = new Int32Array(SLOTS);
  #socket: Socket | null = null;
  #opened: (() => void) | null = null;
  #handling = false;
  #xid = 0;
  #expected = 1;

  constructor(address: HostPort, listener: LoadListener) {
    this.#address = address;
    this.#listener = listener;
  }

  /** Requests without a reply. */
  get inFlight(): number {
    return this.#xid - this.#expected + 1;
  }

  /** Connects and opens a session; settles when the server has answered. Errors go to `lost`. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#opened = resolve;
      const socket = connect({ host: this.#address.host, port: this.#address.port, noDelay: true });
      this.#socket = socket;
      socket.on('data', (chunk) => this.#receive(chunk));
      socket.on('error', (error) => this.#lose(error.message === '' ? 'cannot connect' : error.message));
      socket.on('end', () => this.#lose('the server closed the connection'));
      const at = beginFrame(this.#out);
      connectRequest.encode(this.#out, {
        protocolVersion: 0,
        lastZxidSeen: 0,
        timeOut: SESSION_TIMEOUT_MS,
        sessionId: 0n,
        passwd: new Uint8Array(16),
        readOnly: false,
      });
      endFrame(this.#out, at);
      this.#flush();
    });
  }

  send<Name extends RequestName>(op: Name, body: RequestBodies[Name]): void {
    const xid = ++this.#xid;
    const at = beginFrame(this.#out);
    encodeRequest(this.#out, xid, op, body);
    endFrame(this.#out, at);
    this.#sentAt[xid & (SLOTS - 1)] = performance.now();
    this.#types[xid & (SLOTS - 1)] = OpCode[op];
    if (!this.#handling) this.#flush();
  }

  /** Cuts the connection; the session is left to expire unless closeSession was answered. */
  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }

  #receive(chunk: Uint8Array): void {
    this.#handling = true;
    try {
      for (const frame of this.#in.push(chunk)) {
        if (this.#socket === null) return;
        this.#frame(frame);
      }
    } finally {
      this.#handling = false;
      this.#flush();
    }
  }

  #frame(frame: Uint8Array): void {
    const opened = this.#opened;
    if (opened !== null) {
      if (connectResponse.decode(new Reader(frame)).timeOut <= 0) {
        this.#lose('the server refused the session');
        return;
      }
      this.#opened = null;
      opened();
      return;
    }
    if (frame.length < REPLY_HEADER_BYTES) {
      this.#lose(`the server sent a reply of ${frame.length} bytes`);
      return;
    }
    const view = new DataView(frame.buffer, frame.byteOffset, REPLY_HEADER_BYTES);
    const xid = view.getInt32(0);
    if (xid === SpecialXid.watchEvent) {
      this.#listener.event();
    } else if (xid !== this.#expected) {
      this.#lose(`the server answered request ${xid} where ${this.#expected} was due`);
    } else {
      this.#expected++;
      const slot = xid & (SLOTS - 1);
      this.#listener.reply(this, this.#types[slot]!, this.#sentAt[slot]!, view.getInt32(12));
    }
  }

  #flush(): void {
    if (this.#socket === null || this.#out.length === 0) return;
    this.#socket.write(this.#out.toBytes());
    this.#out.length = 0;
  }

  #lose(why: string): void {
    if (this.#socket === null) return;
    this.close();
    this.#listener.lost(new CommandError(`${formatHostPort(this.#address)}: ${why}`));
  }
}

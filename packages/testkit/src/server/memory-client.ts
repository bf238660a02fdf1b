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
} from '@headkeeper/protocol';
import type { ClientLink } from '@headkeeper/server/internal';

/** Where a server takes connections; its driver has this shape. */
export interface ClientDoor {
  open(link: ClientLink, address: string): number;
  data(connection: number, bytes: Uint8Array): void;
  closed(connection: number): void;
}

/** A reply's header and, when there was no error, its body. */
export interface Answer {
  readonly zxid: number;
  readonly error: number;
  readonly body: ResponseBodies[OpName] | null;
}

interface Waiting {
  readonly xid: number;
  readonly op: RequestName;
  readonly answered: (answer: Answer) => void;
}

const LONGEST_FRAME = 16 << 20;

/**
 * A client on the other end of a `ClientLink`, in memory: what it sends is in the server before `send` returns, what the
 * server sends is decoded at once. Replies must come in the order of the requests; a reply out of order is an error.
 */
export class MemoryClient implements ClientLink {
  readonly port = 40000;
  readonly unsentBytes = 0;
  /** The server has closed the connection. */
  closedByServer = false;
  /** Watch events received. */
  events = 0;
  readonly #door: ClientDoor;
  readonly #connection: number;
  readonly #frames: FrameSplitter = new FrameSplitter(LONGEST_FRAME);
  readonly #waiting: Waiting[] = [];
  #connected: ((response: ConnectResponse) => void) | null = null;
  #open = true;
  #xid = 0;

  constructor(door: ClientDoor, address = '127.0.0.1') {
    this.#door = door;
    this.#connection = door.open(this, address);
  }

  /** Requests without an answer. */
  get outstanding(): number {
    return this.#waiting.length;
  }

  connect(request: ConnectRequest, connected: (response: ConnectResponse) => void): void {
    this.#connected = connected;
    this.#write((out) => connectRequest.encode(out, request));
  }

  request<Name extends RequestName>(op: Name, body: RequestBodies[Name], answered: (answer: Answer) => void): void {
    const xid = op === 'ping' ? SpecialXid.ping : ++this.#xid;
    this.#waiting.push({ xid, op, answered });
    this.#write((out) => encodeRequest(out, xid, op, body));
  }

  /** Ends the connection from the client's side, or takes notice that the server has closed it. */
  disconnect(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#door.closed(this.#connection);
  }

  send(out: Writer): void {
    const bytes = out.toBytes();
    out.length = 0;
    if (!this.#open || this.closedByServer) return;
    for (const frame of this.#frames.push(bytes)) this.#received(new Reader(frame));
  }

  close(): void {
    this.closedByServer = true;
  }

  pause(): void {}

  resume(): void {}

  #write(encode: (out: Writer) => void): void {
    const out = new Writer();
    const at = beginFrame(out);
    encode(out);
    endFrame(out, at);
    this.#door.data(this.#connection, out.written());
  }

  #received(frame: Reader): void {
    const connected = this.#connected;
    if (connected !== null) {
      this.#connected = null;
      connected(connectResponse.decode(frame));
      return;
    }
    const header = replyHeader.decode(frame);
    if (header.xid === SpecialXid.watchEvent) {
      this.events++;
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting === undefined || waiting.xid !== header.xid) {
      throw new Error(`the server answers request ${header.xid}, ${waiting?.xid ?? 'none'} is the next`);
    }
    const body = decodeReplyBody(frame, header, waiting.op);
    waiting.answered({ zxid: header.zxid, error: header.err, body });
  }
}

import { connect, type Socket } from 'node:net';
import {
  beginFrame,
  type ConnectResponse,
  connectRequest,
  connectResponse,
  decodeReplyBody,
  encodeRequest,
  endFrame,
  FrameSplitter,
  JuteError,
  Reader,
  type RequestBodies,
  type RequestName,
  type ResponseBodies,
  replyHeader,
  SpecialXid,
  Writer,
} from '@headkeeper/protocol';
import { CommandError } from '../exit-codes.ts';
import { formatHostPort, type HostPort } from '../host-port.ts';
import { RequestError } from './request-error.ts';

/** A server's replies have no limit; a list of children can be long. */
const MAX_REPLY_BYTES = 1 << 30;

interface Waiting {
  readonly xid: number;
  readonly op: RequestName;
  readonly path: string | null;
  settle(error: Error | null, body: unknown): void;
}

/** The connection is of no more use; what was asked for last may have been done or not. */
export class ConnectionLost extends CommandError {
  constructor(message: string) {
    super(message);
    this.name = 'ConnectionLost';
  }
}

/**
 * One session on one connection: it ends when the connection does. Requests may be sent without waiting for the replies
 * of those before; a server answers them in order. Pings keep the session while nothing else is asked.
 */
export class Session {
  readonly server: HostPort;
  readonly #socket: Socket;
  readonly #in: FrameSplitter = new FrameSplitter(MAX_REPLY_BYTES);
  readonly #waiting: Waiting[] = [];
  #out: Writer = new Writer(4096);
  #opened: ((outcome: ConnectResponse | Error) => void) | null = null;
  #lost: ConnectionLost | null = null;
  #pings: NodeJS.Timeout | null = null;
  #silentSince = 0;
  #xid = 0;
  #flushing = false;
  #timeoutMs = 0;

  private constructor(server: HostPort, socket: Socket) {
    this.server = server;
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(error.message === '' ? 'cannot connect' : error.message));
    socket.on('end', () => this.#lose('the server closed the connection'));
  }

  /**
   * Connects to one server and opens a session.
   *
   * @param timeoutMs the session timeout asked for, and how long connecting may take.
   * @throws ConnectionLost when it cannot be had.
   */
  static async open(server: HostPort, timeoutMs: number): Promise<Session> {
    const socket = connect({ host: server.host, port: server.port, noDelay: true });
    const session = new Session(server, socket);
    const timer = setTimeout(() => session.#lose(`no answer within ${timeoutMs} ms`), timeoutMs);
    const outcome = await new Promise<ConnectResponse | Error>((resolve) => {
      session.#opened = resolve;
      const at = beginFrame(session.#out);
      connectRequest.encode(session.#out, {
        protocolVersion: 0,
        lastZxidSeen: 0,
        timeOut: timeoutMs,
        sessionId: 0n,
        passwd: new Uint8Array(16),
        readOnly: false,
      });
      endFrame(session.#out, at);
      session.#flush();
    });
    clearTimeout(timer);
    if (outcome instanceof Error) throw outcome;
    session.#begin(outcome.timeOut);
    return session;
  }

  /**
   * Sends a request and waits for its reply.
   *
   * @param path the znode that errors name; null for none.
   * @throws RequestError for a server's error, ConnectionLost.
   */
  request<Name extends RequestName>(
    op: Name,
    body: RequestBodies[Name],
    path: string | null,
  ): Promise<ResponseBodies[Name]> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== null) {
        reject(this.#lost);
        return;
      }
      const xid = op === 'auth' ? SpecialXid.auth : ++this.#xid;
      this.#send(xid, op, body);
      this.#waiting.push({
        xid,
        op,
        path,
        settle: (error, answer) => (error === null ? resolve(answer as ResponseBodies[Name]) : reject(error)),
      });
    });
  }

  /** Ends the session and the connection. Never throws. */
  async close(): Promise<void> {
    if (this.#lost === null) {
      try {
        await this.request('closeSession', null, null);
      } catch {
        // The connection has gone before: the server lets the session expire.
      }
    }
    this.#lose('the connection was closed');
  }

  #begin(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.#silentSince = performance.now();
    this.#pings = setInterval(() => this.#ping(), timeoutMs / 3);
    this.#pings.unref();
  }

  #ping(): void {
    if (performance.now() - this.#silentSince > this.#timeoutMs) {
      this.#lose(`the server has not answered for ${this.#timeoutMs} ms`);
      return;
    }
    this.#send(SpecialXid.ping, 'ping', null);
  }

  #send<Name extends RequestName>(xid: number, op: Name, body: RequestBodies[Name]): void {
    const at = beginFrame(this.#out);
    encodeRequest(this.#out, xid, op, body);
    endFrame(this.#out, at);
    if (this.#flushing) return;
    // What is asked for in the same turn leaves in one write.
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#lost !== null || this.#out.length === 0) return;
    this.#socket.write(this.#out.toBytes());
    this.#out.length = 0;
  }

  #receive(chunk: Uint8Array): void {
    this.#silentSince = performance.now();
    try {
      for (const frame of this.#in.push(chunk)) {
        if (this.#lost !== null) return;
        this.#frame(frame);
      }
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#lose(`it sent something that is no reply: ${error.message}`);
    }
  }

  #frame(frame: Uint8Array): void {
    const input = new Reader(frame);
    const opened = this.#opened;
    if (opened !== null) {
      const answer = connectResponse.decode(input);
      if (answer.timeOut <= 0) {
        this.#lose('the server refused the session');
        return;
      }
      this.#opened = null;
      opened(answer);
      return;
    }
    const header = replyHeader.decode(input);
    if (header.xid === SpecialXid.watchEvent || header.xid === SpecialXid.ping) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined || waiting.xid !== header.xid) {
      this.#lose(`it answered request ${header.xid} where ${waiting?.xid ?? 'none'} was due`);
      waiting?.settle(this.#lost, null);
      return;
    }
    if (header.err !== 0) waiting.settle(new RequestError(header.err, waiting.op, waiting.path), null);
    else waiting.settle(null, decodeReplyBody(input, header, waiting.op));
  }

  #lose(why: string): void {
    if (this.#lost !== null) return;
    const lost = new ConnectionLost(`${formatHostPort(this.server)}: ${why}`);
    this.#lost = lost;
    this.#socket.destroy();
    if (this.#pings !== null) clearInterval(this.#pings);
    this.#opened?.(lost);
    for (const waiting of this.#waiting.splice(0)) waiting.settle(lost, null);
  }
}

/**
 * A client that writes one small value after another, keeps its session over lost connections, and says when the first
 * write that it began after a given moment was acknowledged.
 */

import { connect, type Socket } from 'node:net';
import {
  beginFrame,
  CreateMode,
  connectRequest,
  connectResponse,
  ErrorCode,
  encodeRequest,
  endFrame,
  FrameSplitter,
  Reader,
  replyHeader,
  WORLD_ANYONE_ALL,
  Writer,
} from '@headkeeper/protocol';

const sessionTimeoutMs = 30_000;
/** A server that takes the connection and then says nothing is left for the next one. */
const handshakeTimeoutMs = 1000;
/** Pause before the next server is tried, and between two writes. */
const retryMs = 5;
const pauseMs = 2;
const longestFrame = 1 << 20;
const noPassword: Uint8Array = new Uint8Array(16);

export interface WriterOptions {
  /** Client ports, tried in turn from the first. */
  readonly ports: readonly number[];
  /** A znode below the root, created by the first write if need be. */
  readonly path: string;
}

export class SteadyWriter {
  /** Writes acknowledged. */
  acknowledged = 0;
  /** Sessions that a server did not know any more. */
  sessionsLost = 0;
  readonly #options: WriterOptions;
  #server = 0;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #attached = false;
  #frames: FrameSplitter = new FrameSplitter(longestFrame);
  #sessionId = 0n;
  #password: Uint8Array = noPassword;
  #seenZxid = 0;
  #xid = 0;
  #created = false;
  #sentAt = 0;
  #awaitedFrom = Number.POSITIVE_INFINITY;
  #onAcknowledged: (atMs: number) => void = () => {};

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#connect();
  }

  /** Times of `performance.now()`: resolves with that of the answer to the first write begun after `fromMs`. */
  writtenAfter(fromMs: number, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const port = this.#options.ports[this.#server % this.#options.ports.length];
      const late = (): void => reject(new Error(`no write was acknowledged in ${timeoutMs} ms; last tried: ${port}`));
      const timer = setTimeout(late, timeoutMs);
      this.#awaitedFrom = fromMs;
      this.#onAcknowledged = (atMs) => {
        clearTimeout(timer);
        this.#awaitedFrom = Number.POSITIVE_INFINITY;
        resolve(atMs);
      };
    });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #connect(): void {
    const { ports } = this.#options;
    const socket = connect({ host: '127.0.0.1', port: ports[this.#server % ports.length]!, noDelay: true });
    this.#socket = socket;
    this.#attached = false;
    this.#frames = new FrameSplitter(longestFrame);
    socket.on('error', () => {});
    socket.on('close', () => this.#lost());
    socket.on('data', (bytes: Uint8Array) => {
      for (const frame of this.#frames.push(bytes)) this.#frame(new Reader(frame));
    });
    this.#timer = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    const out = new Writer();
    const at = beginFrame(out);
    connectRequest.encode(out, {
      protocolVersion: 0,
      lastZxidSeen: this.#seenZxid,
      timeOut: sessionTimeoutMs,
      sessionId: this.#sessionId,
      passwd: this.#password,
      readOnly: false,
    });
    endFrame(out, at);
    socket.write(out.toBytes());
  }

  #lost(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#server++;
    this.#timer = setTimeout(() => this.#connect(), retryMs);
  }

  #frame(frame: Reader): void {
    if (!this.#attached) this.#welcome(frame);
    else {
      const header = replyHeader.decode(frame);
      if (header.xid === this.#xid) this.#answered(header.zxid, header.err);
    }
  }

  #welcome(frame: Reader): void {
    const response = connectResponse.decode(frame);
    clearTimeout(this.#timer);
    if (response.timeOut === 0) {
      this.sessionsLost++;
      this.#sessionId = 0n;
      this.#password = noPassword;
      this.#socket?.destroy();
      return;
    }
    this.#attached = true;
    this.#sessionId = response.sessionId;
    this.#password = (response.passwd ?? noPassword).slice();
    this.#write();
  }

  #answered(zxid: number, error: number): void {
    if (error !== ErrorCode.ok && error !== ErrorCode.nodeExists) throw new Error(`a write was answered with ${error}`);
    const now = performance.now();
    this.#created = true;
    this.#seenZxid = Math.max(this.#seenZxid, zxid);
    this.acknowledged++;
    if (this.#sentAt > this.#awaitedFrom) this.#onAcknowledged(now);
    this.#timer = setTimeout(() => this.#write(), pauseMs);
  }

  #write(): void {
    const { path } = this.#options;
    const data = new Uint8Array(100);
    const out = new Writer();
    const at = beginFrame(out);
    this.#xid++;
    if (this.#created) encodeRequest(out, this.#xid, 'setData', { path, data, version: -1 });
    else encodeRequest(out, this.#xid, 'create', { path, data, acl: WORLD_ANYONE_ALL, flags: CreateMode.persistent });
    endFrame(out, at);
    this.#sentAt = performance.now();
    this.#socket?.write(out.toBytes());
  }
}

import { connect, type Socket } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What became of one request. */
export type Outcome = 'reply' | 'closed' | 'silence';

const WATCH_EVENT = -1;

/**
 * One TCP connection, spoken to in frames. Frames that arrive are kept in order until `take` collects them; whether a
 * frame is an event or a reply is told by its first int, which is why no request may use xid -1.
 */
export class Link {
  #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #frames: Buffer[] = [];
  #replies = 0;
  #wanted = 0;
  #wake: ((outcome: Outcome) => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('error', () => this.#ended());
    socket.on('close', () => this.#ended());
    socket.on('end', () => this.#ended());
  }

  static open(endpoint: Endpoint): Promise<Link> {
    return new Promise((resolve, reject) => {
      const socket = connect(endpoint.port, endpoint.host);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Link(socket));
      });
    });
  }

  send(frame: Uint8Array): void {
    if (!this.closed) this.#socket.write(frame);
  }

  /** Waits until `count` replies have arrived since the last `take`, or the connection ended, or `limit` ms passed. */
  wait(count: number, limit: number): Promise<Outcome> {
    if (this.#replies >= count) return Promise.resolve('reply');
    if (this.closed) return Promise.resolve('closed');
    return new Promise((resolve) => {
      this.#wanted = count;
      this.#wake = resolve;
      this.#timer = setTimeout(() => this.#settle('silence'), limit);
    });
  }

  /** Waits until the server has closed the connection. */
  waitClosed(limit: number): Promise<Outcome> {
    return this.wait(Number.POSITIVE_INFINITY, limit);
  }

  /** All frames since the last call (without their length prefix), events and replies in order of arrival. */
  take(): Buffer[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#replies = 0;
    return frames;
  }

  destroy(): void {
    this.#socket.destroy();
    this.#ended();
  }

  #received(chunk: Buffer): void {
    const data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    while (data.length - at >= 4) {
      const length = data.readInt32BE(at);
      if (data.length - at - 4 < length) break;
      const frame = data.subarray(at + 4, at + 4 + length);
      this.#frames.push(frame);
      if (length < 4 || frame.readInt32BE(0) !== WATCH_EVENT) this.#replies++;
      at += 4 + length;
    }
    this.#pending = data.subarray(at);
    if (this.#wake !== null && this.#replies >= this.#wanted) this.#settle('reply');
  }

  #ended(): void {
    this.closed = true;
    this.#settle('closed');
  }

  #settle(outcome: Outcome): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const wake = this.#wake;
    this.#wake = null;
    wake?.(outcome);
  }
}

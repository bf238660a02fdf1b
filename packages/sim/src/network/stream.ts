import type { Endpoint, PeerStream, PeerStreamHandler } from '@headkeeper/server/internal';
import { EventKind } from '../world/event-queue.ts';
import { SECOND, type World } from '../world/world.ts';
import type { Host, HostStream } from './host.ts';
import type { Pipe, PipeEnd } from './pipe.ts';
import type { StreamTap } from './stream-tap.ts';

/** An error as the operating system makes them. */
export class SimulatedNetworkError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`${code}: simulated network`);
    this.name = 'SimulatedNetworkError';
    this.code = code;
  }
}

/** One of each is enough, and a stack is dear. */
const ERRORS: Map<string, SimulatedNetworkError> = new Map();

export function networkError(code: string): SimulatedNetworkError {
  let error = ERRORS.get(code);
  if (error === undefined) {
    error = new SimulatedNetworkError(code);
    ERRORS.set(code, error);
  }
  return error;
}

/** How long the operating system keeps an ended stream whose other side does not answer. */
const LINGER = 30 * SECOND;

/** One end of a stream, as the process on its host sees it. */
export class Stream implements PeerStream, HostStream, PipeEnd {
  readonly remote: Endpoint;
  readonly host: Host;
  readonly world: World;
  /** Hears what this end writes. */
  tap: StreamTap | null = null;
  handler: PeerStreamHandler | null = null;
  /** Null until the connection is made. */
  outgoing: Pipe | null = null;
  incoming: Pipe | null = null;
  #state: 'connecting' | 'open' | 'ending' | 'closed' = 'connecting';
  #paused = false;
  /** Whether an arrival waits for the process to read. */
  #pending: (() => void) | null = null;

  constructor(world: World, host: Host, remote: Endpoint) {
    this.world = world;
    this.host = host;
    this.remote = remote;
    host.streams.add(this);
  }

  /** Whether the process still holds this end. */
  get isThere(): boolean {
    return this.#state !== 'closed';
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting';
  }

  get unsentBytes(): number {
    return this.outgoing?.unsentBytes ?? 0;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== 'open' || end <= start || this.host.isDying()) return;
    const { tap, outgoing } = this;
    tap?.written(bytes, start, end);
    if (tap?.divert === undefined) outgoing?.write(bytes, start, end);
    else tap.divert(bytes, start, end, (piece, from, to) => outgoing?.write(piece, from, to));
  }

  close(): void {
    if (this.#state === 'connecting') {
      this.destroy();
      return;
    }
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.outgoing?.end('fin');
    this.resume();
    const linger = (): void => {
      if (this.#state === 'ending') this.closedBy('ETIMEDOUT');
    };
    this.world.after(LINGER, EventKind.stream, this.host.index, () => this.host.dispatch(linger));
  }

  destroy(): void {
    if (this.#state === 'closed') return;
    this.outgoing?.end('reset');
    this.#gone();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    this.world.after(0, EventKind.data, this.host.index, () => this.whenReading(pending));
  }

  /** The connection is made; the handler hears of it. */
  open(): void {
    this.#state = 'open';
    this.handler?.opened();
    if (!this.#paused) this.resume();
  }

  /** Marks a stream whose handler will come once the process accepts it. */
  establish(): void {
    this.#state = 'open';
  }

  /** Runs the arrival of bytes now, or as soon as the process reads. */
  whenReading(arrive: () => void): void {
    if (this.#state === 'closed') return;
    if (this.#paused || this.handler === null || this.#state === 'connecting') {
      this.#pending = arrive;
      return;
    }
    this.host.dispatch(() => {
      if (this.#paused) this.#pending = arrive;
      else if (this.#state !== 'closed') arrive();
    });
  }

  /** A handler has been found. */
  accepted(handler: PeerStreamHandler): void {
    this.handler = handler;
    handler.opened();
    if (!this.#paused) this.resume();
  }

  received(bytes: Uint8Array): void {
    this.handler?.data(bytes);
  }

  /** The other side has written its last. */
  endedByPeer(): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') this.outgoing?.end('fin');
    this.closedBy(null);
  }

  /** The other machine says that it knows nothing of this stream. */
  resetByPeer(): void {
    const { link } = this.incoming as Pipe;
    if (link.state === 'silent') return;
    this.world.after(link.drawDelay(), EventKind.stream, this.host.index, () => {
      this.host.dispatch(() => this.closedBy('ECONNRESET'));
    });
  }

  drainedByNetwork(): void {
    this.host.dispatch(() => {
      if (this.#state === 'open') this.handler?.drained();
    });
  }

  /** The process hears that the stream is gone; to be called inside a dispatch. */
  closedBy(code: string | null): void {
    if (this.#state === 'closed') return;
    this.#gone();
    this.handler?.closed(code === null ? null : networkError(code));
  }

  /** The process is gone; its machine ends the stream for it, or, without power, says nothing at all. */
  orphaned(how: 'fin' | 'reset' | 'silence'): void {
    if (this.#state === 'closed') return;
    if (how === 'silence') this.outgoing?.cutAtRandom();
    else this.outgoing?.end(how);
    this.#gone();
  }

  #gone(): void {
    this.#state = 'closed';
    this.#pending = null;
    this.host.streams.delete(this);
    this.tap?.closed();
  }
}

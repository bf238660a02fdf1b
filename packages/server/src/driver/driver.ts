import type { Event } from '../core/events.ts';
import type { Append, Ready } from '../core/ready.ts';
import type { Replica } from '../core/replica.ts';
import { limits } from '../limits.ts';
import type { ClientLink, Clock, Journal, JournalListener, SnapshotStore } from '../ports.ts';
import { SnapshotRunner } from './snapshot-runner.ts';

export interface DriverOptions {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly snapshots: SnapshotStore;
  /** Makes the journal, which reports to the driver. */
  readonly journal: (listener: JournalListener) => Journal;
  /** Calls back after this turn of the loop (`setImmediate`). */
  readonly defer: (fn: () => void) => void;
  readonly listener: DriverListener;
}

export interface DriverListener {
  /** The server can no longer do its duty; nothing has been acknowledged after it. Called once. */
  fatal(error: Error): void;
  snapshotWritten(zxid: number): void;
}

/** No connection, or more than one. */
const NOBODY = -1;
const SEVERAL = -2;
/** Flushes in a row that must be for the same connection before it counts as the only one. */
const LONE_FLUSHES = 4;

/**
 * The loop around the core: hands it events, stamped with the time, and carries out each Ready in its stated order. All
 * calls are made from one thread; completions that arrive while the core is stepping wait for their turn.
 */
export class Driver implements JournalListener {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #snapshots: SnapshotRunner;
  readonly #defer: (fn: () => void) => void;
  readonly #listener: DriverListener;
  readonly #links: (ClientLink | null)[] = [];
  readonly #freeIds: number[] = [];
  /** Connections whose reading is stopped because the core asked for it. */
  readonly #paused: Set<number> = new Set();
  #linkCount = 0;
  #stepping = false;
  readonly #waiting: Event[] = [];
  #flushScheduled = false;
  /** Generation of the role whose txns the journal holds. */
  #askedIn = 0;
  /** The connection that was heard since the last flush, `NOBODY`, or `SEVERAL`. */
  #heard = NOBODY;
  /** The connection that was heard alone before the last flush, and for how many flushes before that. */
  #lonely = NOBODY;
  #loneFlushes = 0;
  #failed = false;
  #stopping: (() => void) | null = null;

  constructor(options: DriverOptions) {
    this.#replica = options.replica;
    this.#clock = options.clock;
    this.#defer = options.defer;
    this.#listener = options.listener;
    this.#journal = options.journal(this);
    this.#snapshots = new SnapshotRunner(options.snapshots, options.defer, {
      slice: (generation, znodes) => this.#step({ kind: 'snapshotSlice', generation, znodes, ...this.#time() }),
      isRunning: () => this.#replica.snapshotRunning,
      written: (zxid, error) => {
        if (error === null) options.listener.snapshotWritten(zxid);
        else this.#fail(error);
      },
    });
  }

  /** Open connections. */
  get linkCount(): number {
    return this.#linkCount;
  }

  /** The link of a connection, or null. */
  link(connection: number): ClientLink | null {
    return this.#links[connection] ?? null;
  }

  /** A client has connected; returns the number by which it is known from now on. */
  open(link: ClientLink, address: string): number {
    const connection = this.#freeIds.pop() ?? this.#links.length;
    this.#links[connection] = link;
    this.#linkCount++;
    this.#step({ kind: 'clientOpen', connection, address, ...this.#time() });
    return connection;
  }

  /** Bytes from a client; they need stay valid only during the call. */
  data(connection: number, bytes: Uint8Array): void {
    if (this.#stopping !== null) return;
    if (this.#heard !== connection) this.#heard = this.#heard === NOBODY ? connection : SEVERAL;
    this.#step({
      kind: 'clientData',
      connection,
      bytes,
      nowMs: this.#clock.monotonicMs(),
      wallMs: this.#clock.wallMs(),
    });
    const link = this.#links[connection];
    if (link !== null && link !== undefined) this.#setPause(connection, link, this.#replica.wantsPause(connection));
  }

  /** The network has taken everything that a client was sent. */
  drained(connection: number): void {
    const link = this.#links[connection] ?? null;
    if (link === null || this.#stopping !== null || !this.#replica.isOutputFull(connection)) return;
    this.#step({ kind: 'clientDrained', connection, ...this.#time() });
    this.#setPause(connection, link, this.#replica.wantsPause(connection));
  }

  /** A client is gone. */
  closed(connection: number): void {
    this.#step({ kind: 'clientClose', connection, ...this.#time() });
    this.#links[connection] = null;
    this.#paused.delete(connection);
    this.#freeIds.push(connection);
    this.#linkCount--;
  }

  tick(): void {
    if (this.#stopping !== null) return;
    this.#step({ kind: 'tick', ...this.#time() });
  }

  durable(lastZxid: number): void {
    if (this.#failed) return;
    this.#step({ kind: 'durable', generation: this.#askedIn, zxid: lastZxid, ...this.#time() });
    if (this.#stopping !== null && this.#replica.outstanding === 0) this.#finishStopping();
  }

  failed(error: Error): void {
    this.#fail(error);
  }

  /** Begins a snapshot of the state as it is. */
  snapshot(): void {
    this.#replica.beginSnapshot();
    this.#run(this.#replica.takeReady());
  }

  /**
   * Stops gracefully: what is logged is acknowledged, nothing more is read, then the links close. Calls `done` when the
   * journal is closed.
   */
  stop(done: (error: Error | null) => void): void {
    this.#stopping = () => {
      for (const link of this.#links) link?.close();
      this.#snapshots.abort();
      this.#journal.close(done);
    };
    if (this.#replica.outstanding === 0 || this.#failed) this.#finishStopping();
    else this.#journal.flush(false);
  }

  #finishStopping(): void {
    const finish = this.#stopping;
    this.#stopping = () => {};
    finish?.();
  }

  #time(): { nowMs: number; wallMs: number } {
    return { nowMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }

  #step(event: Event): void {
    if (this.#failed) return;
    if (this.#stepping) {
      this.#waiting.push(event.kind === 'clientData' ? { ...event, bytes: event.bytes.slice() } : event);
      return;
    }
    this.#stepping = true;
    try {
      this.#replica.step(event);
      this.#run(this.#replica.takeReady());
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        this.#replica.step(next);
        this.#run(this.#replica.takeReady());
      }
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#stepping = false;
    }
  }

  /** Carries out a Ready in its stated order. */
  #run(ready: Ready): void {
    if (ready.roll) this.#journal.roll();
    if (ready.append.length > 0) {
      this.#askedIn = ready.generation;
      this.#append(ready.append);
    }
    for (const connection of ready.output) {
      const link = this.#links[connection.id];
      if (link !== null && link !== undefined) {
        link.send(connection.out);
        if (connection.outputFull && link.unsentBytes <= limits.outputHighWater) {
          this.#defer(() => this.#links[connection.id] === link && this.drained(connection.id));
        }
        this.#setPause(connection.id, link, this.#replica.wantsPause(connection.id));
      } else connection.out.length = 0;
    }
    for (const connection of ready.close) this.#links[connection.id]?.close();
    this.#snapshots.run(ready.snapshot, ready.generation);
  }

  #append(appends: readonly Append[]): void {
    for (const { bytes, start, end, firstZxid, lastZxid } of appends) {
      this.#journal.append(bytes, start, end, firstZxid, lastZxid);
    }
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#defer(() => {
      this.#flushScheduled = false;
      const lone = this.#isLone();
      this.#heard = NOBODY;
      if (!this.#failed) this.#journal.flush(lone);
    });
  }

  /** Whether one connection alone has been heard for a while, so that nobody else is held up by a synchronous sync. */
  #isLone(): boolean {
    if (this.#heard !== SEVERAL && this.#heard === this.#lonely) this.#loneFlushes++;
    else this.#loneFlushes = 0;
    this.#lonely = this.#heard;
    return this.#loneFlushes >= LONE_FLUSHES;
  }

  #setPause(id: number, link: ClientLink, wanted: boolean): void {
    if (wanted === this.#paused.has(id)) return;
    if (wanted) {
      this.#paused.add(id);
      link.pause();
    } else {
      this.#paused.delete(id);
      link.resume();
    }
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#listener.fatal(error);
    if (this.#stopping !== null) this.#finishStopping();
  }
}

import type { Replica } from '../../core/replica.ts';
import type { Timers } from '../../ports.ts';

export interface SnapshotOrdersOptions {
  readonly replica: Replica;
  /** The driver: begins a snapshot of the present state, unless one is being written. */
  readonly driver: { snapshot(): void };
  readonly timers: Timers;
  /** Whether this server's state is committed. */
  readonly isSettled: () => boolean;
}

interface Order {
  readonly resolve: (zxid: number) => void;
  readonly reject: (error: Error) => void;
}

const LOOK_MS = 100;
/** A snapshot that was begun and abandoned, as when the state is replaced, is given up after this. */
const LONGEST_WRITE_MS = 60_000;

/**
 * Has snapshots written for backups. One that was begun for another reason does not count: a state that came from a leader of
 * Apache ZooKeeper need not be that of its zxid, whereas one begun here by a server that serves is.
 */
export class SnapshotOrders {
  readonly #options: SnapshotOrdersOptions;
  #orders: Order[] = [];
  /** Zxid of the snapshot that was begun for the orders. */
  #expected: number | null = null;
  #waitedMs = 0;

  constructor(options: SnapshotOrdersOptions) {
    this.#options = options;
  }

  /** Resolves with the zxid of a snapshot that is begun from now on, once its file is complete. */
  order(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#orders.push({ resolve, reject });
      if (this.#orders.length === 1) this.#look();
    });
  }

  /** A snapshot file is complete. */
  written(zxid: number): void {
    if (zxid !== this.#expected) return;
    this.#expected = null;
    for (const { resolve } of this.#orders.splice(0)) resolve(zxid);
  }

  #look(): void {
    if (this.#orders.length === 0) return;
    const problem = this.#expected === null ? this.#begin() : this.#wait();
    if (problem === null) this.#options.timers.set(LOOK_MS, () => this.#look());
    else this.#fail(problem);
  }

  /** Begins the snapshot, if none is in the way; what is wrong, or null. */
  #begin(): string | null {
    const { replica, driver, isSettled } = this.#options;
    const { snapshots } = replica.pipeline;
    if (!isSettled()) return 'this server has no leader, so that its state may not be the committed one';
    if (snapshots.running || snapshots.receiving) return null;
    const zxid = replica.serving.lastZxid;
    driver.snapshot();
    // Not so while the state is being sent to another server: the next look tries again.
    if (!snapshots.running) return null;
    this.#expected = zxid;
    this.#waitedMs = 0;
    return null;
  }

  #wait(): string | null {
    const { isDue, runningZxid } = this.#options.replica.pipeline.snapshots;
    // One that gave way to a server that needs the state begins again, with a later zxid.
    if (runningZxid !== null) this.#expected = runningZxid;
    if (runningZxid !== null || isDue) return null;
    this.#waitedMs += LOOK_MS;
    return this.#waitedMs > LONGEST_WRITE_MS ? 'the snapshot was given up, as this server changed its role' : null;
  }

  #fail(why: string): void {
    this.#expected = null;
    for (const { reject } of this.#orders.splice(0)) reject(new Error(`no full backup: ${why}; it is tried again`));
  }
}

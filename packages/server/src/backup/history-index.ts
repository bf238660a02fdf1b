import { counterOf } from '@headkeeper/protocol';
import type { Catalogue, FullEntry, LogEntry } from './catalogue.ts';

/** Finds what a catalogue holds around a zxid. */
export class HistoryIndex {
  readonly #fulls: readonly FullEntry[];
  readonly #logs: readonly LogEntry[];
  /** The greatest last zxid of the logs up to each place. */
  readonly #reach: Float64Array;
  /** Of the logs that begin an epoch: what is said to come right before it, by the first zxid. */
  readonly #before: Map<number, Set<number>> = new Map();

  constructor(catalogue: Catalogue) {
    this.#fulls = catalogue.fulls;
    this.#logs = catalogue.logs;
    this.#reach = new Float64Array(this.#logs.length);
    let reach = -1;
    for (const [i, { afterZxid, firstZxid, lastZxid }] of this.#logs.entries()) {
      reach = Math.max(reach, lastZxid);
      this.#reach[i] = reach;
      if (counterOf(firstZxid) !== 1) continue;
      const before = this.#before.get(firstZxid) ?? new Set();
      this.#before.set(firstZxid, before.add(afterZxid));
    }
  }

  /** The piece of log that holds this txn and begins earliest; null when none does. */
  logHolding(zxid: number): LogEntry | null {
    const at = firstWhere(this.#logs.length, (i) => (this.#reach[i] ?? 0) >= zxid);
    const log = this.#logs[at];
    return log !== undefined && log.firstZxid <= zxid ? log : null;
  }

  /** A full backup of exactly this zxid. */
  fullAt(zxid: number): FullEntry | null {
    const full = this.newestFullUpTo(zxid);
    return full?.zxid === zxid ? full : null;
  }

  /** The full backup with the greatest zxid up to this one, whatever history it belongs to. */
  newestFullUpTo(zxid: number): FullEntry | null {
    const beyond = firstWhere(this.#fulls.length, (i) => (this.#fulls[i]?.zxid ?? 0) > zxid);
    return this.#fulls[beyond - 1] ?? null;
  }

  /**
   * What can come right before the txn `firstZxid`, the most likely first: the counter before; for the first txn of an epoch
   * whatever the pieces of log that begin with it say, and a full backup made before that txn. They are the same state,
   * unless two histories have used one epoch.
   */
  before(firstZxid: number): number[] {
    if (counterOf(firstZxid) !== 1) return [firstZxid - 1];
    const before = new Set(this.#before.get(firstZxid));
    if (this.fullAt(firstZxid - 1) !== null) before.add(firstZxid - 1);
    return [...before].sort((a, b) => b - a);
  }

  /** The greatest zxid below this one that anything holds; null when there is none. */
  newestBelow(zxid: number): number | null {
    let newest = this.newestFullUpTo(zxid - 1)?.zxid ?? null;
    for (const { firstZxid, lastZxid } of this.#logs) {
      if (firstZxid >= zxid) break;
      const last = Math.min(lastZxid, zxid - 1);
      if (newest === null || last > newest) newest = last;
    }
    return newest;
  }
}

/** The first place at which the test holds, which then holds at all later ones; `count` when it nowhere does. */
function firstWhere(count: number, test: (at: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

import { zxidText } from '../core/log/recovery-refused.ts';
import { BackupError } from './backup-error.ts';
import type { Catalogue, FullEntry, LogEntry } from './catalogue.ts';
import { HistoryIndex } from './history-index.ts';
import { counterOf } from './naming.ts';

/** A piece of log in a chain, of which only the txns from behind `afterZxid` up to `toZxid` are used. */
export interface ChainPart {
  readonly log: LogEntry;
  readonly afterZxid: number;
  readonly toZxid: number;
}

/** What leads to the state at a zxid: a full backup, and the log from there. */
export interface Chain {
  readonly kind: 'chain';
  readonly full: FullEntry;
  /** In the order of the history, each going on where the one before ends. */
  readonly parts: readonly ChainPart[];
  readonly toZxid: number;
}

/** Nothing leads to the state at a zxid: txns are missing on the way. */
export interface Gap {
  readonly kind: 'gap';
  readonly wantedZxid: number;
  /** The missing txns: all behind this one (the greatest below them in the backup; null when there is none) ... */
  readonly afterZxid: number | null;
  /** ... up to and with this one. */
  readonly toZxid: number;
}

/**
 * Plans the way to the state at `zxid`, from names alone. It is walked backwards: the piece of log that holds the txn, then
 * whatever holds the one before that piece, up to the first full backup on the way. So a history that was left for another one
 * by a restore (with a higher epoch) is followed only when a zxid of it is asked for.
 */
export function planChain(catalogue: Catalogue, zxid: number): Chain | Gap {
  const walk = new BackwardWalk(new HistoryIndex(catalogue));
  const way = walk.wayTo(zxid);
  return way === null ? walk.gap(zxid) : { kind: 'chain', ...way, toZxid: zxid };
}

/** As `planChain`, but throws BackupError for a gap: 'not-covered' when the zxid itself is not in the backup. */
export function requireChain(catalogue: Catalogue, zxid: number): Chain {
  const plan = planChain(catalogue, zxid);
  if (plan.kind === 'chain') return plan;
  throw gapError(catalogue, plan);
}

/** Says which txns are missing. */
export function gapError(catalogue: Catalogue, gap: Gap): BackupError {
  const { wantedZxid, afterZxid, toZxid } = gap;
  const behind = afterZxid === null ? '' : ` behind ${zxidText(afterZxid)}`;
  const newest = catalogue.newestZxid;
  if (toZxid === wantedZxid) {
    const nearest =
      afterZxid === null ? 'It holds nothing before.' : `The nearest before it is ${zxidText(afterZxid)}.`;
    const reach = newest === null ? 'It is empty.' : `It reaches up to ${zxidText(newest)}. ${nearest}`;
    return new BackupError('not-covered', null, `The backup does not hold zxid ${zxidText(wantedZxid)}. ${reach}`);
  }
  return new BackupError(
    'gap',
    null,
    `The backup has a gap: the txns${behind} up to ${zxidText(toZxid)} are missing, and without them ` +
      `${zxidText(wantedZxid)} cannot be reached. ` +
      (afterZxid === null ? 'No full backup lies before them.' : 'What lies before the gap can be restored.'),
  );
}

interface Way {
  readonly full: FullEntry;
  readonly parts: readonly ChainPart[];
}

function endOf({ full, parts }: Way): number {
  return parts.at(-1)?.toZxid ?? full.zxid;
}

class BackwardWalk {
  readonly #index: HistoryIndex;
  /** Zxids that nothing leads to. */
  readonly #unreachable: Set<number> = new Set();
  /** Where the likeliest way ended. */
  #end: number | null = null;

  constructor(index: HistoryIndex) {
    this.#index = index;
  }

  /** Calls itself once for each epoch on the way. */
  wayTo(zxid: number): Way | null {
    const parts: ChainPart[] = [];
    for (let need = zxid; ; ) {
      const exact = this.#index.fullAt(need);
      if (exact !== null) return { full: exact, parts: parts.toReversed() };
      const log = this.#index.logHolding(need);
      if (log === null) return this.#aroundMissing(need, parts);
      const inside = this.#index.newestFullUpTo(need);
      if (inside !== null && inside.zxid >= log.firstZxid) {
        parts.push({ log, afterZxid: inside.zxid, toZxid: need });
        return { full: inside, parts: parts.toReversed() };
      }
      if (counterOf(log.firstZxid) === 1) {
        return this.#acrossEpochs(log.firstZxid, (afterZxid) => [
          { log, afterZxid, toZxid: need },
          ...parts.toReversed(),
        ]);
      }
      parts.push({ log, afterZxid: log.afterZxid, toZxid: need });
      need = log.afterZxid;
    }
  }

  gap(zxid: number): Gap {
    const toZxid = this.#end ?? zxid;
    return { kind: 'gap', wantedZxid: zxid, afterZxid: this.#index.newestBelow(toZxid), toZxid };
  }

  /** No txn has counter 0: its state is that of whatever comes before the epoch's first txn. */
  #aroundMissing(need: number, parts: ChainPart[]): Way | null {
    if (counterOf(need) === 0) return this.#acrossEpochs(need + 1, () => parts.toReversed(), need);
    this.#end ??= need;
    return null;
  }

  #acrossEpochs(firstZxid: number, partsBehind: (afterZxid: number) => ChainPart[], except = -1): Way | null {
    for (const before of this.#index.before(firstZxid)) {
      if (before === except || this.#unreachable.has(before)) continue;
      const way = this.wayTo(before);
      // The way to a counter 0 ends at the txn that comes before the epoch.
      if (way !== null) return { full: way.full, parts: [...way.parts, ...partsBehind(endOf(way))] };
      this.#unreachable.add(before);
    }
    this.#end ??= except === -1 ? firstZxid - 1 : except;
    return null;
  }
}

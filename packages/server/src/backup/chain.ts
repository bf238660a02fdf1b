import { counterOf } from '@headkeeper/protocol';
import { zxidText } from '../core/log/recovery-refused.ts';
import { BackupError } from './backup-error.ts';
import type { Catalogue, FullEntry, LogEntry } from './catalogue.ts';
import { HistoryIndex } from './history-index.ts';

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

/** A place where the walk goes on behind the beginning of an epoch, in one of several ways. */
interface Crossing {
  /** What may come right before, the likeliest first. */
  readonly options: readonly number[];
  /** The one that is being followed. */
  at: number;
  /** Pieces of log that were found behind it. */
  readonly found: number;
  /** What is missing when there is no option at all. */
  readonly missing: number;
}

/** A piece of log on the way, and up to where it is used. */
type Step = Pick<ChainPart, 'log' | 'toZxid'>;

class BackwardWalk {
  readonly #index: HistoryIndex;
  /** Zxids that nothing leads to. */
  readonly #unreachable: Set<number> = new Set();
  readonly #crossings: Crossing[] = [];
  /** The way so far, backwards. */
  readonly #steps: Step[] = [];
  /** Where the likeliest way ended. */
  #end: number | null = null;

  constructor(index: HistoryIndex) {
    this.#index = index;
  }

  wayTo(zxid: number): Way | null {
    for (let need: number | null = zxid; need !== null; ) {
      const full = this.#baseFor(need);
      if (full !== null) return { full, parts: this.#partsFrom(full.zxid) };
      need = this.#before(need) ?? this.#otherWay();
    }
    return null;
  }

  gap(zxid: number): Gap {
    const toZxid = this.#end ?? zxid;
    return { kind: 'gap', wantedZxid: zxid, afterZxid: this.#index.newestBelow(toZxid), toZxid };
  }

  /** The full backup of exactly this zxid, or the newest one in the piece of log that holds it. */
  #baseFor(need: number): FullEntry | null {
    const exact = this.#index.fullAt(need);
    if (exact !== null) return exact;
    const log = this.#index.logHolding(need);
    const inside = log === null ? null : this.#index.newestFullUpTo(need);
    if (log === null || inside === null || inside.zxid < log.firstZxid) return null;
    this.#steps.push({ log, toZxid: need });
    return inside;
  }

  /** What comes before the piece of log that holds a zxid; null when nothing holds it, or nothing comes before. */
  #before(need: number): number | null {
    const log = this.#index.logHolding(need);
    if (log !== null) {
      this.#steps.push({ log, toZxid: need });
      return counterOf(log.firstZxid) === 1 ? this.#cross(log.firstZxid, log.firstZxid - 1) : log.afterZxid;
    }
    // No txn has counter 0: its state is that of whatever comes before the epoch's first txn.
    if (counterOf(need) === 0) return this.#cross(need + 1, need, need);
    this.#end ??= need;
    return null;
  }

  #cross(firstZxid: number, missing: number, except = -1): number | null {
    const options = this.#index.before(firstZxid).filter((zxid) => zxid !== except);
    this.#crossings.push({ options, at: -1, found: this.#steps.length, missing });
    return this.#nextOption();
  }

  /** The way that was followed last from a crossing leads nowhere: takes the next one there is. */
  #otherWay(): number | null {
    for (let crossing = this.#crossings.at(-1); crossing !== undefined; crossing = this.#crossings.at(-1)) {
      const tried = crossing.options[crossing.at];
      if (tried !== undefined) this.#unreachable.add(tried);
      const next = this.#nextOption();
      if (next !== null) return next;
      this.#end ??= crossing.missing;
      this.#crossings.pop();
    }
    return null;
  }

  #nextOption(): number | null {
    const crossing = this.#crossings.at(-1);
    if (crossing === undefined) return null;
    const { options } = crossing;
    do crossing.at++;
    while (this.#unreachable.has(options[crossing.at] ?? -1));
    this.#steps.length = crossing.found;
    return options[crossing.at] ?? null;
  }

  /** The way forwards. What comes before an epoch may turn out to be earlier than the counter 0 that was looked for. */
  #partsFrom(fullZxid: number): ChainPart[] {
    let afterZxid = fullZxid;
    return this.#steps.toReversed().map(({ log, toZxid }) => {
      const part = { log, afterZxid, toZxid };
      afterZxid = toZxid;
      return part;
    });
  }
}

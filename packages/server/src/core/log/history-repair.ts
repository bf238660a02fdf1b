/**
 * Puts a damaged history together again from what is intact of it and what other servers have, so that it is exactly what it was
 * before the damage: a server that has it back may vote (docs/internals/history-repair.md). No I/O.
 *
 * What it rests on: a zxid is given to one txn only, and two histories that have a txn in common are the same up to it. So the
 * last zxid of the damaged history tells which txns were before it, whoever has them; all else can be found.
 */
import { counterOf, epochOf, zxidIn } from '@headkeeper/protocol';
import type { DamagedFrame } from './log-salvage.ts';

/** No txn is known to come right before. */
export const UNKNOWN_ZXID = -1;

/** Txns of one repair: who makes up a history cannot make us hold more. */
const MOST_TXNS: number = 1 << 24;

/** What identifies a record. */
export interface RecordFacts {
  readonly zxid: number;
  /** The txn right before it in the history; `UNKNOWN_ZXID` when that cannot be told. */
  readonly before: number;
  /** What is known of that txn where it is damaged, and its zxid unknown with it; null: nothing. */
  readonly frameBefore: DamagedFrame | null;
  /** Bytes of the body, and its checksum. */
  readonly length: number;
  readonly adler: number;
}

/** What is left of the damaged history. */
export interface SalvagedHistory {
  /** The intact records, ascending. */
  readonly records: readonly RecordFacts[];
  /** Zxids that names of log files and snapshots tell of, ascending. */
  readonly named: readonly number[];
  /** Damaged records behind the last intact one. */
  readonly tail: readonly DamagedFrame[];
  /** Whether nothing can have been behind those: the rest of the last log was never written. */
  readonly isTailWhole: boolean;
  /** Up to where the log is known to have been durable; null when nothing tells. */
  readonly logged: number | null;
  /** Whether the log is known to have ended there. */
  readonly isLoggedLast: boolean;
}

/** Both ends belong to it. */
export interface ZxidRange {
  readonly from: number;
  readonly to: number;
}

/** A record that another server has sent. */
interface Offer extends RecordFacts {
  readonly body: Uint8Array;
}

/**
 * - `whole`: behind the snapshot `base` come the txns `zxids`, of which the own ones are intact and the others were sent.
 * - `snapshot`: one of at most `upTo` is needed.
 * - `lacks`: these txns are nowhere; null: it is not known how many. `why` in words.
 */
export type RepairPlan =
  | { readonly kind: 'whole'; readonly base: number; readonly zxids: readonly number[] }
  | { readonly kind: 'snapshot'; readonly upTo: number }
  | { readonly kind: 'lacks'; readonly from: number; readonly to: number | null; readonly why: string };

export class HistoryRepair {
  readonly #own: SalvagedHistory;
  readonly #records: ReadonlyMap<number, RecordFacts>;
  readonly #mostBytes: number;
  readonly #offers: Map<number, Offer> = new Map();
  /** What is said of the txn before the first of an epoch, and of its frame. */
  readonly #before: Map<number, number> = new Map();
  readonly #framesBefore: Map<number, DamagedFrame> = new Map();
  /** Snapshots whose state can be begun with, ascending. */
  #snapshots: number[] = [];
  #bytes = 0;
  #conflict: string | null = null;
  #isFull = false;
  /** What was asked for last. */
  #ranges: readonly ZxidRange[] = [];

  /** `mostBytes`: of bodies that are held at once. */
  constructor(own: SalvagedHistory, mostBytes: number) {
    this.#own = own;
    this.#mostBytes = mostBytes;
    this.#records = new Map(own.records.map((record) => [record.zxid, record]));
    for (const record of own.records) this.#saysBefore(record);
  }

  /** A snapshot, own or sent, that was read to its end and is in order. */
  addSnapshot(zxid: number): void {
    this.#snapshots = [...new Set([...this.#snapshots, zxid])].sort((a, b) => a - b);
  }

  /** The body of a txn that was sent and is needed. */
  bodyOf(zxid: number): Uint8Array | null {
    return this.#offers.get(zxid)?.body ?? null;
  }

  /** What other servers are to be asked for; may hold what is there already. */
  wanted(): ZxidRange[] {
    const ranges: ZxidRange[] = [];
    // Without a snapshot nothing before the first record can be used yet.
    let at = this.#snapshots[0] ?? Math.max(0, (this.#own.records[0]?.zxid ?? this.#top() + 1) - 1);
    for (const record of this.#own.records) {
      if (record.zxid <= at) continue;
      const isNext = this.#beforeOf(record.zxid) === at;
      const to = counterOf(record.zxid) === 1 ? record.zxid : record.zxid - 1;
      if (!isNext) ranges.push({ from: at + 1, to });
      at = record.zxid;
    }
    const top = this.#top();
    if (this.#own.tail.length > 0 && !this.#isEndKnown) {
      ranges.push({ from: at + 1, to: Math.max(top, zxidIn(epochOf(at) + 1, this.#own.tail.length)) });
    } else if (top > at) ranges.push({ from: at + 1, to: top });
    this.#ranges = ranges;
    return ranges;
  }

  /**
   * Takes a record that another server has, whose checksum has been compared; `body` is copied when it is needed. It is not kept
   * when it is not.
   */
  offer(record: RecordFacts, body: Uint8Array): void {
    const { zxid } = record;
    const known = this.#records.get(zxid) ?? this.#offers.get(zxid);
    if (known !== undefined) {
      if (known.adler !== record.adler || known.length !== record.length) {
        this.#conflict ??= `two servers have different txns ${text(zxid)}`;
        return;
      }
      this.#saysBefore(record);
      return;
    }
    if (!this.#ranges.some(({ from, to }) => zxid >= from && zxid <= to)) return;
    if (zxid > this.#top() && !this.#own.tail.some((frame) => isOf(frame, record))) return;
    if (this.#bytes + body.length > this.#mostBytes) {
      this.#isFull = true;
      return;
    }
    this.#bytes += body.length;
    this.#offers.set(zxid, { ...record, body: body.slice() });
    this.#saysBefore(record);
  }

  plan(): RepairPlan {
    if (this.#conflict !== null) return { kind: 'lacks', from: 0, to: null, why: this.#conflict };
    const end = this.#end();
    if (typeof end !== 'number') return end;
    const least = this.#snapshots.find((zxid) => zxid <= end);
    if (least === undefined) return { kind: 'snapshot', upTo: end };
    const usable = new Set(this.#snapshots);
    const zxids: number[] = [];
    const missing: number[] = [];
    let at = end;
    while (!usable.has(at)) {
      if (at < least) return { kind: 'snapshot', upTo: end };
      if (!this.#records.has(at) && !this.#offers.has(at)) missing.push(at);
      if (zxids.push(at) > MOST_TXNS) {
        return { kind: 'lacks', from: least + 1, to: end, why: 'they are more than can be put together' };
      }
      // A snapshot that was taken when an epoch began has its number, with which no txn is.
      if (counterOf(at) === 1 && usable.has(at - 1)) {
        at--;
        break;
      }
      const before = counterOf(at) > 1 ? at - 1 : this.#beforeOf(at);
      if (before === UNKNOWN_ZXID || before >= at) {
        const why = `no server knows which txn is before ${text(at)}`;
        return { kind: 'lacks', from: least + 1, to: at - 1, why };
      }
      at = before;
    }
    if (missing.length > 0) {
      const why = this.#isFull ? 'more is missing than can be held' : 'no server that answers has them intact';
      return { kind: 'lacks', from: missing[missing.length - 1] as number, to: missing[0] as number, why };
    }
    const base = at;
    const found = new Set(zxids);
    for (const { zxid } of this.#own.records) {
      if (zxid > base && !found.has(zxid)) return contradiction(zxid);
    }
    return { kind: 'whole', base, zxids: zxids.reverse() };
  }

  /** Whether the mark tells it, and nothing speaks against that: Apache's server, which knows no mark, may have gone on behind it. */
  get #isEndKnown(): boolean {
    const { logged, isLoggedLast, records, tail } = this.#own;
    if (!isLoggedLast || logged === null || logged < this.#surely()) return false;
    const last = records[records.length - 1]?.zxid ?? 0;
    return epochOf(last) !== epochOf(logged) || tail.length <= logged - last;
  }

  /** The greatest zxid that was surely in this history, but for what the mark says. */
  #surely(): number {
    const { records, named } = this.#own;
    return Math.max(0, records[records.length - 1]?.zxid ?? 0, named[named.length - 1] ?? 0);
  }

  #top(): number {
    return Math.max(this.#surely(), this.#own.logged ?? 0);
  }

  /** The last txn of this history: what its server has acknowledged was not beyond. */
  #end(): number | RepairPlan {
    const { records, tail, isTailWhole, logged } = this.#own;
    if (this.#isEndKnown) return logged as number;
    const last = records[records.length - 1]?.zxid ?? 0;
    const top = this.#top();
    if (!isTailWhole) {
      return { kind: 'lacks', from: last + 1, to: null, why: 'how many there were is lost, too' };
    }
    let end = last;
    // So many records are there as the mark wants: the checksum may be what is damaged.
    const areMarked = logged !== null && epochOf(logged) === epochOf(last) && logged - last === tail.length;
    for (const frame of tail) {
      const marked = areMarked && this.#offers.get(end + 1)?.length === frame.length ? end + 1 : null;
      const next = this.#following(end, frame) ?? marked;
      if (next === null) {
        return {
          kind: 'lacks',
          from: end + 1,
          to: top > end ? top : null,
          why: 'no server that answers has them intact',
        };
      }
      end = next;
    }
    // A state that a leader has sent has no log before it, and may have none behind it.
    if (records.length === 0 && tail.length === 0 && this.#own.named.includes(top)) end = top;
    if (end < top && counterOf(top) !== 0) {
      return { kind: 'lacks', from: end + 1, to: top, why: 'the log ends before them' };
    }
    return end;
  }

  /** The txn behind `zxid` that had this length and checksum. */
  #following(zxid: number, frame: DamagedFrame): number | null {
    let found: number | null = null;
    for (const offer of this.#offers.values()) {
      if (!isOf(frame, offer)) continue;
      const isNext = offer.zxid === zxid + 1 || (counterOf(offer.zxid) === 1 && this.#beforeOf(offer.zxid) === zxid);
      if (!isNext) continue;
      if (found !== null) return null;
      found = offer.zxid;
    }
    return found;
  }

  #beforeOf(zxid: number): number {
    return counterOf(zxid) > 1 ? zxid - 1 : (this.#before.get(zxid) ?? this.#framedBefore(zxid));
  }

  /** The only txn of an earlier epoch that fits the frame before this one. */
  #framedBefore(zxid: number): number {
    const frame = this.#framesBefore.get(zxid);
    if (frame === undefined) return UNKNOWN_ZXID;
    let found = UNKNOWN_ZXID;
    for (const known of [this.#records.values(), this.#offers.values()]) {
      for (const record of known) {
        if (!isOf(frame, record) || epochOf(record.zxid) >= epochOf(zxid)) continue;
        if (found !== UNKNOWN_ZXID) return UNKNOWN_ZXID;
        found = record.zxid;
      }
    }
    return found;
  }

  #saysBefore({ zxid, before, frameBefore }: RecordFacts): void {
    if (counterOf(zxid) !== 1) return;
    if (frameBefore !== null) this.#framesBefore.set(zxid, frameBefore);
    if (before === UNKNOWN_ZXID) return;
    const said = this.#before.get(zxid);
    if (said !== undefined && said !== before) {
      this.#conflict ??= `before ${text(zxid)} one server has ${text(said)}, another ${text(before)}`;
    }
    this.#before.set(zxid, before);
  }
}

function isOf(frame: DamagedFrame, record: RecordFacts): boolean {
  return frame.length === record.length && frame.adler === record.adler;
}

function contradiction(zxid: number): RepairPlan {
  const why = `${text(zxid)}, which is intact, is not on the way to the last txn`;
  return { kind: 'lacks', from: zxid, to: null, why };
}

function text(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}

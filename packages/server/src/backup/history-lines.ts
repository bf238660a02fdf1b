import { counterOf } from '@headkeeper/protocol';
import type { Catalogue, FullEntry, LogEntry } from './catalogue.ts';
import type { ChainPart, Gap } from './chain.ts';
import { HistoryIndex } from './history-index.ts';

/** A stretch of history without a gap, as far as the names of the objects tell. */
export interface HistoryLine {
  /** Where it ends: its greatest zxid. */
  readonly toZxid: number;
  /** The log, in the order of the history; empty for a full backup that stands alone. */
  readonly parts: readonly ChainPart[];
  /** The full backups on it, by ascending zxid. From the first one on every zxid can be restored. */
  readonly fulls: readonly FullEntry[];
  /** The zxid at which it leaves another line, which goes on differently: a restore to an earlier state made it so. Or null. */
  readonly branchesAt: number | null;
  /** The txn that comes right before its first and is nowhere in the backup; null when a full backup stands there. */
  readonly missingZxid: number | null;
}

/**
 * All that a catalogue holds, as lines of history: the newest first, each going back as far as it can, the others where they
 * leave one that was found before, or end. Pieces that say the same as others are in none.
 */
export function historyLines(catalogue: Catalogue): HistoryLine[] {
  const index = new HistoryIndex(catalogue);
  const lines: HistoryLine[] = [];
  const ends = [...catalogue.logs.map(endOf), ...catalogue.fulls.map(endOf)].sort((a, b) => b - a);
  for (const zxid of ends) {
    if (!lines.some((line) => holds(line, zxid))) lines.push(lineBackFrom(index, catalogue, lines, zxid));
  }
  return lines;
}

/** The zxids that a line can be restored to; null when there is no full backup on it and it leaves no other. */
export function restorableFrom(line: HistoryLine): number | null {
  return line.branchesAt ?? line.fulls[0]?.zxid ?? null;
}

/**
 * The holes in the history: between lines that do not meet, from the oldest one with a log on. Full backups that retention has
 * left standing alone before it make no hole.
 */
export function gapsBetween(lines: readonly HistoryLine[]): Gap[] {
  const gaps: Gap[] = [];
  const ascending = [...lines].sort((a, b) => a.toZxid - b.toZxid);
  for (const line of lines) {
    if (line.branchesAt !== null) continue;
    const begin = line.missingZxid ?? line.fulls[0]?.zxid ?? line.toZxid;
    const earlier = ascending.filter(({ toZxid }) => toZxid < begin);
    if (!earlier.some(({ parts }) => parts.length > 0)) continue;
    gaps.push({ kind: 'gap', wantedZxid: line.toZxid, afterZxid: earlier.at(-1)?.toZxid ?? null, toZxid: begin });
  }
  return gaps;
}

function endOf(entry: FullEntry | LogEntry): number {
  return entry.kind === 'full' ? entry.zxid : entry.lastZxid;
}

function holds(line: HistoryLine, zxid: number): boolean {
  if (line.fulls.some((full) => full.zxid === zxid)) return true;
  let low = 0;
  let high = line.parts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((line.parts[middle]?.toZxid ?? 0) >= zxid) high = middle;
    else low = middle + 1;
  }
  const part = line.parts[low];
  return part !== undefined && zxid >= part.log.firstZxid;
}

function lineBackFrom(
  index: HistoryIndex,
  catalogue: Catalogue,
  known: readonly HistoryLine[],
  zxid: number,
): HistoryLine {
  const parts: ChainPart[] = [];
  const passed: FullEntry[] = [];
  let need = zxid;
  for (;;) {
    const joined = parts.length > 0 && known.some((line) => holds(line, need));
    const log = joined ? null : index.logHolding(need);
    if (log === null) {
      const at = index.fullAt(need);
      if (at !== null && !joined) passed.push(at);
      const before = at === null && !joined && counterOf(need) === 0 ? likelyBefore(index, need + 1, need) : null;
      if (before !== null) {
        need = before;
        continue;
      }
      return {
        toZxid: zxid,
        parts: parts.toReversed(),
        fulls: passed.sort((a, b) => a.zxid - b.zxid),
        branchesAt: joined ? need : null,
        missingZxid: joined || at !== null ? null : need,
      };
    }
    const meets = meetingIn(known, log.firstZxid, need);
    const afterZxid = meets ?? likelyBefore(index, log.firstZxid, -1) ?? log.afterZxid;
    const from = meets === null ? log.firstZxid : meets + 1;
    for (const full of catalogue.fulls) if (full.zxid >= from && full.zxid <= need) passed.push(full);
    const epochStart = meets === null && counterOf(log.firstZxid) === 1 ? index.fullAt(log.firstZxid - 1) : null;
    if (epochStart !== null && afterZxid !== epochStart.zxid) passed.push(epochStart);
    parts.push({ log, afterZxid, toZxid: need });
    need = afterZxid;
  }
}

/** The greatest zxid from `first` to below `last` at which a known line goes on differently; null when none does. */
function meetingIn(known: readonly HistoryLine[], first: number, last: number): number | null {
  let meeting: number | null = null;
  for (const { parts } of known) {
    for (const { toZxid } of parts) {
      if (toZxid >= first && toZxid < last && (meeting === null || toZxid > meeting)) meeting = toZxid;
    }
  }
  return meeting;
}

/** What comes right before a txn: rather what the log holds than a full backup, so that the line goes on. */
function likelyBefore(index: HistoryIndex, firstZxid: number, except: number): number | null {
  const options = index.before(firstZxid).filter((zxid) => zxid !== except);
  return (
    options.find((zxid) => index.logHolding(zxid) !== null) ??
    options.find((zxid) => index.fullAt(zxid) !== null) ??
    options[0] ??
    null
  );
}

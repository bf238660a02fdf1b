import { firstMissing, follows, type LogScan } from './log-scan.ts';

/** Txns that are in no log. */
export interface HistoryGap {
  readonly from: number;
  readonly to: number;
  /** Names of the files on both sides; the same when the gap is inside one. */
  readonly before: string;
  readonly after: string;
  /** Whether a start has to cross it: it does not lie below the newest snapshot that loads. */
  readonly needed: boolean;
}

/**
 * The gaps of a history: counters that are missing between one record and the next, in the logs in order, and between the
 * newest snapshot that loads and the logs behind it. Where an epoch ends nothing tells whether txns of it are missing.
 */
export function findGaps(logs: readonly LogScan[], newestSnapshotZxid: number | null): HistoryGap[] {
  const gaps: HistoryGap[] = [];
  const add = (last: number, zxid: number, before: string, after: string): void => {
    const needed = newestSnapshotZxid === null || newestSnapshotZxid < zxid - 1;
    gaps.push({ from: firstMissing(last, zxid), to: zxid - 1, before, after, needed });
  };
  let last: number | null = null;
  let lastName = '';
  for (const log of logs) {
    const first = log.stretches[0]?.firstZxid;
    if (first === undefined) continue;
    if (last !== null && first > last && !follows(first, last)) add(last, first, lastName, log.name);
    const known: number = last ?? 0;
    for (const jump of log.jumps)
      if (jump.zxid > known) add(Math.max(known, jump.after), jump.zxid, log.name, log.name);
    const greatest = Math.max(...log.stretches.map(({ lastZxid }) => lastZxid));
    if (last === null || greatest > last) {
      last = greatest;
      lastName = log.name;
    }
  }
  return withGapBehindSnapshot(gaps, logs, newestSnapshotZxid, add);
}

function withGapBehindSnapshot(
  gaps: HistoryGap[],
  logs: readonly LogScan[],
  zxid: number | null,
  add: (last: number, zxid: number, before: string, after: string) => void,
): HistoryGap[] {
  if (zxid === null) return gaps;
  for (const log of logs) {
    const stretch = log.stretches.find(({ lastZxid }) => lastZxid > zxid);
    if (stretch === undefined) continue;
    const { firstZxid } = stretch;
    const isKnown = gaps.some(({ to }) => to === firstZxid - 1);
    if (firstZxid > zxid && !follows(firstZxid, zxid) && !isKnown) {
      add(zxid, firstZxid, `snapshot.${zxid.toString(16)}`, log.name);
    }
    break;
  }
  return gaps;
}

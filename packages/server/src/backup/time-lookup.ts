import { zxidText } from '../core/log/recovery-refused.ts';
import { BackupError } from './backup-error.ts';
import type { Catalogue, Entry, FullEntry } from './catalogue.ts';
import type { ChainPart } from './chain.ts';
import { type HistoryLine, historyLines, restorableFrom } from './history-lines.ts';
import { inParallel } from './in-parallel.ts';
import type { FullManifest, LogManifest } from './manifest.ts';
import { type OnTxn, readLog } from './replay.ts';
import type { BackupRepository } from './repository.ts';
import { timeOfBody } from './segment-builder.ts';

/** What a time stands for in the newest history. */
export interface ZxidAtTime {
  /** The last txn before the first one that is later than the time. */
  readonly zxid: number;
  /** The first txn that is later, and its header time; null when the backup reaches no further. */
  readonly next: { readonly zxid: number; readonly timeMs: number } | null;
  /**
   * The servers' clocks do not ascend around the time: this txn comes after `next` and is not later than the time, either.
   * The state is ambiguous then; a zxid is not. Null as a rule.
   */
  readonly alsoZxid: number | null;
  /** Histories that were left behind, and hold the time as well; the newest first. */
  readonly elsewhere: readonly OtherHistory[];
}

/** What a time stands for in a history that is not the newest. */
export interface OtherHistory {
  /** Its last txn before the first that is later than the time. */
  readonly zxid: number;
  /** The txn at which a restore to an earlier state has left it; null when a gap lies between it and the newest one. */
  readonly leftAtZxid: number | null;
  /** Header time of its last txn. */
  readonly untilMs: number;
}

interface DatedPart extends ChainPart {
  readonly manifest: LogManifest;
}

const MANIFESTS_AT_ONCE = 16;

/**
 * Finds the zxid that a time stands for: of the txns in the newest history all up to the last one before the first that is
 * later than `timeMs` (epoch milliseconds, as the txns' headers have it). Throws BackupError 'not-covered' when that lies before the
 * oldest full backup of that history; the message tells of another history that holds it.
 */
export async function zxidAtTime(
  repository: BackupRepository,
  catalogue: Catalogue,
  timeMs: number,
  signal: AbortSignal,
): Promise<ZxidAtTime> {
  const { line, others, oldest, full, logs } = await newestLine(repository, catalogue, signal);
  const { txnTimeMs, takenMs } = full;
  if ((txnTimeMs ?? takenMs) > timeMs) {
    const elsewhere = await otherHistories(repository, others, Number.POSITIVE_INFINITY, timeMs, signal);
    throw new BackupError(
      'not-covered',
      oldest.manifest,
      `The backup does not reach back to ${new Date(timeMs).toISOString()}: its oldest full backup of the newest history is ` +
        `that of ${new Date(txnTimeMs ?? takenMs).toISOString()} (zxid ${zxidText(oldest.zxid)}).` +
        elsewhere.map((other) => ` ${otherHistoryText(other)}`).join(''),
    );
  }
  const dated = line.parts.flatMap((part): DatedPart[] => {
    const manifest = logs.get(part.log.manifest);
    return manifest === undefined ? [] : [{ ...part, manifest }];
  });
  const { zxid, next } = await lastBefore(repository, dated, line.toZxid, oldest.zxid, timeMs, signal);
  const alsoZxid = next === null ? null : await lastNotLater(repository, dated, next.zxid, timeMs, signal);
  const elsewhere = await otherHistories(repository, others, zxid, timeMs, signal);
  return { zxid, next, alsoZxid, elsewhere };
}

/** A sentence on how another history that holds a time can be had. */
export function otherHistoryText({ zxid, leftAtZxid, untilMs }: OtherHistory): string {
  const which =
    leftAtZxid === null
      ? 'An older history, with a gap behind it,'
      : `The history that was left at ${zxidText(leftAtZxid)} by a restore to an earlier state`;
  return `${which} reaches to ${new Date(untilMs).toISOString()} and holds that time, too: --to-zxid ${zxidText(zxid)} is its state then.`;
}

/** The last txn of the parts before the first that is later than the time; that one, too. */
async function lastBefore(
  repository: BackupRepository,
  dated: readonly DatedPart[],
  endZxid: number,
  afterZxid: number,
  timeMs: number,
  signal: AbortSignal,
): Promise<Pick<ZxidAtTime, 'zxid' | 'next'>> {
  for (const part of dated) {
    if (part.manifest.maxTimeMs <= timeMs) continue;
    const later = (await timesOf(repository, part, afterZxid, signal)).find((txn) => txn.timeMs > timeMs);
    if (later !== undefined) return { zxid: later.before, next: { zxid: later.zxid, timeMs: later.timeMs } };
  }
  return { zxid: endZxid, next: null };
}

/**
 * The other histories that had begun by the time, and had not ended; or had, and the newest one, which has come to `zxid`, had not
 * gone on yet. Those of which something is damaged are left out.
 */
async function otherHistories(
  repository: BackupRepository,
  lines: readonly HistoryLine[],
  zxid: number,
  timeMs: number,
  signal: AbortSignal,
): Promise<OtherHistory[]> {
  const found: OtherHistory[] = [];
  for (const line of lines) {
    const afterZxid = restorableFrom(line);
    if (afterZxid === null) continue;
    try {
      const parts = line.parts.filter(({ toZxid }) => toZxid > afterZxid);
      const dated = await inParallel(parts, MANIFESTS_AT_ONCE, async (part): Promise<DatedPart> => {
        return { ...part, manifest: await repository.logManifest(part.log, signal) };
      });
      const first = dated[0];
      if (first === undefined || first.manifest.minTimeMs > timeMs) continue;
      const untilMs = dated.reduce((latest, { manifest }) => Math.max(latest, manifest.maxTimeMs), 0);
      if (timeMs > untilMs && zxid > (line.branchesAt ?? line.toZxid)) continue;
      const { zxid: last } = await lastBefore(repository, dated, line.toZxid, afterZxid, timeMs, signal);
      if (last > afterZxid) found.push({ zxid: last, leftAtZxid: line.branchesAt, untilMs });
    } catch (error) {
      if (!(error instanceof BackupError) || error.problem !== 'damaged') throw error;
    }
  }
  return found;
}

interface NewestLine {
  readonly line: HistoryLine;
  /** All others, the newest first. */
  readonly others: readonly HistoryLine[];
  readonly oldest: FullEntry;
  readonly full: FullManifest;
  /** Manifests of the pieces of log behind the oldest full backup. */
  readonly logs: ReadonlyMap<string, LogManifest>;
}

/** The newest history, without what has no sound manifest: that was never published. */
async function newestLine(
  repository: BackupRepository,
  catalogue: Catalogue,
  signal: AbortSignal,
): Promise<NewestLine> {
  const unusable = new Set<string>();
  const soundOrNull = async <M>(entry: Entry, read: Promise<M>): Promise<M | null> => {
    try {
      return await read;
    } catch (error) {
      if (!(error instanceof BackupError) || error.problem !== 'damaged') throw error;
      unusable.add(entry.manifest);
      return null;
    }
  };
  for (;;) {
    const [line, ...others] = historyLines(catalogue.without(unusable));
    const oldest = line?.fulls[0];
    if (line === undefined || oldest === undefined) {
      throw new BackupError('not-covered', null, 'The newest history in the backup has no full backup to begin with.');
    }
    const before = unusable.size;
    const full = await soundOrNull(oldest, repository.fullManifest(oldest, signal));
    const logs = new Map<string, LogManifest>();
    const usable = line.parts.filter(({ toZxid }) => toZxid > oldest.zxid);
    await inParallel(usable, MANIFESTS_AT_ONCE, async ({ log }) => {
      const manifest = await soundOrNull(log, repository.logManifest(log, signal));
      if (manifest !== null) logs.set(log.manifest, manifest);
    });
    if (full !== null && unusable.size === before) return { line, others, oldest, full, logs };
  }
}

/** The last txn behind `zxid` that is not later than the time. */
async function lastNotLater(
  repository: BackupRepository,
  dated: readonly DatedPart[],
  zxid: number,
  timeMs: number,
  signal: AbortSignal,
): Promise<number | null> {
  for (const part of dated.toReversed()) {
    if (part.toZxid <= zxid) break;
    if (part.manifest.minTimeMs > timeMs) continue;
    const found = (await timesOf(repository, part, zxid, signal)).findLast((txn) => txn.timeMs <= timeMs);
    if (found !== undefined) return found.zxid;
  }
  return null;
}

interface TxnTime {
  readonly zxid: number;
  /** The txn right before it. */
  readonly before: number;
  readonly timeMs: number;
}

/** The times of the txns that a part contributes behind `afterZxid`. */
async function timesOf(
  repository: BackupRepository,
  part: ChainPart,
  afterZxid: number,
  signal: AbortSignal,
): Promise<TxnTime[]> {
  const times: TxnTime[] = [];
  let before = part.afterZxid;
  const onTxn: OnTxn = (_bytes, view, start, _end, zxid) => {
    if (zxid > part.afterZxid && zxid > afterZxid && zxid <= part.toZxid) {
      times.push({ zxid, before, timeMs: timeOfBody(view, start) });
    }
    before = zxid;
  };
  await readLog(repository, part.log, onTxn, signal, () => {});
  return times;
}

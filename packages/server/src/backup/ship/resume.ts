import { adler32 } from '../../core/log/checksum.ts';
import { zxidText } from '../../core/log/recovery-refused.ts';
import { BackupError } from '../backup-error.ts';
import type { Catalogue, Entry, FullEntry, LogEntry } from '../catalogue.ts';
import { planChain } from '../chain.ts';
import type { LogManifest, Manifest } from '../manifest.ts';
import type { BackupRepository } from '../repository.ts';
import { timeOfBody } from '../segment-builder.ts';
import type { HistoryReader } from './log-tail.ts';

/** What the end of the target's history is to this server. */
export type Resumption =
  /** The same txn: shipping goes on behind it. A full backup may be ahead of it. */
  | { readonly kind: 'same'; readonly zxid: number }
  /** The target is empty, or ends with a txn that the log does not hold any more: a full backup begins anew. */
  | { readonly kind: 'anew' }
  /** The target holds more than this server has committed. */
  | { readonly kind: 'ahead'; readonly zxid: number }
  /** Under the same zxid there is another txn. */
  | { readonly kind: 'other'; readonly zxid: number; readonly object: string };

/**
 * Compares the end of what is in the target with this server's history, which is committed up to `committedZxid`. Manifests
 * that are damaged do not count.
 */
export async function compareEnds(
  repository: BackupRepository,
  catalogue: Catalogue,
  history: HistoryReader,
  committedZxid: number,
  signal: AbortSignal,
): Promise<Resumption> {
  const damaged = new Set<string>();
  for (;;) {
    const counted = catalogue.without(damaged);
    const zxid = counted.newestZxid;
    if (zxid === null || counted.fulls.length === 0) return { kind: 'anew' };
    const entry = counted.logs.find((log) => log.lastZxid === zxid);
    if (zxid > committedZxid) {
      const ahead = entry ?? (counted.fulls.at(-1) as FullEntry);
      if ((await usableManifest(repository, ahead, signal)) !== null) return { kind: 'ahead', zxid };
      damaged.add(ahead.manifest);
      continue;
    }
    if (entry !== undefined) {
      const manifest = await usableManifest(repository, entry, signal);
      if (manifest === null) {
        damaged.add(entry.manifest);
        continue;
      }
      const adler = adlerOf(history, zxid, entry.firstZxid === zxid ? entry.afterZxid : zxid - 1);
      if (adler !== null && adler !== manifest.lastRecordAdler) return { kind: 'other', zxid, object: entry.manifest };
    } else {
      const logEnd = newestLogOf(counted);
      const manifest = logEnd === null ? null : await usableManifest(repository, logEnd, signal);
      if (logEnd !== null && manifest === null) {
        damaged.add(logEnd.manifest);
        continue;
      }
      if (manifest !== null && leadsOn(history, counted, manifest)) return { kind: 'same', zxid: manifest.lastZxid };
    }
    return continues(history, zxid, committedZxid) ? { kind: 'same', zxid } : { kind: 'anew' };
  }
}

/** One sentence on what an operator has to do. */
export function obstacleText(found: Resumption, committedZxid: number, target: string): string {
  const own = zxidText(committedZxid);
  if (found.kind === 'ahead') {
    return (
      `${target} holds transactions up to ${zxidText(found.zxid)} and this server has only ${own}: its data is older, or the ` +
      'target is that of another ensemble. Restore from the target, or name an empty one in backup.target.'
    );
  }
  if (found.kind === 'other') {
    return (
      `${target} holds another transaction ${zxidText(found.zxid)} than this server (${found.object}): it is the target of ` +
      'another ensemble, or of a history that was left behind without raising the epoch. Name an empty one in backup.target.'
    );
  }
  return '';
}

/** Header time of a txn of the log; null when the log does not hold it where that can be found. */
export function timeOfTxn(history: HistoryReader, zxid: number): number | null {
  return lookAt(history, zxid, zxid - 1, (memory, start) =>
    timeOfBody(new DataView(memory.buffer, memory.byteOffset, memory.byteLength), start),
  );
}

function adlerOf(history: HistoryReader, zxid: number, afterZxid: number): number | null {
  return lookAt(history, zxid, afterZxid, adler32);
}

function lookAt<Found>(
  history: HistoryReader,
  zxid: number,
  afterZxid: number,
  look: (memory: Uint8Array, start: number, end: number) => Found,
): Found | null {
  const cursor = history.readLog(afterZxid);
  if (cursor === null) return null;
  try {
    const records = cursor.next(1, zxid);
    if (records === null || records.zxids[0] !== zxid) return null;
    return look(records.memory, records.starts[0] as number, records.ends[0] as number);
  } finally {
    cursor.close();
  }
}

function newestLogOf({ logs }: Catalogue): LogEntry | null {
  return logs.reduce<LogEntry | null>((newest, log) => {
    return newest === null || log.lastZxid > newest.lastZxid ? log : newest;
  }, null);
}

/**
 * Whether the log that was shipped ends with a txn of this history, and can be gone on with: a full backup may have run
 * ahead of it, and what lies between the two would be a hole for ever.
 */
function leadsOn(history: HistoryReader, catalogue: Catalogue, shipped: LogManifest): boolean {
  const { firstZxid, lastZxid, afterZxid, lastRecordAdler } = shipped;
  if (adlerOf(history, lastZxid, firstZxid === lastZxid ? afterZxid : lastZxid - 1) !== lastRecordAdler) return false;
  if (planChain(catalogue, lastZxid).kind !== 'chain') return false;
  const cursor = history.readLog(lastZxid);
  cursor?.close();
  return cursor !== null;
}

/** Whether the log goes on right behind `zxid`, or nothing has been committed since. */
function continues(history: HistoryReader, zxid: number, committedZxid: number): boolean {
  if (zxid === committedZxid) return true;
  const cursor = history.readLog(zxid);
  cursor?.close();
  return cursor !== null;
}

async function usableManifest(
  repository: BackupRepository,
  entry: LogEntry,
  signal: AbortSignal,
): Promise<LogManifest | null>;
async function usableManifest(
  repository: BackupRepository,
  entry: Entry,
  signal: AbortSignal,
): Promise<Manifest | null>;
async function usableManifest(
  repository: BackupRepository,
  entry: Entry,
  signal: AbortSignal,
): Promise<Manifest | null> {
  try {
    return await repository.manifest(entry, signal);
  } catch (error) {
    if (error instanceof BackupError && error.problem === 'damaged') return null;
    throw error;
  }
}

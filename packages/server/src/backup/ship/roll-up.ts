import { epochOf } from '@headkeeper/protocol';
import { HistoryUnreachable } from '../../ports.ts';
import { BackupError } from '../backup-error.ts';
import type { Catalogue, LogEntry } from '../catalogue.ts';
import type { BackupRepository, LogFacts } from '../repository.ts';
import { type HistoryReader, LogTail } from './log-tail.ts';

/** Fewer segments in a row are left as they are. */
const FEWEST_PIECES = 16;
/** A segment that takes so many bytes in the target is long enough. */
const LONG_ENOUGH_BYTES = 4 << 20;
/** So many bytes in the target make one long segment at most. */
const MOST_STORED_BYTES = 32 << 20;
/** Plain bytes of a long segment, all of which are in memory for a moment. */
const MOST_PLAIN_BYTES = 64 << 20;

/** Segments in a row that one longer one can take the place of. */
interface Run {
  readonly afterZxid: number;
  readonly lastZxid: number;
}

/** Finds the runs of small segments, none of them beyond `shippedZxid`. */
function runsOf(logs: readonly LogEntry[], shippedZxid: number): Run[] {
  const runs: Run[] = [];
  let run: LogEntry[] = [];
  let bytes = 0;
  const end = (): void => {
    const first = run[0];
    const last = run.at(-1);
    if (run.length >= FEWEST_PIECES && first !== undefined && last !== undefined) {
      runs.push({ afterZxid: first.afterZxid, lastZxid: last.lastZxid });
    }
    run = [];
    bytes = 0;
  };
  for (const log of logs) {
    const size = log.data?.size ?? LONG_ENOUGH_BYTES;
    if (log.lastZxid > shippedZxid) continue;
    const last = run.at(-1);
    // Another shipper's doubles lie inside of what the run holds.
    if (last !== undefined && log.lastZxid <= last.lastZxid) continue;
    if (last !== undefined && (log.afterZxid !== last.lastZxid || epochOf(log.firstZxid) !== epochOf(last.lastZxid)))
      end();
    if (bytes + size > MOST_STORED_BYTES) end();
    if (size >= LONG_ENOUGH_BYTES) {
      end();
      continue;
    }
    run.push(log);
    bytes += size;
  }
  end();
  return runs;
}

/** The segments that another one holds all of. Of two with the same txns one stays, the same for whoever looks. */
export function coveredOf(logs: readonly LogEntry[]): { readonly entry: LogEntry; readonly by: LogEntry }[] {
  const covered: { entry: LogEntry; by: LogEntry }[] = [];
  let widest: LogEntry | null = null;
  // By ascending first zxid, longer ones first: whatever covers one stands before it.
  for (const log of logs) {
    if (widest !== null && covers(widest, log)) covered.push({ entry: log, by: widest });
    else if (widest === null || log.lastZxid > widest.lastZxid) widest = log;
  }
  return covered;
}

/** The first txn of an epoch can be said to follow two zxids, that of a snapshot and that of a txn: each is a link of its own. */
function covers(wide: LogEntry, log: LogEntry): boolean {
  if (epochOf(wide.firstZxid) !== epochOf(log.firstZxid) || log.lastZxid > wide.lastZxid) return false;
  return log.firstZxid > wide.firstZxid || log.afterZxid === wide.afterZxid;
}

export interface RollUpOptions {
  readonly repository: BackupRepository;
  readonly catalogue: Catalogue;
  readonly history: HistoryReader;
  readonly shippedZxid: number;
  readonly facts: () => LogFacts;
  /** Is waited for between two bites of work. */
  readonly between: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Puts a longer segment, read from the log again, for each run of small ones. Returns the bytes that were put. */
export async function rollUp(options: RollUpOptions): Promise<number> {
  const { repository, history, facts, between, signal } = options;
  let bytes = 0;
  for (const { afterZxid, lastZxid } of runsOf(options.catalogue.logs, options.shippedZxid)) {
    const tail = new LogTail(history, afterZxid, between);
    try {
      for (;;) {
        const segment = await tail.next(lastZxid, MOST_PLAIN_BYTES);
        if (segment === null) break;
        bytes += (await repository.putLog(segment, facts(), signal, between)).file.storedBytes;
      }
    } catch (error) {
      // The log has been purged that far: the small ones stay.
      if (!(error instanceof HistoryUnreachable)) throw error;
    } finally {
      tail.close();
    }
  }
  return bytes;
}

/**
 * Removes the segments that others hold all of, if they were found so by the last call, too: whoever was reading them has
 * had the time in between. Returns what is to be handed to the next call.
 */
export async function removeCovered(
  repository: BackupRepository,
  catalogue: Catalogue,
  foundBefore: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const { entry, by } of coveredOf(catalogue.logs)) {
    if (!foundBefore.has(entry.manifest)) {
      found.add(entry.manifest);
      continue;
    }
    if (await isWhole(repository, by, signal)) await repository.remove(entry, signal);
  }
  return found;
}

async function isWhole(repository: BackupRepository, entry: LogEntry, signal: AbortSignal): Promise<boolean> {
  try {
    const { file } = await repository.logManifest(entry, signal);
    return entry.data?.size === file.storedBytes;
  } catch (error) {
    if (error instanceof BackupError && error.problem === 'damaged') return false;
    throw error;
  }
}

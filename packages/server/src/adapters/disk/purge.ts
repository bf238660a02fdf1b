import type { LogFile } from '../../core/log/recovery-source.ts';
import type { Disk } from '../../ports.ts';
import { isLikelySnapshot, listLogs, listSnapshots } from './recovery-files.ts';

export interface PurgeOptions {
  readonly disk: Disk;
  /** The `version-2` folder with the snapshots. */
  readonly snapshotFolder: string;
  /** The `version-2` folder with the logs; may be the same. */
  readonly logFolder: string;
  /** Snapshots to keep (`autopurge.snapRetainCount`); taken for 3 when it is less, as Apache does. */
  readonly retain: number;
  /** Logs that somebody else still has to read; null: none. */
  readonly held: HeldLogs | null;
}

/** Logs with txns behind `fromZxid`, the newest ones of them, as many as have `mostBytes`. */
export interface HeldLogs {
  readonly fromZxid: number;
  readonly mostBytes: number;
}

const FEWEST_RETAINED = 3;

/**
 * Removes snapshots and logs that no start needs: all snapshots older than the `retain` newest valid ones, then all logs
 * that end before the oldest of those, except the `held` ones. Without a valid snapshot nothing is removed. Files made meanwhile are not touched.
 *
 * A crash at any point leaves a directory that starts: the snapshots go first and durably, so that no snapshot is left
 * without its logs; then the logs, oldest first. Calls `done` with the paths removed and the first error, if any.
 *
 * Source of the rule: storage-formats reference, section 11.
 */
export function purge(options: PurgeOptions, done: (error: Error | null, removed: string[]) => void): void {
  const { disk, snapshotFolder, logFolder } = options;
  const removed: string[] = [];
  let unneeded: Unneeded;
  try {
    unneeded = findUnneeded(options);
  } catch (error) {
    done(error as Error, removed);
    return;
  }
  removeAll(disk, snapshotFolder, unneeded.snapshots, removed, (error) => {
    if (error === null) removeAll(disk, logFolder, unneeded.logs, removed, (failure) => done(failure, removed));
    else done(error, removed);
  });
}

interface Unneeded {
  readonly snapshots: string[];
  readonly logs: string[];
}

/** Names of what is not needed, oldest first. */
function findUnneeded(options: PurgeOptions): Unneeded {
  const { disk, snapshotFolder, logFolder } = options;
  const snapshots = listSnapshots(disk, snapshotFolder);
  const valid = snapshots.filter((file) => isLikelySnapshot(disk, `${snapshotFolder}/${file.name}`));
  const oldest = valid.slice(-Math.max(options.retain, FEWEST_RETAINED))[0];
  if (oldest === undefined) return { snapshots: [], logs: [] };
  const logs = listLogs(disk, logFolder);
  // The log before the snapshot's zxid can go on behind it.
  const needed = logs.findLast((file) => file.zxid <= oldest.zxid);
  const unneeded = logs.filter((file) => needed !== undefined && file.zxid < needed.zxid);
  return {
    snapshots: snapshots.filter((file) => file.zxid < oldest.zxid).map((file) => file.name),
    logs: unneeded.slice(0, unneeded.length - heldOf(unneeded, needed, options.held)).map((file) => file.name),
  };
}

/** How many of the logs are held, the newest ones; `next` is the log behind them. */
function heldOf(logs: readonly LogFile[], next: LogFile | undefined, held: HeldLogs | null): number {
  if (held === null) return 0;
  let count = 0;
  let bytes = 0;
  let end = next?.zxid ?? 0;
  for (const { zxid, size } of [...logs].reverse()) {
    bytes += size;
    if (end <= held.fromZxid + 1 || bytes > held.mostBytes) break;
    count++;
    end = zxid;
  }
  return count;
}

function removeAll(
  disk: Disk,
  folder: string,
  names: string[],
  removed: string[],
  done: (error: Error | null) => void,
): void {
  if (names.length === 0) {
    done(null);
    return;
  }
  let at = 0;
  const next = (): void => {
    const name = names[at++];
    if (name === undefined) {
      disk.syncDir(folder, done);
      return;
    }
    disk.remove(`${folder}/${name}`, (error) => {
      if (error === null) {
        removed.push(`${folder}/${name}`);
        next();
      } else {
        done(error);
      }
    });
  };
  next();
}

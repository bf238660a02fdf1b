import { counterOf } from '@headkeeper/protocol';
import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { LogWalk } from '../adapters/disk/log-walk.ts';
import { readLogged } from '../adapters/disk/logged-mark.ts';
import { listLogs, listSnapshots } from '../adapters/disk/recovery-files.ts';
import type { LogFile } from '../core/log/recovery-source.ts';
import { HistoryUnreachable } from '../ports.ts';

/** The last txn that an unbroken history leads to from a snapshot. */
export interface LastGood {
  readonly snapshotZxid: number;
  readonly zxid: number;
  /** The log file and the place in it where that history ends; null when it has no log. */
  readonly file: string | null;
  readonly offset: number | null;
  /** What ends it there; '' when it is the end of the logs. */
  readonly reason: string;
}

const STEP_BYTES = 1 << 20;

/** Follows the history from the snapshot of this zxid as far as it goes; null without one. */
export function lastGoodTxn(folders: HistoryFolders, snapshotZxid: number | null): LastGood | null {
  if (snapshotZxid === null) return null;
  let walk: LogWalk | null = null;
  let reason = '';
  try {
    walk = walkFrom(folders, snapshotZxid);
    while (walk !== null && walk.next(STEP_BYTES, Number.MAX_SAFE_INTEGER) !== null) {
      // Each step passes records that follow each other.
    }
  } catch (error) {
    if (!(error instanceof HistoryUnreachable)) throw error;
    reason = error.message;
  }
  if (walk === null) return { snapshotZxid, zxid: snapshotZxid, file: null, offset: null, reason };
  const { file, offset } = walk.place;
  walk.close();
  return { snapshotZxid, zxid: walk.lastZxid, file, offset, reason };
}

/**
 * A walk over the records behind a zxid, that of a snapshot; null when there are no logs. Throws HistoryUnreachable when
 * the first file does not begin like a log.
 */
export function walkFrom(folders: HistoryFolders, zxid: number): LogWalk | null {
  const { disk, snapshotFolder, logFolder } = folders;
  const logs = listLogs(disk, logFolder);
  const file: LogFile | undefined =
    logs[
      Math.max(
        0,
        logs.findLastIndex((log) => log.zxid <= zxid + 1),
      )
    ];
  if (file === undefined) return null;
  const { epochEnds } = readLogged(disk, logFolder);
  const isMissingBetween = (after: number, before: number): boolean =>
    listSnapshots(disk, snapshotFolder).some(
      (found) => found.zxid > after && found.zxid < before && counterOf(found.zxid) !== 0,
    ) || epochEnds.some((end) => end > after && end < before);
  return new LogWalk({ disk, folder: logFolder, file, lastZxid: zxid, isMissingBetween });
}

import { counterOf } from '@headkeeper/protocol';
import { invariant } from '../../core/invariants.ts';
import { LOG_HEADER_BYTES } from '../../core/log/record-codec.ts';
import { zxidText } from '../../core/log/recovery-refused.ts';
import type { LogFile } from '../../core/log/recovery-source.ts';
import { type Epochs, type HistoryStore, HistoryUnreachable, type LogCursor } from '../../ports.ts';
import { finishRepair } from './damage.ts';
import { removeDurably } from './durable-file.ts';
import { createEpochStore } from './epoch-files.ts';
import { snapshotName } from './file-names.ts';
import { type HistoryFolders, validSnapshots } from './history-folders.ts';
import { INSTALL_NAME, installedZxid, writeInstallMark, zxidInPlace } from './install-mark.ts';
import { type LogPlace, LogWalk } from './log-walk.ts';
import { lowerLoggedMark, readLogged } from './logged-mark.ts';
import { isLikelySnapshot, listLogs, listSnapshots } from './recovery-files.ts';

/** What a look at the first records takes. */
const LOOK_BYTES = 1 << 16;

/**
 * The history in Apache's files.
 *
 * `truncate` removes the snapshots beyond first, then the log files beyond from the newest backwards, one by one, then cuts:
 * what a crash leaves is a shorter history without a hole (storage-formats reference, 13; known failures S14, S15, D07).
 * Whatever shortens the log lowers the mark of what has been durable before (`headkeeper.logged`).
 * `beginInstall` writes a mark that names the snapshot; once the snapshot has its name nothing else counts, and every start
 * finishes what the mark says (known failure S10; quorum-protocol reference, rule D14).
 */
export function createHistoryStore(folders: HistoryFolders): HistoryStore {
  const { disk, dataDir, snapshotFolder } = folders;
  return {
    truncate: (zxid) => truncate(folders, zxid),
    beginInstall(zxid) {
      invariant(installedZxid(disk, dataDir) === null, 'an install begun inside another');
      writeInstallMark(folders, zxid);
    },
    finishInstall(zxid) {
      invariant(installedZxid(disk, dataDir) === zxid, 'an install finished that was not begun');
      const path = `${snapshotFolder}/${snapshotName(zxid)}`;
      if (!disk.existsSync(path) || !isLikelySnapshot(disk, path)) {
        throw new HistoryUnreachable(`${path} is not there or not complete`);
      }
      finishInstall(folders, zxid);
    },
    abandonInstall() {
      settleHistory(folders);
    },
    finishRepair(zxid) {
      finishRepair(folders, zxid);
      return createEpochStore(disk, snapshotFolder).read() as Epochs;
    },
    readLog: (afterZxid) => readLog(folders, afterZxid),
    newestSnapshotBytes: () => newestSnapshotBytes(folders),
  };
}

/** Ends an install that a crash or the leader's end interrupted, one way or the other. Every start calls it first. */
export function settleHistory(folders: HistoryFolders): void {
  const zxid = zxidInPlace(folders);
  if (zxid !== null) finishInstall(folders, zxid);
  else removeDurably(folders.disk, folders.dataDir, INSTALL_NAME);
}

function finishInstall(folders: HistoryFolders, zxid: number): void {
  const { disk, dataDir, snapshotFolder, logFolder } = folders;
  lowerLoggedMark(disk, logFolder, zxid);
  for (const log of listLogs(disk, logFolder).reverse()) disk.removeSync(`${logFolder}/${log.name}`);
  for (const snapshot of listSnapshots(disk, snapshotFolder).reverse()) {
    if (snapshot.name !== snapshotName(zxid)) disk.removeSync(`${snapshotFolder}/${snapshot.name}`);
  }
  disk.syncDirSync(logFolder);
  disk.syncDirSync(snapshotFolder);
  removeDurably(disk, dataDir, INSTALL_NAME);
}

function truncate(folders: HistoryFolders, zxid: number): void {
  const { disk, snapshotFolder, logFolder } = folders;
  const { place, reached } = endOf(folders, zxid);
  lowerLoggedMark(disk, logFolder, reached);
  const beyond = listSnapshots(disk, snapshotFolder).filter((snapshot) => snapshot.zxid > zxid);
  for (const { name } of beyond.reverse()) disk.removeSync(`${snapshotFolder}/${name}`);
  disk.syncDirSync(snapshotFolder);
  if (place === null) return;
  const logs = listLogs(disk, logFolder).map(({ name }) => name);
  const isWhole = place.offset > LOG_HEADER_BYTES;
  const later = logs.slice(logs.indexOf(place.file) + (isWhole ? 1 : 0));
  // Each removal is durable before the next: no crash leaves a hole.
  for (const name of later.reverse()) removeDurably(disk, logFolder, name);
  if (!isWhole) return;
  const file = disk.openWriteSync(`${logFolder}/${place.file}`);
  file.truncateSync(place.offset);
  file.dataSyncSync();
  file.closeSync();
}

/**
 * Where the log is to end for the history to be the one of `zxid`, null when there is no log; and the last zxid of that history. Reads
 * the log from the newest snapshot not beyond on, so that nothing is removed unless what is left leads exactly there.
 */
function endOf(folders: HistoryFolders, zxid: number): { readonly place: LogPlace | null; readonly reached: number } {
  const { disk, snapshotFolder, logFolder } = folders;
  const base = validSnapshots(folders).findLast((snapshot) => snapshot.zxid <= zxid);
  if (base === undefined) {
    throw new HistoryUnreachable(`${snapshotFolder} has no snapshot that is not beyond ${zxidText(zxid)}`);
  }
  const logs = listLogs(disk, logFolder);
  // A file that begins right behind the cut goes as a whole: whoever reads the state again meets the one before it.
  const most = Math.min(base.zxid + 1, zxid);
  const file =
    logs[
      Math.max(
        0,
        logs.findLastIndex((log) => log.zxid <= most),
      )
    ];
  let reached = base.zxid;
  let place: LogPlace | null = null;
  if (file !== undefined) {
    const walk = newWalk(folders, file, base.zxid);
    try {
      walk.passTo(zxid);
      reached = walk.lastZxid;
      place = walk.place;
    } finally {
      walk.close();
    }
  }
  if (reached !== zxid && counterOf(zxid) !== 0) {
    throw new HistoryUnreachable(`${logFolder} leads to ${zxidText(reached)} and not to ${zxidText(zxid)}`);
  }
  return { place, reached };
}

function readLog(folders: HistoryFolders, afterZxid: number): LogCursor | null {
  const logs = listLogs(folders.disk, folders.logFolder);
  const isRecord = counterOf(afterZxid) !== 0;
  const at = logs.findLastIndex((log) => log.zxid <= afterZxid);
  const file = logs[isRecord ? at : Math.max(0, at)];
  if (file === undefined) return null;
  let walk: LogWalk | null = null;
  try {
    walk = newWalk(folders, file, afterZxid);
    const found = walk.skipTo(afterZxid);
    if (isRecord ? found === afterZxid : surelyFollows(folders, file, afterZxid, found)) return walk;
  } catch (error) {
    if (!(error instanceof HistoryUnreachable)) throw error;
  }
  walk?.close();
  return null;
}

/**
 * As `HistoryStore.readLog`, and also where the log begins right behind the record: the state of that one is in a snapshot
 * that came from a leader, and within an epoch nothing can be missing between two zxids in a row.
 */
export function readLogOrItsBeginning(folders: HistoryFolders, afterZxid: number): LogCursor | null {
  const cursor = readLog(folders, afterZxid);
  if (cursor !== null || counterOf(afterZxid) === 0) return cursor;
  const file = listLogs(folders.disk, folders.logFolder).find(({ zxid }) => zxid === afterZxid + 1);
  return file === undefined ? null : newWalk(folders, file, afterZxid);
}

/** Whether the log shows, from this file on, what comes right behind the zxid before the first of an epoch. */
function surelyFollows(folders: HistoryFolders, file: LogFile, epochStart: number, before: number | null): boolean {
  const look = newWalk(folders, file, epochStart);
  try {
    look.skipTo(epochStart);
    const records = look.next(LOOK_BYTES, Number.MAX_SAFE_INTEGER);
    if (records === null) return false;
    return before !== null || records.zxids[0] === epochStart + 1;
  } finally {
    look.close();
  }
}

function newWalk(folders: HistoryFolders, file: LogFile, lastZxid: number): LogWalk {
  const { disk, logFolder } = folders;
  const isMissingBetween = (after: number, before: number): boolean =>
    validSnapshots(folders).some(({ zxid }) => zxid > after && zxid < before && counterOf(zxid) !== 0) ||
    readLogged(disk, logFolder).epochEnds.some((zxid) => zxid > after && zxid < before);
  return new LogWalk({ disk, folder: logFolder, file, lastZxid, isMissingBetween });
}

function newestSnapshotBytes(folders: HistoryFolders): number {
  const { disk, snapshotFolder } = folders;
  const newest = validSnapshots(folders).at(-1);
  if (newest === undefined) return 0;
  const source = disk.openReadSync(`${snapshotFolder}/${newest.name}`);
  source.closeSync();
  return source.size;
}

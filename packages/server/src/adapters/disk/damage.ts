import type { Disk } from '../../ports.ts';
import { removeDurably, writeDurably } from './durable-file.ts';
import { decideEpochs, readEpochTexts, storeEpochs } from './epoch-files.ts';
import type { HistoryFolders } from './history-folders.ts';
import { listLogs, listSnapshots, readWhole } from './recovery-files.ts';
import { isUnreadable } from './unreadable.ts';

/** Lies beside `version-2` from the moment when data or promises were found lost until a leader has synced this server. */
const REBUILDING_NAME = 'headkeeper.rebuilding';
const VERSION_FOLDER = 'version-2';
const REPAIRING_FOLDER = `${VERSION_FOLDER}.repairing`;

interface Mark {
  /** The name that `version-2` is moved to; null when it stays. */
  readonly aside: string | null;
  /** Whether that is done, and the epochs are in the new folder. */
  readonly moved: boolean;
  /** What is known of the epoch promised. */
  readonly acceptedEpoch: number;
  /** Whether a greater one may have been promised. */
  readonly isGuess: boolean;
  readonly why: string;
  /** Whether all that this server has acknowledged and promised was in what was moved: put together again it may vote with it. */
  readonly isAll?: boolean;
  /** The history that was put together again is whole up to here, and on its way to its place. Null before that. */
  readonly repairedTo?: number | null;
}

/** Whether this server has lost what it may have acknowledged or promised, and no leader has synced it since. */
export function isRebuilding(disk: Disk, dataDir: string): boolean {
  return disk.existsSync(`${dataDir}/${REBUILDING_NAME}`);
}

/** Why this server must not vote, in the words of `setAside` or `markForgetful`; null when it may. */
export function rebuildingReason(folders: HistoryFolders): string | null {
  if (!isRebuilding(folders.disk, folders.dataDir)) return null;
  return readMark(folders)?.why ?? `${REBUILDING_NAME} is there and cannot be read`;
}

/**
 * Moves the damaged history aside as evidence, to `version-2.damaged-<UTC time>`, and begins an empty one that keeps the
 * promised epoch. A mark, written first, makes the server one that must not vote, and lets the next start finish what a
 * crash interrupted. `why` goes into the mark, for the operator. Nothing is ever deleted. Throws what the disk throws.
 *
 * Source of the rule: known failures D05, D06 and D20.
 */
export function setAside(folders: HistoryFolders, why: string, wallMs: number): void {
  const { epochs, damage } = decideEpochs(readEpochTexts(folders.disk, folders.snapshotFolder), newestNamed(folders));
  const aside = freeName(folders, wallMs);
  // What is moved a second time is only what a leader has begun to send.
  const isAll = damage === null && !isRebuilding(folders.disk, folders.dataDir);
  const mark = { aside, moved: false, acceptedEpoch: epochs.accepted, isGuess: damage !== null, why, isAll };
  writeMark(folders, mark);
  moveAside(folders, mark);
}

/** Marks a server whose promises cannot be read: it keeps its history, and must not vote until a leader has synced it. */
export function markForgetful(folders: HistoryFolders, acceptedEpoch: number, why: string): void {
  writeMark(folders, { aside: null, moved: true, acceptedEpoch, isGuess: true, why });
}

/** Finishes a move that a crash interrupted. Every start calls it before anything in `version-2` is looked at. */
export function finishSetAside(folders: HistoryFolders): void {
  if (!isRebuilding(folders.disk, folders.dataDir)) return;
  const mark = readMark(folders);
  if (mark === null) return;
  if (!mark.moved) moveAside(folders, mark);
  else if (typeof mark.repairedTo === 'number') finishRepair(folders, mark.repairedTo);
}

/** Whether the next start will move the history aside: a crash interrupted that. */
export function awaitsSetAside(folders: HistoryFolders): boolean {
  return isRebuilding(folders.disk, folders.dataDir) && readMark(folders)?.moved === false;
}

/** A leader has synced this server: it is a member like any other again. Durable on return. */
export function clearRebuilding(disk: Disk, dataDir: string): void {
  removeDurably(disk, dataDir, REBUILDING_NAME);
}

/** Where the history is that was set aside; null when it is in its place. */
export function asideFolders(folders: HistoryFolders): HistoryFolders | null {
  if (!isRebuilding(folders.disk, folders.dataDir)) return null;
  const mark = readMark(folders);
  return mark?.moved === true && mark.aside !== null ? inFolder(folders, mark.aside) : null;
}

/**
 * Where the history is that was set aside, if it can be put together again: its epochs are known, and nothing has taken its
 * place. Else null.
 */
export function repairableFolders(folders: HistoryFolders): HistoryFolders | null {
  const aside = asideFolders(folders);
  const isEmpty =
    listLogs(folders.disk, folders.logFolder).length === 0 &&
    listSnapshots(folders.disk, folders.snapshotFolder).every(({ zxid }) => zxid === 0) &&
    decideEpochs(readEpochTexts(folders.disk, folders.snapshotFolder), 0).epochs.current === 0;
  return aside !== null && isEmpty && readMark(folders)?.isAll === true ? aside : null;
}

/** Where a history is put together. */
export function repairFolders(folders: HistoryFolders): HistoryFolders {
  return inFolder(folders, REPAIRING_FOLDER);
}

function inFolder(folders: HistoryFolders, name: string): HistoryFolders {
  return { ...folders, snapshotFolder: `${folders.dataDir}/${name}`, logFolder: `${folders.dataLogDir}/${name}` };
}

/**
 * What is in the repair folders is whole up to `lastZxid`, and durable: it takes its place, with the epochs that were set aside, but for a promise
 * made since. The server is a member like any other then. Durable on return; what a crash interrupts the next start finishes.
 */
export function finishRepair(folders: HistoryFolders, lastZxid: number): void {
  const { disk, snapshotFolder } = folders;
  const mark = readMark(folders);
  const aside = asideFolders(folders);
  if (mark === null || aside === null) throw new Error('a repair finished of what was not set aside');
  if (mark.repairedTo !== lastZxid) writeMark(folders, { ...mark, repairedTo: lastZxid });
  const draft = repairFolders(folders);
  if (disk.existsSync(draft.snapshotFolder)) {
    const had = decideEpochs(readEpochTexts(disk, aside.snapshotFolder), lastZxid).epochs;
    const promises = [snapshotFolder, draft.snapshotFolder].map(
      (folder) => decideEpochs(readEpochTexts(disk, folder), 0).epochs.accepted,
    );
    const accepted = Math.max(had.accepted, mark.acceptedEpoch, ...promises);
    storeEpochs(disk, draft.snapshotFolder, { accepted, current: had.current });
  }
  for (const parent of new Set([folders.dataDir, folders.dataLogDir])) {
    const folder = `${parent}/${VERSION_FOLDER}`;
    const repaired = `${parent}/${REPAIRING_FOLDER}`;
    if (!disk.existsSync(repaired)) continue;
    if (disk.existsSync(folder)) disk.renameSync(folder, unusedName(disk, parent));
    disk.syncDirSync(parent);
    disk.renameSync(repaired, folder);
    disk.syncDirSync(parent);
  }
  clearRebuilding(disk, folders.dataDir);
}

/** For the empty history that a server began while it was repaired. */
function unusedName(disk: Disk, parent: string): string {
  let number = 1;
  while (disk.existsSync(`${parent}/${VERSION_FOLDER}.unused-${number}`)) number++;
  return `${parent}/${VERSION_FOLDER}.unused-${number}`;
}

function moveAside(folders: HistoryFolders, mark: Mark): void {
  const { disk, dataDir, dataLogDir, snapshotFolder } = folders;
  for (const parent of new Set([dataDir, dataLogDir])) {
    const folder = `${parent}/${VERSION_FOLDER}`;
    const target = `${parent}/${mark.aside}`;
    if (!disk.existsSync(target) && disk.existsSync(folder)) disk.renameSync(folder, target);
    // The old name is free for good before the new folder takes it.
    disk.syncDirSync(parent);
    if (!disk.existsSync(folder)) disk.makeFolderSync(folder);
    disk.syncDirSync(parent);
  }
  storeEpochs(disk, snapshotFolder, { accepted: mark.acceptedEpoch, current: 0 });
  writeMark(folders, { ...mark, moved: true });
}

function newestNamed(folders: HistoryFolders): number {
  const { disk, snapshotFolder, logFolder } = folders;
  return Math.max(0, ...[...listSnapshots(disk, snapshotFolder), ...listLogs(disk, logFolder)].map(({ zxid }) => zxid));
}

function freeName(folders: HistoryFolders, wallMs: number): string {
  for (let at = wallMs; ; at++) {
    const name = `${VERSION_FOLDER}.damaged-${new Date(at).toISOString().replace(/[-:.]/g, '')}`;
    const isTaken = [folders.dataDir, folders.dataLogDir].some((parent) =>
      folders.disk.existsSync(`${parent}/${name}`),
    );
    if (!isTaken) return name;
  }
}

function writeMark(folders: HistoryFolders, mark: Mark): void {
  writeDurably(folders.disk, folders.dataDir, REBUILDING_NAME, new TextEncoder().encode(`${JSON.stringify(mark)}\n`));
}

/** Null when it makes no sense, or cannot be read: then all that counts is that it is there. */
function readMark(folders: HistoryFolders): Mark | null {
  let mark: Partial<Mark>;
  try {
    const text = new TextDecoder().decode(readWhole(folders.disk, `${folders.dataDir}/${REBUILDING_NAME}`));
    mark = JSON.parse(text) as Partial<Mark>;
  } catch (error) {
    if (!isUnreadable(error) && !(error instanceof SyntaxError)) throw error;
    return null;
  }
  const { aside, moved, acceptedEpoch, isGuess, why, isAll, repairedTo } = mark;
  const isMove = typeof aside === 'string' && /^version-2\.damaged-[0-9TZ]+$/.test(aside);
  if (!(isMove || aside === null) || typeof moved !== 'boolean' || !Number.isSafeInteger(acceptedEpoch)) return null;
  return {
    aside,
    moved,
    acceptedEpoch: acceptedEpoch as number,
    isGuess: isGuess === true,
    why: String(why),
    isAll: isAll === true,
    repairedTo: Number.isSafeInteger(repairedTo) ? (repairedTo as number) : null,
  };
}

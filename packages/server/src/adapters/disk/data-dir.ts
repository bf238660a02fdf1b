import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { LoggedFacts } from '../../core/log/recovery-options.ts';
import { RecoveryRefused } from '../../core/log/recovery-refused.ts';
import type { RecoverySource } from '../../core/log/recovery-source.ts';
import type { Disk, EpochStore, Epochs, HistoryStore } from '../../ports.ts';
import {
  asideFolders,
  clearRebuilding,
  finishSetAside,
  isRebuilding,
  markForgetful,
  rebuildingReason,
  repairableFolders,
  setAside,
} from './damage.ts';
import { DataDirError } from './data-dir-error.ts';
import { removeDurably, writeDurably } from './durable-file.ts';
import {
  createEpochStore,
  decideEpochs,
  type EpochDecision,
  readEpochTexts,
  removeEpochDrafts,
  storeEpochs,
} from './epoch-files.ts';
import { zxidOfName } from './file-names.ts';
import type { FolderLock } from './folder-lock.ts';
import { createHistoryStore, settleHistory } from './history-files.ts';
import type { HistoryFolders } from './history-folders.ts';
import { INSTALL_NAME } from './install-mark.ts';
import { isLoggedMarkLost, LOGGED_NAME, readLogged, removeLoggedMark, requireLogged } from './logged-mark.ts';
import {
  createRecoverySource,
  type LogRepairs,
  listLogs,
  listSnapshots,
  readWhole,
  repairLogs,
} from './recovery-files.ts';
import { type Examination, RepairDraft } from './repair-draft.ts';
import type { SalvageFolders } from './salvage.ts';

export { DataDirError } from './data-dir-error.ts';

export interface DataDirOptions {
  readonly disk: Disk;
  readonly dataDir: string;
  /** May be the same as `dataDir`. */
  readonly dataLogDir: string;
  /** Whether missing folders are made (`zookeeper.datadir.autocreate`). */
  readonly autocreate: boolean;
  /** `lockFolder` in production. */
  readonly lock: (folder: string) => FolderLock;
}

/** The directories of one server, checked and held. */
export interface DataDir {
  /** `version-2` with the snapshots. */
  readonly snapshotFolder: string;
  /** `version-2` with the logs. */
  readonly logFolder: string;
  /** Whether Headkeeper began this directory; false for one that Apache ZooKeeper wrote first. */
  readonly createdByUs: boolean;
  /** Whether the marker `initialize` was found: an operator says that beginning with an empty tree is right. */
  readonly initialize: boolean;
  readonly source: RecoverySource;
  /** What is known of the log (`headkeeper.logged`). */
  logged(): LoggedFacts;
  /** The file that should say what is known of the log, if it is there and nothing in it can be read; else null. */
  readonly lostMark: string | null;
  /**
   * Throws RecoveryRefused when a log that ends with `lastZxid` has lost what was durable (`headkeeper.logged`), and when nobody
   * can tell whether the snapshot belongs to it: a state from another server was being put in its place.
   */
  requireLogged(lastZxid: number): void;
  /** From now on nobody waits for the disk (`forceSync=no`): what the mark says of it is void. */
  distrustMark(): void;
  /** `repairLogs` in this directory; the name of the snapshot that was loaded is made durable, too. */
  repair(repairs: LogRepairs): void;
  /** Removes the marker `initialize`, durably; to be called once the first snapshot is there. */
  clearInitialize(): void;
  /** The 32 secret bytes behind keyed session passwords: made once, durably, readable by the owner only. */
  sessionKey(): Uint8Array;
  /** The number in the file `myid`, which tells this server from the others of its ensemble; null without the file. */
  myid(): number | null;
  /** What this server has promised; of use once `settleEpochs` was called. */
  readonly epochs: EpochStore;
  /**
   * What a member of an ensemble does after `repair`: decides the epochs (`decideEpochs`) and makes them durable. When the
   * files are damaged the server becomes one that is `rebuilding`.
   */
  settleEpochs(lastZxid: number): Epochs;
  readonly history: HistoryStore;
  /**
   * Whether this server has lost txns or promises, so that it must not vote, until a leader has synced it and
   * `clearRebuilding` was called. It survives restarts.
   */
  readonly rebuilding: boolean;
  /** What was found lost, while it is `rebuilding`; else null. */
  readonly rebuildingReason: string | null;
  /**
   * For a member whose recovery was refused, for the reason `why`: moves `version-2` to `version-2.damaged-<UTC time>`,
   * durably, keeps the promised epoch, and goes on with an empty history as one that is `rebuilding`.
   */
  setAside(why: string, wallMs: number): void;
  clearRebuilding(): void;
  /** Where others find what is intact of this server's history: in its place, or set aside. */
  readonly salvageable: SalvageFolders;
  /**
   * Begins to put the history that was set aside together again; null where that is out of the question. `maxRecordBytes`: of the
   * largest txn, path, data or access control list. `examine` reads what came of it.
   */
  beginRepair(maxRecordBytes: number, examine: (source: RecoverySource) => Examination): RepairDraft | null;
  /** Lets other processes have the directories. */
  release(): void;
}

export const VERSION_FOLDER = 'version-2';
/** Where a restore has its files until those of all servers are durable. */
export const RESTORE_DRAFT_FOLDER = 'version-2.restoring';
/** Lies with a restored log until the snapshot is in its place, when the two are apart; names the directory of the snapshot. */
export const RESTORED_LOG_NAME = 'headkeeper.restoring';
const INITIALIZE_NAME = 'initialize';
const ORIGIN_NAME = 'headkeeper.origin';
export const MYID_NAME = 'myid';
const KEY_NAME = 'headkeeper.session-key';
const KEY_BYTES = 32;
const ORIGIN_TEXT = 'Headkeeper began this data directory.\n';
const CANNOT_SYNC: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EINVAL', 'EROFS']);
const EPOCH_NAMES: readonly string[] = ['acceptedEpoch', 'currentEpoch'];

/**
 * Opens the directories of a server: makes what is missing, durably, takes the lock, and refuses logs among snapshots and
 * snapshots among logs when the two are apart. Files of our own (lock, origin, key) lie beside `version-2`, where Apache
 * does not look.
 *
 * Throws `DataDirError`, `FolderInUse`, or the operating system's error.
 * Source of the rules: storage-formats reference, sections 1, 10 and 12.
 */
export function openDataDir(options: DataDirOptions): DataDir {
  const { disk } = options;
  const dataDir = resolve(options.dataDir);
  const dataLogDir = resolve(options.dataLogDir);
  const snapshotFolder = `${dataDir}/${VERSION_FOLDER}`;
  const logFolder = `${dataLogDir}/${VERSION_FOLDER}`;
  const together = dataDir === dataLogDir;

  const folders: HistoryFolders = { disk, dataDir, dataLogDir, snapshotFolder, logFolder };

  // A crash while the history was moved aside can have left the new folder unmade.
  const autocreate = options.autocreate || isRebuilding(disk, dataDir);
  for (const folder of [snapshotFolder, logFolder]) requireFolder(disk, folder, autocreate);
  const locks = lockAll(together ? [dataDir] : [dataDir, dataLogDir], options.lock);
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  try {
    for (const folder of together ? [dataDir] : [dataDir, dataLogDir]) refuseDraft(disk, folder);
    if (!together) {
      settleRestoredLog(folders);
      refuseMisplaced(disk, snapshotFolder, 'log', 'dataLogDir');
      refuseMisplaced(disk, logFolder, 'snapshot', 'dataDir');
    }
    finishSetAside(folders);
    let doubt = unsettled(folders);
    const epochs = createEpochStore(disk, snapshotFolder);
    return {
      snapshotFolder,
      logFolder,
      createdByUs: isOurs(disk, dataDir, [snapshotFolder, logFolder]),
      initialize: disk.existsSync(`${dataLogDir}/${INITIALIZE_NAME}`),
      source: createRecoverySource(disk, snapshotFolder, logFolder),
      logged: () => readLogged(disk, logFolder),
      get lostMark() {
        return isLoggedMarkLost(disk, logFolder) ? `${logFolder}/${LOGGED_NAME}` : null;
      },
      requireLogged(lastZxid) {
        if (doubt !== null) throw new RecoveryRefused('install-unknown', doubt, { file: INSTALL_NAME });
        requireLogged(readLogged(disk, logFolder), logFolder, lastZxid);
      },
      distrustMark: () => removeLoggedMark(disk, logFolder),
      repair: (repairs) => {
        repairLogs(disk, logFolder, repairs);
        disk.syncDirSync(snapshotFolder);
      },
      clearInitialize: () => clearInitialize(disk, dataLogDir),
      sessionKey: () => sessionKey(disk, dataDir),
      myid: () => myid(disk, dataDir),
      epochs,
      settleEpochs(lastZxid) {
        const settled = settleEpochs(folders, lastZxid);
        epochs.settled(settled);
        return settled;
      },
      history: createHistoryStore(folders),
      get rebuilding() {
        return isRebuilding(disk, dataDir);
      },
      get rebuildingReason() {
        return rebuildingReason(folders);
      },
      setAside(why, wallMs) {
        setAside(folders, why, wallMs);
        epochs.settled(null);
        if (doubt !== null) removeDurably(disk, dataDir, INSTALL_NAME);
        doubt = null;
        settleHistory(folders);
      },
      clearRebuilding: () => clearRebuilding(disk, dataDir),
      get salvageable() {
        return asideFolders(folders) ?? folders;
      },
      beginRepair(maxRecordBytes, examine) {
        const aside = repairableFolders(folders);
        return aside === null ? null : new RepairDraft(folders, aside, maxRecordBytes, examine);
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Ends an install that was interrupted; where nobody can tell what it was, says so. */
function unsettled(folders: HistoryFolders): string | null {
  try {
    settleHistory(folders);
    return null;
  } catch (error) {
    if (!(error instanceof DataDirError) || error.problem !== 'damaged-mark') throw error;
    return error.message;
  }
}

/** Makes the folder if it is missing and may be made; durable on return. Throws DataDirError. */
export function requireFolder(disk: Disk, folder: string, autocreate: boolean): void {
  if (!disk.existsSync(folder)) {
    if (!autocreate) {
      throw new DataDirError(
        'missing',
        `${folder} does not exist and is not made because datadir.autocreate=false. Make it, or check dataDir and dataLogDir.`,
      );
    }
    makeFolders(disk, folder);
  }
  syncNamesAbove(disk, folder);
}

/** Makes the folder and those above it. */
function makeFolders(disk: Disk, folder: string): void {
  const parent = resolve(folder, '..');
  if (!disk.existsSync(parent)) makeFolders(disk, parent);
  disk.makeFolderSync(folder);
}

/**
 * Makes the folder's name and those above it durable, also when they are there already: the process that made them may
 * have been killed before it could. Folders that cannot be opened or synced are none of ours.
 */
function syncNamesAbove(disk: Disk, folder: string): void {
  for (let above = resolve(folder, '..'); ; above = resolve(above, '..')) {
    try {
      disk.syncDirSync(above);
    } catch (error) {
      if (!CANNOT_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    if (above === resolve(above, '..')) return;
  }
}

/** Takes all folders or none. */
export function lockAll(folders: readonly string[], lock: (folder: string) => FolderLock): FolderLock[] {
  const locks: FolderLock[] = [];
  try {
    for (const folder of folders) locks.push(lock(folder));
    return locks;
  } catch (error) {
    for (const held of locks) held.release();
    throw error;
  }
}

/**
 * A restore that was interrupted may have completed the directories of other members: with an empty one beside them this
 * server could help to elect an ensemble that has lost everything.
 */
function refuseDraft(disk: Disk, folder: string): void {
  const draft = `${folder}/${RESTORE_DRAFT_FOLDER}`;
  if (!disk.existsSync(draft) || disk.listSync(draft).length === 0) return;
  throw new DataDirError(
    'half-restored',
    `${draft} shows that a restore into ${folder} was interrupted. Run "headkeeper restore" again, for all servers of the ` +
      'ensemble: it removes what it left half done, and wants the directories that it had completed to be emptied first. Or ' +
      'remove that folder to start without what was to be restored.',
  );
}

/**
 * A restore puts the log into its place first, and the snapshot, which it belongs behind, next. A log that is alone is none
 * to start on; one whose snapshot is there is complete.
 */
function settleRestoredLog({ disk, snapshotFolder, logFolder }: HistoryFolders): void {
  if (!disk.existsSync(`${logFolder}/${RESTORED_LOG_NAME}`)) return;
  if (listSnapshots(disk, snapshotFolder).length === 0) {
    throw new DataDirError(
      'half-restored',
      `${logFolder} holds the log of a restore that was interrupted before its snapshot came to ${snapshotFolder}. Run ` +
        `"headkeeper restore" again, which removes that log; or remove ${logFolder} to start without what was to be restored.`,
    );
  }
  removeDurably(disk, logFolder, RESTORED_LOG_NAME);
}

function refuseMisplaced(disk: Disk, folder: string, kind: 'log' | 'snapshot', setting: string): void {
  const found = disk.listSync(folder).find((name) => zxidOfName(kind, name) !== null);
  if (found === undefined) return;
  throw new DataDirError(
    'misplaced-files',
    `${folder} holds ${found}: with dataLogDir apart from dataDir, ${kind} files belong into ${setting}. Was dataLogDir ` +
      `changed? Move the ${kind} files there, or put the settings back.`,
  );
}

/** Tells a directory of ours by its mark, and marks one that nobody has written to. */
function isOurs(disk: Disk, dataDir: string, folders: readonly string[]): boolean {
  const path = `${dataDir}/${ORIGIN_NAME}`;
  if (disk.existsSync(path)) return true;
  const isUsed = (name: string): boolean =>
    zxidOfName('log', name) !== null || zxidOfName('snapshot', name) !== null || EPOCH_NAMES.includes(name);
  if (folders.some((folder) => disk.listSync(folder).some(isUsed))) return false;
  markAsOurs(disk, dataDir);
  return true;
}

/** Says durably that Headkeeper began this directory: no session in it has a password of Apache's kind. */
export function markAsOurs(disk: Disk, dataDir: string): void {
  writeDurably(disk, dataDir, ORIGIN_NAME, new TextEncoder().encode(ORIGIN_TEXT));
}

function clearInitialize(disk: Disk, dataLogDir: string): void {
  removeDurably(disk, dataLogDir, INITIALIZE_NAME);
}

function sessionKey(disk: Disk, dataDir: string): Uint8Array {
  const path = `${dataDir}/${KEY_NAME}`;
  if (disk.existsSync(path)) {
    const key = readWhole(disk, path);
    // What a disk has lost comes back as zeros, and those anybody would guess.
    const isLost = key.every((byte) => byte === 0);
    if (key.length === KEY_BYTES && !isLost) return key;
    throw new DataDirError(
      'damaged-key',
      `${path} holds ${key.length} ${isLost && key.length > 0 ? 'zero ' : ''}bytes instead of ${KEY_BYTES} secret ones. Restore it, or remove it: sessions that are open now ` +
        'can then not be taken up again.',
    );
  }
  const key = new Uint8Array(randomBytes(KEY_BYTES));
  writeDurably(disk, dataDir, KEY_NAME, key, true);
  return key;
}

function settleEpochs(folders: HistoryFolders, lastZxid: number): Epochs {
  const { disk, snapshotFolder } = folders;
  const { epochs, damage } = withoutLostHistory(folders, decideEpochs(readEpochTexts(disk, snapshotFolder), lastZxid));
  if (damage !== null) markForgetful(folders, epochs.accepted, damage);
  storeEpochs(disk, snapshotFolder, epochs);
  removeEpochDrafts(disk, snapshotFolder);
  // A process that was killed can have left names that are not durable.
  disk.syncDirSync(snapshotFolder);
  return epochs;
}

/**
 * A first start leaves a snapshot before any epoch is reached: where there is an epoch and neither snapshot nor log, somebody
 * has removed them, and what this server had acknowledged.
 */
function withoutLostHistory(folders: HistoryFolders, decision: EpochDecision): EpochDecision {
  const { disk, snapshotFolder, logFolder } = folders;
  const { accepted, current } = decision.epochs;
  const hasHistory = listSnapshots(disk, snapshotFolder).length > 0 || listLogs(disk, logFolder).length > 0;
  if (current === 0 || hasHistory || decision.damage !== null) return decision;
  return { epochs: { accepted, current: 0 }, damage: `currentEpoch is ${current}, and there is no history` };
}

/** The number in the file `myid`; null without the file. Throws DataDirError when it holds no number. */
export function myid(disk: Disk, dataDir: string): number | null {
  const path = `${dataDir}/${MYID_NAME}`;
  if (!disk.existsSync(path)) return null;
  const line = new TextDecoder().decode(readWhole(disk, path)).split('\n', 1)[0]?.trim() ?? '';
  const id = Number(line);
  if (/^-?[0-9]{1,19}$/.test(line) && Number.isSafeInteger(id)) return id;
  throw new DataDirError(
    'damaged-myid',
    `${path} begins with ${JSON.stringify(line.slice(0, 40))} instead of a number. Write the number N of this server's ` +
      'line "server.N=..." into it.',
  );
}

import { resolve } from 'node:path';
import {
  lockAll,
  MYID_NAME,
  markAsOurs,
  myid,
  RESTORE_DRAFT_FOLDER,
  RESTORED_LOG_NAME,
  requireFolder,
  VERSION_FOLDER,
} from '../adapters/disk/data-dir.ts';
import { DRAFT_SUFFIX, removeDurably, writeDurably } from '../adapters/disk/durable-file.ts';
import { storeEpochs } from '../adapters/disk/epoch-files.ts';
import { logName, snapshotName, zxidOfName } from '../adapters/disk/file-names.ts';
import { FolderInUse, type FolderLock } from '../adapters/disk/folder-lock.ts';
import { readWhole } from '../adapters/disk/recovery-files.ts';
import type { Disk, DiskFile } from '../ports.ts';
import { RestoreRefused } from './restore-refused.ts';

/** Where one server is to find its restored data. */
export interface RestoreFolder {
  readonly dataDir: string;
  /** May be the same. */
  readonly dataLogDir: string;
  /** The number to be put into `myid`; null: the file is left as it is, or not made. */
  readonly myid: number | null;
}

/** What a restore stands on: the machine in production, twins in tests. */
export interface RestoreWorld {
  readonly disk: Disk;
  readonly lock: (folder: string) => FolderLock;
  /** Removes an empty folder. */
  readonly removeFolder: (path: string) => void;
}

/** What an empty data directory may hold: what a server, an operator or the file system puts there before any data. */
const HARMLESS: ReadonlySet<string> = new Set([
  MYID_NAME,
  'initialize',
  'headkeeper.origin',
  'headkeeper.session-key',
  'zookeeper_server.pid',
  'lost+found',
  RESTORE_DRAFT_FOLDER,
]);

/**
 * Refuses a directory that a restore must not touch: one that holds data, or that belongs to another server. Changes
 * nothing.
 *
 * @throws RestoreRefused.
 */
export function checkRestoreFolder(disk: Disk, folder: RestoreFolder): void {
  for (const parent of parentsOf(folder)) {
    if (!disk.existsSync(parent)) continue;
    refuseContents(disk, parent, folder);
  }
  if (folder.myid === null || !disk.existsSync(folder.dataDir)) return;
  const found = myid(disk, folder.dataDir);
  if (found !== null && found !== folder.myid) {
    throw new RestoreRefused(
      'wrong-myid',
      `${folder.dataDir}/${MYID_NAME} names server ${found}, and the data for server ${folder.myid} is to go there. ` +
        'Give the right directory, or correct the file.',
    );
  }
}

function refuseContents(disk: Disk, parent: string, folder: RestoreFolder): void {
  for (const name of list(disk, parent)) {
    // Who holds it is asked when the lock is taken. A crash can have left the draft of a small file.
    const small = name.endsWith(DRAFT_SUFFIX) ? name.slice(0, -DRAFT_SUFFIX.length) : name;
    if (HARMLESS.has(small) || name.startsWith('headkeeper.lock')) continue;
    const inside = name === VERSION_FOLDER ? list(disk, `${parent}/${name}`) : [];
    if (name === VERSION_FOLDER && (inside.length === 0 || isLoneLog(disk, parent, folder))) continue;
    throw new RestoreRefused(
      'not-empty',
      `${parent} is not empty: it holds ${[name, ...inside.slice(0, 1)].join('/')}. Nothing is ever overwritten: ` +
        'give an empty directory, or move what is in this one away.',
    );
  }
}

/** Whether a directory holds no more than the log of a restore into this very folder that did not get to its snapshot. */
function isLoneLog(disk: Disk, parent: string, { dataDir, dataLogDir }: RestoreFolder): boolean {
  if (parent !== resolve(dataLogDir) || parent === resolve(dataDir)) return false;
  const logs = `${parent}/${VERSION_FOLDER}`;
  const snapshots = `${resolve(dataDir)}/${VERSION_FOLDER}`;
  const mark = `${logs}/${RESTORED_LOG_NAME}`;
  if (!disk.existsSync(mark) || (disk.existsSync(snapshots) && list(disk, snapshots).length > 0)) return false;
  if (list(disk, logs).some((name) => name !== RESTORED_LOG_NAME && zxidOfName('log', name) === null)) return false;
  return new TextDecoder().decode(readWhole(disk, mark)).trim() === resolve(dataDir);
}

function list(disk: Disk, folder: string): string[] {
  try {
    return disk.listSync(folder).sort();
  } catch (error) {
    throw new RestoreRefused('disk', `${folder} cannot be read: ${(error as Error).message}`, error);
  }
}

function parentsOf(folder: RestoreFolder): string[] {
  const { dataDir, dataLogDir } = folder;
  return [...new Set([resolve(dataDir), resolve(dataLogDir)])];
}

/**
 * Restored data on its way to one data directory. All of it is written beside the place where servers look, and synced;
 * `commit` then moves it there by one rename, and one before it for logs in a directory of their own: a crash before leaves
 * a draft, on which no server starts. A crash between the two leaves logs with a mark, which the next restore removes.
 *
 * The methods throw RestoreRefused when the disk fails; then `abandon` is to be called.
 */
export class RestoreDraft {
  readonly folder: RestoreFolder;
  readonly #world: RestoreWorld;
  readonly #locks: FolderLock[];
  readonly #dataDir: string;
  readonly #dataLogDir: string;
  /** Directories in which the data is in its place. */
  #committed: string[] = [];
  #snapshot: { readonly file: DiskFile; position: number } | null = null;

  /** Takes the directory: makes it if need be, and locks it. Throws RestoreRefused. */
  constructor(world: RestoreWorld, folder: RestoreFolder) {
    this.folder = folder;
    this.#world = world;
    this.#dataDir = resolve(folder.dataDir);
    this.#dataLogDir = resolve(folder.dataLogDir);
    const { disk } = world;
    checkRestoreFolder(disk, folder);
    this.#guarded(() => {
      for (const parent of parentsOf(folder)) requireFolder(disk, parent, true);
    });
    this.#locks = this.#guarded(() => lockAll(parentsOf(folder), world.lock));
    try {
      this.#guarded(() => {
        // Somebody can have begun to use it before it was locked.
        checkRestoreFolder(disk, folder);
        this.#empty();
        for (const parent of parentsOf(folder)) requireFolder(disk, `${parent}/${RESTORE_DRAFT_FOLDER}`, true);
      });
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  beginSnapshot(zxid: number): void {
    this.#guarded(() => {
      const file = this.#world.disk.createSync(`${this.#dataDir}/${RESTORE_DRAFT_FOLDER}/${snapshotName(zxid)}`);
      this.#snapshot = { file, position: 0 };
    });
  }

  write(chunk: Uint8Array): void {
    const snapshot = this.#snapshot;
    if (snapshot === null) throw new Error('no snapshot was begun');
    this.#guarded(() => {
      snapshot.file.writeSync(chunk, 0, chunk.length, snapshot.position);
      snapshot.position += chunk.length;
    });
  }

  /** Makes the snapshot durable. */
  endSnapshot(): void {
    const snapshot = this.#snapshot;
    if (snapshot === null) throw new Error('no snapshot was begun');
    this.#guarded(() => {
      snapshot.file.dataSyncSync();
      snapshot.file.closeSync();
      this.#snapshot = null;
    });
  }

  writeLog(firstZxid: number, bytes: Uint8Array): void {
    this.#guarded(() =>
      writeDurably(this.#world.disk, `${this.#dataLogDir}/${RESTORE_DRAFT_FOLDER}`, logName(firstZxid), bytes),
    );
  }

  /** Both epoch files get this epoch: it is reached, and no smaller one will be accepted. */
  writeEpoch(epoch: number): void {
    this.#guarded(() =>
      storeEpochs(this.#world.disk, `${this.#dataDir}/${RESTORE_DRAFT_FOLDER}`, { accepted: epoch, current: epoch }),
    );
  }

  /** Puts everything in its place, durably. The directory is still held. */
  commit(): void {
    const { disk } = this.#world;
    this.#guarded(() => {
      markAsOurs(disk, this.#dataDir);
      const { myid: number } = this.folder;
      if (number !== null) writeDurably(disk, this.#dataDir, MYID_NAME, new TextEncoder().encode(`${number}\n`));
      const isApart = this.#dataLogDir !== this.#dataDir;
      if (isApart) {
        const mark = new TextEncoder().encode(`${this.#dataDir}\n`);
        writeDurably(disk, `${this.#dataLogDir}/${RESTORE_DRAFT_FOLDER}`, RESTORED_LOG_NAME, mark);
      }
      for (const parent of [...parentsOf(this.folder)].reverse()) {
        disk.syncDirSync(`${parent}/${RESTORE_DRAFT_FOLDER}`);
        disk.renameSync(`${parent}/${RESTORE_DRAFT_FOLDER}`, `${parent}/${VERSION_FOLDER}`);
        this.#committed.push(parent);
        disk.syncDirSync(parent);
      }
      if (isApart) removeDurably(disk, `${this.#dataLogDir}/${VERSION_FOLDER}`, RESTORED_LOG_NAME);
    });
  }

  /** Lets others have the directory. */
  release(): void {
    for (const lock of this.#locks.splice(0)) lock.release();
  }

  /** Removes what was written, committed or not, as far as the disk lets us, and releases the directory. */
  abandon(): void {
    const { disk } = this.#world;
    try {
      this.#snapshot?.file.closeSync();
      this.#snapshot = null;
      // Nobody can have read it, for the directory is still held.
      for (const parent of this.#committed.splice(0).reverse()) {
        disk.renameSync(`${parent}/${VERSION_FOLDER}`, `${parent}/${RESTORE_DRAFT_FOLDER}`);
        disk.syncDirSync(parent);
      }
      this.#empty();
    } catch {
      // No server starts on what is left; the next restore removes it.
    }
    this.release();
  }

  /** Removes drafts, those of an interrupted restore included, and the log that one left alone. */
  #empty(): void {
    const { disk, removeFolder } = this.#world;
    if (disk.existsSync(this.#dataLogDir) && isLoneLog(disk, this.#dataLogDir, this.folder)) {
      const logs = `${this.#dataLogDir}/${VERSION_FOLDER}`;
      // The mark goes last: as long as anything is there it tells what that is.
      for (const name of list(disk, logs)) if (name !== RESTORED_LOG_NAME) disk.removeSync(`${logs}/${name}`);
      disk.syncDirSync(logs);
      removeDurably(disk, logs, RESTORED_LOG_NAME);
    }
    for (const parent of parentsOf(this.folder)) {
      const draft = `${parent}/${RESTORE_DRAFT_FOLDER}`;
      if (!disk.existsSync(draft)) continue;
      for (const name of disk.listSync(draft)) disk.removeSync(`${draft}/${name}`);
      removeFolder(draft);
    }
  }

  #guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof RestoreRefused) throw error;
      if (error instanceof FolderInUse) throw new RestoreRefused('in-use', error.message, error);
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw error;
      throw new RestoreRefused('disk', this.#diskText(code, error as Error), error);
    }
  }

  #diskText(code: string, error: Error): string {
    const where = parentsOf(this.folder).join(' and ');
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    return isFull
      ? `the disk of ${where} is full (${error.message}). What was written is removed; make room and try again.`
      : `${where} cannot be written: ${error.message}. What was written is removed.`;
  }
}

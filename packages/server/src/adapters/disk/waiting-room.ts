import { dirname } from 'node:path';
import type { Disk } from '../../ports.ts';
import { asideSnapshotName, snapshotName } from './file-names.ts';

/** Beside `version-2`, where neither Apache nor we look for snapshots. */
const FOLDER_NAME = 'headkeeper.restore';

/**
 * Where a state that is to take the place of the history is got ready: what comes in lies in a folder of its own, the snapshot
 * made of it in `version-2` under a name that does not count (`SnapshotStoreOptions.aside`). What a crash left is worth nothing.
 */
export interface WaitingRoom {
  readonly path: string;
  /** `version-2`. */
  readonly snapshotFolder: string;
  /** Makes the folder if it is missing. */
  open(): void;
  /** Removes every file in it, and the snapshot aside of this zxid. */
  clear(zxid?: number): void;
  /** The snapshot aside of this zxid becomes one that counts; durable on return. */
  release(zxid: number): void;
}

export function createWaitingRoom(disk: Disk, snapshotFolder: string): WaitingRoom {
  const path = `${dirname(snapshotFolder)}/${FOLDER_NAME}`;
  return {
    path,
    snapshotFolder,
    open() {
      if (!disk.existsSync(path)) disk.makeFolderSync(path);
    },
    clear(zxid) {
      const aside = zxid === undefined ? null : `${snapshotFolder}/${asideSnapshotName(zxid)}`;
      if (aside !== null && disk.existsSync(aside)) disk.removeSync(aside);
      if (!disk.existsSync(path)) return;
      for (const name of disk.listSync(path)) disk.removeSync(`${path}/${name}`);
    },
    release(zxid) {
      disk.renameSync(`${snapshotFolder}/${asideSnapshotName(zxid)}`, `${snapshotFolder}/${snapshotName(zxid)}`);
      disk.syncDirSync(snapshotFolder);
    },
  };
}

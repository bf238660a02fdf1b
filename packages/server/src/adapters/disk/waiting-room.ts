import { dirname } from 'node:path';
import type { Disk } from '../../ports.ts';
import { snapshotName } from './file-names.ts';

/** Beside `version-2`, where neither Apache nor we look for snapshots. */
const FOLDER_NAME = 'headkeeper.restore';

/** Where a state that is to take the place of the history is got ready; what a crash left there is worth nothing. */
export interface WaitingRoom {
  readonly path: string;
  /** Makes the folder if it is missing. */
  open(): void;
  /** Removes every file in it. */
  clear(): void;
  /** Moves the snapshot of this zxid into `version-2`; durable on return. */
  release(zxid: number): void;
}

export function createWaitingRoom(disk: Disk, snapshotFolder: string): WaitingRoom {
  const path = `${dirname(snapshotFolder)}/${FOLDER_NAME}`;
  return {
    path,
    open() {
      if (!disk.existsSync(path)) disk.makeFolderSync(path);
    },
    clear() {
      if (!disk.existsSync(path)) return;
      for (const name of disk.listSync(path)) disk.removeSync(`${path}/${name}`);
    },
    release(zxid) {
      const name = snapshotName(zxid);
      disk.renameSync(`${path}/${name}`, `${snapshotFolder}/${name}`);
      disk.syncDirSync(path);
      disk.syncDirSync(snapshotFolder);
    },
  };
}

import { basename, dirname, resolve } from 'node:path';
import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import type { Disk } from '../ports.ts';
import { RepairRefused } from './repair-refused.ts';

const VERSION_FOLDER = 'version-2';

/**
 * The folders of a data directory, which may be named by its `version-2`. Throws RepairRefused when there is no `version-2`
 * in it.
 */
export function repairFolders(disk: Disk, dataDir: string, dataLogDir: string | null): HistoryFolders {
  const data = aboveVersionFolder(dataDir);
  const log = dataLogDir === null ? data : aboveVersionFolder(dataLogDir);
  const folders = {
    disk,
    dataDir: data,
    dataLogDir: log,
    snapshotFolder: `${data}/${VERSION_FOLDER}`,
    logFolder: `${log}/${VERSION_FOLDER}`,
  };
  for (const folder of [folders.snapshotFolder, folders.logFolder]) {
    if (!disk.existsSync(folder)) {
      throw new RepairRefused(`${folder} does not exist: name a data directory, the folder with version-2 in it.`);
    }
  }
  return folders;
}

/** Where a log file belongs: the folders around it. `dataDir`: the one with the snapshots, if it is another. */
export function foldersOfLog(disk: Disk, logFile: string, dataDir: string | null): HistoryFolders {
  const path = resolve(logFile);
  if (!disk.existsSync(path)) throw new RepairRefused(`${path} does not exist.`);
  if (basename(dirname(path)) !== VERSION_FOLDER) {
    throw new RepairRefused(
      `${path} is not in a folder version-2, so nothing tells what comes before and after it. Put a copy of the whole data ` +
        'directory where you want to work on it.',
    );
  }
  const dataLogDir = dirname(dirname(path));
  return repairFolders(disk, dataDir ?? dataLogDir, dataLogDir);
}

function aboveVersionFolder(folder: string): string {
  const path = resolve(folder);
  return basename(path) === VERSION_FOLDER ? dirname(path) : path;
}

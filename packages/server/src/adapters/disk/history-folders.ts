import type { SnapshotFile } from '../../core/log/recovery-source.ts';
import type { Disk } from '../../ports.ts';
import { isLikelySnapshot, listSnapshots } from './recovery-files.ts';

/** Where one server keeps its history. */
export interface HistoryFolders {
  readonly disk: Disk;
  /** The folder above `snapshotFolder`, for marks. */
  readonly dataDir: string;
  /** The folder above `logFolder`; may be the same. */
  readonly dataLogDir: string;
  /** The `version-2` folder with the snapshots. */
  readonly snapshotFolder: string;
  /** The `version-2` folder with the logs; may be the same. */
  readonly logFolder: string;
}

/** The snapshots that pass the quick check, by ascending zxid. */
export function validSnapshots(folders: HistoryFolders): SnapshotFile[] {
  const { disk, snapshotFolder } = folders;
  return listSnapshots(disk, snapshotFolder).filter(({ name }) => isLikelySnapshot(disk, `${snapshotFolder}/${name}`));
}

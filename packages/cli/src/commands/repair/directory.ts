import { statSync } from 'node:fs';
import process from 'node:process';
import {
  type Disk,
  FolderInUse,
  type FolderUsers,
  folderUsers,
  type HistoryFolders,
  lockFolder,
  RepairRefused,
} from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { disk } from './working.ts';

/** Finds the folders, with errors for people. */
export function find(which: (on: Disk) => HistoryFolders): HistoryFolders {
  return withErrors(() => which(disk));
}

/** Who uses a data directory. */
export function usersOf({ dataDir, dataLogDir }: HistoryFolders): FolderUsers {
  return folderUsers([dataDir, dataLogDir]);
}

/**
 * Holds a data directory while `body` works on it; refuses one that a server uses, and to write as root into a directory of
 * somebody else, whose server could not read its files then.
 */
export async function holding<T>(folders: HistoryFolders, body: () => Promise<T>): Promise<T> {
  const { dataDir, dataLogDir } = folders;
  refuseOthersDirectory(folders.snapshotFolder);
  const locks = withErrors(() => [...new Set([dataDir, dataLogDir])].map(lockFolder));
  try {
    const { users } = usersOf(folders);
    const others = users.filter(({ pid }) => pid !== process.pid);
    if (others.length > 0) {
      const who = others.map(({ pid, sign }) => `process ${pid} ${sign}`).join('; ');
      throw new CommandError(`${dataDir} is in use: ${who}. Stop it first.`, ExitCode.dataDirectory);
    }
    return await body();
  } finally {
    for (const lock of locks) lock.release();
  }
}

function refuseOthersDirectory(folder: string): void {
  const { uid } = statSync(folder);
  if (process.getuid?.() !== 0 || uid === 0) return;
  throw new CommandError(
    `${folder} belongs to user ${uid}, and files that root writes there would not. Run this as that user: sudo -u '#${uid}' ...`,
    ExitCode.repairRefused,
  );
}

/** Turns what repair and disk throw into messages. */
export function withErrors<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof RepairRefused) throw new CommandError(error.message, ExitCode.repairRefused);
    if (error instanceof FolderInUse) throw new CommandError(error.message, ExitCode.dataDirectory);
    const { syscall, message } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) throw new CommandError(`the disk failed: ${message}`);
    throw error;
  }
}

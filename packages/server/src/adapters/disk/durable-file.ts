import type { Disk } from '../../ports.ts';

/** What a small file is written to before it has its name. */
export const DRAFT_SUFFIX = '.tmp';

/**
 * Makes or replaces a small file: after a crash it has the old contents or the new ones, whole; on return the new ones.
 * `secret`: only the owner can read it. Throws what the disk throws.
 */
export function writeDurably(disk: Disk, folder: string, name: string, bytes: Uint8Array, secret = false): void {
  const path = `${folder}/${name}`;
  const draft = `${path}${DRAFT_SUFFIX}`;
  if (disk.existsSync(draft)) disk.removeSync(draft);
  const file = disk.createSync(draft, secret);
  file.writeSync(bytes, 0, bytes.length, 0);
  file.dataSyncSync();
  file.closeSync();
  disk.renameSync(draft, path);
  disk.syncDirSync(folder);
}

/** Removes a file, if it is there, and makes that durable. */
export function removeDurably(disk: Disk, folder: string, name: string): void {
  if (!disk.existsSync(`${folder}/${name}`)) return;
  disk.removeSync(`${folder}/${name}`);
  disk.syncDirSync(folder);
}

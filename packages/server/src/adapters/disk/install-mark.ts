import { SnapshotDamaged, SnapshotDecoder } from '../../core/log/snapshot-decoder.ts';
import type { StateSink } from '../../core/log/state-sink.ts';
import type { Disk } from '../../ports.ts';
import { DataDirError } from './data-dir-error.ts';
import { writeDurably } from './durable-file.ts';
import { snapshotName } from './file-names.ts';
import type { HistoryFolders } from './history-folders.ts';
import { createRecoverySource, readFully, readWhole } from './recovery-files.ts';
import { isUnreadable } from './unreadable.ts';

/** Lies beside `version-2` while a leader's snapshot takes the place of the history. */
export const INSTALL_NAME = 'headkeeper.install';

/** Reaches over all that comes behind a snapshot's nodes: checksums and digest. */
const PRINT_BYTES = 64;
const NO_FILE = 'none';

/** Durable on return. A snapshot that has the name already is remembered, so as not to be taken for the new one. */
export function writeInstallMark(folders: HistoryFolders, zxid: number): void {
  const name = snapshotName(zxid);
  const text = `${name}\n${fingerprint(folders.disk, `${folders.snapshotFolder}/${name}`)}\n`;
  writeDurably(folders.disk, folders.dataDir, INSTALL_NAME, new TextEncoder().encode(text));
}

/** The zxid of the install under way, or null. Throws DataDirError. */
export function installedZxid(disk: Disk, dataDir: string): number | null {
  return readMark(disk, dataDir)?.zxid ?? null;
}

/** The zxid of the install under way if its snapshot is in its place, whole; else null. Throws DataDirError. */
export function zxidInPlace(folders: HistoryFolders): number | null {
  const { disk, dataDir, snapshotFolder } = folders;
  const mark = readMark(disk, dataDir);
  if (mark === null) return null;
  const path = `${snapshotFolder}/${snapshotName(mark.zxid)}`;
  if (!disk.existsSync(path) || fingerprint(disk, path) === mark.replaced) return null;
  return isWhole(folders, snapshotName(mark.zxid)) ? mark.zxid : null;
}

function readMark(disk: Disk, dataDir: string): { zxid: number; replaced: string } | null {
  const path = `${dataDir}/${INSTALL_NAME}`;
  if (!disk.existsSync(path)) return null;
  const [, hex, replaced] = /^snapshot\.([0-9a-f]{1,14})\n([^\n]+)\n$/.exec(textOf(disk, path)) ?? [];
  if (hex === undefined || replaced === undefined) {
    throw new DataDirError(
      'damaged-mark',
      `${path} cannot be understood, so nobody knows whether the newest snapshot, received from another server, belongs to ` +
        'the log files. If the server was synchronising when it stopped, move the log files away. Then remove the mark.',
    );
  }
  return { zxid: Number.parseInt(hex, 16), replaced };
}

/** Of a file that cannot be read nothing is understood. */
function textOf(disk: Disk, path: string): string {
  try {
    return new TextDecoder().decode(readWhole(disk, path));
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return '';
  }
}

/** Tells one snapshot file from another by its size and its end. */
function fingerprint(disk: Disk, path: string): string {
  if (!disk.existsSync(path)) return NO_FILE;
  const source = disk.openReadSync(path);
  try {
    const end = new Uint8Array(Math.min(PRINT_BYTES, source.size));
    readFully(source, end, source.size - end.length);
    return `${source.size} ${Buffer.from(end).toString('hex')}`;
  } finally {
    source.closeSync();
  }
}

const NOWHERE: StateSink = {
  loadSession() {},
  loadAcl() {},
  loadNode: () => null,
  loaded() {},
  applyTxn() {},
};

function isWhole(folders: HistoryFolders, name: string): boolean {
  const source = createRecoverySource(folders.disk, folders.snapshotFolder, folders.logFolder);
  if (!source.quickCheck(name)) return false;
  const decoder = new SnapshotDecoder(NOWHERE, Number.MAX_SAFE_INTEGER);
  try {
    source.readSnapshot(name, (bytes) => decoder.push(bytes));
    decoder.finish();
    return true;
  } catch (error) {
    if (error instanceof SnapshotDamaged) return false;
    throw error;
  }
}

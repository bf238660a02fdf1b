import { constants, gunzipSync } from 'node:zlib';
import type { LogRange } from '../../core/log/log-replay.ts';
import { LOG_HEADER_BYTES } from '../../core/log/record-codec.ts';
import { RecoveryRefused } from '../../core/log/recovery-refused.ts';
import type { LogFile, RecoverySource, SnapshotFile } from '../../core/log/recovery-source.ts';
import { SnappyStreamDecoder } from '../../core/log/snappy.ts';
import { passesQuickCheck, SnapshotDamaged } from '../../core/log/snapshot-decoder.ts';
import type { Disk, DiskFile, DiskSource } from '../../ports.ts';
import { zxidOfName } from './file-names.ts';
import { isUnreadable } from './unreadable.ts';

const CHUNK_BYTES = 1 << 20;
const HEAD_BYTES = 8;
const TAIL_BYTES = 5;

/** The files of `version-2`, for recovery. A gzip snapshot is held in memory whole, up to Node's limit of one buffer. */
export function createRecoverySource(disk: Disk, snapshotFolder: string, logFolder: string): RecoverySource {
  return {
    snapshots: () => listSnapshots(disk, snapshotFolder),
    quickCheck: (name) => isLikelySnapshot(disk, `${snapshotFolder}/${name}`),
    readSnapshot(name, onChunk) {
      try {
        readSnapshot(disk, `${snapshotFolder}/${name}`, onChunk);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        throw new SnapshotDamaged(0, `the disk cannot read it: ${(error as Error).message}`);
      }
    },
    logs: () => listLogs(disk, logFolder),
    readLog(name, onChunk) {
      try {
        readChunks(disk, `${logFolder}/${name}`, onChunk);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        throw new RecoveryRefused(
          'log-damaged',
          `${name} cannot be read: ${(error as Error).message}. Restore the file from a backup or another server, onto a ` +
            'disk that can be read.',
          { file: name },
        );
      }
    },
  };
}

function readSnapshot(disk: Disk, path: string, onChunk: (bytes: Uint8Array) => void): void {
  const compression = compressionOf(path);
  if (compression === 'gz') {
    onChunk(unzip(disk, path));
  } else if (compression === 'snappy') {
    const decoder = new SnappyStreamDecoder(onChunk);
    readChunks(disk, path, (bytes) => decoder.push(bytes));
    decoder.finish();
  } else {
    readChunks(disk, path, onChunk);
  }
}

/** The snapshots of a folder by ascending zxid, valid or not. */
export function listSnapshots(disk: Disk, folder: string): SnapshotFile[] {
  const files: SnapshotFile[] = [];
  for (const name of disk.listSync(folder)) {
    const zxid = zxidOfName('snapshot', name);
    if (zxid !== null) files.push({ name, zxid, compression: compressionOf(name) });
  }
  return files.sort((a, b) => a.zxid - b.zxid);
}

/** The logs of a folder by ascending zxid. */
export function listLogs(disk: Disk, folder: string): LogFile[] {
  const files: LogFile[] = [];
  for (const name of disk.listSync(folder)) {
    const zxid = zxidOfName('log', name);
    if (zxid === null) continue;
    const source = disk.openReadSync(`${folder}/${name}`);
    files.push({ name, zxid, size: source.size });
    source.closeSync();
  }
  return files.sort((a, b) => a.zxid - b.zxid);
}

/** Apache's quick check of a snapshot file: the seal at the end of a plain one, the mark of a compressed one. Not of one that cannot be read. */
export function isLikelySnapshot(disk: Disk, path: string): boolean {
  const source = disk.openReadSync(path);
  try {
    const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
    const tail = new Uint8Array(Math.min(TAIL_BYTES, source.size));
    readFully(source, head, 0);
    readFully(source, tail, source.size - tail.length);
    return passesQuickCheck(compressionOf(path), source.size, head, tail);
  } catch (error) {
    if (isUnreadable(error)) return false;
    throw error;
  } finally {
    source.closeSync();
  }
}

/** Fills the target from `position` on, as far as the file goes; returns the bytes read. */
export function readFully(source: DiskSource, target: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < target.length) {
    const count = source.readSync(target, filled, target.length, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** The whole file. Throws what the disk throws. */
export function readWhole(disk: Disk, path: string): Uint8Array {
  const source = disk.openReadSync(path);
  try {
    const bytes = new Uint8Array(source.size);
    return bytes.subarray(0, readFully(source, bytes, 0));
  } finally {
    source.closeSync();
  }
}

function compressionOf(name: string): SnapshotFile['compression'] {
  if (name.endsWith('.gz')) return 'gz';
  return name.endsWith('.snappy') ? 'snappy' : '';
}

function readChunks(disk: Disk, path: string, onChunk: (bytes: Uint8Array) => void): void {
  const source = disk.openReadSync(path);
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, source.size));
    let position = 0;
    while (position < source.size) {
      const count = source.readSync(chunk, 0, chunk.length, position);
      if (count === 0) break;
      onChunk(chunk.subarray(0, count));
      position += count;
    }
  } finally {
    source.closeSync();
  }
}

function unzip(disk: Disk, path: string): Uint8Array {
  const packed = readWhole(disk, path);
  try {
    return gunzipSync(packed, { finishFlush: constants.Z_FINISH });
  } catch (error) {
    throw new SnapshotDamaged(0, `the file cannot be uncompressed: ${(error as Error).message}`);
  }
}

/** What recovery found to be mended before the log goes on. */
export interface LogRepairs {
  /** Of the snapshot that the logs were read behind. */
  readonly snapshotZxid: number;
  readonly filesToRemove: readonly string[];
  readonly filesToTruncate: readonly { readonly name: string; readonly length: number }[];
  /** What the operating system may only believe to be on the disk. */
  readonly unproven: readonly LogRange[];
}

/**
 * Cuts torn tails off the logs and removes those without a record, so that Apache's reader and our next start find nothing
 * but whole records, and makes durable what was read: a process that was killed leaves records in the page cache that no
 * sync has covered. After a sync that failed the cache may even take them for written, and the next sync writes nothing
 * (ext4 and XFS; Rebello et al., "Can Applications Recover from fsync Failures?", 2020): so what is not proven to be on the
 * disk is first written over itself. To be done before anybody is shown the recovered state, and before the journal appends:
 * only in the last log file is a torn tail explained by a crash. Throws what the disk throws; it can be repeated.
 */
export function repairLogs(disk: Disk, logFolder: string, repairs: LogRepairs): void {
  for (const name of repairs.filesToRemove) disk.removeSync(`${logFolder}/${name}`);
  const lengths = new Map(repairs.filesToTruncate.map(({ name, length }) => [name, length]));
  const unproven = new Map(repairs.unproven.map((range) => [range.name, range]));
  const logs = listLogs(disk, logFolder);
  const first = logs.findLastIndex((log) => log.zxid <= repairs.snapshotZxid + 1);
  for (const { name } of logs.slice(Math.max(0, first))) {
    const path = `${logFolder}/${name}`;
    const length = lengths.get(name);
    if (length !== undefined && length <= LOG_HEADER_BYTES) {
      // Behind it another epoch may begin, and then it would look like one that has lost its txns.
      disk.removeSync(path);
      continue;
    }
    const file = disk.openWriteSync(path);
    if (length !== undefined) file.truncateSync(length);
    const range = unproven.get(name);
    if (range !== undefined) writeOverItself(disk, path, file, range);
    file.dataSyncSync();
    file.closeSync();
  }
  disk.syncDirSync(logFolder);
}

function writeOverItself(disk: Disk, path: string, file: DiskFile, { from, to }: LogRange): void {
  const source = disk.openReadSync(path);
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, to - from));
    for (let position = from; position < to; ) {
      const count = source.readSync(chunk, 0, Math.min(chunk.length, to - position), position);
      if (count === 0) break;
      file.writeSync(chunk, 0, count, position);
      position += count;
    }
  } finally {
    source.closeSync();
  }
}

import { resolve } from 'node:path';
import { counterOf } from '@headkeeper/protocol';
import { VERSION_FOLDER } from '../adapters/disk/data-dir.ts';
import { createHistoryStore } from '../adapters/disk/history-files.ts';
import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { LogWalk } from '../adapters/disk/log-walk.ts';
import { createRecoverySource, listLogs } from '../adapters/disk/recovery-files.ts';
import { recover } from '../core/log/recovery.ts';
import { RecoveryRefused, zxidText } from '../core/log/recovery-refused.ts';
import type { RecoverySource, SnapshotFile } from '../core/log/recovery-source.ts';
import { SnapshotDamaged, SnapshotDecoder } from '../core/log/snapshot-decoder.ts';
import type { RecoveredState } from '../core/recovered-state.ts';
import { type Disk, HistoryUnreachable } from '../ports.ts';
import { BackupError } from './backup-error.ts';
import type { Catalogue } from './catalogue.ts';
import { planChain } from './chain.ts';
import type { Compression } from './compression.ts';
import { exactSnapshot } from './exact-snapshot.ts';
import type { FullManifest } from './manifest.ts';
import type { BackupRepository } from './repository.ts';
import { timeOfBody } from './segment-builder.ts';
import { type HistoryReader, LogTail } from './ship/log-tail.ts';
import { compareEnds, obstacleText, timeOfTxn } from './ship/resume.ts';
import { FormOnly, MOST_RECORD_BYTES } from './snapshot-check.ts';
import { StateProbe } from './state-probe.ts';

export interface DataDirBackupOptions {
  readonly repository: BackupRepository;
  readonly disk: Disk;
  readonly dataDir: string;
  /** May be the same. */
  readonly dataLogDir: string;
  /** An empty state to recover into. */
  readonly newState: () => RecoveredState;
  /** Who takes it, for manifests. */
  readonly by: string;
  readonly compression: Compression;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Plain bytes that have been read or kept, of an estimate of all. */
  readonly progress?: (bytes: number, total: number) => void;
}

export interface DataDirBackup {
  /** The state at the end of the directory; null when the backup has had it already. */
  readonly full: FullManifest | null;
  readonly zxid: number;
  /** From here on every txn of the directory's log is in the backup; `zxid` when there is none. */
  readonly historyFromZxid: number;
  readonly segments: number;
  readonly txns: number;
  /** Bytes put into the target. */
  readonly bytes: number;
  readonly warnings: readonly string[];
}

/** Plain bytes of a piece of log. */
const SEGMENT_BYTES = 8 << 20;

/**
 * Backs up a server's data directory, Headkeeper's or Apache ZooKeeper's, without changing it: the state at its end as a full
 * backup, and before it the txns of its log, with the oldest state that they follow, so that there are points to restore to
 * before the end as well. The server may be running; what it writes meanwhile is left out. Txns at the end of the log of one
 * server of an ensemble may never have been committed: a stopped ensemble's leader is the one to take.
 *
 * @throws BackupError, RecoveryRefused when the directory is damaged, TargetError, or the disk's errors.
 */
export async function backUpDataDir(options: DataDirBackupOptions): Promise<DataDirBackup> {
  return new DirectoryBackup(options).run();
}

class DirectoryBackup {
  readonly #options: DataDirBackupOptions;
  readonly #folders: HistoryFolders;
  readonly #source: RecoverySource;
  readonly #reader: HistoryReader;
  readonly #warnings: string[] = [];
  readonly #total: number;
  #done = 0;
  #segments = 0;
  #txns = 0;
  #bytes = 0;

  constructor(options: DataDirBackupOptions) {
    this.#options = options;
    const { disk } = options;
    const dataDir = resolve(options.dataDir);
    const dataLogDir = resolve(options.dataLogDir);
    const snapshotFolder = `${dataDir}/${VERSION_FOLDER}`;
    const logFolder = `${dataLogDir}/${VERSION_FOLDER}`;
    this.#folders = { disk, dataDir, dataLogDir, snapshotFolder, logFolder };
    this.#reader = historyFrom(this.#folders);
    const source = createRecoverySource(disk, snapshotFolder, logFolder);
    this.#source = {
      ...source,
      readSnapshot: (name, onChunk) => source.readSnapshot(name, (chunk) => this.#read(chunk, onChunk)),
      readLog: (name, onChunk) => source.readLog(name, (chunk) => this.#read(chunk, onChunk)),
    };
    this.#total = estimate(this.#folders, source);
  }

  async run(): Promise<DataDirBackup> {
    const { repository, signal } = this.#options;
    const catalogue = await repository.catalogue(signal);
    const probe = this.#recover(this.#source);
    const zxid = probe.state.database.lastZxid;
    if (zxid === 0 && this.#source.snapshots().length === 0) {
      throw new BackupError(
        'unfit',
        null,
        `${this.#folders.snapshotFolder} holds no data: there is nothing to back up. Check the directory.`,
      );
    }
    const historyFromZxid = await this.#history(catalogue, zxid);
    const full = catalogue.fulls.some((entry) => entry.zxid === zxid) ? null : await this.#full(probe, null);
    return {
      full,
      zxid,
      historyFromZxid,
      segments: this.#segments,
      txns: this.#txns,
      bytes: this.#bytes,
      warnings: this.#warnings,
    };
  }

  /** Keeps the txns up to `zxid` that the backup does not hold; returns where they, or those it had, begin. */
  async #history(catalogue: Catalogue, zxid: number): Promise<number> {
    const { repository, signal } = this.#options;
    const store = this.#reader;
    const found = await compareEnds(repository, catalogue, store, zxid, signal);
    if (found.kind === 'other' || (found.kind === 'ahead' && planChain(catalogue, zxid).kind === 'gap')) {
      throw new BackupError('unfit', null, obstacleText(found, zxid, repository.target.description));
    }
    if (found.kind === 'ahead') return zxid;
    const from = found.kind === 'same' ? found.zxid : await this.#base(zxid);
    if (from >= zxid) return zxid;
    const tail = new LogTail(store, from);
    try {
      await this.#ship(tail, zxid);
    } catch (error) {
      if (!(error instanceof HistoryUnreachable)) throw error;
      this.#warnings.push(
        `the states between ${zxidText(tail.position)} and ${zxidText(zxid)} cannot be restored: ${error.message}`,
      );
      return zxid;
    } finally {
      tail.close();
    }
    return from;
  }

  async #ship(tail: LogTail, zxid: number): Promise<void> {
    const { repository, nowMs, by, compression, signal } = this.#options;
    for (;;) {
      const segment = await tail.next(zxid, SEGMENT_BYTES);
      if (segment === null) break;
      const { file } = await repository.putLog(segment, { publishedMs: nowMs(), by, compression }, signal);
      this.#segments++;
      this.#txns += segment.txns;
      this.#bytes += file.storedBytes;
      this.#advance(segment.plainBytes);
    }
  }

  /**
   * Keeps the oldest state from which the log leads to `zxid`, and returns its zxid; `zxid` when there is none but the state at
   * the end. A snapshot that was written while the tree changed becomes a state by the txns of that time.
   */
  async #base(zxid: number): Promise<number> {
    const snapshots = [...this.#source.snapshots()].sort((a, b) => a.zxid - b.zxid);
    for (const snapshot of snapshots) {
      // A snapshot of the end is the full backup that is made anyway; reading one takes a while.
      if (snapshot.zxid >= zxid || !this.#source.quickCheck(snapshot.name)) continue;
      const exactZxid = this.#exactFrom(snapshot);
      if (exactZxid === null || exactZxid >= zxid) continue;
      if (!this.#logLeads(exactZxid, zxid)) continue;
      const probe = this.#stateAt(snapshot, exactZxid);
      if (probe === null) continue;
      await this.#full(probe, this.#timeBehind(exactZxid));
      return exactZxid;
    }
    return zxid;
  }

  /** The state that a snapshot and the log make at a zxid; null when they make none of which that is sure. */
  #stateAt(snapshot: SnapshotFile, zxid: number): StateProbe | null {
    try {
      const probe = this.#recover({ ...this.#source, snapshots: () => [snapshot] }, zxid);
      const { database, mismatchCount } = probe.state;
      return database.lastZxid === zxid && mismatchCount === 0 ? probe : null;
    } catch (error) {
      if (error instanceof RecoveryRefused) return null;
      throw error;
    }
  }

  /** The zxid up to which the snapshot may hold changes; null when it is damaged or does not tell. */
  #exactFrom(snapshot: SnapshotFile): number | null {
    const decoder = new SnapshotDecoder(new FormOnly(), MOST_RECORD_BYTES);
    try {
      this.#source.readSnapshot(snapshot.name, (chunk) => decoder.push(chunk));
      const { digest, lastProcessedZxid } = decoder.finish();
      const last = digest?.zxid ?? lastProcessedZxid;
      if (last === null) return snapshot.zxid === 0 ? 0 : null;
      return Math.max(snapshot.zxid, last);
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      this.#warnings.push(`${snapshot.name} is damaged and was passed over: ${error.message}`);
      return null;
    }
  }

  /** Whether the log holds what follows a state. */
  #logLeads(fromZxid: number, zxid: number): boolean {
    const cursor = this.#reader.readLog(fromZxid);
    if (cursor === null) return false;
    try {
      return cursor.next(1, zxid) !== null;
    } catch (error) {
      if (error instanceof HistoryUnreachable) return false;
      throw error;
    } finally {
      cursor.close();
    }
  }

  #recover(source: RecoverySource, toZxid = Number.MAX_SAFE_INTEGER): StateProbe {
    const options = { trustEmptySnapshot: false, maxRecordBytes: MOST_RECORD_BYTES };
    const { state: probe, warnings } = recover(source, () => new StateProbe(this.#options.newState(), toZxid), options);
    if (toZxid === Number.MAX_SAFE_INTEGER) this.#warnings.push(...warnings, ...probe.state.digestMismatches);
    return probe;
  }

  /** Time of the txn right behind a state. */
  #timeBehind(zxid: number): number | null {
    const cursor = this.#reader.readLog(zxid);
    const records = cursor?.next(1, Number.MAX_SAFE_INTEGER) ?? null;
    try {
      if (records === null) return null;
      const { memory, starts } = records;
      return timeOfBody(new DataView(memory.buffer, memory.byteOffset, memory.byteLength), starts[0] as number);
    } finally {
      cursor?.close();
    }
  }

  /** `otherTimeMs`: the time of the state if nothing tells that of its last txn. */
  async #full(probe: StateProbe, otherTimeMs: number | null): Promise<FullManifest> {
    const { repository, nowMs, by, compression, signal } = this.#options;
    const { database } = probe.state;
    const zxid = database.lastZxid;
    const txnTimeMs = probe.lastTimeMs ?? timeOfTxn(this.#reader, zxid) ?? otherTimeMs;
    const facts = { zxid, txnTimeMs, takenMs: nowMs(), by, compression };
    const manifest = await repository.putFull(this.#counted(exactSnapshot(database, probe.hasDigests)), facts, signal);
    this.#bytes += manifest.file.storedBytes;
    return manifest;
  }

  async *#counted(snapshot: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of snapshot) {
      yield chunk;
      this.#advance(chunk.length);
    }
  }

  #read(chunk: Uint8Array, onChunk: (chunk: Uint8Array) => void): void {
    onChunk(chunk);
    this.#advance(chunk.length);
  }

  #advance(bytes: number): void {
    this.#done += bytes;
    this.#options.progress?.(this.#done, Math.max(this.#total, this.#done));
  }
}

/**
 * The log of the directory. Behind the initial tree comes the first txn of the first epoch there is: an ensemble's first log
 * does not begin with txn 1.
 */
function historyFrom(folders: HistoryFolders): HistoryReader {
  const store = createHistoryStore(folders);
  const { disk, logFolder: folder } = folders;
  return {
    readLog(afterZxid) {
      const cursor = store.readLog(afterZxid);
      const file = listLogs(disk, folder)[0];
      if (cursor !== null || afterZxid !== 0 || file === undefined || counterOf(file.zxid) !== 1) return cursor;
      return new LogWalk({ disk, folder, file, lastZxid: 0, isMissingBetween: () => false });
    },
  };
}

/** The newest snapshot and the logs behind it are read, and as much is written. */
function estimate(folders: HistoryFolders, source: RecoverySource): number {
  const { disk, snapshotFolder } = folders;
  const newest = [...source.snapshots()].sort((a, b) => b.zxid - a.zxid)[0];
  let bytes = 0;
  for (const { size } of source.logs()) bytes += size;
  if (newest === undefined) return bytes;
  const file = disk.openReadSync(`${snapshotFolder}/${newest.name}`);
  file.closeSync();
  return bytes + 2 * file.size;
}

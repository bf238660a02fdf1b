import { invariant } from '../../core/invariants.ts';
import { limits } from '../../limits.ts';
import type { Disk, DiskFile, SnapshotSink, SnapshotStore } from '../../ports.ts';
import { CompressedSink, type FileCompression } from './compressed-snapshots.ts';
import { asideSnapshotName, snapshotName, UNFINISHED_SNAPSHOT_PREFIX, unfinishedSnapshotName } from './file-names.ts';

export interface SnapshotStoreOptions {
  readonly disk: Disk;
  /** The `version-2` folder of the data directory; exists already. */
  readonly folder: string;
  /**
   * The snapshots are to be put in their place by somebody else, later (`asideSnapshotName`); and what another store of this
   * folder has not finished is left alone.
   */
  readonly aside?: true;
  /** How the next snapshot is compressed; empty: not at all, which is the default. */
  readonly compression?: () => FileCompression | '';
}

type Done = (error: Error | null) => void;

/** Bytes that wait for the disk, and who wants them back. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly written: ((bytes: Uint8Array) => void) | undefined;
}

/** Written bytes are synced in portions of this size, so that they never pile up before the log's own syncs. */
const SYNC_EVERY = 8 << 20;
/**
 * Pieces that are being written at once. With one, the disk would stand idle whenever this thread is busy and does not hear
 * that it is done; the log's writes find threads that are free all the same.
 */
const WRITES_AT_ONCE = 2;

/**
 * Snapshot files `snapshot.<zxid>`, with `.gz` or `.snappy` behind it where they are compressed. Written under a name that neither Apache nor we take for a snapshot, synced, renamed,
 * and the folder synced; what a crash left unfinished is removed here, at the start.
 *
 * A sink takes up to `limits.snapshotQueue` bytes before it says false; `drained` follows when half of them are written.
 * An error of the disk is told to `finish`; until then what is written is dropped. The next snapshot may begin while the
 * one before is still being finished.
 */
export function createSnapshotStore(options: SnapshotStoreOptions): SnapshotStore {
  const { disk, folder } = options;
  if (options.aside) {
    return {
      begin: (zxid, drained) => new SnapshotFile(disk, folder, asideSnapshotName(zxid), zxid, 'aside', drained),
    };
  }
  for (const name of disk.listSync(folder)) {
    if (name.startsWith(UNFINISHED_SNAPSHOT_PREFIX)) disk.removeSync(`${folder}/${name}`);
  }
  let serial = 0;
  return {
    begin(zxid, drained) {
      const compression = options.compression?.() ?? '';
      const open = (name: string, fileDrained: () => void): SnapshotSink =>
        new SnapshotFile(disk, folder, name, zxid, serial++, fileDrained);
      if (compression === '') return open(snapshotName(zxid), drained);
      const name = `${snapshotName(zxid)}.${compression}`;
      return new CompressedSink(compression, (fileDrained) => open(name, fileDrained), drained);
    },
  };
}

class SnapshotFile implements SnapshotSink {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #name: string;
  readonly #path: string;
  readonly #drained: () => void;
  readonly #queue: Piece[] = [];
  #file: DiskFile | null = null;
  /** Bytes that are not written yet. */
  #queued = 0;
  #position = 0;
  /** Bytes written that no sync has been asked for yet. */
  #unsynced = 0;
  #writes = 0;
  #syncing = false;
  #full = false;
  #aborted = false;
  #failure: Error | null = null;
  #finishing: Done | null = null;
  /** Whether the last step was taken: the file gets its name, or is removed. */
  #ended = false;

  constructor(disk: Disk, folder: string, name: string, zxid: number, serial: number | 'aside', drained: () => void) {
    this.#disk = disk;
    this.#folder = folder;
    this.#name = name;
    this.#path = `${folder}/${unfinishedSnapshotName(zxid, serial)}`;
    this.#drained = drained;
    try {
      this.#file = disk.createSync(this.#path);
    } catch (error) {
      this.#failure = error as Error;
    }
  }

  write(bytes: Uint8Array, written?: (bytes: Uint8Array) => void): boolean {
    invariant(this.#finishing === null && !this.#aborted, 'write to a snapshot that was ended');
    if (this.#failure !== null) return true;
    this.#queue.push({ bytes, written });
    this.#queued += bytes.length;
    this.#next();
    this.#full ||= this.#queued >= limits.snapshotQueue;
    return !this.#full;
  }

  finish(done: Done): void {
    invariant(this.#finishing === null && !this.#aborted, 'snapshot ended twice');
    this.#finishing = done;
    this.#next();
  }

  abort(): void {
    invariant(this.#finishing === null && !this.#aborted, 'snapshot ended twice');
    this.#aborted = true;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#next();
  }

  #next(): void {
    if (this.#ended) return;
    const file = this.#file;
    if (this.#aborted || this.#failure !== null || file === null) {
      // The disk may still be at work on the file.
      if (this.#writes === 0 && !this.#syncing) this.#discard();
      return;
    }
    while (this.#writes < WRITES_AT_ONCE && this.#mayWrite()) {
      const piece = this.#queue.shift();
      if (piece === undefined) break;
      this.#writePiece(file, piece);
    }
    if (!this.#syncing && this.#unsynced >= SYNC_EVERY) this.#sync(file);
    const isWritten = this.#queue.length === 0 && this.#writes === 0;
    if (this.#finishing !== null && isWritten && !this.#syncing) this.#complete(file);
  }

  /** What is not synced stays bounded: one portion that is being synced, and the next. */
  #mayWrite(): boolean {
    return !this.#syncing || this.#unsynced < SYNC_EVERY;
  }

  #writePiece(file: DiskFile, { bytes, written }: Piece): void {
    this.#writes++;
    const position = this.#position;
    this.#position += bytes.length;
    file.write(bytes, 0, bytes.length, position, (error) => {
      this.#writes--;
      this.#failure ??= error;
      this.#queued -= Math.min(bytes.length, this.#queued);
      this.#unsynced += bytes.length;
      if (error === null) written?.(bytes);
      this.#goOn();
    });
  }

  #sync(file: DiskFile): void {
    this.#syncing = true;
    this.#unsynced = 0;
    file.dataSync((error) => {
      this.#syncing = false;
      this.#failure ??= error;
      this.#goOn();
    });
  }

  #goOn(): void {
    if (this.#failure !== null) {
      this.#queue.length = 0;
      this.#queued = 0;
    }
    this.#next();
    if (!this.#full || this.#aborted || (this.#queued > limits.snapshotQueue / 2 && this.#failure === null)) return;
    this.#full = false;
    this.#drained();
  }

  #complete(file: DiskFile): void {
    this.#ended = true;
    file.dataSync((error) => {
      if (error !== null) return this.#giveUp(error);
      try {
        file.closeSync();
        this.#file = null;
        this.#disk.renameSync(this.#path, `${this.#folder}/${this.#name}`);
      } catch (failure) {
        return this.#giveUp(failure as Error);
      }
      this.#disk.syncDir(this.#folder, (failure) => {
        if (failure !== null) this.#giveUp(failure);
        else this.#finishing?.(null);
      });
    });
  }

  #giveUp(error: Error): void {
    this.#failure = error;
    this.#discard();
  }

  /** Removes what was written, as far as the disk lets us; the rest goes at the next start. */
  #discard(): void {
    try {
      this.#file?.closeSync();
      this.#file = null;
      if (this.#disk.existsSync(this.#path)) this.#disk.removeSync(this.#path);
    } catch (error) {
      this.#failure ??= error as Error;
    }
    if (!this.#aborted && this.#finishing === null) return;
    this.#ended = true;
    this.#finishing?.(this.#failure);
  }
}

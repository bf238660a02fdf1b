import { invariant } from '../../core/invariants.ts';
import { limits } from '../../limits.ts';
import type { Disk, DiskFile, SnapshotSink, SnapshotStore } from '../../ports.ts';
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
}

type Done = (error: Error | null) => void;

/** Written bytes are synced in portions of this size, so that they never pile up before the log's own syncs. */
const SYNC_EVERY = 8 << 20;

/**
 * Snapshot files `snapshot.<zxid>`. Written under a name that neither Apache nor we take for a snapshot, synced, renamed,
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
    begin: (zxid, drained) => new SnapshotFile(disk, folder, snapshotName(zxid), zxid, serial++, drained),
  };
}

class SnapshotFile implements SnapshotSink {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #name: string;
  readonly #path: string;
  readonly #drained: () => void;
  readonly #queue: Uint8Array[] = [];
  #file: DiskFile | null = null;
  #queued = 0;
  #position = 0;
  #synced = 0;
  #busy = false;
  #full = false;
  #aborted = false;
  #failure: Error | null = null;
  #finishing: Done | null = null;
  /** Whether nothing more will be done to the file. */
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

  write(bytes: Uint8Array): boolean {
    invariant(this.#finishing === null && !this.#aborted, 'write to a snapshot that was ended');
    if (this.#failure !== null) return true;
    this.#queue.push(bytes);
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
    if (this.#busy) return;
    const file = this.#file;
    if (this.#aborted || this.#failure !== null || file === null) {
      this.#discard();
      return;
    }
    const bytes = this.#queue.shift();
    if (bytes !== undefined) this.#writeNext(file, bytes);
    else if (this.#finishing !== null) this.#complete(file);
  }

  #writeNext(file: DiskFile, bytes: Uint8Array): void {
    this.#busy = true;
    const position = this.#position;
    this.#position += bytes.length;
    const written = this.#then(() => {
      this.#queued -= Math.min(bytes.length, this.#queued);
      this.#busy = false;
      this.#next();
      this.#release();
    });
    const dueSync = this.#position - this.#synced >= SYNC_EVERY;
    if (dueSync) this.#synced = this.#position;
    file.write(bytes, 0, bytes.length, position, dueSync ? this.#then(() => file.dataSync(written)) : written);
  }

  #release(): void {
    if (!this.#full || this.#aborted || (this.#queued > limits.snapshotQueue / 2 && this.#failure === null)) return;
    this.#full = false;
    this.#drained();
  }

  #complete(file: DiskFile): void {
    this.#busy = true;
    const named = this.#then(() => this.#end());
    const synced = this.#then(() => {
      try {
        file.closeSync();
        this.#file = null;
        this.#disk.renameSync(this.#path, `${this.#folder}/${this.#name}`);
      } catch (error) {
        this.#fail(error as Error);
        return;
      }
      this.#disk.syncDir(this.#folder, named);
    });
    file.dataSync(synced);
  }

  #then(next: () => void): Done {
    return (error) => {
      if (error === null) next();
      else this.#fail(error);
    };
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#busy = false;
    this.#discard();
    this.#release();
  }

  /** Removes what was written, as far as the disk lets us; the rest goes at the next start. */
  #discard(): void {
    if (this.#ended) return;
    try {
      this.#file?.closeSync();
      this.#file = null;
      if (this.#disk.existsSync(this.#path)) this.#disk.removeSync(this.#path);
    } catch (error) {
      this.#failure ??= error as Error;
    }
    if (this.#aborted || this.#finishing !== null) this.#end();
  }

  #end(): void {
    this.#ended = true;
    const done = this.#finishing;
    if (done !== null) done(this.#failure);
  }
}

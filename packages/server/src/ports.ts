import type { Writer } from '@headkeeper/protocol';

/**
 * What the server needs from the world. Each interface has a real adapter under `adapters/` and, where faults matter, a
 * twin in the testkit.
 */

/** A file opened for writing. Positions and lengths are bytes. Synchronous calls throw the operating system's error. */
export interface DiskFile {
  /** Writes to the page cache; not durable until a successful sync that began afterwards. */
  writeSync(bytes: Uint8Array, start: number, end: number, position: number): void;
  /** As `writeSync`, off the main thread. The bytes must not change before `done`. */
  write(bytes: Uint8Array, start: number, end: number, position: number, done: (error: Error | null) => void): void;
  /** Makes contents and length durable. */
  dataSyncSync(): void;
  dataSync(done: (error: Error | null) => void): void;
  truncateSync(length: number): void;
  closeSync(): void;
}

/** A file opened for reading. */
export interface DiskSource {
  readonly size: number;
  /** Fills `target` from `position`; returns the bytes read, 0 at the end of the file. */
  readSync(target: Uint8Array, start: number, end: number, position: number): number;
  closeSync(): void;
}

/** The disk. Paths are absolute. Names made or removed are durable only after `syncDirSync` of their folder. */
export interface Disk {
  existsSync(path: string): boolean;
  /** Names in a folder, unsorted; throws when it does not exist. */
  listSync(folder: string): string[];
  /** Makes one folder; throws when its parent is missing or the name is taken. */
  makeFolderSync(path: string): void;
  openReadSync(path: string): DiskSource;
  /** Creates the file, or empties it. `secret`: a new file can be read by its owner only. */
  createSync(path: string, secret?: boolean): DiskFile;
  /** Opens an existing file without changing it. */
  openWriteSync(path: string): DiskFile;
  renameSync(from: string, to: string): void;
  removeSync(path: string): void;
  /** As `removeSync`, off the main thread: freeing a large file takes the operating system a while. */
  remove(path: string, done: (error: Error | null) => void): void;
  syncDirSync(folder: string): void;
  syncDir(folder: string, done: (error: Error | null) => void): void;
}

/**
 * Appends txn records durably. One journal per data directory; batches become durable in the order of `append`.
 */
export interface Journal {
  /**
   * Takes `bytes[start, end)`: whole framed records whose zxids run from `firstZxid` to `lastZxid`. The memory belongs to
   * the journal until the batch is durable. Nothing is written before `flush` is called, or the journal decides to.
   */
  append(bytes: Uint8Array, start: number, end: number, firstZxid: number, lastZxid: number): void;
  /**
   * Starts making everything appended so far durable, with one sync for all of it. `lone` says that no other client is
   * writing, so a synchronous sync may be the fastest.
   */
  flush(lone: boolean): void;
  /** The next append begins a new file. */
  roll(): void;
  /** Bytes written to log files since the last roll (the current file, padding included). */
  bytesSinceRoll(): number;
  /** Resolves the pending batches, then closes the file. */
  close(done: (error: Error | null) => void): void;
}

/** What a journal reports. */
export interface JournalListener {
  /** Everything up to `lastZxid` is on stable storage. */
  durable(lastZxid: number): void;
  /** A write or a sync failed. Nothing that was not durable before may ever be acknowledged; the process must end. */
  failed(error: Error): void;
}

/** Receives one snapshot file's bytes in order. The file appears under its final name, whole, or not at all. */
export interface SnapshotSink {
  /** Queues bytes (the sink owns them from now on); false: wait for `drained` before writing more. */
  write(bytes: Uint8Array): boolean;
  /** Syncs, renames to the final name, syncs the folder. */
  finish(done: (error: Error | null) => void): void;
  /** Drops what was written. */
  abort(): void;
}

export interface SnapshotStore {
  /** Begins the snapshot named by `zxid`. `drained` is called when a sink that said false can take more. */
  begin(zxid: number, drained: () => void): SnapshotSink;
}

/** Monotonic and wall clock, both in whole milliseconds. */
export interface Clock {
  monotonicMs(): number;
  wallMs(): number;
}

/** Synchronous, deterministic hashing. */
export interface Hashing {
  /** A message digest of the bytes, by the Java name of its algorithm (SHA1, SHA-256, SHA-512, SHA3-256...). */
  digest(algorithm: string, bytes: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
}

/** One client's connection, seen from the driver. */
export interface ClientLink {
  /** The peer's port, for the operators' commands. */
  readonly port: number;
  /** Bytes given to it and not yet taken by the network. */
  readonly unsentBytes: number;
  /** Sends what `out` holds and empties it; the link may keep its memory and give it another. */
  send(out: Writer): void;
  /** Closes once everything is sent. */
  close(): void;
  /** Stops and resumes reading. */
  pause(): void;
  resume(): void;
}

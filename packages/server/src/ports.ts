import type { Identity, Writer } from '@headkeeper/protocol';

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
  /** Resolves the pending batches, then closes the file. `isLast`: the process ends, and nothing is appended before another begins. */
  close(done: (error: Error | null) => void, isLast?: boolean): void;
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
  /**
   * Queues bytes; false: wait for `drained` before writing more. The sink owns them until `written` is called with them,
   * for good if it never is.
   */
  write(bytes: Uint8Array, written?: (bytes: Uint8Array) => void): boolean;
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

/** One-shot timers. */
export interface Timers {
  /** Calls back once, `delayMs` from now at the earliest; returns how to call it off. */
  set(delayMs: number, fn: () => void): () => void;
}

/** An address of another server: a host name or a literal address, without brackets. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Hears what happens to one stream between servers. Nothing more is called after `closed`. */
export interface PeerStreamHandler {
  /** The stream carries data both ways (after TLS). Called at once for accepted streams. */
  opened(): void;
  /** The bytes are valid during the call only. */
  data(bytes: Uint8Array): void;
  /** What was written has mostly been taken by the network. */
  drained(): void;
  /** The stream is gone, or never came to be. Called once, last; not for `destroy`. */
  closed(error: Error | null): void;
}

/** A reliable stream of bytes to or from another server: TCP or TLS in production, simulated in tests. */
export interface PeerStream {
  readonly remote: Endpoint;
  /** Bytes written and not yet taken by the network. */
  readonly unsentBytes: number;
  /** Sends `bytes[start, end)`, which the caller may use again after the call. Ignored once closed. */
  write(bytes: Uint8Array, start: number, end: number): void;
  /** Ends the stream after what was written. */
  close(): void;
  /** Drops the stream at once; the handler hears nothing more. */
  destroy(): void;
  /** Stops and resumes reading. */
  pause(): void;
  resume(): void;
}

/** Streams between servers. */
export interface PeerNetwork {
  /** `accepted` gives each new stream its handler; `listening` is called once with the outcome. Returns how to stop. */
  listen(
    at: Endpoint,
    accepted: (stream: PeerStream) => PeerStreamHandler,
    listening: (error: Error | null) => void,
  ): () => void;
  /** Connects; names are looked up afresh. Failure and time-out end in `closed`. */
  connect(to: Endpoint, timeoutMs: number, handler: PeerStreamHandler): PeerStream;
}

/** The epochs that a server has promised (storage-formats reference, 9). */
export interface Epochs {
  /** The highest epoch whose leader this server has accepted. */
  readonly accepted: number;
  /** The epoch whose initial history this server has on its disk. */
  readonly current: number;
}

export interface EpochStore {
  /** Null when the directory has no epoch files. Throws when they cannot be read or make no sense. */
  read(): Epochs | null;
  /** Both are on stable storage when it returns. Throws the operating system's error. */
  write(epochs: Epochs): void;
}

/** Synchronous, deterministic hashing. */
export interface Hashing {
  /** A message digest of the bytes, by the Java name of its algorithm (SHA1, SHA-256, SHA-512, SHA3-256...). */
  digest(algorithm: string, bytes: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
}

/** What SASL with clients needs of the world. */
export interface Logins {
  /** A text that nobody can foresee and that never comes again. */
  nonce(): string;
  /** The password of a user; null when there is no such user. */
  passwordOf(user: string): string | null;
  /** One exchange with a client that has a ticket of Kerberos (GSSAPI); null where there is no key for that. */
  ticketExchange(): SaslMechanism | null;
}

/** The server's side of one SASL exchange: it is handed each of the client's tokens. */
export interface SaslMechanism {
  take(token: Uint8Array): SaslStep;
}

/** What comes of a client's token. */
export type SaslStep =
  | { readonly outcome: 'more'; readonly token: Uint8Array }
  /** `token`: the last word to the client, null for none. */
  | { readonly outcome: 'passed'; readonly token: Uint8Array | null; readonly user: string }
  /** `user`: whom the client has named, as far as that can be read. The reason holds no secret. */
  | { readonly outcome: 'refused'; readonly user: string | null; readonly reason: string };

/** One client's connection, seen from the driver. */
export interface ClientLink {
  /** The peer's port, for the operators' commands. */
  readonly port: number;
  /** Whether it goes through TLS; left out: no. */
  readonly isSecure?: boolean;
  /** Who the client had proved to be before it said anything; left out: nobody. */
  readonly identities?: readonly Identity[];
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

/** What the files of a membership are made from; `Membership` is one. */
export interface StoredMembership {
  readonly version: number;
  readonly members: ReadonlyMap<number, { readonly client: Endpoint | null }>;
  toFileText(withVersion: boolean): string;
}

/**
 * The files in which a server keeps the membership of its ensemble while reconfiguration is enabled. Each call is durable
 * when it returns; a crash in the middle leaves what was there before, or the new state. Throws the operating system's
 * error.
 *
 * Source of the rules: quorum-protocol reference, 13.6.
 */
export interface ConfigStore {
  /** The membership is committed: the next start finds it, and one last seen with the same or a smaller version is gone. */
  writeCommitted(membership: StoredMembership): void;
  /** The membership is proposed: the next start finds it as last seen. */
  writeLastSeen(membership: StoredMembership): void;
  /** The proposal came to nothing. */
  dropLastSeen(): void;
}

/** The directory cannot be brought to a zxid, or does not surely hold what follows one. What is on the disk is unchanged. */
export class HistoryUnreachable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HistoryUnreachable';
  }
}

/** Txns read from the log, in ascending order of their zxids. Valid until the next call to the cursor they came from. */
export interface LogRecords {
  readonly memory: Uint8Array;
  readonly count: number;
  /** Record `i` is `memory[starts[i], ends[i])`: TxnHeader, txn and optional digest, as a proposal carries them. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly zxids: Float64Array;
  /** Adler-32 of each record, as the log has it and as it was checked. */
  readonly adlers: Uint32Array;
}

/** Reads the log on the disk forward without a gap, while the journal appends to it and old files are removed. */
export interface LogCursor {
  /** Of the last record handed over, or of the place where the cursor began. */
  readonly lastZxid: number;
  /** Bytes of log files from here on, zeros ahead of the records included. */
  bytesAhead(): number;
  /**
   * The next records, none beyond `upToZxid`, which must be durable: about `maxBytes` together, but one at least. Null at
   * the end. Throws HistoryUnreachable when files have gone meanwhile or are damaged, and the disk's errors.
   */
  next(maxBytes: number, upToZxid: number): LogRecords | null;
  close(): void;
}

/**
 * Changes to the history of an ensemble's member: its snapshots and logs. Everything is on stable storage when a call
 * returns; a crash inside a call leaves the history before it or the one after it, or, while it is being shortened, one in
 * between. No journal may be open, no snapshot being written and no purge running during a change. After it the state is
 * read again from the disk, and the log goes on with a new journal. Throws the disk's errors: the process must then end.
 */
export interface HistoryStore {
  /**
   * Removes every txn and snapshot beyond `zxid`. With counter 0 it stands for the end of what is before it. Throws
   * HistoryUnreachable when the directory does not hold the state of exactly that zxid.
   */
  truncate(zxid: number): void;
  /** A snapshot received from a leader is about to take the place of the whole history, under this zxid. */
  beginInstall(zxid: number): void;
  /** The snapshot was written by the `SnapshotStore`: removes all else. Throws HistoryUnreachable when it is not there. */
  finishInstall(zxid: number): void;
  /** Goes back to the history before `beginInstall`; if the snapshot is already there, finishes instead. */
  abandonInstall(): void;
  /**
   * The history that was put together again up to `zxid`, and is whole, takes the place of an empty one. Returns the epochs that
   * go with it.
   */
  finishRepair(zxid: number): Epochs;
  /**
   * A cursor behind the record `afterZxid`; null when the log does not hold it. With counter 0 no record has that zxid: null
   * unless the log shows what comes right behind it.
   */
  readLog(afterZxid: number): LogCursor | null;
  /** Size of the newest valid snapshot file; 0 when there is none. */
  newestSnapshotBytes(): number;
}

/** The connections that votes travel on: one with every other server, best effort. */
export interface ElectionPort {
  /** Own addresses, and those of every other server that may have to be told of a vote. */
  configure(own: readonly Endpoint[], peers: ReadonlyMap<number, readonly Endpoint[]>): void;
  /** Sends a notification; a newer one takes the place of one that has not left. */
  send(sid: number, payload: Uint8Array): void;
  /** Opens the connections that are missing. */
  connectMissing(): void;
  stop(): void;
}

/** The streams between leader and learners. Links are numbered; a number is not used twice. */
export interface QuorumPort {
  /** Where learners can connect; an empty list ends it. */
  listen(endpoints: readonly Endpoint[]): void;
  /** Connects to the first of these addresses that answers; returns the link's number. */
  connect(endpoints: readonly Endpoint[], options: { readonly retryMs: number; readonly timeoutMs: number }): number;
  send(link: number, bytes: Uint8Array, start: number, end: number): void;
  close(link: number): void;
  /** Bytes sent and not yet taken by the network. */
  unsent(link: number): number;
  pause(link: number): void;
  resume(link: number): void;
  stop(): void;
}

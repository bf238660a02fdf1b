/** Version of the format that this code writes; it reads this one and all before it. */
export const FORMAT_VERSION = 1;

/** The stored bytes of an object, and what comes out of it once it is decrypted and uncompressed. */
export interface StoredFile {
  /** Name of the object in the target. */
  readonly object: string;
  readonly storedBytes: number;
  /** SHA-256 of the stored bytes, hexadecimal. */
  readonly storedSha256: string;
  /** Bytes and SHA-256 of the plain file: a snapshot or log file of Apache ZooKeeper's format. */
  readonly plainBytes: number;
  readonly plainSha256: string;
  readonly compression: 'none' | 'gzip';
  readonly encrypted: boolean;
}

/** Says that a snapshot is complete. Zxids are numbers here and `0x...` texts in the file; times are epoch milliseconds. */
export interface FullManifest {
  readonly kind: 'full';
  readonly format: number;
  readonly file: StoredFile;
  /** The tree is exactly that of this zxid. */
  readonly zxid: number;
  /** Digest of the tree (version 2), 16 hexadecimal digits; null when digests are off. */
  readonly digest: string | null;
  readonly znodes: number;
  readonly sessions: number;
  /** Time of the last txn in it; null when that is not known. */
  readonly txnTimeMs: number | null;
  /** When it was taken, by the clock of whoever took it. */
  readonly takenMs: number;
  /** Who took it, for people: such as "server 3 (follower)". */
  readonly by: string;
}

/** Says that a piece of log is complete: every txn from `firstZxid` to `lastZxid`, all of one epoch, none missing. */
export interface LogManifest {
  readonly kind: 'log';
  readonly format: number;
  readonly file: StoredFile;
  /** The txn right before `firstZxid` in the ensemble's history: the link by which gaps and branches are seen. */
  readonly afterZxid: number;
  readonly firstZxid: number;
  readonly lastZxid: number;
  readonly txns: number;
  /** Header times of the first and the last txn; they need not ascend. */
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
  /** Smallest and largest header time in it. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Adler-32 of the last record, as the log has it: tells whether two histories agree. */
  readonly lastRecordAdler: number;
  readonly publishedMs: number;
  readonly by: string;
}

export type Manifest = FullManifest | LogManifest;

/** How Apache compresses a snapshot file; empty: not at all. */
export type SnapshotCompression = '' | 'gz' | 'snappy';

/** What a configuration says of how the log and the snapshots are written. Times in milliseconds, sizes in bytes. */
export interface StorageValues {
  /** Whether writes are acknowledged only once the log is on stable storage. */
  readonly forceSync: boolean;
  /** 0 or less: no limit. */
  readonly txnLogSizeLimitBytes: number;
  readonly snapshotCompression: SnapshotCompression;
  /** Whether the end of a session is logged with the paths of its ephemerals. */
  readonly closeSessionTxn: boolean;
  /** A sync of the log that takes longer is warned of. */
  readonly fsyncWarningThresholdMs: number;
}

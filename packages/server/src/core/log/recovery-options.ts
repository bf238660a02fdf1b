export interface ReplayOptions {
  /** The largest txn, path, data or access control list accepted, bytes. */
  readonly maxRecordBytes: number;
  /** Txns up to here are known to be on the disk, not only in the operating system's cache; all of them when absent. */
  readonly provenZxid?: number;
}

export interface RecoveryOptions extends ReplayOptions {
  /** `zookeeper.snapshot.trust.empty`: logs without a snapshot are replayed on the initial tree. */
  readonly trustEmptySnapshot: boolean;
}

/** What a server has noted of its log beside it (`headkeeper.logged`). */
export interface LoggedFacts {
  /** Txns up to here are known to have been on the disk, not only in the operating system's cache; 0: nothing is known. */
  readonly provenZxid: number;
  /** Txns that were on the disk when one of a later epoch came: the last ones of epochs, ascending. */
  readonly epochEnds: readonly number[];
}

/** Without what is noted all of the log counts as proven. */
export interface ReplayOptions extends Partial<LoggedFacts> {
  /** The largest txn, path, data or access control list accepted, bytes. */
  readonly maxRecordBytes: number;
}

export interface RecoveryOptions extends ReplayOptions {
  /** `zookeeper.snapshot.trust.empty`: logs without a snapshot are replayed on the initial tree. */
  readonly trustEmptySnapshot: boolean;
}

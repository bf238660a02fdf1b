/** Why recovery will not start from a data directory. */
export type RefusalReason =
  | 'no-snapshot'
  | 'snapshots-damaged'
  | 'snapshot-ahead-of-log'
  | 'missing-txns'
  | 'log-damaged'
  | 'log-cut'
  | 'digest-mismatch'
  | 'install-unknown'
  | 'not-a-log'
  | 'unreadable-txn';

/** Where the trouble lies; every field that does not apply is null. */
export interface RefusalPlace {
  /** Name of the file. */
  readonly file: string | null;
  /** Position in the file, bytes. */
  readonly offset: number | null;
  /** First and last zxid known to be missing. */
  readonly missingFrom: number | null;
  readonly missingTo: number | null;
}

/** Starting would lose acknowledged txns, or might. The message says what was found, where, and what can be done. */
export class RecoveryRefused extends Error {
  readonly reason: RefusalReason;
  readonly place: RefusalPlace;

  constructor(reason: RefusalReason, message: string, place: Partial<RefusalPlace>) {
    super(message);
    this.name = 'RecoveryRefused';
    this.reason = reason;
    this.place = { file: null, offset: null, missingFrom: null, missingTo: null, ...place };
  }
}

/** A zxid as files and tools write it. */
export function zxidText(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}

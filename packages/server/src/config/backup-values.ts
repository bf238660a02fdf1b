export type BackupCompression = 'gzip' | 'none';
/** `follower`: also while it observes. */
export type BackupRole = 'any' | 'follower' | 'observer';

/** What an operator asks of continuous backups. */
export interface BackupValues {
  /** A folder, `/path` or `file:///path`, or a bucket, `s3://bucket/prefix`; null: there are no backups. */
  readonly backupTarget: string | null;
  /** null: that of the environment, else Amazon's. */
  readonly backupS3Endpoint: string | null;
  /** null: that of the environment. */
  readonly backupS3Region: string | null;
  /** null: if there is an endpoint. */
  readonly backupS3PathStyle: boolean | null;
  readonly backupFullIntervalMs: number;
  /** Time that a committed txn may take to be safe in the target. */
  readonly backupExposureMs: number;
  /** Full backups that are kept because they are the newest; this and the next four: 0 keeps none for this reason. */
  readonly backupKeepCount: number;
  readonly backupKeepDays: number;
  readonly backupKeepHourly: number;
  readonly backupKeepDaily: number;
  readonly backupKeepWeekly: number;
  readonly backupCompression: BackupCompression;
  /** null: not encrypted. */
  readonly backupKeyFile: string | null;
  /** Bytes a second; 0: no limit. */
  readonly backupBandwidth: number;
  readonly backupRole: BackupRole;
}

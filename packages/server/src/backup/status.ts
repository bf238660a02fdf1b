/** What the server tells of its backups: metrics, `mntr`, and `/commands/backup` are made from it. Times: epoch ms. */
export interface BackupStatus {
  readonly target: string;
  /** What this server does: ships, stands by because another one ships, or waits for its state to be known. */
  readonly duty: 'shipping' | 'standby' | 'waiting';
  /** Who ships, as far as this server knows. */
  readonly shipper: string | null;
  /** Everything up to here is safe in the target, as far as this server knows; null before anything is. */
  readonly shippedZxid: number | null;
  /** Txns committed here and not yet shipped, and how long the oldest of them has been waiting. */
  readonly lagTxns: number;
  readonly lagMs: number;
  readonly lastSuccessMs: number | null;
  readonly lastFull: { readonly zxid: number; readonly takenMs: number; readonly bytes: number } | null;
  readonly lastFailure: { readonly atMs: number; readonly message: string } | null;
  /** Failures since the last success. */
  readonly failuresInARow: number;
  readonly failures: number;
  readonly fulls: number;
  readonly segments: number;
  /** Bytes put into the target. */
  readonly bytesShipped: number;
  /** Why nothing is shipped although it should be, when an operator has to act: one sentence; else null. */
  readonly blocked: string | null;
}

import type { BackupStatus } from '../status.ts';

/** What this server does about backups, and why. */
export type Duty = BackupStatus['duty'];

/** A full backup that was asked for. */
export interface FullDone {
  readonly zxid: number;
  readonly takenMs: number;
  /** Bytes in the target. */
  readonly bytes: number;
  readonly object: string;
}

/** From the server to the thread that ships. */
export type ToWorker =
  /** Everything up to here is committed, applied, and on this server's disk. */
  | { readonly kind: 'committed'; readonly zxid: number }
  | { readonly kind: 'duty'; readonly duty: Duty }
  /** The answer to `wantSnapshot`: the zxid of a complete snapshot file, or why there is none. */
  | { readonly kind: 'snapshot'; readonly request: number; readonly zxid: number | null; readonly problem: string }
  | { readonly kind: 'backupNow'; readonly request: number }
  /** Ship what is committed, then end. */
  | { readonly kind: 'finish' };

/** From the thread that ships to the server. */
export type FromWorker =
  | { readonly kind: 'report'; readonly report: ShipReport }
  | { readonly kind: 'wantSnapshot'; readonly request: number }
  | { readonly kind: 'backedUp'; readonly request: number; readonly done: FullDone | null; readonly problem: string }
  | { readonly kind: 'note'; readonly message: string }
  | { readonly kind: 'finished' };

/** The part of the status that the thread knows: counters begin with it. */
export type ShipReport = Pick<
  BackupStatus,
  | 'target'
  | 'shippedZxid'
  | 'lastSuccessMs'
  | 'lastFull'
  | 'lastFailure'
  | 'failuresInARow'
  | 'failures'
  | 'fulls'
  | 'segments'
  | 'bytesShipped'
  | 'blocked'
>;

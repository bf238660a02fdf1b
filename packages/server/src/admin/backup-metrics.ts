import type { BackupStatus } from '../backup/status.ts';
import type { Metric } from './server-status.ts';

/** The figures of the backups, under the names that `mntr` puts `zk_` in front of. */
export function backupMetrics(status: BackupStatus): Metric[] {
  const values: readonly (readonly [string, number])[] = [
    ['backup_shipping', status.duty === 'shipping' ? 1 : 0],
    ['backup_blocked', status.blocked === null ? 0 : 1],
    ['backup_lag_ms', status.lagMs],
    ['backup_lag_txns', status.lagTxns],
    ['backup_last_success', status.lastSuccessMs ?? 0],
    ['backup_last_full', status.lastFull?.takenMs ?? 0],
    ['backup_failures', status.failures],
    ['backup_failures_in_a_row', status.failuresInARow],
    ['backup_fulls', status.fulls],
    ['backup_segments', status.segments],
    ['backup_bytes', status.bytesShipped],
  ];
  return values.map(([name, value]) => ({ kind: 'counter', name, value }));
}

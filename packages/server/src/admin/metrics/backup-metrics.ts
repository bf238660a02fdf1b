import type { BackupStatus } from '../../backup/status.ts';
import type { Metric } from './metric.ts';
import { counter, gauge } from './metrics-of.ts';

/** The figures of the backups. */
export function backupMetrics(status: BackupStatus): Metric[] {
  return [
    gauge('backup_shipping', status.duty === 'shipping' ? 1 : 0),
    gauge('backup_blocked', status.blocked === null ? 0 : 1),
    gauge('backup_lag_ms', status.lagMs),
    gauge('backup_lag_txns', status.lagTxns),
    gauge('backup_last_success', status.lastSuccessMs ?? 0),
    gauge('backup_last_full', status.lastFull?.takenMs ?? 0),
    counter('backup_failures', status.failures),
    gauge('backup_failures_in_a_row', status.failuresInARow),
    counter('backup_fulls', status.fulls),
    counter('backup_segments', status.segments),
    counter('backup_bytes', status.bytesShipped),
  ];
}

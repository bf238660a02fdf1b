import { Observations } from '../../core/statistics/observations.ts';
import type { Metric } from '../metrics/metric.ts';
import { counter, summary } from '../metrics/metrics-of.ts';

/** Counts what the commands `snapshot` and `restore` come to; names are Apache's (feature inventory, section C.6). */
export class AdminMetrics {
  snapshotErrors = 0;
  snapshotsRateLimited = 0;
  restoreErrors = 0;
  restoresRateLimited = 0;
  /** Calls that came without TLS. */
  insecureCalls = 0;
  readonly #restoreTime: Observations = new Observations();

  restored(tookMs: number): void {
    this.#restoreTime.add(Math.round(tookMs));
  }

  metrics(): Metric[] {
    return [
      counter('snapshot_error_count', this.snapshotErrors),
      counter('snapshot_rate_limited_count', this.snapshotsRateLimited),
      counter('restore_error_count', this.restoreErrors),
      counter('restore_rate_limited_count', this.restoresRateLimited),
      counter('insecure_admin_count', this.insecureCalls),
      summary('restore_time', this.#restoreTime),
    ];
  }
}

import type { Metric } from '../server-status.ts';

/** Counts what the commands `snapshot` and `restore` come to; names are Apache's (feature inventory, section C.6). */
export class AdminMetrics {
  snapshotErrors = 0;
  snapshotsRateLimited = 0;
  restoreErrors = 0;
  restoresRateLimited = 0;
  /** Calls that came without TLS. */
  insecureCalls = 0;
  #restores = 0;
  #restoreSumMs = 0;
  #restoreMinMs = 0;
  #restoreMaxMs = 0;

  restored(tookMs: number): void {
    this.#restoreMinMs = this.#restores === 0 ? tookMs : Math.min(this.#restoreMinMs, tookMs);
    this.#restoreMaxMs = Math.max(this.#restoreMaxMs, tookMs);
    this.#restores++;
    this.#restoreSumMs += tookMs;
  }

  *metrics(): Generator<Metric> {
    yield { kind: 'counter', name: 'snapshot_error_count', value: this.snapshotErrors };
    yield { kind: 'counter', name: 'snapshot_rate_limited_count', value: this.snapshotsRateLimited };
    yield { kind: 'counter', name: 'restore_error_count', value: this.restoreErrors };
    yield { kind: 'counter', name: 'restore_rate_limited_count', value: this.restoresRateLimited };
    yield { kind: 'counter', name: 'insecure_admin_count', value: this.insecureCalls };
    yield {
      kind: 'summary',
      name: 'restore_time',
      count: this.#restores,
      sum: this.#restoreSumMs,
      min: this.#restoreMinMs,
      max: this.#restoreMaxMs,
    };
  }
}

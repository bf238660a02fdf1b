import type { Distribution } from '../../core/statistics/observations.ts';

/** What kind of values a metric has. Of the sets there is one for each `key`: a server, a namespace. */
export type MetricType =
  | 'gauge'
  | 'counter'
  | 'summary'
  | 'advanced summary'
  | 'gauge set'
  | 'counter set'
  | 'summary set'
  | 'advanced summary set';

/** A value that is read as it is now, or that only grows. Names are Apache's, without `zk_`. */
export interface ValueMetric {
  readonly kind: 'gauge' | 'counter';
  readonly name: string;
  readonly value: number;
  readonly key?: string;
}

/** Observed values; of an `advanced` one percentiles are told, too. */
export interface SummaryMetric {
  readonly kind: 'summary' | 'advanced';
  readonly name: string;
  readonly of: Distribution;
  readonly key?: string;
}

/** One reading of one metric. */
export type Metric = ValueMetric | SummaryMetric;

/** Who tells a metric: all servers, some, those with backups, or the exposition for Prometheus (and OpenTelemetry) alone. */
export type MetricPlace = 'all' | 'members' | 'leader' | 'leader or observer master' | 'backups' | 'Prometheus';

/** A metric that this server knows. */
export interface MetricRow {
  readonly name: string;
  readonly type: MetricType;
  readonly meaning: string;
  /**
   * - `supported`: as on Apache ZooKeeper.
   * - `different`: it tells something near to that; `why` says what.
   * - `not applicable`: this server has nothing that it could count. It is told as 0, so that no collector misses it.
   * - `ours`: Apache ZooKeeper has none of that name.
   */
  readonly status: 'supported' | 'different' | 'not applicable' | 'ours';
  /** What is different, or why there is nothing; empty for the others. */
  readonly why: string;
  readonly place: MetricPlace;
}

/** Metrics that belong together, for documentation. */
export interface MetricGroup {
  readonly title: string;
  readonly rows: readonly MetricRow[];
}

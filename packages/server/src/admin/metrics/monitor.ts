import { quantile } from '../../core/statistics/observations.ts';
import { type EnsembleFacts, peerState } from '../ensemble-facts.ts';
import { fourDecimals, javaDouble } from '../java-text.ts';
import type { ServerStatus } from '../server-status.ts';
import { ANNOUNCED_VERSION } from '../version.ts';
import { allMetrics } from './all-metrics.ts';
import type { Metric, SummaryMetric } from './metric.ts';
import { familiesOf, type QuantileWindow, sampleName } from './prometheus.ts';

type Entry = [name: string, value: string | number];

const PERCENTILES = { p50: 0.5, p95: 0.95, p99: 0.99, p999: 0.999 } as const;
/** Gauges that Java writes with a fraction. */
const FRACTIONS: ReadonlySet<string> = new Set(['avg_latency', 'connection_drop_probability']);

/**
 * Everything that `mntr` tells, without its `zk_`: numbers, or their texts as Java writes them, and the first few names. Its
 * form is that of the provider of metrics that is configured, as on Apache ZooKeeper.
 */
export function monitorEntries(status: ServerStatus): Entry[] {
  const head: Entry[] = [
    ['version', ANNOUNCED_VERSION],
    ['server_state', status.mode],
    ...peerEntries(status.ensemble),
  ];
  const { metricsProvider } = status;
  if (metricsProvider === 'null') return head;
  if (metricsProvider !== 'default') return [...head, ...prometheusEntries(status, metricsProvider)];
  return [...head, ...allMetrics(status).flatMap(entriesOf)];
}

function peerEntries(facts: EnsembleFacts | null): Entry[] {
  if (facts === null) return [];
  const state: Entry = ['peer_state', peerState(facts)];
  return facts.observerMasterSid === null ? [state] : [state, ['observer_master_id', facts.observerMasterSid]];
}

/** Keys need no escape: names of znodes have no control characters. */
function entriesOf(metric: Metric): Entry[] {
  const name = metric.key === undefined ? metric.name : `${metric.key}_${metric.name}`;
  if ('of' in metric) return summaryEntries(name, metric);
  return [[name, FRACTIONS.has(metric.name) ? javaDouble(fourDecimals(metric.value)) : metric.value]];
}

function summaryEntries(name: string, { kind, of }: SummaryMetric): Entry[] {
  const { count, sum, min, max } = of;
  const entries: Entry[] = [
    [`avg_${name}`, javaDouble(count === 0 ? 0 : fourDecimals(sum / count))],
    [`min_${name}`, min],
    [`max_${name}`, max],
    [`cnt_${name}`, count],
    [`sum_${name}`, sum],
  ];
  if (kind === 'summary') return entries;
  for (const [prefix, rank] of Object.entries(PERCENTILES)) entries.push([`${prefix}_${name}`, quantile(of, rank)]);
  return entries;
}

/** As the Prometheus provider of Apache ZooKeeper dumps its samples. */
function prometheusEntries(status: ServerStatus, window: QuantileWindow): Entry[] {
  const entries: Entry[] = [];
  for (const family of familiesOf(allMetrics(status), window)) {
    for (const sample of family.samples) entries.push([sampleName(family.name, sample), javaDouble(sample.value)]);
  }
  return entries;
}

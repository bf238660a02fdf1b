import { METRIC_BY_NAME } from '../../../src/admin/metrics/catalogue.ts';
import type { MetricPlace, MetricType } from '../../../src/admin/metrics/metric.ts';
import { apacheMetrics } from './apache-metrics.ts';

const BASIC = ['avg_', 'min_', 'max_', 'cnt_', 'sum_'];
const ADVANCED = [...BASIC, 'p50_', 'p95_', 'p99_', 'p999_'];

function namesOf(name: string, type: MetricType): string[] {
  if (type === 'summary') return BASIC.map((prefix) => prefix + name);
  if (type === 'advanced summary') return ADVANCED.map((prefix) => prefix + name);
  // Sets have names only where there are keys.
  return type === 'gauge' || type === 'counter' ? [name] : [];
}

/** The names in `mntr` that a collector written for Apache ZooKeeper expects of a server with these places. */
export function expectedNames(places: readonly MetricPlace[]): Set<string> {
  const names = apacheMetrics()
    .filter(([name]) => places.includes(METRIC_BY_NAME.get(name)?.place ?? 'all'))
    .flatMap(([name, type]) => namesOf(name, type));
  return new Set(['version', 'server_state', ...names].map((name) => `zk_${name}`));
}

/** Names and values of an answer to `mntr`. */
export function monitored(answer: string): Map<string, string> {
  const lines = answer.trimEnd().split('\n');
  return new Map(lines.map((line) => line.split('\t') as [string, string]));
}

/** What is missing in an answer to `mntr`, and what is too much; sets have names of any keys. */
export function differences(found: Iterable<string>, expected: ReadonlySet<string>): string[] {
  const sets = apacheMetrics().filter(([, type]) => type.endsWith(' set'));
  const names = new Set(found);
  const missing = [...expected].filter((name) => !names.has(name)).map((name) => `- ${name}`);
  const extra = [...names].filter((name) => !expected.has(name) && !sets.some(([set]) => name.endsWith(`_${set}`)));
  return [...missing, ...extra.map((name) => `+ ${name}`)];
}

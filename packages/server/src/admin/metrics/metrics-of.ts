import type { Distribution } from '../../core/statistics/observations.ts';
import type { SummaryMetric, ValueMetric } from './metric.ts';

export function gauge(name: string, value: number, key?: string): ValueMetric {
  return { kind: 'gauge', name, value, ...(key === undefined ? {} : { key }) };
}

export function counter(name: string, value: number, key?: string): ValueMetric {
  return { kind: 'counter', name, value, ...(key === undefined ? {} : { key }) };
}

export function summary(name: string, of: Distribution, key?: string): SummaryMetric {
  return { kind: 'summary', name, of, ...(key === undefined ? {} : { key }) };
}

/** A summary with percentiles. */
export function advanced(name: string, of: Distribution, key?: string): SummaryMetric {
  return { kind: 'advanced', name, of, ...(key === undefined ? {} : { key }) };
}

import type { MetricPlace, MetricRow, MetricType } from './metric.ts';

/** As on Apache ZooKeeper. */
export function supported(name: string, type: MetricType, meaning: string, place: MetricPlace = 'all'): MetricRow {
  return { name, type, meaning, status: 'supported', why: '', place };
}

/** `why`: what it tells here. */
export function different(
  name: string,
  type: MetricType,
  meaning: string,
  why: string,
  place: MetricPlace = 'all',
): MetricRow {
  return { name, type, meaning, status: 'different', why, place };
}

/** `why` there is nothing that it could tell. */
export function absent(name: string, type: MetricType, meaning: string, why: string): MetricRow {
  return { name, type, meaning, status: 'not applicable', why, place: 'all' };
}

/** Apache ZooKeeper has none of that name. */
export function ours(name: string, type: MetricType, meaning: string, place: MetricPlace): MetricRow {
  return { name, type, meaning, status: 'ours', why: '', place };
}

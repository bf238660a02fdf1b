import type { ClientListener } from '../../adapters/client/listener.ts';
import type { StorageStatistics } from '../../adapters/disk/storage-statistics.ts';
import type { Replica } from '../../core/replica.ts';
import type { Driver } from '../../driver/driver.ts';
import { factsOf } from '../member-facts.ts';
import { ensembleGauges, ensembleWork } from './ensemble-metrics.ts';
import type { Metric } from './metric.ts';
import { counter } from './metrics-of.ts';
import { storageMetrics } from './work-metrics.ts';

/** The parts of a server that count. */
export interface CountingParts {
  readonly replica: Replica;
  readonly driver: Driver;
  readonly storage: StorageStatistics;
}

/** What the parts of a server around its state tell. */
export function serverMetrics(
  { replica, driver, storage }: CountingParts,
  listeners: readonly ClientListener[],
): Metric[] {
  const { member } = replica;
  return [
    ...listeners.flatMap((listener) => [
      counter('connection_rejected', listener.rejected),
      counter('sessionless_connections_expired', listener.silent),
    ]),
    ...storageMetrics(storage, driver.statistics),
    ...(member === null ? [] : [...ensembleGauges(factsOf(member)), ...ensembleWork(member.stage.statistics)]),
  ];
}

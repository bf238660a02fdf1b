import type { StorageStatistics } from '../../adapters/disk/storage-statistics.ts';
import type { Authentication } from '../../core/auth/authentication.ts';
import type { ServerStatistics } from '../../core/serving.ts';
import type { NamespaceTraffic } from '../../core/statistics/namespace-traffic.ts';
import type { QuotaBook } from '../../core/tree/quota.ts';
import type { DriverStatistics } from '../../driver/driver-statistics.ts';
import type { Metric } from './metric.ts';
import { advanced, counter, gauge, summary } from './metrics-of.ts';

/** What a server does for its clients (feature inventory, sections C.3, C.5 to C.7). */
export function workMetrics({ work, digestMismatches, readsAtOnce }: ServerStatistics): Metric[] {
  const reads = work.allReads(readsAtOnce);
  return [
    counter('digest_mismatches_count', digestMismatches),
    counter('prep_processor_request_queued', work.proposed),
    counter('outstanding_changes_queued', work.changesForeseen),
    counter('outstanding_changes_removed', work.changesSettled),
    counter('request_commit_queued', work.committed),
    counter('bytes_received_count', work.bytesReceived),
    counter('response_bytes', work.sentBytes - work.watchBytes),
    counter('watch_bytes', work.watchBytes),
    counter('connection_request_count', work.handshakes),
    counter('connection_drop_count', work.dropped),
    counter('connection_revalidate_count', work.returns),
    counter('sessionless_connections_expired', work.sessionless),
    counter('stale_sessions_expired', work.sessionsExpired),
    counter('cnxn_closed_without_zk_server_running', work.closedUnserved),
    advanced('readlatency', reads),
    advanced('read_commitproc_time_ms', reads),
    advanced('updatelatency', work.updateLatency),
    advanced('write_commitproc_time_ms', work.updateLatency),
    advanced('local_write_committed_time_ms', work.updateLatency),
    advanced('server_write_committed_time_ms', work.othersWriteTime),
    advanced('propagation_latency', work.propagation),
    summary('requests_in_session_queue', work.waitingRequests),
    summary('read_commit_proc_req_queued', work.waitingRequests),
    summary('pending_session_queue_size', work.waitingConnections),
    summary('reads_after_write_in_session_queue', work.readsAfterWrite),
    summary('reads_issued_from_session_queue', work.readsAfterWrite),
    summary('session_queues_drained', work.ordersDrained),
    summary('read_commit_proc_issued', work.readsTogether),
    summary('write_commit_proc_issued', work.writesTogether),
    summary('commit_commit_proc_req_queued', work.writesTogether),
    summary('write_commit_proc_req_queued', work.writesOutstanding),
    summary('netty_queued_buffer_capacity', work.keptInput),
    summary('node_created_watch_count', work.createdFires),
    summary('node_deleted_watch_count', work.deletedFires),
    summary('node_changed_watch_count', work.dataFires),
    summary('node_children_watch_count', work.childrenFires),
    ...traffic('read_per_namespace', work.reads),
    ...traffic('write_per_namespace', work.writes),
    ...[...work.quotaExceeded].map(([key, times]) => counter('quota_exceeded_error_per_namespace', times, key)),
  ];
}

function traffic(name: string, namespaces: NamespaceTraffic): Metric[] {
  return [...namespaces.entries()].map(([key, bytes]) => summary(name, bytes, key));
}

/** What clients that name their ensemble have met with. */
export function ensembleNameMetrics({ ensembleNames }: Authentication): Metric[] {
  return [
    counter('ensemble_auth_success', ensembleNames.success),
    counter('ensemble_auth_fail', ensembleNames.fail),
    counter('ensemble_auth_skip', ensembleNames.skip),
  ];
}

/** What the data directory and the loop cost (sections C.4 and C.5). */
export function storageMetrics(storage: StorageStatistics, driver: DriverStatistics): Metric[] {
  const { journal } = storage;
  return [
    counter('unrecoverable_error_count', storage.unrecoverableErrors),
    counter('sync_processor_request_queued', journal.appended),
    summary('fsynctime', journal.syncTime),
    summary('snapshottime', storage.snapshotTime),
    summary('dbinittime', storage.loadTime),
    summary('startup_txns_loaded', storage.txnsLoaded),
    summary('startup_txns_load_time', storage.logLoadTime),
    summary('startup_snap_load_time', storage.snapshotLoadTime),
    summary('sync_processor_queue_size', journal.waiting),
    summary('sync_processor_batch_size', journal.together),
    summary('sync_process_time', journal.batchTime),
    advanced('sync_processor_queue_time_ms', journal.queueTime),
    advanced('sync_processor_queue_flush_time_ms', journal.flushTime),
    advanced('sync_processor_queue_and_flush_time_ms', journal.queueAndFlushTime),
    summary('prep_process_time', driver.writingSteps),
    summary('proposal_process_time', driver.sending),
    summary('commit_process_time', driver.committingSteps),
    summary('write_batch_time_in_commit_processor', driver.committingSteps),
  ];
}

/** Quotas and what they hold, by the first element of their paths; a hard limit counts before a soft one. */
export function quotaMetrics(quotas: QuotaBook): Metric[] {
  const namespaces = new Map<string, { counts: number; bytes: number; usedCounts: number; usedBytes: number }>();
  for (const { path, limits, usage } of quotas.quotas()) {
    const name = path.split('/', 2)[1] ?? '';
    if (name === '') continue;
    const sums = namespaces.get(name) ?? { counts: 0, bytes: 0, usedCounts: 0, usedBytes: 0 };
    namespaces.set(name, sums);
    sums.counts += limits.countHardLimit > -1 ? limits.countHardLimit : limits.count;
    sums.bytes += limits.byteHardLimit > -1 ? limits.byteHardLimit : limits.bytes;
    sums.usedCounts += usage?.count ?? 0;
    sums.usedBytes += usage?.bytes ?? 0;
  }
  return [...namespaces].flatMap(([name, sums]) => [
    gauge('quota_count_limit_per_namespace', sums.counts, name),
    gauge('quota_bytes_limit_per_namespace', sums.bytes, name),
    gauge('quota_count_usage_per_namespace', sums.usedCounts, name),
    gauge('quota_bytes_usage_per_namespace', sums.usedBytes, name),
  ]);
}

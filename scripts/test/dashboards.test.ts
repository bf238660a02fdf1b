import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { METRIC_BY_NAME } from '@headkeeper/server/internal';
import { projectRoot } from '../project-files.ts';

/** What an expression has beside metrics: functions and words of PromQL. */
const WORDS = new Set('absent by count increase max min on or rate sum topk and unless ignoring avg'.split(' '));

function textOf(file: string): string {
  return readFileSync(path.join(projectRoot, 'deploy', file), 'utf8');
}

/** The metrics that an expression names. */
function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\$\w+/g, '');
  return (bare.match(/[a-z_][a-z0-9_]*/g) ?? []).filter((word) => !WORDS.has(word));
}

function isKnown(name: string): boolean {
  if (name === 'up' || METRIC_BY_NAME.has(name)) return true;
  const base = METRIC_BY_NAME.get(name.replace(/_(count|sum)$/, ''));
  return base?.type.includes('summary') === true;
}

function unknownIn(expressions: readonly string[]): string[] {
  return expressions.flatMap(metricsIn).filter((name) => !isKnown(name));
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

test('the dashboard names metrics that there are, and no panel twice', () => {
  const { panels } = JSON.parse(textOf('grafana/headkeeper.json')) as { readonly panels: readonly Panel[] };
  const expressions = panels.flatMap(({ targets }) => targets?.map(({ expr }) => expr) ?? []);
  assert.ok(expressions.length > 40);
  assert.deepEqual(unknownIn(expressions), []);
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
});

const rules = textOf('prometheus/alerts.yml');

test('the alerts name metrics that there are', () => {
  const expressions = [...rules.matchAll(/^ +expr: (.+)$/gm)].map(([, expression]) => expression as string);
  assert.ok(expressions.length > 15);
  assert.deepEqual(unknownIn(expressions), []);
  assert.deepEqual(unknownIn(['rate(no_such_metric[5m]) > 0 or fsynctime_total']), [
    'no_such_metric',
    'fsynctime_total',
  ]);
});

test('every alert is explained in the guide', () => {
  const guide = readFileSync(path.join(projectRoot, 'docs/guides/monitoring.md'), 'utf8');
  const names = [...rules.matchAll(/- alert: (.+)$/gm)].map(([, name]) => name as string);
  assert.deepEqual(
    names.filter((name) => !guide.includes(`**${name}**`)),
    [],
  );
});

/** What Grafana's dashboard 10465 and the rules in the guide of Apache ZooKeeper look for. */
const ELSEWHERE =
  'up znode_count num_alive_connections approximate_data_size watch_count election_time_count open_file_descriptor_count ' +
  'fsynctime_sum snapshottime_sum avg_latency max_latency min_latency jvm_memory_bytes_used jvm_memory_bytes_max ' +
  'quorum_size ephemerals_count outstanding_requests packets_received packets_sent global_sessions local_sessions ' +
  'learners synced_followers synced_observers pending_syncs leader_uptime uptime readlatency updatelatency ' +
  'propagation_latency proposal_count commit_count diff_count snap_count dbinittime_sum startup_snap_load_time_sum ' +
  'startup_txns_load_time_sum startup_txns_loaded_sum sync_process_time_sum prep_process_time_sum commit_process_time_sum ' +
  'proposal_process_time_sum response_packet_cache_hits response_packet_cache_misses bytes_received_count ' +
  'connection_request_count connection_rejected connection_drop_count unrecoverable_error_count ' +
  'sessionless_connections_expired stale_sessions_expired outstanding_changes_queued outstanding_changes_removed ' +
  'digest_mismatches_count ensemble_auth_success ensemble_auth_fail ensemble_auth_skip add_dead_watcher_stall_time ' +
  'dead_watchers_queued dead_watchers_cleared node_created_watch_count_sum node_deleted_watch_count_sum ' +
  'node_changed_watch_count_sum node_children_watch_count_sum request_commit_queued looking_count ' +
  'process_cpu_seconds_total process_resident_memory_bytes process_open_fds process_start_time_seconds';

test('dashboards and rules written for Apache ZooKeeper find the names that they use', () => {
  assert.deepEqual(
    ELSEWHERE.split(' ').filter((name) => !isKnown(name)),
    [],
  );
});

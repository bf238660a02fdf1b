/**
 * What Apache ZooKeeper and Headkeeper tell by `mntr` after the same work: a server alone, then a leader, followers and an
 * observer:
 *
 *   node interop/dist/metrics/compare-metrics.js [--version 3.9.5]
 *
 * Fails when a name of Apache's is missing, when there is one that it does not have, or when a figure differs that the work
 * decides. Names that only one side has are listed.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@headkeeper/client';
import { Ensemble } from '../ensemble/ensemble.ts';
import type { MemberKind } from '../ensemble/member.ts';
import { type ApacheVersion, apacheVersion, startApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { programOptions } from '../peers/program-options.ts';
import { fourLetterWord } from '../peers/server-process.ts';

type Values = ReadonlyMap<string, string>;

/** What the work below decides, on a server alone. */
const DECIDED: readonly string[] = [
  'znode_count',
  'watch_count',
  'ephemerals_count',
  'global_sessions',
  'local_sessions',
  'quorum_size',
  'cnt_node_created_watch_count',
  'sum_node_changed_watch_count',
  'sum_node_deleted_watch_count',
  'sum_node_children_watch_count',
  'cnt_metrics_write_per_namespace',
  'sum_metrics_write_per_namespace',
  'cnt_metrics_read_per_namespace',
  'sum_metrics_read_per_namespace',
  'metrics_quota_count_limit_per_namespace',
  'metrics_quota_bytes_limit_per_namespace',
  'metrics_quota_count_usage_per_namespace',
  'metrics_quota_bytes_usage_per_namespace',
  'metrics_quota_exceeded_error_per_namespace',
  'connection_request_count',
  'connection_revalidate_count',
  'connection_rejected',
  'digest_mismatches_count',
  'unrecoverable_error_count',
  'auth_failed_count',
];

async function mntr(port: number): Promise<Values> {
  const lines = (await fourLetterWord(port, 'mntr', 5000)).trimEnd().split('\n');
  return new Map(lines.map((line) => line.slice('zk_'.length).split('\t') as [string, string]));
}

/** Creates, reads, changes, watches, and runs into a hard quota. */
async function work(port: number): Promise<void> {
  const zk = await connect(`127.0.0.1:${port}`, { sessionTimeoutMs: 10_000 });
  const other = await connect(`127.0.0.1:${port}`, { sessionTimeoutMs: 10_000 });
  await zk.create('/metrics', 'top');
  await zk.create('/zookeeper/quota/metrics', null);
  await zk.create('/zookeeper/quota/metrics/zookeeper_limits', 'count=100,bytes=-1=;byteHardLimit=-1;countHardLimit=4');
  await zk.create('/zookeeper/quota/metrics/zookeeper_stats', 'count=0,bytes=0');
  await other.getData('/metrics', { watch: () => {} });
  await other.getChildren('/metrics', { watch: () => {} });
  await other.exists('/metrics/a', { watch: () => {} });
  await zk.create('/metrics/a', 'x'.repeat(40));
  await zk.setData('/metrics', 'changed');
  await other.exists('/metrics/a', { watch: () => {} });
  await zk.delete('/metrics/a');
  await zk.create('/metrics/b', null, { mode: 'ephemeral' });
  await zk.create('/metrics/c', null);
  await zk.create('/metrics/d', null);
  await zk.create('/metrics/e', null).catch(() => {});
  await zk.getData('/metrics/c');
  await other.getData('/metrics/d', { watch: () => {} });
  await zk.sync('/');
  await Promise.all([zk.close(), other.close()]);
}

interface Difference {
  readonly what: string;
  readonly lines: readonly string[];
}

/** What only one side has, and is right so: Apache samples acknowledgements, one of a thousand. */
const EXPLAINED = /^only Headkeeper: \w+_N_ack_latency$/;

/** Keys of sets that count servers are the same server's only by chance. */
function general(name: string): string {
  return name.replace(/^((?:avg|min|max|cnt|sum|p\d+)_)\d+_/, '$1N_');
}

function compare(what: string, theirs: Values, ours: Values, decided: readonly string[]): Difference {
  const [apache, headkeeper] = [theirs, ours].map((values) => new Set([...values.keys()].map(general)));
  const missing = [...(apache as Set<string>)].filter((name) => !headkeeper?.has(name));
  const extra = [...(headkeeper as Set<string>)].filter((name) => !apache?.has(name));
  const figures = decided.filter((name) => theirs.has(name) && theirs.get(name) !== ours.get(name));
  return {
    what,
    lines: [
      ...missing.map((name) => `only Apache: ${name}`),
      ...extra.map((name) => `only Headkeeper: ${name}`),
      ...figures.map((name) => `${name}: Apache ${theirs.get(name)}, Headkeeper ${ours.get(name)}`),
    ].filter((line) => !EXPLAINED.test(line)),
  };
}

async function alone(version: ApacheVersion): Promise<Difference> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-metrics-'));
  const values: Values[] = [];
  try {
    const extraConfig = { enforceQuota: 'true' };
    for (const start of [
      () => startApacheZooKeeper({ dataDir: join(folder, 'apache'), version, extraConfig }),
      () => startHeadkeeper({ dataDir: join(folder, 'headkeeper'), extraConfig }),
    ]) {
      const server = await start();
      try {
        await work(server.port);
        values.push(await mntr(server.port));
      } finally {
        await server.stop();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return compare('a server alone', values[0] as Values, values[1] as Values, DECIDED);
}

/** The values of each role: server 3 leads, server 4 observes. */
async function ofEnsemble(kind: MemberKind): Promise<Map<string, Values>> {
  const kinds = [kind, kind, kind, kind];
  const ensemble = await Ensemble.start({ kinds, observers: [4], settings: { enforceQuota: 'true' } }, 3);
  try {
    await work(ensemble.member(1).clientPort);
    const values = new Map<string, Values>();
    for (const member of ensemble.members) values.set((await member.mode()) ?? '', await mntr(member.clientPort));
    return values;
  } finally {
    await ensemble.end(true);
  }
}

async function together(version: ApacheVersion): Promise<Difference[]> {
  const theirs = await ofEnsemble(version);
  const ours = await ofEnsemble('headkeeper');
  return ['leader', 'follower', 'observer'].map((role) =>
    compare(`a ${role}`, theirs.get(role) ?? new Map(), ours.get(role) ?? new Map(), ['quorum_size', 'znode_count']),
  );
}

const options = programOptions(import.meta.filename, { version: { type: 'string', default: apacheVersion } });
const version = options.version as ApacheVersion;
let failed = 0;
for (const { what, lines } of [await alone(version), ...(await together(version))]) {
  console.log(
    `${what}: ${lines.length === 0 ? 'the same names, and the same figures where the work decides them' : ''}`,
  );
  for (const line of lines) console.log(`  ${line}`);
  if (lines.length > 0) failed++;
}
console.log(`${4 - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

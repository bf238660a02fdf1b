/** What running servers tell of themselves, alone and as an ensemble. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { MetricPlace } from '../../../src/admin/metrics/metric.ts';
import { ConfigError } from '../../../src/config/config-error.ts';
import { parseServerConfig } from '../../../src/config/parse.ts';
import { startServer } from '../../../src/main.ts';
import { freePorts, MemberProcess, until } from '../../ensemble/member-process.ts';
import { using } from '../../ensemble/member-session.ts';
import { store } from '../../peer/tls-sides.ts';
import { AdminHarness } from '../http/admin-harness.ts';
import { differences, expectedNames, monitored } from './expected-names.ts';

const CLASS = 'metricsProvider.className=org.apache.zookeeper.metrics';
const PROMETHEUS = [`${CLASS}.prometheus.PrometheusMetricsProvider`, 'metricsProvider.httpPort=0'];

async function mntr(port: number): Promise<Map<string, string>> {
  return monitored(
    await new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect({ host: '127.0.0.1', port }, () => socket.write('mntr'));
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
    }),
  );
}

/** Values of an exposition, by name with labels. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('a server alone', () => {
  const harness = new AdminHarness();
  before(() => harness.start());
  after(() => harness.end());

  it('has in mntr the names that Apache ZooKeeper has, and no others', async () => {
    const values = await mntr(harness.server.address.port);
    assert.deepEqual(differences(values.keys(), expectedNames(['all'])), []);
  });

  it('counts what clients do: requests, bytes, namespaces, watches, sessions, the log', async () => {
    const { port } = harness.server.address;
    const session = await harness.session();
    const watcher = await harness.session();
    await session.create('/counted', 'a');
    await watcher.call('getData', { path: '/counted', watch: true });
    await session.call('setData', { path: '/counted', data: new Uint8Array(50), version: -1 });
    await session.call('getData', { path: '/counted', watch: false });
    const values = await mntr(port);
    const number = (name: string): number => Number(values.get(`zk_${name}`));
    assert.ok(number('cnt_readlatency') >= 2);
    assert.ok(number('cnt_updatelatency') >= 2);
    assert.ok(number('cnt_propagation_latency') >= 4, 'two sessions and two writes');
    assert.equal(number('cnt_counted_read_per_namespace'), 2);
    // The path, 50 bytes and the Stat.
    assert.equal(number('max_counted_read_per_namespace'), 8 + 50 + 68);
    assert.equal(number('sum_counted_write_per_namespace'), 8 + 1 + 8 + 50);
    assert.equal(number('cnt_node_changed_watch_count'), 1);
    assert.ok(number('watch_bytes') > 28);
    assert.ok(number('bytes_received_count') > 100);
    assert.ok(number('response_bytes') > 100);
    assert.equal(number('connection_request_count'), 2);
    assert.equal(number('sync_processor_request_queued'), number('request_commit_queued'));
    assert.ok(number('cnt_fsynctime') > 0);
    assert.ok(number('prep_processor_request_queued') >= 4);
    assert.equal(number('outstanding_changes_queued'), number('outstanding_changes_removed'));
    assert.equal(number('cnt_dbinittime'), 1);
    assert.ok(number('cnt_snapshottime') >= 1);
    session.end();
    while (Number((await mntr(port)).get('zk_connection_drop_count')) < 1) await Promise.resolve();
    watcher.end();
  });

  it('tells the same at /metrics of the operators’ server, with the process, and counts who asks without TLS', async () => {
    const response = await harness.fetch('/metrics');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const values = samples(await response.text());
    assert.equal(values.get('cnt_readlatency'), undefined);
    assert.ok((values.get('readlatency_count') ?? 0) >= 2);
    assert.ok((values.get('process_resident_memory_bytes') ?? 0) > 1e6);
    assert.ok(
      (values.get('jvm_memory_bytes_max{area="heap"}') ?? 0) > (values.get('jvm_memory_bytes_used{area="heap"}') ?? 0),
    );
    assert.ok((values.get('insecure_admin_count') ?? 0) >= 1);
    assert.equal(harness.server.metricsAddress, null);
  });
});

describe('quotas', () => {
  const harness = new AdminHarness(['enforceQuota=true']);
  before(() => harness.start());
  after(() => harness.end());

  it('tell limits, usage and what they have refused by the first element of the path; hard limits count before soft ones', async () => {
    const session = await harness.session();
    for (const path of ['/app', '/app/sub', '/zookeeper/quota/app']) await session.create(path, '');
    await session.create('/zookeeper/quota/app/sub', '');
    await session.create(
      '/zookeeper/quota/app/sub/zookeeper_limits',
      'count=7,bytes=-1=;byteHardLimit=100;countHardLimit=2',
    );
    await session.create('/zookeeper/quota/app/sub/zookeeper_stats', 'count=0,bytes=0');
    assert.equal(await session.create('/app/sub/a', 'xxxx'), 0);
    assert.equal(await session.create('/app/sub/b', ''), -125);
    assert.equal(
      (await session.call('setData', { path: '/app/sub/a', data: new Uint8Array(200), version: -1 })).err,
      -125,
    );
    const values = await mntr(harness.server.address.port);
    assert.equal(values.get('zk_app_quota_count_limit_per_namespace'), '2');
    assert.equal(values.get('zk_app_quota_bytes_limit_per_namespace'), '100');
    assert.equal(values.get('zk_app_quota_count_usage_per_namespace'), '2');
    assert.equal(values.get('zk_app_quota_bytes_usage_per_namespace'), '4');
    assert.equal(values.get('zk_app_quota_exceeded_error_per_namespace'), '2');
    session.end();
  });
});

describe('with the provider for Prometheus', () => {
  const harness = new AdminHarness([...PROMETHEUS, 'jvm.pause.monitor=true', 'jvm.pause.sleep.time.ms=10']);
  before(() => harness.start());
  after(() => harness.end());

  it('tells the metrics on a port of its own, to GET and HEAD, and nothing else', async () => {
    const { metricsAddress } = harness.server;
    assert.equal(metricsAddress?.host, '127.0.0.1');
    const base = `http://127.0.0.1:${metricsAddress?.port}`;
    const response = await fetch(`${base}/metrics`);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    assert.equal(new Set(families).size, families.length, 'each name once');
    assert.ok(samples(text).has('znode_count'));
    assert.equal((await fetch(`${base}/metrics`, { method: 'HEAD' })).status, 200);
    assert.equal((await fetch(`${base}/metrics`, { method: 'POST' })).status, 405);
    assert.equal((await fetch(`${base}/`)).status, 404);
  });

  it('gives mntr the form of that provider', async () => {
    const values = await mntr(harness.server.address.port);
    assert.equal(values.get('zk_server_state'), 'standalone');
    assert.match(values.get('zk_znode_count') ?? '', /^\d+\.0$/);
    assert.ok(values.has('zk_readlatency{quantile="0.99"}'));
    assert.ok(values.has('zk_fsynctime_sum'));
    assert.equal(values.has('zk_avg_fsynctime'), false);
  });

  it('measures standstills of the event loop', async () => {
    const pauses = async (): Promise<Map<string, number>> => {
      const response = await fetch(`http://127.0.0.1:${harness.server.metricsAddress?.port}/metrics`);
      return samples(await response.text());
    };
    const untilMs = performance.now() + 120;
    while (performance.now() < untilMs);
    for (let sum = 0; sum < 100; sum = (await pauses()).get('jvm_pause_time_ms_sum') ?? 0);
    assert.ok(((await pauses()).get('jvm_pause_time_ms_count') ?? 0) > 0);
  });
});

describe('the other settings', () => {
  it('NullMetricsProvider leaves mntr the mode; a port that is taken is told and the server serves', async () => {
    const harness = await new AdminHarness([`${CLASS}.impl.NullMetricsProvider`]).start();
    try {
      assert.deepEqual([...(await mntr(harness.server.address.port)).keys()], ['zk_version', 'zk_server_state']);
      const taken = `metricsProvider.httpPort=${harness.server.adminAddress?.port}`;
      const other = await new AdminHarness([PROMETHEUS[0] as string, taken]).start();
      assert.equal(other.server.metricsAddress, null);
      assert.ok(other.logged.some(({ message }) => message.includes('set metricsProvider.httpPort')));
      await other.end();
    } finally {
      await harness.end();
    }
  });

  it('speaks TLS on httpsPort, and lets in only whom the trust store knows', async () => {
    const keyStore = `metricsProvider.ssl.keyStore.location=${store('server.pem').path}`;
    const trustStore = `metricsProvider.ssl.trustStore.location=${store('trust.pem').path}`;
    const lines = [PROMETHEUS[0] as string, 'metricsProvider.httpsPort=0', keyStore, trustStore];
    const harness = await new AdminHarness(lines).start();
    const status = (client: object): Promise<number | string> =>
      new Promise((resolve) => {
        const options = { host: '127.0.0.1', port: harness.server.metricsAddress?.port, path: '/metrics' };
        const request = httpsRequest(
          { ...options, ...client, ca: readFileSync(store('trust.pem').path) },
          (response) => {
            response.resume();
            response.on('end', () => resolve(response.statusCode ?? 0));
          },
        );
        request.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
        request.end();
      });
    try {
      const pem = readFileSync(store('server.pem').path);
      assert.equal(await status({ key: pem, cert: pem }), 200);
      assert.equal(typeof (await status({})), 'string');
    } finally {
      await harness.end();
    }
  });

  it('a store that cannot be used stops the start', async () => {
    const lines = ['dataDir=/nowhere', 'clientPort=0', PROMETHEUS[0] as string, 'metricsProvider.httpsPort=0'];
    const start = (line: string): Promise<unknown> =>
      startServer(parseServerConfig([...lines, line].join('\n'), { file: null }));
    await assert.rejects(start(''), ConfigError);
    await assert.rejects(start('metricsProvider.ssl.keyStore.location=/no/such.pem'), /no\/such\.pem/);
  });
});

describe('an ensemble', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-metrics-'));
  const members: MemberProcess[] = [];
  before(async () => {
    for (let sid = 1; sid <= 4; sid++) members.push(new MemberProcess(folder, sid, await freePorts()));
    const lines = members.map((each) => each.line(each.sid === 4 ? 'observer' : 'participant'));
    for (const member of members) member.configure(lines);
    for (const member of members) member.start();
    for (const member of members)
      await until(`${member.name} serves`, async () => (await member.mode()) !== null, members);
  });
  after(async () => {
    await Promise.all(members.map((member) => member.kill()));
    rmSync(folder, { recursive: true });
  });

  it('leader, followers and observer have the names that Apache’s have', async () => {
    const places: Record<string, MetricPlace[]> = {
      leader: ['all', 'members', 'leader', 'leader or observer master'],
      follower: ['all', 'members'],
      observer: ['all', 'members'],
    };
    const seen = new Set<string>();
    for (const member of members) {
      const values = await mntr(member.ports.client);
      const mode = values.get('zk_server_state') as string;
      seen.add(mode);
      const expected = expectedNames(places[mode] ?? []);
      expected.add('zk_peer_state');
      if (mode === 'observer') expected.add('zk_observer_master_id');
      assert.deepEqual(differences(values.keys(), expected), [], mode);
    }
    assert.deepEqual([...seen].sort(), ['follower', 'leader', 'observer']);
  });

  it('measures proposals, acknowledgements, commits and what learners pass on', async () => {
    const byMode = new Map<string, MemberProcess>();
    for (const member of members) byMode.set((await member.mode()) ?? '', member);
    const follower = byMode.get('follower') as MemberProcess;
    await using(follower, async (session) => {
      for (let i = 0; i < 20; i++) assert.equal(await session.create(`/n${i}`, 'x'), 0);
      await session.read('/n1');
    });
    const lead = await mntr((byMode.get('leader') as MemberProcess).ports.client);
    const number = (values: ReadonlyMap<string, string>, name: string): number => Number(values.get(`zk_${name}`));
    assert.ok(number(lead, 'proposal_count') >= 21);
    assert.ok(number(lead, 'cnt_quorum_ack_latency') >= 21);
    assert.ok(number(lead, `cnt_${follower.sid}_ack_latency`) > 0);
    assert.ok(number(lead, `cnt_${follower.sid}_learner_handler_qp_size`) > 0);
    assert.ok(number(lead, `cnt_${follower.sid}_learner_handler_qp_time_ms`) > 0);
    assert.ok(number(lead, 'cnt_server_write_committed_time_ms') >= 20);
    assert.ok(number(lead, 'cnt_inflight_diff_count') + number(lead, 'cnt_inflight_snap_count') >= 3);
    const follow = await mntr(follower.ports.client);
    assert.ok(number(follow, 'cnt_proposal_latency') >= 20);
    assert.ok(number(follow, 'cnt_commit_propagation_latency') >= 20);
    assert.ok(number(follow, 'cnt_propagation_latency') >= 20);
    assert.ok(number(follow, 'cnt_proposal_ack_creation_latency') > 0);
    assert.ok(number(follow, 'cnt_learner_request_processor_queue_size') >= 20);
    assert.ok(number(follow, 'cnt_updatelatency') >= 20);
    assert.equal(number(follow, 'cnt_election_time'), number(follow, 'looking_count'));
  });
});

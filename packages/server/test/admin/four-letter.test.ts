import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type FourLetterName, FourLetterWord } from '@headkeeper/protocol';
import type { ServerStatus } from '../../src/admin/server-status.ts';
import { ANNOUNCED_VERSION, HEADKEEPER_VERSION } from '../../src/admin/version.ts';
import { asking, first, observed, statusWith } from './sample-status.ts';
import { wordText } from './word-text.ts';

const ALL = Object.keys(FourLetterWord) as FourLetterName[];

const answer = (word: FourLetterName, changes: Partial<ServerStatus> = {}): string => {
  return wordText(word, ALL, statusWith(changes));
};

describe('four-letter words, as Apache ZooKeeper 3.9.5 answered them', () => {
  const golden: Partial<Record<FourLetterName, string>> = {
    conf:
      'clientPort=22995\nsecureClientPort=-1\ndataDir=/tmp/data/version-2\ndataDirSize=67109358\n' +
      'dataLogDir=/tmp/data/version-2\ndataLogSize=67109358\ntickTime=2000\nmaxClientCnxns=60\n' +
      'minSessionTimeout=4000\nmaxSessionTimeout=40000\nclientPortListenBacklog=-1\nserverId=0\n',
    cons:
      ' /127.0.0.1:45670[0](queued=0,recved=1,sent=0)\n' +
      ' /127.0.0.1:45650[1](queued=0,recved=6,sent=6,sid=0x1000016a0550000,lop=PING,est=1795302674786,to=30000,' +
      'lcxid=0x4,lzxid=0x6,lresp=1508211,llat=0,minlat=0,avglat=5,maxlat=13)\n' +
      ' /127.0.0.1:45658[1](queued=0,recved=5,sent=5,sid=0x1000016a0550001,lop=GETC,est=1795302674807,to=30000,' +
      'lcxid=0x4,lzxid=0x6,lresp=1508210,llat=1,minlat=0,avglat=1,maxlat=3)\n\n',
    dump:
      'SessionTracker dump:\nSession Sets (1)/(2):\n2 expire at Sat Nov 21 23:11:46 UTC 2026:\n' +
      '\t0x1000016a0550000\n\t0x1000016a0550001\nephemeral nodes dump:\nSessions with Ephemerals (2):\n' +
      '0x1000016a0550001:\n\t/eb\n0x1000016a0550000:\n\t/e1\n\t/e2\nConnections dump:\n' +
      'Connections Sets (2)/(3):\n1 expire at Sat Nov 21 23:11:26 UTC 2026:\n' +
      '\tip: /127.0.0.1:45682 sessionId: 0x0\n2 expire at Sat Nov 21 23:11:46 UTC 2026:\n' +
      '\tip: /127.0.0.1:45650 sessionId: 0x1000016a0550000\n\tip: /127.0.0.1:45658 sessionId: 0x1000016a0550001\n',
    wchs: '2 connections watching 2 paths\nTotal watches:3\n',
    wchc: '0x1000016a0550000\n\t/p\n\t/e1\n0x1000016a0550001\n\t/p\n\n',
    wchp: '/p\n\t0x1000016a0550001\n\t0x1000016a0550000\n/e1\n\t0x1000016a0550000\n\n',
    dirs: 'datadir_size: 67109358\nlogdir_size: 67109358\n',
    stat:
      `Zookeeper version: ${ANNOUNCED_VERSION}\nClients:\n /127.0.0.1:45670[0](queued=0,recved=1,sent=0)\n` +
      ' /127.0.0.1:45650[1](queued=0,recved=6,sent=6)\n /127.0.0.1:45658[1](queued=0,recved=5,sent=5)\n\n' +
      'Latency min/avg/max: 0/3.3636/13\nReceived: 22\nSent: 21\nConnections: 3\nOutstanding: 0\nZxid: 0x6\n' +
      'Mode: standalone\nNode count: 9\n',
    srvr:
      `Zookeeper version: ${ANNOUNCED_VERSION}\nLatency min/avg/max: 0/3.3636/13\nReceived: 22\nSent: 21\n` +
      'Connections: 3\nOutstanding: 0\nZxid: 0x6\nMode: standalone\nNode count: 9\n',
    ruok: 'imok',
    isro: 'rw',
    gtmk: '306',
    stmk: '306',
    hash: '80: 8589934591\n100000080: -4294967291\n',
  };

  for (const [word, text] of Object.entries(golden)) {
    it(word, () => assert.equal(answer(word as FourLetterName), text));
  }

  it('mntr: the gauges, then counters and summaries', () => {
    const text = answer('mntr', {
      latency: { min: 0, average: 0, max: 0 },
      metrics: () => [
        { kind: 'counter', name: 'response_bytes', value: 12 },
        { kind: 'counter', name: 'response_bytes', value: 5 },
        { kind: 'summary', name: 'fsynctime', of: observed(1, 2, 7) },
        { kind: 'advanced', name: 'readlatency', of: observed(1, 2) },
        { kind: 'summary', name: 'read_per_namespace', key: 'app', of: observed(80) },
        { kind: 'gauge', name: 'ours', value: 3 },
      ],
    });
    const lines = text.split('\n');
    assert.deepEqual(lines.slice(0, 26), [
      `zk_version\t${ANNOUNCED_VERSION}`,
      'zk_server_state\tstandalone',
      'zk_avg_latency\t0.0',
      'zk_max_latency\t0',
      'zk_min_latency\t0',
      'zk_packets_received\t22',
      'zk_packets_sent\t21',
      'zk_num_alive_connections\t3',
      'zk_outstanding_requests\t0',
      'zk_uptime\t25545',
      'zk_znode_count\t9',
      'zk_watch_count\t4',
      'zk_ephemerals_count\t3',
      'zk_approximate_data_size\t64',
      'zk_global_sessions\t2',
      'zk_local_sessions\t0',
      'zk_open_file_descriptor_count\t44',
      'zk_max_file_descriptor_count\t20000',
      'zk_connection_drop_probability\t0.0',
      'zk_last_client_response_size\t-1',
      'zk_max_client_response_size\t-1',
      'zk_min_client_response_size\t-1',
      'zk_outstanding_tls_handshake\t0',
      'zk_auth_failed_count\t0',
      'zk_non_mtls_remote_conn_count\t0',
      'zk_non_mtls_local_conn_count\t0',
    ]);
    const of = (name: string): string[] => lines.filter((line) => line.split('\t', 1)[0]?.endsWith(`_${name}`));
    // Two parts of the server that count under one name.
    assert.deepEqual(of('response_bytes'), ['zk_response_bytes\t17']);
    assert.deepEqual(of('fsynctime'), [
      'zk_avg_fsynctime\t3.3333',
      'zk_min_fsynctime\t1',
      'zk_max_fsynctime\t7',
      'zk_cnt_fsynctime\t3',
      'zk_sum_fsynctime\t10',
    ]);
    assert.deepEqual(of('snapshottime'), [
      'zk_avg_snapshottime\t0.0',
      'zk_min_snapshottime\t0',
      'zk_max_snapshottime\t0',
      'zk_cnt_snapshottime\t0',
      'zk_sum_snapshottime\t0',
    ]);
    assert.deepEqual(of('readlatency'), [
      'zk_avg_readlatency\t1.5',
      'zk_min_readlatency\t1',
      'zk_max_readlatency\t2',
      'zk_cnt_readlatency\t2',
      'zk_sum_readlatency\t3',
      'zk_p50_readlatency\t1',
      'zk_p95_readlatency\t2',
      'zk_p99_readlatency\t2',
      'zk_p999_readlatency\t2',
    ]);
    assert.deepEqual(of('read_per_namespace')[4], 'zk_sum_app_read_per_namespace\t80');
    assert.deepEqual(lines.slice(-2), ['zk_ours\t3', '']);
  });

  it('envi: names in order, one a line', () => {
    const lines = answer('envi').split('\n');
    assert.equal(lines.shift(), 'Environment:');
    assert.equal(lines.pop(), '');
    const names = lines.map((line) => line.split('=', 1)[0]);
    assert.deepEqual(names.slice(0, 18), [
      'zookeeper.version',
      'host.name',
      ...['version', 'vendor', 'home', 'class.path', 'library.path', 'io.tmpdir', 'compiler'].map(
        (name) => `java.${name}`,
      ),
      'os.name',
      'os.arch',
      'os.version',
      'user.name',
      'user.home',
      'user.dir',
      'os.memory.free',
      'os.memory.max',
      'os.memory.total',
    ]);
    assert.equal(lines[0], `zookeeper.version=${ANNOUNCED_VERSION}`);
  });
});

describe('four-letter words otherwise', () => {
  it('reset what they say', () => {
    const done: string[] = [];
    const changes = {
      resetServerStats: () => void done.push('server'),
      resetConnectionStats: () => void done.push('connections'),
    };
    assert.equal(answer('srst', changes), 'Server stats reset.\n');
    assert.equal(answer('crst', changes), 'Connection stats reset.\n');
    assert.deepEqual(done, ['server', 'connections']);
  });

  it('are refused when not allowed, whatever they are', () => {
    for (const word of ALL) {
      const text = wordText(word, ['srvr'], statusWith());
      if (word === 'srvr') assert.match(text, /^Zookeeper version/);
      else assert.equal(text, `${word} is not executed because it is not in the whitelist.\n`);
    }
  });

  it('say so when the server does not serve, except those that can answer', () => {
    for (const word of ALL) {
      const text = wordText(word, ALL, null);
      if (word === 'ruok') assert.equal(text, 'imok');
      else if (word === 'isro') assert.equal(text, 'null');
      else if (word === 'gtmk' || word === 'stmk') assert.equal(text, '306');
      else if (word === 'envi') assert.match(text, /^Environment:\nzookeeper\.version=/);
      else assert.equal(text, 'This ZooKeeper instance is not currently serving requests\n', word);
    }
  });

  it('tell read-only mode', () => {
    assert.equal(answer('isro', { mode: 'read-only' }), 'ro');
    assert.match(answer('srvr', { mode: 'read-only' }), /\nREAD-ONLY mode; serving only read-only clients\nLatency/);
    assert.match(answer('srvr', { mode: 'read-only' }), /\nMode: read-only\n/);
  });

  it('write numbers and addresses as Java does', () => {
    const latencyOf = (average: number): string | undefined => {
      return /avg\/max: 0\/(.*)\/0/.exec(answer('srvr', { latency: { min: 0, average, max: 0 } }))?.[1];
    };
    assert.deepEqual([0, 1, 0.5, 2.00005, 0.0001, 0.00123, 12345678.5].map(latencyOf), [
      '0.0',
      '1.0',
      '0.5',
      '2.0001',
      '1.0E-4',
      '0.0012',
      '1.23456785E7',
    ]);
    const addressOf = (remoteAddress: string): string | undefined => {
      return / (\S+)\[/.exec(answer('stat', { connections: () => [{ ...asking, remoteAddress, remotePort: 7 }] }))?.[1];
    };
    assert.deepEqual(['::1', 'fe80::1:0%eth0', '::ffff:10.0.0.1', '2001:db8:0:1::', '1:2:3:4:5:6:7:8'].map(addressOf), [
      '/[0:0:0:0:0:0:0:1]:7',
      '/[fe80:0:0:0:0:0:1:0%eth0]:7',
      '/10.0.0.1:7',
      '/[2001:db8:0:1:0:0:0:0]:7',
      '/[1:2:3:4:5:6:7:8]:7',
    ]);
  });

  it('leave out the cxid of a session that sent nothing, and show negative ids unsigned', () => {
    const session = { ...first.session!, id: -2n, lastCxid: -1 };
    const text = answer('cons', { connections: () => [{ ...first, interestOps: 5, session }] });
    assert.match(text, /\[5\]/);
    assert.match(text, /,sid=0xfffffffffffffffe,/);
    assert.match(text, /,to=30000,lzxid=0x6,/);
  });
});

describe('the announced version', () => {
  it("is the package's, and reads as a ZooKeeper version to clients and scripts", () => {
    const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    assert.equal(HEADKEEPER_VERSION, manifest.version);
    // kazoo takes the leading digits and dots; Go's client and Solr's panel, everything up to the comma.
    assert.equal(/([\d.]*).*/s.exec(ANNOUNCED_VERSION)?.[1], '3.9.5');
    assert.equal(
      /^([A-Za-z0-9.-]+), built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/.exec(ANNOUNCED_VERSION)?.[1]?.split('-')[0],
      '3.9.5',
    );
  });
});

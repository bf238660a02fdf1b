import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { parseServerConfig } from '../../../src/config/parse.ts';
import { startServer } from '../../../src/main.ts';
import { AdminHarness } from './admin-harness.ts';

/** The fields of each command on an Apache ZooKeeper 3.9.5 that serves alone, in its order. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  configuration: [
    ...['client_port', 'data_dir', 'data_log_dir', 'tick_time', 'max_client_cnxns', 'min_session_timeout'],
    ...['max_session_timeout', 'server_id', 'client_port_listen_backlog', 'command', 'error'],
  ],
  connection_stat_reset: ['command', 'error'],
  connections: ['connections', 'secure_connections', 'command', 'error'],
  dirs: ['datadir_size', 'logdir_size', 'command', 'error'],
  dump: ['expiry_time_to_session_ids', 'session_id_to_ephemeral_paths', 'command', 'error'],
  get_trace_mask: ['tracemask', 'command', 'error'],
  set_trace_mask: ['error', 'command'],
  hash: ['digests', 'command', 'error'],
  initial_configuration: ['initial_configuration', 'command', 'error'],
  is_read_only: ['read_only', 'command', 'error'],
  last_snapshot: ['zxid', 'timestamp', 'command', 'error'],
  leader: ['error', 'command'],
  observers: ['synced_observers', 'observers', 'command', 'error'],
  observer_connection_stat_reset: ['command', 'error'],
  ruok: ['command', 'error'],
  server_stats: ['version', 'read_only', 'server_stats', 'client_response', 'node_count', 'command', 'error'],
  stat_reset: ['command', 'error'],
  stats: [
    ...['version', 'read_only', 'server_stats', 'client_response', 'node_count', 'connections', 'secure_connections'],
    ...['command', 'error'],
  ],
  voting_view: ['current_config', 'command', 'error'],
  watch_summary: ['num_connections', 'num_paths', 'num_total_watches', 'command', 'error'],
  watches: ['session_id_to_watched_paths', 'command', 'error'],
  watches_by_path: ['path_to_session_ids', 'command', 'error'],
  zabstate: ['voting', 'zabstate', 'command', 'error'],
};

describe("the operators' commands over HTTP", { timeout: 60_000 }, () => {
  const harness = new AdminHarness();
  before(() => harness.start());
  after(() => harness.end());

  for (const [command, fields] of Object.entries(FIELDS)) {
    it(`${command} has the fields of Apache's`, async () => {
      const response = await harness.fetch(`/commands/${command}`);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'application/json');
      const answer = (await response.json()) as Record<string, unknown>;
      assert.deepEqual(Object.keys(answer), fields);
      assert.equal(answer.command, command);
    });
  }

  it('knows the aliases, and answers with the primary name', async () => {
    for (const [alias, name] of [
      ...[
        ['conf', 'configuration'],
        ['cons', 'connections'],
        ['srvr', 'server_stats'],
        ['stat', 'stats'],
      ],
      ...[
        ['mntr', 'monitor'],
        ['wchs', 'watch_summary'],
        ['envi', 'environment'],
        ['isro', 'is_read_only'],
      ],
    ] as const) {
      assert.equal((await harness.ask(alias)).command, name);
    }
  });

  it('lists the commands as links', async () => {
    for (const path of ['/commands', '/commands/']) {
      const text = await (await harness.fetch(path)).text();
      assert.match(text, /<a href="\/commands\/server_stats">server_stats<\/a>\n<br\/>\n/);
    }
  });

  it('answers what it does not know as Apache does, with 200 and an error', async () => {
    const response = await harness.fetch('/commands/nosuch');
    assert.equal(response.status, 200);
    assert.equal(await response.text(), '{\n  "command" : "nosuch",\n  "error" : "Unknown command: nosuch"\n}');
    assert.equal((await harness.fetch('/elsewhere')).status, 404);
  });

  it('refuses methods', async () => {
    assert.equal((await harness.fetch('/commands/ruok', { method: 'PUT' })).status, 405);
    assert.equal((await harness.fetch('/commands/ruok', { method: 'POST', body: 'x' })).status, 405);
    assert.equal((await harness.fetch('/commands/snapshot', { method: 'POST' })).status, 405);
    assert.match(
      await raw(harness, 'TRACE /commands/ruok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1.1 403 /,
    );
  });

  it('survives what is not HTTP', async () => {
    await raw(harness, '\0\x01\x02\r\n\r\n');
    await raw(harness, 'GET /commands/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const long = await raw(harness, `GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`);
    assert.match(long, /^HTTP\/1.1 431 /);
    assert.equal((await harness.fetch('/livez')).status, 200);
  });

  it('shows sessions with all digits of their ids, their watches and ephemerals', async () => {
    const session = await harness.session();
    try {
      await session.call('create', {
        path: '/eph',
        data: new Uint8Array(0),
        acl: [{ perms: 31, scheme: 'world', id: 'anyone' }],
        flags: 1,
      });
      await session.call('getData', { path: '/eph', watch: true });
      const text = await (await harness.fetch('/commands/dump')).text();
      const id = /"(\d{15,19})" : \[ "\/eph" \]/.exec(text)?.[1];
      assert.ok(id !== undefined, text);
      assert.match(await (await harness.fetch('/commands/wchp')).text(), new RegExp(`"/eph" : \\[ ${id} \\]`));
      assert.match(await (await harness.fetch('/commands/cons')).text(), new RegExp(`"session_id" : ${id},`));
    } finally {
      session.end();
    }
  });

  it('has in monitor what mntr has, and the counters of snapshot and restore', async () => {
    const monitor = await harness.ask('monitor');
    for (const name of ['version', 'server_state', 'znode_count', 'avg_latency', 'snapshot_rate_limited_count']) {
      assert.ok(name in monitor, name);
    }
    assert.match(await (await harness.fetch('/commands/monitor')).text(), /"connection_drop_probability" : 0\.0,/);
    assert.equal(monitor.restore_error_count, 0);
    assert.equal(monitor.cnt_restore_time, 0);
  });

  it('is live and ready', async () => {
    assert.equal((await harness.fetch('/livez')).status, 200);
    assert.equal((await harness.fetch('/readyz')).status, 200);
  });

  it('says that there are no backups where none are made', async () => {
    assert.match(String((await harness.ask('backup')).error), /backup\.target/);
  });
});

/** Sends bytes; resolves with everything that came back once the connection has ended. */
async function raw(harness: AdminHarness, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: harness.server.adminAddress?.port ?? 0 });
  let answer = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    answer += part;
  });
  socket.on('error', () => {});
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

describe('a port that is taken', () => {
  it('is told, and the server goes on without', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const harness = new AdminHarness([`admin.serverPort=${port}`]);
    try {
      await harness.start();
      assert.equal(harness.server.adminAddress, null);
      const warning = harness.logged.find(({ level }) => level === 'warn');
      assert.match(warning?.message ?? '', /cannot listen there: .*EADDRINUSE.*admin\.serverPort/);
      const session = await harness.session();
      assert.equal(await session.create('/works', ''), 0);
      session.end();
    } finally {
      await harness.end();
      other.close();
    }
  });
});

describe('without a port', () => {
  it('nothing listens', async () => {
    const harness = new AdminHarness();
    const text = `dataDir=${harness.dataDir}\nclientPort=0\n`;
    const server = await startServer(parseServerConfig(text, { file: null }), {
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
    assert.equal(server.adminAddress, null);
    await server.stop();
    await harness.end();
  });
});

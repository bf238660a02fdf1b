import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, describe, it } from 'node:test';
import { headkeeper } from './headkeeper-process.ts';

const running: Server[] = [];
after(() => {
  for (const server of running) server.close();
});

/** A server that answers words with what `answers` says when asked; returns its port. */
async function serve(answers: (word: string) => string): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.once('data', (word) => socket.end(answers(word.toString('latin1'))));
    socket.on('error', () => {});
  });
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function unusedPort(): Promise<number> {
  const port = await serve(() => '');
  await new Promise((resolve) => running.pop()?.close(resolve));
  return port;
}

const srvr = (mode: string, zxid: number): string => {
  return (
    `Zookeeper version: 3.9.5-x, built on y\nLatency min/avg/max: 0/1.5/9\nReceived: 7\nSent: 6\nConnections: 4\n` +
    `Outstanding: 0\nZxid: 0x${zxid.toString(16)}\nMode: ${mode}\nNode count: 5\n`
  );
};
const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests\n';

/** Three servers that know each other, unless `tells` is false. */
async function ensemble(texts: readonly string[], tells = true): Promise<number[]> {
  const ports: number[] = [];
  const conf = (sid: number): string => {
    const lines = ports.map(
      (port, at) => `server.${at + 1}=127.0.0.1:${at + 1}:${at + 11}:participant;127.0.0.1:${port}`,
    );
    return `clientPort=${ports[sid - 1]}\nserverId=${sid}\npeerType=0\nmembership: \n${lines.join('\n')}\nversion=0`;
  };
  for (const [at, text] of texts.entries()) {
    const answers = (word: string): string => {
      if (word === 'srvr') return text;
      return tells ? conf(at + 1) : `${word} is not executed because it is not in the whitelist.\n`;
    };
    ports.push(await serve(answers));
  }
  return ports;
}

const connectString = (ports: readonly number[]): string => ports.map((port) => `127.0.0.1:${port}`).join(',');

describe('status of an ensemble', () => {
  const well = [srvr('follower', 0x300000010), srvr('leader', 0x300000012), srvr('follower', 0x300000012)];

  it('finds the other members, and shows who leads and who is behind', async () => {
    const ports = await ensemble(well);
    const { code, stdout, stderr } = await headkeeper(['status', `127.0.0.1:${ports[0]}`]);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const rows = stdout.split('\n').map((line) => line.split(/\s+/));
    assert.deepEqual(rows[0], [
      'server',
      'id',
      'role',
      'epoch',
      'zxid',
      'behind',
      'connections',
      'latency',
      'ms',
      'version',
    ]);
    const [first, second, third] = ports.map((port) => `127.0.0.1:${port}`);
    assert.deepEqual(rows[1], [first, '1', 'follower', '3', '0x300000010', '2', '4', '0/1.5/9', '3.9.5-x']);
    assert.deepEqual(rows[2], [second, '2', 'leader', '3', '0x300000012', '4', '0/1.5/9', '3.9.5-x']);
    assert.deepEqual(rows[3], [third, '3', 'follower', '3', '0x300000012', '0', '4', '0/1.5/9', '3.9.5-x']);
    assert.match(stdout, new RegExp(`\\nAll 3 servers are well; ${second} leads\\.\\n$`));
  });

  it('asks the servers of a connect string with a chroot, whose servers tell nothing of each other', async () => {
    const ports = await ensemble(well, false);
    const { code, stdout } = await headkeeper(['status', '--json', `${connectString(ports)}/some/where`]);
    assert.equal(code, 0);
    const report = JSON.parse(stdout);
    assert.equal(report.leader, `127.0.0.1:${ports[1]}`);
    assert.deepEqual(report.problems, []);
    const seen = report.servers.map((server: Record<string, unknown>) => [
      server.id,
      server.role,
      server.epoch,
      server.behind,
    ]);
    assert.deepEqual(seen, [
      [null, 'follower', 3, 2],
      [null, 'leader', 3, null],
      [null, 'follower', 3, 0],
    ]);
  });

  it('counts what a server of an older epoch misses of this one', async () => {
    const ports = await ensemble([srvr('follower', 0x200000099), srvr('leader', 0x300000007)]);
    const { stdout } = await headkeeper(['status', '--json', connectString(ports)]);
    assert.equal(JSON.parse(stdout).servers[0].behind, 7);
  });

  it('has a code for an ensemble that serves without all of its servers', async () => {
    const ports = [...(await ensemble(well.slice(0, 2))), await unusedPort(), await serve(() => NOT_SERVING)];
    const { code, stdout } = await headkeeper(['status', connectString(ports)]);
    assert.equal(code, 23);
    assert.match(stdout, /\n127\.0\.0\.1:\d+ +unreachable\n/);
    assert.match(stdout, /\n127\.0\.0\.1:\d+ +not serving\n/);
    assert.match(stdout, /cannot be reached: nothing listens there \(connection refused\)\n/);
    assert.match(stdout, /is up and does not serve: /);
    const two = await ensemble([srvr('leader', 1), srvr('leader', 0x100000001)]);
    const split = await headkeeper(['status', '--json', connectString(two)]);
    assert.equal(split.code, 23);
    assert.equal(JSON.parse(split.stdout).leader, `127.0.0.1:${two[1]}`);
    assert.match(split.stdout, /both lead/);
  });

  it('has codes for one that nobody leads, and one that nobody answers for', async () => {
    const ports = [await serve(() => NOT_SERVING), await unusedPort()];
    const leaderless = await headkeeper(['status', connectString(ports)]);
    assert.equal(leaderless.code, 24);
    assert.match(leaderless.stdout, /\nnone of these servers leads\n$/);
    const readOnly = await headkeeper([
      'status',
      connectString(await ensemble([srvr('read-only', 1), srvr('read-only', 1)])),
    ]);
    assert.equal(readOnly.code, 24);
    assert.match(readOnly.stdout, /has no quorum and serves reads only/);
    const away = await headkeeper(['status', connectString([await unusedPort(), await unusedPort()])]);
    assert.equal(away.code, 1);
  });

  it("prints one server's own answer with --only", async () => {
    const ports = await ensemble(well);
    const { code, stdout } = await headkeeper(['status', '--only', `127.0.0.1:${ports[0]}`]);
    assert.equal(code, 0);
    assert.equal(stdout, well[0]);
  });

  it('refuses what is no connect string', async () => {
    const { code, stderr } = await headkeeper(['status', 'a:1,,b:2']);
    assert.equal(code, 2);
    assert.match(stderr, /"" is no address/);
  });
});

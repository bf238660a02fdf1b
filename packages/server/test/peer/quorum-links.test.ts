import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryNetwork, VirtualTime } from '@headkeeper/testkit';
import type { PeerAuthenticator } from '../../src/adapters/peer/peer-authenticator.ts';
import { QuorumLinks } from '../../src/adapters/peer/quorum-links.ts';
import { RawPeer } from './raw-peer.ts';

const LEADER = { host: 'leader', port: 2888 };

class Server {
  readonly links: QuorumLinks;
  readonly told: string[] = [];
  readonly data: Map<number, Buffer> = new Map();

  constructor(network: MemoryNetwork, time: VirtualTime, host: string, authenticate?: PeerAuthenticator) {
    this.links = new QuorumLinks({
      network: network.on(host),
      timers: time,
      handshakeTimeoutMs: 2_000,
      listener: {
        open: (link, kind, remote) => this.told.push(`open ${link} ${kind} ${remote.host}`),
        data: (link, bytes) =>
          this.data.set(link, Buffer.concat([this.data.get(link) ?? Buffer.alloc(0), Buffer.from(bytes)])),
        closed: (link, error) => this.told.push(`closed ${link}${error === null ? '' : ` ${error.message}`}`),
        drained: (link) => this.told.push(`drained ${link}`),
        failed: (error) => this.told.push(`failed ${error.message}`),
      },
      ...(authenticate === undefined ? {} : { authenticate }),
    });
  }

  send(link: number, text: string): void {
    const bytes = Buffer.from(`..${text}..`);
    this.links.send(link, bytes, 2, bytes.length - 2);
    bytes.fill(0);
  }
}

class World {
  readonly time: VirtualTime = new VirtualTime();
  readonly network: MemoryNetwork = new MemoryNetwork(this.time);
  readonly leader: Server = new Server(this.network, this.time, 'leader');
  readonly learner: Server = new Server(this.network, this.time, 'learner');

  pass(ms: number): void {
    this.time.advance(ms, () => this.network.settle());
  }
}

test('bytes go both ways on a link; the leader sees it with its first bytes', () => {
  const world = new World();
  world.leader.links.listen([LEADER]);
  const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
  world.pass(0);
  assert.deepEqual(world.learner.told, [`open ${link} leader leader`]);
  assert.deepEqual(world.leader.told, []);
  world.learner.send(link, 'info');
  world.pass(0);
  assert.deepEqual(world.leader.told, ['open 1 learner learner']);
  world.leader.send(1, 'answer');
  world.pass(0);
  assert.equal(world.leader.data.get(1)?.toString(), 'info');
  assert.equal(world.learner.data.get(link)?.toString(), 'answer');
});

test('a refused connect is tried again until the port is open', () => {
  const world = new World();
  const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
  world.pass(105);
  assert.equal(world.network.attempts.length, 11);
  world.leader.links.listen([LEADER]);
  world.pass(10);
  assert.deepEqual(world.learner.told, [`open ${link} leader leader`]);
  world.pass(5_000);
  assert.equal(world.network.attempts.length, 12);
});

test('an attempt ends when its time is up, and says why', () => {
  const world = new World();
  const refused = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
  world.pass(999);
  assert.deepEqual(world.learner.told, []);
  world.pass(1);
  assert.deepEqual(world.learner.told, [`closed ${refused} connection refused: leader:2888`]);
  world.network.silence('learner', 'leader');
  const silent = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
  world.pass(1_000);
  assert.match(world.learner.told[1] ?? '', new RegExp(`^closed ${silent} (connect timed out|no answer)`));
  const attempts = world.network.attempts.length;
  world.pass(5_000);
  assert.equal(world.network.attempts.length, attempts);
});

test('of several addresses the first that answers wins, and the others are dropped', () => {
  const world = new World();
  world.network.silence('learner', 'dead');
  const other = new Server(world.network, world.time, 'leader');
  world.leader.links.listen([LEADER]);
  other.links.listen([{ host: 'leader', port: 2889 }]);
  const at = [{ host: 'dead', port: 1 }, { host: 'leader', port: 7 }, LEADER, { host: 'leader', port: 2889 }];
  const link = world.learner.links.connect(at, { retryMs: 10, timeoutMs: 1_000 });
  world.learner.send(link, 'too early: there is no connection yet');
  world.pass(0);
  world.learner.send(link, 'x');
  world.pass(2_000);
  assert.deepEqual(world.learner.told, [`open ${link} leader leader`, `drained ${link}`]);
  assert.equal(world.leader.data.get(1)?.toString(), 'x');
  assert.equal(world.network.open('learner', 'leader'), 1);
});

test('the end of a link is told once, at once, on both sides, but not to the side that closed it', () => {
  const world = new World();
  world.leader.links.listen([LEADER]);
  const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
  world.pass(0);
  world.learner.send(link, 'a');
  world.pass(0);
  world.leader.send(1, 'last words');
  world.leader.links.close(1);
  world.leader.send(1, 'ignored');
  world.pass(0);
  assert.equal(world.learner.data.get(link)?.toString(), 'last words');
  assert.deepEqual(world.learner.told.slice(-1), [`closed ${link}`]);
  assert.deepEqual(world.leader.told, ['open 1 learner learner']);
  world.learner.links.close(link);
  world.pass(10_000);
  assert.equal(world.learner.told.filter((line) => line.startsWith('closed')).length, 1);
});

test('a reset is told with its reason', () => {
  const world = new World();
  world.leader.links.listen([LEADER]);
  const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
  world.pass(0);
  world.network.reset('learner', 'leader');
  world.pass(0);
  assert.deepEqual(world.learner.told.slice(-1), [`closed ${link} connection reset`]);
});

test('closing before there is a connection ends the attempt without a word', () => {
  const world = new World();
  const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
  world.pass(25);
  world.learner.links.close(link);
  world.leader.links.listen([LEADER]);
  world.pass(5_000);
  assert.deepEqual(world.learner.told, []);
  assert.equal(world.network.open('learner', 'leader'), 0);
});

test('what a paused peer does not take is counted, and the end of it is told', () => {
  const world = new World();
  world.leader.links.listen([LEADER]);
  const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
  world.pass(0);
  world.learner.send(link, 'a');
  world.pass(0);
  world.learner.links.pause(link);
  world.leader.send(1, '12345');
  world.leader.send(1, '678');
  world.pass(10);
  assert.equal(world.leader.links.unsent(1), 8);
  assert.equal(world.learner.data.get(link), undefined);
  world.learner.links.resume(link);
  world.pass(0);
  assert.equal(world.leader.links.unsent(1), 0);
  assert.deepEqual(world.leader.told.slice(-1), ['drained 1']);
  assert.equal(world.learner.data.get(link)?.toString(), '12345678');
});

test('listening moves from port to port; links stay, and a taken port is tried again', () => {
  const world = new World();
  const other = { host: 'leader', port: 2999 };
  const squatter = new RawPeer(world.network, 'leader');
  const stop = squatter.listen(2999);
  world.leader.links.listen([LEADER]);
  const first = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 500 });
  world.pass(0);
  world.learner.send(first, 'a');
  world.pass(0);
  world.leader.links.listen([other]);
  world.pass(500);
  assert.match(world.leader.told[1] ?? '', /^failed quorum port leader:2999: address in use/);
  stop();
  world.pass(500);
  const second = world.learner.links.connect([other], { retryMs: 10, timeoutMs: 500 });
  const gone = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 500 });
  world.pass(1_000);
  assert.ok(world.learner.told.includes(`open ${second} leader leader`));
  assert.ok(world.learner.told.some((line) => line.startsWith(`closed ${gone}`)));
  assert.ok(!world.learner.told.some((line) => line.startsWith(`closed ${first}`)));
  world.leader.links.listen([]);
  world.pass(0);
  world.leader.send(1, 'still');
  world.pass(0);
  assert.equal(world.learner.data.get(first)?.toString(), 'still');
});

test('who connects and says nothing is never shown, is closed in time, and keeps nobody out', () => {
  const world = new World();
  world.leader.links.listen([LEADER]);
  const silent = Array.from({ length: 200 }, (_, i) => new RawPeer(world.network, `x${i}`));
  for (const peer of silent) peer.connect(LEADER, new Uint8Array(0));
  world.pass(0);
  assert.equal(silent.filter((peer) => peer.ended === 0).length, 128);
  const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 500 });
  world.pass(0);
  world.learner.send(link, 'a');
  world.pass(2_000);
  assert.equal(silent.filter((peer) => peer.ended === 0).length, 0);
  assert.deepEqual(world.leader.told, ['open 1 learner learner']);
});

test('stop drops everything without a word', () => {
  const world = new World();
  world.leader.links.listen([LEADER]);
  const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 500 });
  world.learner.links.connect([{ host: 'nobody', port: 1 }], { retryMs: 10, timeoutMs: 500 });
  world.pass(0);
  world.learner.send(link, 'a');
  world.pass(0);
  const told = world.leader.told.length;
  world.leader.links.stop();
  world.pass(0);
  assert.equal(world.leader.told.length, told);
  assert.deepEqual(world.learner.told.slice(-1), [`closed ${link}`]);
  world.learner.links.stop();
  world.pass(1_000);
  assert.equal(world.time.waiting, 0, 'no timer is left');
});

test('of a link that has ended nothing is kept, on either side', () => {
  const world = new World();
  world.leader.links.listen([LEADER]);
  const before = world.time.waiting;
  for (let round = 0; round < 3; round++) {
    const link = world.learner.links.connect([LEADER], { retryMs: 10, timeoutMs: 1_000 });
    world.pass(0);
    world.learner.send(link, 'info');
    world.pass(0);
    world.leader.links.close(round + 1);
    world.pass(10);
    assert.equal(world.learner.told.at(-1), `closed ${link}`);
  }
  assert.equal(world.time.waiting, before);
});

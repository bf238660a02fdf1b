import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryNetwork, SeededRandom, VirtualTime } from '@headkeeper/testkit';
import { QuorumLinks } from '../../src/adapters/peer/quorum-links.ts';
import { QuorumSasl } from '../../src/adapters/peer/quorum-sasl.ts';
import { ElectionWorld, endpointOf } from './election-servers.ts';
import { bareInitial, initial, RawPeer } from './raw-peer.ts';

/** A connection as it should be, with one to three bits that are not; or with random bytes from somewhere on. */
function spoiled(good: Buffer, random: SeededRandom): Buffer {
  const bytes = Buffer.from(good);
  if (random.below(4) === 0) {
    for (let at = random.below(bytes.length); at < bytes.length; at++) bytes[at] = random.below(256);
  } else {
    for (let flips = 1 + random.below(3); flips > 0; flips--) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    }
  }
  return bytes.subarray(0, random.below(3) === 0 ? random.below(bytes.length) : bytes.length);
}

function frame(length: number, random: SeededRandom): Buffer {
  const bytes = Buffer.alloc(4 + length);
  for (let at = 4; at < bytes.length; at++) bytes[at] = random.below(256);
  bytes.writeInt32BE(length);
  return bytes;
}

for (const withSasl of [false, true]) {
  test(`E05, E06: an election port takes any junk${withSasl ? ', with SASL' : ''}, and the servers stay connected`, () => {
    const users = new Map([['u', 'p']]);
    const sasl = new QuorumSasl({ learner: { user: 'u', password: 'p' }, users, isRequired: true });
    const world = new ElectionWorld();
    const servers = [1, 2, 3].map((sid) => world.server(sid, withSasl ? { authenticate: sasl } : {}));
    for (const server of servers) server.start([1, 2, 3]);
    world.pass(1_000);
    const random = new SeededRandom(withSasl ? 7 : 8);
    for (let round = 0; round < 1_500; round++) {
      const sid = random.below(12);
      const opening = random.below(3) === 0 ? bareInitial(sid) : initial(-65536, sid, `s${sid}:3888`);
      const auth = Buffer.from('5f2435013501edcc0000000000000004abcdabcd', 'hex');
      const parts = [opening, ...(random.chance() ? [auth] : []), frame(1 + random.below(300), random)];
      const peer = new RawPeer(world.network, `x${round}`);
      peer.connect(endpointOf(1 + random.below(3)), spoiled(Buffer.concat(parts), random));
      world.network.chunkBytes = 1 + random.below(40);
      world.pass(random.below(30));
      if (random.chance()) peer.hangUp();
    }
    world.pass(30_000);
    for (const server of servers) for (const to of [1, 2, 3]) if (to !== server.sid) server.say(to, 'after all this');
    world.pass(2_000);
    for (const server of servers) {
      for (const from of [1, 2, 3].filter((other) => other !== server.sid)) {
        assert.ok(server.heard.includes(`${from}:after all this`), `${server.sid} does not hear ${from}`);
      }
    }
  });
}

test('a quorum port takes any junk before the authentication, and gives none of it to the server', () => {
  const time = new VirtualTime();
  const network = new MemoryNetwork(time);
  const users = new Map([['u', 'p']]);
  const authenticate = new QuorumSasl({ learner: { user: 'u', password: 'p' }, users, isRequired: true });
  const told: string[] = [];
  const make = (host: string, name: string): QuorumLinks =>
    new QuorumLinks({
      network: network.on(host),
      timers: time,
      handshakeTimeoutMs: 2_000,
      authenticate,
      listener: {
        open: (link, kind) => told.push(`${name} open ${link} ${kind}`),
        data: (_link, bytes) => told.push(`${name} data ${Buffer.from(bytes).toString()}`),
        closed: (link) => told.push(`${name} closed ${link}`),
        drained: () => {},
        failed: () => {},
      },
    });
  const leader = make('leader', 'leader');
  const at = { host: 'leader', port: 2888 };
  leader.listen([at]);
  const random = new SeededRandom(9);
  const good = Buffer.from('5f2435013501edcc00000000000000005f2435013501edcc0000000000000004abcdabcd', 'hex');
  for (let round = 0; round < 1_500; round++) {
    const peer = new RawPeer(network, `x${round}`);
    peer.connect(at, spoiled(good, random));
    network.chunkBytes = 1 + random.below(40);
    time.advance(random.below(30), () => network.settle());
    if (random.chance()) peer.hangUp();
  }
  time.advance(5_000, () => network.settle());
  assert.deepEqual(told, []);
  const learner = make('learner', 'learner');
  const link = learner.connect([at], { retryMs: 10, timeoutMs: 1_000 });
  time.advance(100, () => network.settle());
  learner.send(link, Buffer.from('info'), 0, 4);
  time.advance(100, () => network.settle());
  assert.deepEqual(told.slice(0, 2), [`learner open ${link} leader`, 'leader open 1 learner']);
});

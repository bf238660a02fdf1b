import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ELECTION_PORT, ElectionWorld, endpointOf, hostOf } from './election-servers.ts';
import { bareInitial, initial, RawPeer } from './raw-peer.ts';

test('two servers end up with one connection, which the larger id has opened, whoever is first', () => {
  for (const order of [
    [1, 2],
    [2, 1],
  ]) {
    const world = new ElectionWorld();
    const servers = new Map([1, 2].map((sid) => [sid, world.server(sid)]));
    for (const sid of order) {
      servers.get(sid)?.start([1, 2]);
      world.pass(3_000);
    }
    assert.equal(world.network.open('s1', 's2'), 1, `started in the order ${order}`);
    servers.get(1)?.say(2, 'one');
    servers.get(2)?.say(1, 'two');
    world.pass(10);
    assert.deepEqual(servers.get(2)?.heard, ['1:one']);
    assert.deepEqual(servers.get(1)?.heard, ['2:two']);
    assert.deepEqual(servers.get(1)?.failures.concat(servers.get(2)?.failures ?? []), []);
  }
});

test('a server with a small id asks, and is connected back at the address that it announced', () => {
  const world = new ElectionWorld();
  const [, two] = world.connected(2);
  const peer = new RawPeer(world.network, 'elsewhere');
  peer.listen(5_000);
  peer.connect(endpointOf(2), initial(-65536, 0, 'elsewhere:5000'));
  world.pass(10);
  assert.deepEqual(world.network.attempts.slice(-1), ['s2>elsewhere:5000']);
  assert.equal(peer.ended, 1, 'the connection that asked is closed');
  assert.equal(peer.received().toString('hex'), initial(-65536, 2, 's2:3888').toString('hex'));
  assert.deepEqual(two?.ups.slice(-1), ['+0']);
});

test('the address of a bare id is the configured one', () => {
  const world = new ElectionWorld();
  const two = world.server(2);
  two.start([1, 2]);
  const peer = new RawPeer(world.network, 's1');
  peer.listen(ELECTION_PORT);
  world.pass(10);
  const before = world.network.attempts.length;
  peer.connect(endpointOf(2), bareInitial(1));
  world.pass(10);
  assert.deepEqual(world.network.attempts.slice(before), ['s1>s2:3888', 's2>s1:3888']);
});

test('all forms of the initial message are understood, chopped up in any way', () => {
  for (const first of [bareInitial(9), initial(-65536, 9, 'a:1'), initial(-65535, 9, 'a:1|[::1]:2|0.0.0.0:3')]) {
    for (let cut = 1; cut <= first.length; cut++) {
      const world = new ElectionWorld();
      const [, two] = world.connected(2);
      world.network.chunkBytes = cut;
      const peer = new RawPeer(world.network, 's9');
      peer.connect(endpointOf(2), Buffer.concat([first, frame('vote')]));
      world.pass(10);
      assert.deepEqual(two?.heard, ['9:vote']);
      two?.say(9, 'answer');
      world.pass(10);
      assert.equal(peer.received().toString('hex'), frame('answer').toString('hex'));
    }
  }
});

test('with several addresses, version 2 of the initial message names them all', () => {
  const world = new ElectionWorld();
  const peer = new RawPeer(world.network, 's1');
  peer.listen(ELECTION_PORT);
  const three = world.server(3, { multiAddress: true });
  const own = [endpointOf(3), { host: '2001:db8::1', port: 4_000 }];
  three.links.configure(own, new Map([[1, [endpointOf(1)]]]));
  world.pass(10);
  assert.equal(peer.received().toString('hex'), initial(-65535, 3, 's3:3888|[2001:db8::1]:4000').toString('hex'));
});

test('the newest connection of a larger id takes the place of the older one', () => {
  const world = new ElectionWorld();
  const [one] = world.connected(1);
  const peers = ['a', 'b'].map((name) => new RawPeer(world.network, name));
  for (const peer of peers) {
    peer.connect(endpointOf(1), bareInitial(7));
    world.pass(10);
  }
  assert.equal(peers[0]?.ended, 1);
  assert.equal(peers[1]?.ended, 0);
  assert.deepEqual(one?.ups, ['+7', '+7']);
  one?.say(7, 'x');
  world.pass(10);
  assert.equal(peers[1]?.received().toString(), frame('x').toString());
});

test('only the newest of the votes that wait is sent, and it is said again on every new connection', () => {
  const world = new ElectionWorld();
  const [one] = world.connected(1);
  one?.links.configure([endpointOf(1)], new Map([[7, [endpointOf(7)]]]));
  for (const text of ['first', 'second', 'third']) one?.say(7, text);
  world.pass(50);
  for (const name of ['a', 'b']) {
    const peer = new RawPeer(world.network, name);
    peer.connect(endpointOf(1), bareInitial(7));
    world.pass(10);
    assert.equal(peer.received().toString(), frame('third').toString());
  }
});

test('a vote waits for a peer that takes nothing, and a newer one takes its place', () => {
  const world = new ElectionWorld();
  const [one] = world.connected(1);
  const peer = new RawPeer(world.network, 'a');
  peer.connect(endpointOf(1), bareInitial(7));
  world.pass(10);
  peer.pause();
  const large = 'x'.repeat(20_000);
  for (const text of [large, 'old', 'new']) one?.say(7, text);
  world.pass(10);
  peer.resume();
  world.pass(10);
  assert.equal(peer.received().toString(), Buffer.concat([frame(large), frame('new')]).toString());
});

test('a vote for a server that is not there yet goes out as soon as it is, after 20 ms to 1 s', () => {
  const world = new ElectionWorld();
  const two = world.server(2);
  two.start([1, 2]);
  two.say(1, 'hello');
  world.pass(4_000);
  const attempts = world.network.attempts.length;
  assert.ok(attempts >= 7 && attempts <= 12, `${attempts} attempts in 4 s`);
  const one = world.server(1);
  one.links.configure([endpointOf(1)], new Map());
  world.pass(1_000);
  assert.deepEqual(one.heard, ['2:hello']);
  assert.equal(two.ups.at(-1), '+1');
  assert.ok(two.ups.slice(0, -1).every((up) => up === '-1'));
});

test('nothing waiting, a dead server is tried every 5 s; an election does not wait for that', () => {
  const world = new ElectionWorld();
  const two = world.server(2);
  two.start([1, 2]);
  world.pass(60_000);
  const before = world.network.attempts.length;
  world.pass(50_000);
  assert.equal(world.network.attempts.length - before, 10);
  two.links.connectMissing();
  world.pass(0);
  assert.equal(world.network.attempts.length - before, 11);
});

test('a broken connection is made again in the background, by the larger id alone', () => {
  const world = new ElectionWorld();
  const servers = world.connected(3);
  world.pass(10_000);
  const before = world.network.attempts.length;
  world.network.reset('s1', 's2');
  world.pass(50);
  assert.deepEqual(world.network.attempts.slice(before), ['s2>s1:3888']);
  assert.equal(world.network.open('s1', 's2'), 1);
  assert.deepEqual(servers[0]?.ups.slice(-2), ['-2', '+2']);
});

test('a server with a small id asks when the larger one does not come back by itself', () => {
  const world = new ElectionWorld();
  const [one] = world.connected(2);
  world.pass(10_000);
  const peer = new RawPeer(world.network, 's3');
  peer.connect(endpointOf(1), bareInitial(3));
  one?.links.configure(
    [endpointOf(1)],
    new Map([
      [2, [endpointOf(2)]],
      [3, [endpointOf(3)]],
    ]),
  );
  peer.listen(ELECTION_PORT);
  world.pass(10_000);
  peer.hangUp();
  world.pass(150);
  assert.equal(peer.received().toString('hex'), initial(-65536, 1, 's1:3888').toString('hex'));
});

test('E03: a host that swallows everything delays nobody else', () => {
  const world = new ElectionWorld();
  for (const sid of [1, 2, 3]) world.network.silence(hostOf(sid), 's4');
  const servers = [1, 2, 3].map((sid) => world.server(sid));
  for (const server of servers) server.start([1, 2, 3, 4]);
  for (const server of servers) for (const to of [4, 1, 2, 3]) if (to !== server.sid) server.say(to, 'v');
  world.pass(30);
  assert.deepEqual(servers[0]?.heard.toSorted(), ['2:v', '3:v']);
  assert.deepEqual(servers[2]?.heard.toSorted(), ['1:v', '2:v']);
  world.pass(5_000);
  assert.ok(servers[0]?.ups.includes('-4'), 'told when the attempt times out');
});

test('E04: connections that died unnoticed are replaced during the election', () => {
  const world = new ElectionWorld();
  const servers = world.connected(3);
  world.pass(600_000);
  for (const [a, b] of [
    ['s1', 's2'],
    ['s1', 's3'],
    ['s2', 's3'],
  ] as const) {
    world.network.makeHalfOpen(a, b);
  }
  for (const waitMs of [200, 400]) {
    for (const server of servers) for (const to of [1, 2, 3]) if (to !== server.sid) server.say(to, 'look');
    world.pass(waitMs);
  }
  for (const server of servers) {
    const others = [1, 2, 3].filter((sid) => sid !== server.sid);
    assert.deepEqual(
      [...new Set(server.heard)].toSorted(),
      others.map((sid) => `${sid}:look`),
    );
  }
});

test('a connection on which answers come is left alone', () => {
  const world = new ElectionWorld();
  const [one, two] = world.connected(2);
  const before = world.network.attempts.length;
  for (let round = 0; round < 20; round++) {
    one?.say(2, 'a');
    world.pass(300);
    two?.say(1, 'b');
    world.pass(300);
  }
  assert.equal(world.network.attempts.length, before);
});

test('E05: a message cut anywhere costs the connection and nothing else', () => {
  const message = Buffer.concat([initial(-65536, 7, 's7:3888'), frame('a vote of some length')]);
  const world = new ElectionWorld();
  const [one, two] = world.connected(2);
  for (let cut = 0; cut < message.length; cut++) {
    const peer = new RawPeer(world.network, 's7');
    peer.connect(endpointOf(1), message.subarray(0, cut));
    world.pass(10);
    peer.hangUp();
    world.pass(10);
  }
  two?.say(1, 'still there');
  const whole = new RawPeer(world.network, 's7');
  whole.connect(endpointOf(1), message);
  world.pass(10);
  assert.deepEqual(one?.heard, ['2:still there', '7:a vote of some length']);
});

test('E06: lengths that cannot be close the connection', () => {
  const bad = [0, -1, 524_289, 2 ** 31 - 1, -(2 ** 31)];
  for (const length of bad) {
    const world = new ElectionWorld();
    const [one] = world.connected(1);
    const peer = new RawPeer(world.network, 's7');
    const header = Buffer.alloc(4);
    header.writeInt32BE(length);
    peer.connect(endpointOf(1), Buffer.concat([bareInitial(7), header, Buffer.alloc(100)]));
    world.pass(10);
    assert.equal(peer.ended, 1, `length ${length}`);
    assert.deepEqual(one?.ups, ['+7', '-7']);
    assert.deepEqual(one?.heard, []);
    assert.equal(one?.failures.length, 1);
  }
});

test('the largest message gets through, in pieces', () => {
  const world = new ElectionWorld();
  const [one, two] = world.connected(2);
  world.network.chunkBytes = 1_448;
  const text = 'y'.repeat(524_288);
  two?.say(1, text);
  world.pass(10);
  assert.deepEqual(one?.heard, [`2:${text}`]);
});

test('E06: initial messages that cannot be close the connection', () => {
  const texts = ['', 'host', 'host:', 'host:0', 'host:65536', 'a:1:2', '[::1:3', 'x'.repeat(2_049)];
  const wrong = [
    ...texts.map((text) => initial(-65536, 7, text)),
    initial(-65534, 7, 'a:1'),
    initial(-1, 7, 'a:1'),
    initial(-65536, -3, 'a:1'),
    initial(-65536, 1, 'a:1'),
    bareInitial(2n ** 63n - 1n),
    Buffer.alloc(64, 0xff),
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  ];
  for (const bytes of wrong) {
    const world = new ElectionWorld();
    const [one] = world.connected(1);
    const peer = new RawPeer(world.network, 'x');
    peer.connect(endpointOf(1), bytes);
    world.pass(10);
    assert.equal(peer.ended, 1, bytes.toString('latin1'));
    assert.deepEqual(one?.ups, []);
    assert.deepEqual(one?.heard, []);
    assert.equal(one?.failures.length, 1, bytes.toString('latin1'));
  }
});

test('silent strangers are closed after the handshake time, and do not keep others waiting', () => {
  const world = new ElectionWorld();
  const [one] = world.connected(1);
  const silent = Array.from({ length: 300 }, (_, i) => new RawPeer(world.network, `x${i}`));
  for (const peer of silent) peer.connect(endpointOf(1), Buffer.from([0xff]));
  world.pass(0);
  assert.equal(silent.filter((peer) => peer.ended === 0).length, 128, 'the oldest had to go');
  const real = new RawPeer(world.network, 's7');
  real.connect(endpointOf(1), Buffer.concat([bareInitial(7), frame('v')]));
  world.pass(0);
  assert.deepEqual(one?.heard, ['7:v']);
  world.pass(2_000);
  assert.equal(silent.filter((peer) => peer.ended === 0).length, 0);
  assert.equal(real.ended, 0);
});

test('servers that nobody has configured are known in bounds', () => {
  const world = new ElectionWorld();
  const [one] = world.connected(1);
  const peers = Array.from({ length: 80 }, (_, i) => new RawPeer(world.network, `x${i}`));
  for (const [i, peer] of peers.entries()) peer.connect(endpointOf(1), bareInitial(100 + i));
  world.pass(10);
  assert.equal(peers.filter((peer) => peer.ended === 0).length, 64);
  assert.equal(one?.failures.length, 16);
  for (const peer of peers) peer.hangUp();
  world.pass(10);
  const late = new RawPeer(world.network, 'late');
  late.connect(endpointOf(1), bareInitial(500));
  world.pass(10);
  assert.equal(late.ended, 0);
});

test('a new own address is listened on, the old one no more; a port that is taken is tried again', () => {
  const world = new ElectionWorld();
  const [one] = world.connected(1);
  const squatter = new RawPeer(world.network, 's1');
  const stop = squatter.listen(4_000);
  one?.links.configure([{ host: 's1', port: 4_000 }], new Map());
  world.pass(500);
  assert.equal(one?.failures.length, 1);
  stop();
  world.pass(1_000);
  const peer = new RawPeer(world.network, 's7');
  peer.connect({ host: 's1', port: 4_000 }, bareInitial(7));
  const refused = new RawPeer(world.network, 's8');
  refused.connect(endpointOf(1), bareInitial(8));
  world.pass(10);
  assert.equal(peer.ended, 0);
  assert.equal(refused.ended, 1);
});

test('a stopped server says and hears nothing more', () => {
  const world = new ElectionWorld();
  const [one, two] = world.connected(2);
  one?.links.stop();
  const [ups, attempts] = [one?.ups.length, world.network.attempts.length];
  two?.say(1, 'x');
  one?.say(2, 'y');
  one?.links.connectMissing();
  world.pass(10_000);
  assert.equal(one?.ups.length, ups);
  assert.deepEqual(two?.heard, []);
  assert.ok(world.network.attempts.slice(attempts).every((attempt) => attempt.startsWith('s2')));
});

test('servers that start at the same moment, and reset at random, come to rest with one connection for each pair', () => {
  const world = new ElectionWorld();
  const servers = world.connected(5);
  const pairs = [1, 2, 3, 4, 5].flatMap((a) => [1, 2, 3, 4, 5].filter((b) => b > a).map((b) => [a, b] as const));
  for (let round = 0; round < 20; round++) {
    for (const [i, [a, b]] of pairs.entries()) if ((i * 7 + round) % 3 === 0) world.network.reset(hostOf(a), hostOf(b));
    for (const server of servers) server.links.connectMissing();
    world.pass(round % 4 === 0 ? 5 : 120);
  }
  world.pass(10_000);
  const before = world.network.attempts.length;
  for (const [a, b] of pairs) assert.equal(world.network.open(hostOf(a), hostOf(b)), 1, `${a} and ${b}`);
  world.pass(60_000);
  assert.equal(world.network.attempts.length, before, 'nobody goes on connecting');
});

function frame(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeInt32BE(text.length);
  bytes.write(text, 4);
  return bytes;
}

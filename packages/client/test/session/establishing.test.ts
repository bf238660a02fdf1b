import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { isZooKeeperError } from '../../src/core/errors.ts';
import type { ClientEvent } from '../../src/core/events.ts';
import { connectWith } from '../../src/internal.ts';
import { settle } from '../world/manual-clock.ts';
import { obliging, STAT, World } from '../world/world.ts';

const types = (events: readonly ClientEvent[]): string[] => events.map(({ type }) => type);

test('a new session: zeros for its id and password, and nothing before the answer', async () => {
  const world = new World();
  const connecting = connectWith(world, 'a:1', { sessionTimeoutMs: 12_000, readOnly: true });
  await world.clock.advance(0);
  assert.deepEqual(world.end.handshake, {
    protocolVersion: 0,
    lastZxidSeen: 0,
    timeOut: 12_000,
    sessionId: 0n,
    passwd: new Uint8Array(16),
    readOnly: true,
  });
  world.end.grant({ sessionId: -5n, timeOut: 8_000 });
  const client = await connecting;
  assert.equal(client.state, 'connected');
  assert.deepEqual(client.session, {
    id: -5n,
    password: new Uint8Array(16).fill(7),
    timeoutMs: 8_000,
    server: { host: 'a', port: 1 },
  });
});

test('a session goes on elsewhere with its id, its password, and the highest zxid of an answer', async () => {
  const world = new World();
  const { client, end, events } = await world.connect({}, 'a:1,b:2');
  const reads = [client.getData('/a'), client.getData('/b')];
  await settle();
  end.reply(1, 'getData', { data: null, stat: STAT }, 0, 900);
  end.reply(2, 'getData', { data: null, stat: STAT }, 0, 899);
  end.event(3, '/x', 5_000);
  await Promise.all(reads);
  end.lose(new Error('reset'));
  await settle();
  assert.equal(client.state, 'connecting');
  const again = await world.reconnect();
  assert.equal(again.handshake?.sessionId, 0x77n);
  assert.deepEqual(again.handshake?.passwd, new Uint8Array(16).fill(7));
  assert.equal(again.handshake?.lastZxidSeen, 900);
  assert.notEqual(again.address.host, end.address.host);
  assert.deepEqual(types(events), ['disconnected', 'connected']);
  const [lost, back] = events;
  assert.match((lost as { reason: Error }).reason.message, /reset/);
  assert.equal((back as { isNewSession: boolean }).isNewSession, false);
});

test('an expired session is told of and renewed', async () => {
  const world = new World();
  const { client, end, events } = await world.connect();
  end.lose();
  const waiting = client.getData('/a');
  const refused = await world.reconnect({ timeOut: 0, sessionId: 0n });
  assert.equal(refused.isLeft, true);
  const again = await world.reconnect({ sessionId: 0x99n });
  assert.equal(again.handshake?.sessionId, 0n);
  assert.deepEqual(again.handshake?.passwd, new Uint8Array(16));
  assert.deepEqual(types(events), ['disconnected', 'sessionExpired', 'connected']);
  assert.deepEqual(events[1], { type: 'sessionExpired', sessionId: 0x77n });
  assert.equal((events[2] as { isNewSession: boolean }).isNewSession, true);
  again.reply(1, 'getData', { data: null, stat: STAT });
  await waiting;
});

test('an expired session closes the client that wants it so', async () => {
  const world = new World();
  const { client, end, events } = await world.connect({ onSessionExpired: 'close' });
  end.lose();
  const waiting = assert.rejects(
    client.setData('/a', 'x'),
    (error) => isZooKeeperError(error, 'sessionExpired') && error.outcome === 'not applied',
  );
  await world.reconnect({ timeOut: 0, sessionId: 0n });
  await waiting;
  assert.deepEqual(types(events), ['disconnected', 'sessionExpired', 'closed']);
  assert.equal(client.state, 'closed');
  assert.equal(world.clock.timers, 0);
});

test('a session of another process: gone on with, or connect says that it has ended', async () => {
  const session = { id: 0x55n, password: new Uint8Array(16).fill(3) };
  const world = new World();
  const { client, end } = await world.connect({ session }, 'a:1', { sessionId: 0x55n });
  assert.equal(end.handshake?.sessionId, 0x55n);
  assert.deepEqual(end.handshake?.passwd, session.password);
  assert.equal(client.session.id, 0x55n);

  const later = new World();
  const connecting = connectWith(later, 'a:1', { session, onSessionExpired: 'close' });
  await later.clock.advance(0);
  later.end.refuse();
  await assert.rejects(connecting, (error) => isZooKeeperError(error, 'sessionExpired'));
  assert.equal(later.clock.timers, 0);
});

test('a server that gives no new session is left for the next one', async () => {
  const world = new World();
  const events: string[] = [];
  const connecting = connectWith(world, 'a:1,b:2', {});
  await world.clock.advance(0);
  world.end.refuse();
  await world.clock.advance(0);
  assert.equal(world.ends.length, 2);
  world.end.grant();
  const client = await connecting;
  client.onEvent(({ type }) => events.push(type));
  assert.deepEqual(events, []);
});

test('every server is tried at once, then in rounds with growing pauses', async () => {
  const world = new World();
  for (const server of ['a:1', 'b:2', 'c:3']) world.manners.set(server, 'refuses');
  void connectWith(world, 'a:1,b:2,c:3', { connectTimeoutMs: 100_000 }).catch(() => {});
  await world.clock.advance(0);
  assert.deepEqual(world.ends.map(({ address }) => address.host).sort(), ['a', 'b', 'c']);
  await world.clock.advance(49);
  assert.equal(world.ends.length, 3);
  await world.clock.advance(1);
  assert.equal(world.ends.length, 6);
  const begun = world.ends.length;
  await world.clock.advance(60_000);
  const rounds = (world.ends.length - begun) / 3;
  assert.ok(rounds > 60 && rounds < 130, `${rounds} rounds in a minute`);
});

test('a server that closes each connection soon after its session is established is not stormed', async () => {
  const world = new World();
  const { end } = await world.connect();
  world.greet = (next) => {
    next.grant();
    process.nextTick(() => next.lose());
  };
  const before = world.ends.length;
  end.lose();
  await world.clock.advance(60_000);
  const attempts = world.ends.length - before;
  assert.ok(attempts > 30 && attempts < 150, `${attempts} attempts in a minute`);
});

test('a name with several addresses: all are tried, in any order', async () => {
  const world = new World();
  world.names.set('a', ['1', '2', '3']);
  world.draws.push(0, 0);
  for (const ip of ['1', '2']) world.manners.set(`${ip}:5`, 'refuses');
  const connecting = connectWith(world, 'a:5', {});
  await world.clock.advance(0);
  assert.deepEqual(
    world.ends.map(({ ip }) => ip),
    ['2', '3'],
  );
  world.end.grant();
  const client = await connecting;
  assert.deepEqual(client.session.server, { host: 'a', port: 5 });
});

test('a name is looked up for each attempt, and one that cannot be is passed over', async () => {
  const world = new World();
  world.names.set('a', new Error('no such name'));
  const connecting = connectWith(world, 'a:5', {});
  await world.clock.advance(0);
  assert.equal(world.ends.length, 0);
  world.names.set('a', ['7']);
  await world.clock.advance(200);
  assert.equal(world.end.ip, '7');
  world.end.grant();
  await connecting;
});

test('a name that is never resolved, a server that never answers: each has its share of the timeout', async () => {
  const world = new World();
  world.resolve = (host) => (host === 'a' ? new Promise(() => {}) : Promise.resolve(['1', '2']));
  world.manners.set('1:2', 'is silent');
  world.draws.push(1, 1);
  const connecting = connectWith(world, 'a:1,b:2', { sessionTimeoutMs: 8_000, connectTimeoutMs: 60_000 });
  await world.clock.advance(3_999);
  assert.equal(world.ends.length, 0);
  await world.clock.advance(1);
  assert.equal(world.end.ip, '1');
  await world.clock.advance(1_999);
  assert.equal(world.end.ip, '1');
  await world.clock.advance(1);
  assert.equal(world.ends[0]?.isLeft, true);
  assert.equal(world.end.ip, '2');
  world.end.grant();
  await connecting;
});

test('an adapter that throws counts as a server that cannot be reached', async () => {
  const world = new World();
  const dial = world.dial.bind(world);
  let calls = 0;
  world.dial = (...args) => {
    if (calls++ === 0) throw new Error('bad certificate');
    return dial(...args);
  };
  const connecting = connectWith(world, 'a:1', {});
  await world.clock.advance(100);
  world.end.grant();
  await connecting;
});

test('another list of servers: the client moves when its server is gone, and only then', async () => {
  const world = new World();
  const { client, end, events } = await world.connect({}, 'a:1,b:2');
  const [here, other] = end.address.host === 'a' ? ['a:1', 'b:2'] : ['b:2', 'a:1'];
  client.updateServers(`${here}`);
  assert.equal(end.isLeft, false);
  client.updateServers(`${other},c:3`);
  assert.equal(end.isLeft, true);
  const again = await world.reconnect();
  assert.notEqual(`${again.address.host}:${again.address.port}`, here);
  assert.equal(again.handshake?.sessionId, 0x77n);
  assert.deepEqual(types(events), ['disconnected', 'connected']);
  assert.throws(
    () => client.updateServers('a:1/root'),
    (error) => isZooKeeperError(error, 'invalidArgument'),
  );
});

test('an error instead of a session is told by its name', async () => {
  const world = new World();
  const connecting = connectWith(world, 'a:1', { readOnly: true, connectTimeoutMs: 500 });
  const told = assert.rejects(connecting, {
    code: 'connectionLoss',
    message: /a:1: the server refuses a session: notReadOnly/,
  });
  await world.clock.advance(0);
  world.end.fail(0, ErrorCode.notReadOnly);
  assert.equal(world.end.isLeft, true);
  await world.clock.advance(500);
  await told;
});

test('garbage instead of a handshake, and garbage later, end the connection and nothing else', async () => {
  const world = new World();
  const connecting = connectWith(world, 'a:1', {});
  await world.clock.advance(0);
  world.end.raw(Uint8Array.of(0, 0, 0, 3, 1, 2, 3));
  assert.equal(world.end.isLeft, true);
  await world.clock.advance(100);
  world.end.grant();
  const client = await connecting;
  for (const bytes of [
    [0xff, 0xff, 0xff, 0xfe],
    [0x7f, 0xff, 0xff, 0xff],
    [0, 0, 0, 2, 1, 1],
  ]) {
    world.end.raw(Uint8Array.from(bytes));
    assert.equal(world.end.isLeft, true);
    await world.reconnect();
  }
  world.end.answer = obliging(world.end);
  await client.getData('/a');
});

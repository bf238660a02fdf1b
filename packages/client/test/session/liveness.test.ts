import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../world/manual-clock.ts';
import { obliging, STAT, World } from '../world/world.ts';

test('a ping leaves when nothing was sent for a third of the timeout, and none when something was', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  await world.clock.advance(1_999);
  assert.equal(end.asked('ping').length, 0);
  await world.clock.advance(1);
  assert.equal(end.asked('ping').length, 1);
  assert.equal(end.last().xid, -2);
  end.pong();
  await world.clock.advance(1_500);
  end.answer = obliging(end);
  await client.getData('/a');
  await world.clock.advance(1_900);
  assert.equal(end.asked('ping').length, 1);
  await world.clock.advance(100);
  assert.equal(end.asked('ping').length, 2);
});

test('with a long timeout there is still a word every ten seconds', async () => {
  const world = new World();
  const { end } = await world.connect({}, 'a:1', { timeOut: 90_000 });
  end.answer = obliging(end);
  await world.clock.advance(30_000);
  assert.equal(end.asked('ping').length, 3);
});

test('a connection from which nothing comes for two thirds of the timeout is given up', async () => {
  const world = new World();
  const { end, events } = await world.connect();
  await world.clock.advance(3_999);
  assert.equal(end.isLeft, false);
  await world.clock.advance(50);
  assert.equal(end.isLeft, true);
  assert.equal(events[0]?.type, 'disconnected');
});

test('a connection on which events come and no answers is given up when the session may have ended', async () => {
  const world = new World();
  const { end, events } = await world.connect();
  for (let second = 1; second < 6; second++) {
    await world.clock.advance(1_000);
    end.event(3, '/nobody');
  }
  await world.clock.advance(999);
  assert.equal(end.isLeft, false);
  // Not a moment later: whoever holds a lock has to hear of it.
  await world.clock.advance(1);
  assert.equal(end.isLeft, true);
  assert.deepEqual(
    events.slice(0, 2).map(({ type }) => type),
    ['disconnected', 'sessionUncertain'],
  );
});

test('a process that stood still looks at what has arrived before it gives a connection up', async () => {
  const world = new World();
  const { end } = await world.connect();
  world.clock.skip(5_000);
  const advancing = world.clock.advance(1);
  await advancing;
  assert.equal(end.isLeft, false);
  end.pong();
  await world.clock.advance(100);
  assert.equal(end.isLeft, false);
});

test('the session is certain for a timeout from the last request that was answered', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  assert.equal(client.sessionCertainForMs, 6_000);
  await world.clock.advance(1_000);
  const read = client.getData('/a');
  await world.clock.advance(500);
  assert.equal(client.sessionCertainForMs, 4_500);
  end.reply(1, 'getData', { data: null, stat: STAT });
  await read;
  assert.equal(client.sessionCertainForMs, 5_500);
  await world.clock.advance(1_500);
  assert.equal(end.asked('ping').length, 1);
  await world.clock.advance(1_000);
  assert.equal(client.sessionCertainForMs, 3_000);
  end.pong();
  assert.equal(client.sessionCertainForMs, 5_000);
});

test('a pong confirms the ping that it answers, not a later one', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  await world.clock.advance(2_000);
  end.event(3, '/nobody');
  await world.clock.advance(2_000);
  assert.equal(end.asked('ping').length, 2);
  end.pong();
  assert.equal(client.sessionCertainForMs, 4_000);
});

test('an answer that says that the session has ended confirms nothing', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  await world.clock.advance(1_000);
  const write = client.setData('/a', 'x').catch(() => {});
  await settle();
  end.fail(1, -112);
  await write;
  assert.equal(client.sessionCertainForMs, 5_000);
});

test('without a connection the session becomes uncertain when its time is over, once', async () => {
  const world = new World();
  const { client, end, events } = await world.connect();
  await world.clock.advance(1_000);
  world.manners.set('a:1', 'refuses');
  end.lose();
  await world.clock.advance(4_999);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['disconnected'],
  );
  await world.clock.advance(1);
  assert.equal(client.sessionCertainForMs, 0);
  await world.clock.advance(20_000);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['disconnected', 'sessionUncertain'],
  );
  world.manners.delete('a:1');
  await world.reconnect();
  assert.deepEqual(events.at(-1), {
    type: 'connected',
    server: { host: 'a', port: 1 },
    sessionId: 0x77n,
    readOnly: false,
    isNewSession: false,
  });
  assert.equal(client.sessionCertainForMs > 5_900, true);
});

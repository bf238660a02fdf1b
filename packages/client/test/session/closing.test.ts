import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isZooKeeperError } from '../../src/core/errors.ts';
import { connectWith } from '../../src/internal.ts';
import { settle } from '../world/manual-clock.ts';
import { STAT, World } from '../world/world.ts';

test('close ends the session behind the requests before it, and resolves with the answer', async () => {
  const world = new World();
  const { client, end, events } = await world.connect();
  const read = client.getData('/a');
  const closing = client.close();
  await settle();
  assert.deepEqual(
    end.requests.map(({ op }) => op),
    ['getData', 'closeSession'],
  );
  end.reply(1, 'getData', { data: null, stat: STAT });
  await read;
  let isClosed = false;
  void closing.then(() => {
    isClosed = true;
  });
  await settle();
  assert.equal(isClosed, false);
  end.reply(2, 'closeSession', null);
  await closing;
  assert.equal(client.state, 'closed');
  assert.equal(end.isLeft, true);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['closed'],
  );
  assert.equal(world.clock.timers, 0);
});

test('after close has been called, requests are refused', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const closing = client.close();
  await assert.rejects(
    client.setData('/a', 'x'),
    (error) => isZooKeeperError(error, 'closed') && error.outcome === 'not applied',
  );
  await settle();
  assert.equal(end.requests.length, 1);
  end.reply(1, 'closeSession', null);
  await Promise.all([closing, client.close()]);
});

test('close goes through when no more requests are allowed', async () => {
  const world = new World();
  const { client, end } = await world.connect({ maxPending: 1 });
  const read = client.getData('/a');
  const closing = client.close();
  await settle();
  assert.deepEqual(
    end.requests.map(({ op }) => op),
    ['getData', 'closeSession'],
  );
  end.reply(1, 'getData', { data: null, stat: STAT });
  end.reply(2, 'closeSession', null);
  await Promise.all([read, closing]);
});

test('close without a connection is over at once; what waits is rejected', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.lose();
  const waiting = client.setData('/a', 'x');
  await Promise.all([
    client.close(),
    assert.rejects(waiting, (error) => isZooKeeperError(error, 'closed') && error.outcome === 'not applied'),
  ]);
  assert.equal(world.clock.timers, 0);
});

test('close does not wait for ever, and not for a connection that is lost meanwhile', async () => {
  const world = new World();
  const first = await world.connect();
  const stuck = first.client.setData('/a', 'x');
  const closing = first.client.close();
  const rejected = assert.rejects(stuck, (error) => isZooKeeperError(error, 'closed') && error.outcome === 'unknown');
  for (let i = 0; i < 5; i++) {
    first.end.pong();
    await world.clock.advance(1_000);
  }
  await Promise.all([closing, rejected]);

  const second = await world.connect();
  const lost = second.client.close();
  await settle();
  second.end.lose();
  await lost;
  assert.equal(second.client.state, 'closed');
  assert.equal(world.clock.timers, 0);
});

test('every watcher hears of the end', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const heard: string[] = [];
  const read = client.getData('/a', { watch: ({ type, path }) => heard.push(`${type} ${path}`) });
  await settle();
  end.reply(1, 'getData', { data: null, stat: STAT });
  await read;
  end.lose();
  await client.close();
  assert.deepEqual(heard, ['closed /a']);
});

test('connect gives up after its time with what went wrong, and leaves nothing behind', async () => {
  const world = new World();
  world.manners.set('a:1', 'refuses');
  const connecting = connectWith(world, 'a:1', { connectTimeoutMs: 500 });
  const rejected = assert.rejects(connecting, (error) => {
    return isZooKeeperError(error, 'connectionLoss') && /500 ms.*connection refused/.test(error.message);
  });
  await world.clock.advance(500);
  await rejected;
  assert.equal(world.clock.timers, 0);
});

test('connect can be aborted, before and meanwhile', async () => {
  const world = new World();
  await assert.rejects(connectWith(world, 'a:1', { signal: AbortSignal.abort() }), (error) =>
    isZooKeeperError(error, 'aborted'),
  );
  const controller = new AbortController();
  const connecting = connectWith(world, 'a:1', { signal: controller.signal });
  await world.clock.advance(0);
  controller.abort();
  await assert.rejects(connecting, (error) => isZooKeeperError(error, 'aborted'));
  assert.equal(world.end.isLeft, true);
  assert.equal(world.clock.timers, 0);
});

test('a connect that is given up where a failed attempt is told makes no other', async () => {
  const world = new World();
  world.manners.set('a:1', 'refuses');
  const controller = new AbortController();
  const connecting = connectWith(world, 'a:1', {
    signal: controller.signal,
    log: { debug: () => controller.abort() },
  });
  const rejected = assert.rejects(connecting, (error) => isZooKeeperError(error, 'aborted'));
  await world.clock.advance(10_000);
  await rejected;
  assert.equal(world.ends.length, 1);
  assert.equal(world.clock.timers, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, EventType, type Request } from '@headkeeper/protocol';
import { watchChildren, watchData, watchEvents } from '../src/watch-streams.ts';
import { settle } from './world/manual-clock.ts';
import type { ServerEnd } from './world/server-end.ts';
import { obliging, STAT, World } from './world/world.ts';

/** A server with one znode, or none. */
class OneZnode {
  version = 0;
  isThere = true;

  answer(end: ServerEnd): (request: Request) => void {
    const others = obliging(end);
    return (request) => {
      const { xid, op } = request;
      const stat = { ...STAT, version: this.version, mzxid: this.version, pzxid: this.version };
      if (op !== 'getData' && op !== 'exists' && op !== 'getChildren2') others(request);
      else if (!this.isThere) end.fail(xid, ErrorCode.noNode);
      else if (op === 'getData') end.reply(xid, op, { data: Uint8Array.of(this.version), stat });
      else if (op === 'getChildren2') end.reply(xid, op, { children: [`v${this.version}`], stat });
      else end.reply(xid, op, { stat });
    };
  }
}

test('the data of a znode, and again when it has changed, gone and come back; states that follow fast are left out', async () => {
  const world = new World();
  const znode = new OneZnode();
  const { client, end } = await world.connect();
  end.answer = znode.answer(end);
  const stream = watchData(client, '/a');
  const next = async (): Promise<number | null | undefined> => {
    const { value, done } = await stream.next();
    return done === true ? undefined : (value?.data?.[0] ?? null);
  };
  assert.equal(await next(), 0);
  znode.version = 1;
  end.event(EventType.nodeDataChanged, '/a');
  assert.equal(await next(), 1);
  znode.version = 2;
  end.event(EventType.nodeDataChanged, '/a');
  znode.version = 3;
  assert.equal(await next(), 3);
  znode.isThere = false;
  end.event(EventType.nodeDeleted, '/a');
  assert.equal(await next(), null);
  znode.isThere = true;
  end.event(EventType.nodeCreated, '/a');
  assert.equal(await next(), 3);
  const ending = next();
  await settle();
  await client.close();
  assert.equal(await ending, undefined);
});

test('a change that a reconnect hides is seen all the same, and what has not changed is not told again', async () => {
  const world = new World();
  const znode = new OneZnode();
  const { client, end } = await world.connect();
  end.answer = znode.answer(end);
  const stream = watchChildren(client, '/a');
  assert.deepEqual((await stream.next()).value?.children, ['v0']);
  const following = stream.next();
  await settle();
  end.lose();
  const again = await world.reconnect();
  znode.version = 5;
  again.answer = znode.answer(again);
  const restored = again.asked('setWatches')[0];
  assert.deepEqual(restored?.body.childWatches, ['/a']);
  again.event(EventType.nodeChildrenChanged, '/a');
  again.reply(restored?.xid ?? 0, 'setWatches', null);
  assert.deepEqual((await following).value?.children, ['v5']);
  const reads = again.asked('getChildren2').length;
  const last = stream.next();
  await settle();
  again.event(EventType.nodeChildrenChanged, '/a');
  await settle();
  assert.equal(again.asked('getChildren2').length, reads + 1);
  void stream.return(undefined);
  await client.close();
  await last;
});

test('leaving a stream leaves no watcher behind', async () => {
  const world = new World();
  const znode = new OneZnode();
  const { client, end } = await world.connect();
  end.answer = znode.answer(end);
  for await (const state of watchData(client, '/a')) {
    assert.ok(state);
    break;
  }
  end.lose();
  const again = await world.reconnect();
  assert.deepEqual(again.requests, []);
});

test('an abort ends a stream at once, also while it waits for an answer', async () => {
  const world = new World();
  const { client } = await world.connect();
  for (const open of [watchData, watchChildren]) {
    const controller = new AbortController();
    const first = open(client, '/a', { signal: controller.signal }).next();
    await settle();
    controller.abort();
    assert.deepEqual(await first, { value: undefined, done: true });
  }
  const controller = new AbortController();
  const events = watchEvents(client, '/a', 'persistent', { signal: controller.signal });
  const first = events.next();
  await settle();
  controller.abort();
  assert.deepEqual(await first, { value: undefined, done: true });
});

test('what cannot be read ends a stream with its error; what passes is tried again', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  let refusals = 0;
  end.answer = ({ xid }) => end.fail(xid, refusals++ < 2 ? ErrorCode.throttledOp : ErrorCode.noAuth);
  const first = assert.rejects(watchData(client, '/a').next(), /noAuth/);
  await world.clock.advance(50);
  assert.equal(refusals, 1);
  await world.clock.advance(200);
  await first;
});

test('events in order, a gap after a reconnect, and an end that waits for nobody', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { type, path } of watchEvents(client, '/a', 'recursive')) {
      seen.push(`${type} ${path}`);
      if (path === '/a/end') break;
    }
  })();
  await settle();
  end.event(EventType.nodeCreated, '/a/b');
  end.event(EventType.nodeDeleted, '/a/b');
  await settle();
  end.lose();
  const again = await world.reconnect();
  again.event(EventType.nodeCreated, '/a/end');
  await reading;
  await settle();
  assert.deepEqual(seen, ['created /a/b', 'deleted /a/b', 'gap /a', 'created /a/end']);
  assert.deepEqual(again.last().op, 'removeWatches');
});

test('a reader that is far behind is told of a gap', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const stream = watchEvents(client, '/a', 'recursive');
  const first = stream.next();
  await settle();
  for (let i = 0; i <= 10_000; i++) end.event(EventType.nodeCreated, `/a/${i}`);
  assert.equal((await first).value?.type, 'gap');
  await stream.return(undefined);
});

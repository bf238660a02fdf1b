import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, EventType } from '@headkeeper/protocol';
import type { WatchEvent } from '../../src/core/watch-table.ts';
import { settle } from '../world/manual-clock.ts';
import { obliging, STAT, World } from '../world/world.ts';

const { nodeCreated, nodeDeleted, nodeDataChanged, nodeChildrenChanged } = EventType;

/** A watcher that writes down what it hears. */
function listener(): { heard: string[]; watch: (event: WatchEvent) => void } {
  const heard: string[] = [];
  return { heard, watch: ({ type, path, zxid }) => heard.push(`${type} ${path}${zxid === null ? '' : ` ${zxid}`}`) };
}

test('a watch on data is told once, with the zxid if the server tells it', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const { heard, watch } = listener();
  const read = client.getData('/a', { watch });
  await settle();
  assert.deepEqual(end.last().body, { path: '/a', watch: true });
  end.reply(1, 'getData', { data: null, stat: STAT });
  await read;
  end.event(nodeDataChanged, '/a', 44);
  end.event(nodeDataChanged, '/a', 45);
  await settle();
  assert.deepEqual(heard, ['dataChanged /a 44']);
});

test('a watcher that is given up hears nothing; others on the path do, and it may be set again', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const [given, other] = [listener(), listener()];
  for (const { watch } of [given, other]) await client.getData('/a', { watch });
  client.unwatch('/a', given.watch);
  client.unwatch('/b', other.watch);
  end.event(nodeDataChanged, '/a');
  await settle();
  assert.deepEqual([given.heard, other.heard], [[], ['dataChanged /a']]);
  await client.getData('/a', { watch: given.watch });
  end.event(nodeDataChanged, '/a');
  await settle();
  assert.deepEqual(given.heard, ['dataChanged /a']);
});

test('a read that fails leaves no watch; exists does, for the creation', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const { heard, watch } = listener();
  const reads = [client.getData('/a', { watch }), client.getChildren('/a', { watch }), client.exists('/a', { watch })];
  await settle();
  for (const xid of [1, 2, 3]) end.fail(xid, ErrorCode.noNode);
  const results = await Promise.allSettled(reads);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  );
  end.event(nodeChildrenChanged, '/a');
  await settle();
  assert.deepEqual(heard, []);
  end.event(nodeCreated, '/a');
  await settle();
  assert.deepEqual(heard, ['created /a']);
});

test('exists without permission leaves no watch', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const { heard, watch } = listener();
  const read = client.exists('/a', { watch });
  await settle();
  end.fail(1, ErrorCode.noAuth);
  await assert.rejects(read);
  end.event(nodeDataChanged, '/a');
  await settle();
  assert.deepEqual(heard, []);
});

test('the same watcher on data and children of a deleted znode hears it once', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const { heard, watch } = listener();
  await Promise.all([client.getData('/a', { watch }), client.getChildren('/a', { watch })]);
  end.event(nodeDeleted, '/a');
  end.event(nodeDeleted, '/a');
  await settle();
  assert.deepEqual(heard, ['deleted /a']);
});

test('recursive watches hear of all below, but not of childrenChanged; persistent ones of that, too', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const below = listener();
  const one = listener();
  const root = listener();
  await client.addWatch('/a', 'recursive', below.watch);
  await client.addWatch('/a', 'persistent', one.watch);
  await client.addWatch('/', 'recursive', root.watch);
  end.event(nodeCreated, '/a/b/c');
  end.event(nodeChildrenChanged, '/a');
  end.event(nodeDataChanged, '/a');
  end.event(nodeDataChanged, '/ab');
  end.event(nodeDeleted, '/a');
  await settle();
  assert.deepEqual(below.heard, ['created /a/b/c', 'dataChanged /a', 'deleted /a']);
  assert.deepEqual(one.heard, ['childrenChanged /a', 'dataChanged /a', 'deleted /a']);
  assert.deepEqual(root.heard, ['created /a/b/c', 'dataChanged /a', 'dataChanged /ab', 'deleted /a']);
});

test('a new connection is told of all watches: setWatches for those told once, relative to the last zxid', async () => {
  const world = new World();
  const { client, end } = await world.connect({ auth: [{ scheme: 'digest', auth: 'u:p' }] });
  const { watch } = listener();
  const reads = [
    client.getData('/d', { watch }),
    client.exists('/e', { watch }),
    client.getChildren('/c', { watch }),
    client.exists('/d2', { watch }),
  ];
  await settle();
  end.reply(1, 'getData', { data: null, stat: STAT });
  end.fail(2, ErrorCode.noNode);
  end.reply(3, 'getChildren2', { children: [], stat: STAT });
  end.reply(4, 'exists', { stat: STAT }, 0, 777);
  await Promise.all(reads);
  end.lose();
  void client.getData('/later').catch(() => {});
  const again = await world.reconnect();
  assert.deepEqual(
    again.requests.map(({ op }) => op),
    ['auth', 'setWatches', 'getData'],
  );
  assert.deepEqual(again.asked('setWatches')[0]?.body, {
    relativeZxid: 777,
    dataWatches: ['/d', '/d2'],
    existWatches: ['/e'],
    childWatches: ['/c'],
  });
});

test('setWatches2 only if there are watches that stay; they hear of a gap', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const stays = listener();
  const below = listener();
  await client.addWatch('/p', 'persistent', stays.watch);
  await client.addWatch('/r', 'recursive', below.watch);
  assert.deepEqual(stays.heard, []);
  end.lose();
  const again = await world.reconnect();
  assert.deepEqual(again.last().body, {
    relativeZxid: client.lastZxid,
    dataWatches: [],
    existWatches: [],
    childWatches: [],
    persistentWatches: ['/p'],
    persistentRecursiveWatches: ['/r'],
  });
  assert.deepEqual(stays.heard, ['gap /p']);
  assert.deepEqual(below.heard, ['gap /r']);
  again.event(nodeDataChanged, '/p');
  await settle();
  assert.deepEqual(stays.heard, ['gap /p', 'dataChanged /p']);
});

test('many watches go in several requests', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const name = 'x'.repeat(1_000);
  await Promise.all(Array.from({ length: 300 }, (_, i) => client.getData(`/${name}${i}`, { watch: () => {} })));
  end.lose();
  const again = await world.reconnect();
  const pieces = again.asked('setWatches');
  assert.equal(pieces.length, 3);
  assert.equal(new Set(pieces.flatMap(({ body }) => body.dataWatches)).size, 300);
});

test('a read with a watch that is asked again watches, too', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const { heard, watch } = listener();
  const read = client.getData('/a', { watch });
  await settle();
  end.lose();
  const again = await world.reconnect();
  again.reply(again.last().xid, 'getData', { data: null, stat: STAT });
  await read;
  again.event(nodeDataChanged, '/a');
  await settle();
  assert.deepEqual(heard, ['dataChanged /a']);
});

test('a watch is removed by all kinds at once when it is the last, so that every server understands', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const { heard, watch } = listener();
  const first = await client.addWatch('/a', 'persistent', watch);
  const second = await client.addWatch('/a', 'persistent', watch);
  end.event(nodeDataChanged, '/a');
  await settle();
  assert.deepEqual(heard, ['dataChanged /a', 'dataChanged /a']);
  await first.remove();
  await first.remove();
  assert.equal(end.asked('removeWatches').length, 0);
  await second.remove();
  assert.deepEqual(end.last().body, { path: '/a', type: 3 });
  end.event(nodeDataChanged, '/a');
  await settle();
  assert.equal(heard.length, 2);
});

test('a watch is removed by its kind when others watch the path; older servers do not know the kinds', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const stays = await client.addWatch('/a', 'persistent', () => {});
  const below = await client.addWatch('/a', 'recursive', () => {});
  await client.getData('/a', { watch: () => {} });
  await below.remove();
  assert.deepEqual(end.last().body, { path: '/a', type: 5 });
  end.answer = ({ xid }) => end.fail(xid, ErrorCode.marshallingError);
  await stays.remove();
  assert.deepEqual(end.last().body, { path: '/a', type: 4 });
});

test('a watch that is added while another of the path is removed stays at the server', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const old = await client.addWatch('/a', 'persistent', () => {});
  end.answer = null;
  const { heard, watch } = listener();
  const adding = client.addWatch('/a', 'persistent', watch);
  await old.remove();
  await settle();
  assert.deepEqual(
    end.requests.map(({ op }) => op),
    ['addWatch', 'addWatch'],
  );
  end.reply(2, 'addWatch', { err: 0 });
  await adding;
  end.event(nodeDataChanged, '/a');
  await settle();
  assert.deepEqual(heard, ['dataChanged /a']);
});

test('removeWatches forgets the watchers before the answers behind its own', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const old = listener();
  await client.getData('/a', { watch: old.watch });
  end.answer = null;
  const fresh = listener();
  const removing = client.removeWatches('/a');
  const adding = client.addWatch('/a', 'persistent', fresh.watch);
  await settle();
  end.reply(2, 'removeWatches', null);
  end.reply(3, 'addWatch', { err: 0 });
  assert.equal(await removing, true);
  await adding;
  end.event(nodeDataChanged, '/a');
  await settle();
  assert.deepEqual(old.heard, []);
  assert.deepEqual(fresh.heard, ['dataChanged /a']);
});

test('whether there is a watch, and that there was none to remove', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const asked = [client.hasWatch('/a', 'data'), client.hasWatch('/a', 'any'), client.removeWatches('/a')];
  await settle();
  end.reply(1, 'checkWatches', null);
  end.fail(2, ErrorCode.noWatcher);
  end.fail(3, ErrorCode.noWatcher);
  assert.deepEqual(await Promise.all(asked), [true, false, false]);
  assert.deepEqual(
    end.requests.map(({ body }) => (body as { type: number }).type),
    [2, 3, 3],
  );
});

test('answers and events reach their callers in the order in which they came, all in one turn', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const told: string[] = [];
  const before = client.getData('/a', { watch: ({ type }) => told.push(type) });
  const after = client.getData('/b');
  const watched = [before.then(() => told.push('answer before')), after.then(() => told.push('answer after'))];
  await settle();
  end.reply(1, 'getData', { data: null, stat: STAT });
  end.event(nodeDataChanged, '/a');
  end.reply(2, 'getData', { data: null, stat: STAT });
  await Promise.all(watched);
  assert.deepEqual(told, ['answer before', 'dataChanged', 'answer after']);
});

test('a watch that is removed hears nothing, not even of what is on its way to it', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const { heard, watch } = listener();
  const added = await client.addWatch('/a', 'persistent', watch);
  end.event(nodeDataChanged, '/a');
  await added.remove();
  assert.deepEqual(heard, []);
});

test('a watcher that throws disturbs nobody', async () => {
  const warnings: string[] = [];
  const world = new World();
  const { client, end } = await world.connect({ log: { warn: (_, message) => warnings.push(message) } });
  end.answer = obliging(end);
  const { heard, watch } = listener();
  await client.addWatch('/a', 'persistent', () => {
    throw new Error('oops');
  });
  await client.addWatch('/a', 'persistent', watch);
  end.event(nodeDataChanged, '/a');
  await settle();
  assert.deepEqual(heard, ['dataChanged /a']);
  assert.deepEqual(warnings, ['a watcher or listener has thrown']);
  await client.getData('/b');
});

test('events of kinds that nobody knows are passed over', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  const { heard, watch } = listener();
  await client.addWatch('/a', 'persistent', watch);
  end.event(99, '/a');
  await settle();
  assert.deepEqual(heard, []);
});

test('below a chroot: requests, answers, events, and what is not below it', async () => {
  const world = new World();
  const { client, end } = await world.connect({}, 'a:1/app');
  const root = listener();
  const config = listener();
  const calls = [
    client.getData('/', { watch: root.watch }),
    client.create('/x', null, { mode: 'persistentSequential' }),
    client.getConfig({ watch: config.watch }),
    client.getEphemerals(),
    client.transaction().create('/y').check('/').commit(),
    client.sync(),
  ] as const;
  await settle();
  assert.deepEqual(
    end.requests.map(({ op, body }) => {
      const { path, prefixPath } = body as { path?: string; prefixPath?: string };
      return `${op} ${path ?? prefixPath}`;
    }),
    [
      'getData /app',
      'create2 /app/x',
      'getData /zookeeper/config',
      'getEphemerals /app',
      'multi undefined',
      'sync /app',
    ],
  );
  end.reply(1, 'getData', { data: null, stat: STAT });
  end.reply(2, 'create2', { path: '/app/x0000000001', stat: STAT });
  end.reply(3, 'getData', { data: null, stat: STAT });
  end.reply(4, 'getEphemerals', { ephemerals: ['/app/e', '/apple/e', '/app'] });
  end.reply(5, 'multi', {
    results: [
      { type: 15, body: { path: '/app/y', stat: STAT } },
      { type: 13, body: null },
    ],
  });
  end.reply(6, 'sync', { path: '/app' });
  const [, created, , ephemerals, [inTransaction]] = await Promise.all(calls);
  assert.equal(created.path, '/x0000000001');
  assert.deepEqual(ephemerals, ['/e', '/']);
  assert.equal(inTransaction.path, '/y');
  end.lose();
  const again = await world.reconnect();
  assert.deepEqual(again.asked('setWatches')[0]?.body.dataWatches, ['/app', '/zookeeper/config']);
  again.event(nodeDataChanged, '/app');
  again.event(nodeDataChanged, '/zookeeper/config');
  await settle();
  assert.deepEqual(root.heard, ['dataChanged /']);
  assert.deepEqual(config.heard, ['dataChanged /zookeeper/config']);
});

test('a gap is told with the path that the caller gave', async () => {
  const world = new World();
  const { client, end } = await world.connect({}, 'a:1/app');
  end.answer = obliging(end);
  const { heard, watch } = listener();
  await client.addWatch('/', 'recursive', watch);
  await client.addWatch('/a', 'persistent', watch);
  end.lose();
  await world.reconnect();
  assert.deepEqual([...heard].sort(), ['gap /', 'gap /a']);
});

test('a prefix of ephemerals may end in the middle of a name', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const asked = client.getEphemerals('/locks/');
  await settle();
  assert.deepEqual(end.last().body, { prefixPath: '/locks/' });
  end.reply(1, 'getEphemerals', { ephemerals: ['/locks/a'] });
  assert.deepEqual(await asked, ['/locks/a']);
});

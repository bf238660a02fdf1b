import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventType, encodeUtf8, WatcherType } from '@headkeeper/protocol';
import { TriggerResult, WatchKind, type WatchKinds, WatchTable } from '../../src/core/watch/watches.ts';

const { nodeCreated, nodeDeleted, nodeDataChanged, nodeChildrenChanged } = EventType;
const { dataOneShot, childOneShot, persistent, recursive } = WatchKind;

/** A table addressed by strings. */
class Scene {
  readonly table = new WatchTable(0x5eed);
  readonly #sink = new TriggerResult();

  add(connection: number, path: string, kinds: WatchKinds): void {
    const bytes = encodeUtf8(path);
    this.table.add(connection, bytes, 0, bytes.length, kinds);
  }

  event(type: number, path: string): number[] {
    const bytes = encodeUtf8(path);
    this.table.trigger(type, bytes, 0, bytes.length, this.#sink);
    return [...this.#sink.slots.subarray(0, this.#sink.count)].sort((a, b) => a - b);
  }

  has(connection: number, path: string, type: number): boolean {
    const bytes = encodeUtf8(path);
    return this.table.has(connection, bytes, 0, bytes.length, type);
  }

  remove(connection: number, path: string, type: number): boolean {
    const bytes = encodeUtf8(path);
    return this.table.remove(connection, bytes, 0, bytes.length, type);
  }
}

test('6.2: registering twice gives one event, and a one-shot data watch fires once for whichever comes first', () => {
  for (const type of [nodeCreated, nodeDeleted, nodeDataChanged]) {
    const scene = new Scene();
    scene.add(1, '/a', dataOneShot);
    scene.add(1, '/a', dataOneShot);
    assert.equal(scene.table.watchCount, 1);
    assert.deepEqual(scene.event(nodeChildrenChanged, '/a'), []);
    assert.deepEqual(scene.event(type, '/a'), [1]);
    assert.deepEqual(scene.event(type, '/a'), []);
    assert.equal(scene.table.pathCount, 0);
  }
});

test('6.3: a child watch fires for event 4 and for the deletion of its node, never for data', () => {
  const scene = new Scene();
  scene.add(1, '/a', childOneShot);
  assert.deepEqual(scene.event(nodeDataChanged, '/a'), []);
  assert.deepEqual(scene.event(nodeCreated, '/a'), []);
  assert.deepEqual(scene.event(nodeChildrenChanged, '/a'), [1]);
  scene.add(1, '/a', childOneShot);
  assert.deepEqual(scene.event(nodeDeleted, '/a'), [1]);
  assert.equal(scene.table.watchCount, 0);
});

test('6.3: a deleted node with both watches gives one event, and both watches are used up', () => {
  const scene = new Scene();
  scene.add(1, '/a', dataOneShot | childOneShot);
  scene.add(2, '/a', childOneShot);
  scene.add(3, '/', recursive);
  scene.add(3, '/a', childOneShot);
  assert.deepEqual(scene.event(nodeDeleted, '/a'), [1, 2, 3]);
  assert.deepEqual(scene.event(nodeDeleted, '/a'), [3]);
  assert.equal(scene.table.childWatchCount, 0);
});

test('W01: modes on one path live side by side, and a fired one-shot leaves the others', () => {
  const scene = new Scene();
  scene.add(1, '/a', persistent);
  scene.add(1, '/a', dataOneShot);
  scene.add(1, '/a', recursive);
  assert.deepEqual(scene.event(nodeDataChanged, '/a'), [1]);
  assert.equal(scene.has(1, '/a', WatcherType.data), false);
  assert.equal(scene.has(1, '/a', WatcherType.persistent), true);
  assert.equal(scene.has(1, '/a', WatcherType.persistentRecursive), true);
  assert.deepEqual(scene.event(nodeDataChanged, '/a/b'), [1]);
  assert.deepEqual(scene.event(nodeChildrenChanged, '/a'), [1]);
});

test('W02: a recursive watch hears 1, 2 and 3 of the whole subtree and never 4', () => {
  const scene = new Scene();
  scene.add(1, '/a', recursive);
  for (const path of ['/a', '/a/b', '/a/b/c']) {
    for (const type of [nodeCreated, nodeDeleted, nodeDataChanged]) assert.deepEqual(scene.event(type, path), [1]);
    assert.deepEqual(scene.event(nodeChildrenChanged, path), []);
  }
  for (const path of ['/', '/ab', '/b', '/b/a']) assert.deepEqual(scene.event(nodeDataChanged, path), []);
  scene.add(1, '/a/b', childOneShot);
  assert.deepEqual(scene.event(nodeChildrenChanged, '/a/b'), [1]);
});

test('6.4: a recursive watch on / hears everything, / included, once per event', () => {
  const scene = new Scene();
  scene.add(1, '/', recursive);
  scene.add(1, '/a', recursive);
  scene.add(1, '/a/b', recursive | persistent | dataOneShot);
  for (const path of ['/', '/a', '/a/b', '/a/b/c']) assert.deepEqual(scene.event(nodeDataChanged, path), [1]);
});

test('6.4: a persistent watch hears all four types of its own path only', () => {
  const scene = new Scene();
  scene.add(1, '/a', persistent);
  for (let round = 0; round < 2; round++) {
    for (const type of [nodeCreated, nodeDeleted, nodeDataChanged, nodeChildrenChanged]) {
      assert.deepEqual(scene.event(type, '/a'), [1]);
      assert.deepEqual(scene.event(type, '/a/b'), []);
      assert.deepEqual(scene.event(type, '/'), []);
    }
  }
});

test('W03: each type of removeWatches takes its own kind and leaves the others', () => {
  const all = dataOneShot | childOneShot | persistent | recursive;
  const types = [WatcherType.children, WatcherType.data, WatcherType.persistent, WatcherType.persistentRecursive];
  for (const type of types) {
    const scene = new Scene();
    scene.add(1, '/a', all);
    assert.equal(scene.remove(1, '/a', type), true);
    assert.equal(scene.remove(1, '/a', type), false);
    for (const other of types) assert.equal(scene.has(1, '/a', other), other !== type);
    assert.equal(scene.has(1, '/a', WatcherType.any), true);
    assert.equal(scene.remove(1, '/a', WatcherType.any), true);
    assert.equal(scene.has(1, '/a', WatcherType.any), false);
    assert.equal(scene.table.pathCount, 0);
  }
});

test('W03: removing the recursive watch of a path with other watches ends its hearing of descendants', () => {
  const scene = new Scene();
  scene.add(1, '/a', recursive | dataOneShot);
  scene.add(2, '/a', recursive);
  assert.equal(scene.remove(1, '/a', WatcherType.persistentRecursive), true);
  assert.deepEqual(scene.event(nodeDataChanged, '/a/b'), [2]);
  assert.deepEqual(scene.event(nodeDataChanged, '/a'), [1, 2]);
});

test('6.6: types 1 and 2 do not see persistent watches, and nobody sees the watches of another connection', () => {
  const scene = new Scene();
  scene.add(1, '/a', persistent);
  assert.equal(scene.has(1, '/a', WatcherType.data), false);
  assert.equal(scene.remove(1, '/a', WatcherType.children), false);
  assert.equal(scene.has(2, '/a', WatcherType.any), false);
  assert.equal(scene.remove(2, '/a', WatcherType.any), false);
  assert.equal(scene.has(70_000, '/a', WatcherType.any), false);
  assert.equal(scene.has(1, '/a', WatcherType.any), true);
});

test('W10: closing connections leaves nothing behind, whatever they watched', () => {
  const scene = new Scene();
  for (let connection = 0; connection < 50; connection++) {
    for (let i = 0; i < 400; i++) scene.add(connection, `/c${connection % 7}/n${i}`, 1 + ((connection + i) % 15));
  }
  assert.equal(scene.table.dataConnectionCount, 50);
  for (let connection = 0; connection < 50; connection++) scene.table.removeConnection(connection);
  const { watchCount, pathCount, pathBytes, dataConnectionCount, dataPathCount } = scene.table;
  assert.deepEqual(
    { watchCount, pathCount, pathBytes, dataConnectionCount, dataPathCount },
    { watchCount: 0, pathCount: 0, pathBytes: 0, dataConnectionCount: 0, dataPathCount: 0 },
  );
  assert.deepEqual(scene.event(nodeDataChanged, '/c1/n1'), []);
});

test('W10: a slot used again by a new connection has none of the old watches', () => {
  const scene = new Scene();
  scene.add(5, '/a', recursive | persistent);
  scene.table.removeConnection(5);
  scene.add(5, '/b', dataOneShot);
  assert.deepEqual(scene.event(nodeDataChanged, '/a'), []);
  assert.deepEqual(scene.event(nodeDataChanged, '/b'), [5]);
});

test('A04: a one-shot watch is used up by naming its connection, whether or not the caller then delivers', () => {
  const scene = new Scene();
  scene.add(1, '/secret', dataOneShot);
  assert.deepEqual(scene.event(nodeDataChanged, '/secret'), [1]);
  assert.equal(scene.has(1, '/secret', WatcherType.any), false);
});

test('paths are told apart by every byte, empty and very long ones included', () => {
  const scene = new Scene();
  const long = `/${'x'.repeat(900_000)}`;
  scene.add(1, '', dataOneShot);
  scene.add(2, long, dataOneShot);
  scene.add(3, `${long}y`, dataOneShot);
  assert.equal(scene.table.pathCount, 3);
  assert.deepEqual(scene.event(nodeDataChanged, long), [2]);
  assert.deepEqual(scene.event(nodeDataChanged, `${long}y`), [3]);
  assert.deepEqual(scene.event(nodeDataChanged, ''), [1]);
  assert.equal(scene.table.pathBytes, 0);
});

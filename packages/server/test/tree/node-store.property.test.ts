import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '@headkeeper/protocol';
import fc from 'fast-check';
import { Field, NONE, NodeStore, ROOT } from '../../src/core/tree/node-store.ts';

/** Znodes by path; the value is the data. */
class StoreModel {
  readonly nodes: Map<string, Uint8Array | null> = new Map([['', new Uint8Array(0)]]);

  children(path: string): string[] {
    const names: string[] = [];
    for (const other of this.nodes.keys()) {
      const slash = other.lastIndexOf('/');
      if (slash >= 0 && other.slice(0, slash) === path) names.push(other.slice(slash + 1));
    }
    return names.sort();
  }
}

const anyName = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'ab', 'aa', 'ä', '日本', '0000000001') },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(47), 'x'.repeat(48), 'x'.repeat(255), 'x'.repeat(5000)) },
);
const anyPath = fc.array(anyName, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`);
const anyData = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 255 }))
      .map(([length, byte]) => new Uint8Array(length).fill(byte)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(262_000, 262_144, 262_145, 400_000, 1_048_000).map((n) => new Uint8Array(n).fill(n)),
  },
);
const anyStep = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('insert' as const), path: anyPath, data: anyData }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), path: anyPath, data: fc.constant(null) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('setData' as const), path: anyPath, data: anyData }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('hold', 'release'), path: anyPath, data: fc.constant(null) }),
  },
);

const EMPTY = new Uint8Array(0);

function find(store: NodeStore, path: string): number {
  const bytes = encodeUtf8(`..${path}!`);
  return store.find(bytes, 2, bytes.length - 1);
}

function insert(store: NodeStore, path: string, data: Uint8Array | null): number {
  const bytes = encodeUtf8(path);
  const slash = bytes.lastIndexOf(0x2f);
  const parent = store.find(bytes, 0, slash);
  const source = data ?? EMPTY;
  return store.insert(parent, bytes, 0, slash + 1, bytes.length, source, 0, data === null ? -1 : data.length);
}

function dataOf(store: NodeStore, slot: number): Uint8Array | null {
  const length = store.get(slot, Field.dataLength);
  const at = store.dataOffset(slot);
  return length < 0 ? null : store.dataBytes(slot).slice(at, at + length);
}

function childrenOf(store: NodeStore, slot: number): string[] {
  const names: string[] = [];
  let before = NONE;
  for (let child = store.get(slot, Field.firstChild); child !== NONE; child = store.get(child, Field.nextSibling)) {
    assert.equal(store.get(child, Field.previousSibling), before);
    assert.equal(store.get(child, Field.parent), slot);
    const at = store.nameOffset(child);
    names.push(decodeUtf8(store.dataBytes(child), at, at + store.get(child, Field.nameLength)));
    before = child;
  }
  assert.equal(store.get(slot, Field.childCount), names.length);
  return names.sort();
}

function assertEqual(store: NodeStore, model: StoreModel): void {
  assert.equal(store.size, model.nodes.size);
  for (const [path, data] of model.nodes) {
    const slot = find(store, path);
    assert.notEqual(slot, NONE, path);
    assert.ok(store.isLive(slot) && slot < store.slotLimit);
    const found = dataOf(store, slot);
    assert.ok(found === null ? data === null : data !== null && Buffer.compare(found, data) === 0, `data of ${path}`);
    assert.deepEqual(childrenOf(store, slot), model.children(path));
    const bytes = new Uint8Array(store.pathLength(slot));
    store.writePathBackwards(slot, bytes, bytes.length);
    assert.equal(decodeUtf8(bytes), path);
  }
}

test('the store is a map from paths to data', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 150, size: 'max' }), fc.integer(), (steps, seed) => {
      const store = new NodeStore(seed);
      const model = new StoreModel();
      /** The generation of every slot when it was last seen in use, and the slots freed while held. */
      const held: Set<number> = new Set();
      let holding = false;
      for (const { do: action, path, data } of steps) {
        const parent = path.slice(0, path.lastIndexOf('/'));
        const slot = find(store, path);
        assert.equal(slot !== NONE, model.nodes.has(path));
        if (action === 'insert' && slot === NONE && model.nodes.has(parent)) {
          const limit = store.slotLimit;
          const taken = insert(store, path, data);
          assert.ok(!held.has(taken), 'a slot is not used again while slots are held');
          assert.ok(taken <= limit);
          model.nodes.set(path, data);
        } else if (action === 'setData' && slot !== NONE) {
          store.setData(slot, data ?? EMPTY, 0, data === null ? -1 : data.length);
          model.nodes.set(path, data);
        } else if (action === 'remove' && slot !== NONE && model.children(path).length === 0) {
          store.remove(slot);
          assert.ok(!store.isLive(slot));
          if (holding) held.add(slot);
          model.nodes.delete(path);
        } else if (action === 'hold' && !holding) {
          store.holdSlots();
          holding = true;
        } else if (action === 'release' && holding) {
          store.releaseSlots();
          holding = false;
          held.clear();
        }
      }
      assertEqual(store, model);
    }),
    { numRuns: 120 },
  );
});

test('a slot that is used again has another generation', () => {
  const store = new NodeStore(1);
  const first = insert(store, '/a', null);
  const generation = store.get(first, Field.generation);
  store.remove(first);
  const second = insert(store, '/b', null);
  assert.equal(second, first);
  assert.notEqual(store.get(second, Field.generation), generation);
  assert.equal(store.get(second, Field.version), 0);
  assert.equal(find(store, '/a'), NONE);
});

test('paths of one character, empty paths and doubled slashes', () => {
  const store = new NodeStore(3);
  assert.equal(find(store, ''), ROOT);
  assert.equal(find(store, '/'), ROOT);
  assert.equal(find(store, 'x'), NONE);
  insert(store, '/x', null);
  for (const path of ['x', '//x', '/x/', '/x//', 'x/x', '/', '']) {
    assert.equal(find(store, path) === NONE || find(store, path) === ROOT, true, path);
  }
  assert.throws(() => store.remove(ROOT), { name: 'InvariantViolation' });
});

test('a znode with children cannot be removed', () => {
  const store = new NodeStore(3);
  const parent = insert(store, '/p', null);
  insert(store, '/p/c', null);
  assert.throws(() => store.remove(parent), { name: 'InvariantViolation' });
});

test('twenty thousand znodes come and go over chunk and table boundaries', () => {
  const store = new NodeStore(0x1234);
  const path = (n: number): string => `/n${(n * 7919) % 20_000}`;
  for (let n = 0; n < 20_000; n++) insert(store, path(n), encodeUtf8(`data ${n}`));
  for (let n = 0; n < 20_000; n += 3) store.remove(find(store, path(n)));
  for (let n = 0; n < 20_000; n += 3) insert(store, path(n), n % 2 === 0 ? null : EMPTY);
  assert.equal(store.slotLimit, 20_001, 'freed slots are used again');
  for (let n = 0; n < 20_000; n++) {
    const data = dataOf(store, find(store, path(n)));
    if (n % 3 !== 0) assert.equal(decodeUtf8(data ?? EMPTY), `data ${n}`);
    else assert.deepEqual(data, n % 2 === 0 ? null : EMPTY);
  }
  for (let n = 0; n < 20_000; n++) store.remove(find(store, path(n)));
  assert.equal(store.size, 1);
});

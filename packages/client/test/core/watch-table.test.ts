import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type WatchEventType, type Watcher, type WatchKind, WatchTable } from '../../src/core/watch-table.ts';

const paths = ['/', '/a', '/a/b', '/a/b/c', '/ab', '/z'];
const kinds: readonly WatchKind[] = ['data', 'exists', 'children', 'persistent', 'recursive'];
const types: readonly WatchEventType[] = ['created', 'deleted', 'dataChanged', 'childrenChanged'];

interface Entry {
  readonly kind: WatchKind;
  readonly path: string;
  readonly watcher: Watcher;
}

/** The rule of 6.8 in the client-protocol reference, as a sentence for each kind. */
function concerns({ kind, path }: Entry, type: WatchEventType, at: string): boolean {
  switch (kind) {
    case 'data':
    case 'exists':
      return path === at && type !== 'childrenChanged';
    case 'children':
      return path === at && (type === 'childrenChanged' || type === 'deleted');
    case 'persistent':
      return path === at;
    default:
      return type !== 'childrenChanged' && (path === at || path === '/' || at.startsWith(`${path}/`));
  }
}

test('an event concerns those whom the rule names, once each; what is told once goes', () => {
  const watchers: readonly Watcher[] = [() => {}, () => {}, () => {}];
  const step = fc.oneof(
    fc.record({
      add: fc.record({
        kind: fc.constantFrom(...kinds),
        path: fc.constantFrom(...paths),
        watcher: fc.constantFrom(...watchers),
      }),
    }),
    fc.record({ event: fc.tuple(fc.constantFrom(...types), fc.constantFrom(...paths)) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new WatchTable();
      let model: Entry[] = [];
      for (const one of steps) {
        if ('add' in one) {
          const { kind, path, watcher } = one.add;
          table.add(kind, path, watcher);
          const isThere = model.some((e) => e.kind === kind && e.path === path && e.watcher === watcher);
          if (!isThere) model.push(one.add);
        } else {
          const [type, path] = one.event;
          const due = model.filter((entry) => concerns(entry, type, path));
          assert.deepEqual(new Set(table.take(type, path)), new Set(due.map(({ watcher }) => watcher)));
          model = model.filter((e) => !due.includes(e) || e.kind === 'persistent' || e.kind === 'recursive');
        }
      }
      const pieces = [...table.pieces(10)];
      for (const kind of kinds) {
        const told = pieces.flatMap((piece) => piece[kind]);
        assert.deepEqual(
          [...told].sort(),
          [...new Set(model.filter((e) => e.kind === kind).map((e) => e.path))].sort(),
        );
      }
      assert.equal(table.takeAll().length, model.length);
      assert.deepEqual([...table.pieces(10)], []);
    }),
  );
});

test('a path is idle when nobody watches it and nobody is about to', () => {
  const table = new WatchTable();
  const watcher = (): void => {};
  table.add('persistent', '/a', watcher);
  assert.equal(table.isIdle('/a', 'persistent'), false);
  assert.equal(table.isIdle('/a', 'recursive'), true);
  assert.equal(table.isIdle('/a', 'any'), false);
  assert.equal(table.remove('persistent', '/a', watcher), true);
  assert.equal(table.remove('persistent', '/a', watcher), false);
  assert.equal(table.isIdle('/a', 'any'), true);
  table.claim('/a');
  table.claim('/a');
  table.unclaim('/a');
  assert.equal(table.isIdle('/a', 'any'), false);
  table.unclaim('/a');
  assert.equal(table.isIdle('/a', 'any'), true);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '@headkeeper/protocol';
import fc from 'fast-check';
import { TriggerResult, WatchTable } from '../../src/core/watch/watches.ts';
import { WatchModel } from './model.ts';

type Step =
  | { do: 'add'; connection: number; path: string; kinds: number }
  | { do: 'remove' | 'has'; connection: number; path: string; type: number }
  | { do: 'close'; connection: number }
  | { do: 'event'; path: string; type: number };

/** Three levels with few names, so that steps meet on the same paths; some names have others as prefixes. */
const anyPath = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'ä', 'config-with-a-longer-name'), { maxLength: 3 })
  .map((parts) => `/${parts.join('/')}`);
const anyConnection = fc.constantFrom(0, 1, 2, 3, 63, 64, 200);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      connection: anyConnection,
      path: anyPath,
      kinds: fc.integer({ min: 1, max: 15 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('event' as const), path: anyPath, type: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('remove' as const, 'has' as const),
      connection: anyConnection,
      path: anyPath,
      type: fc.integer({ min: 0, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), connection: anyConnection }) },
);

/** Runs one step on both and returns their answers. */
function run(step: Step, table: WatchTable, model: WatchModel, sink: TriggerResult): [unknown, unknown] {
  switch (step.do) {
    case 'add': {
      const bytes = encodeUtf8(`..${step.path}.`);
      return [
        table.add(step.connection, bytes, 2, bytes.length - 1, step.kinds),
        model.add(step.connection, step.path, step.kinds),
      ];
    }
    case 'close':
      return [table.removeConnection(step.connection), model.removeConnection(step.connection)];
    case 'event': {
      const bytes = encodeUtf8(`..${step.path}.`);
      const count = table.trigger(step.type, bytes, 2, bytes.length - 1, sink);
      assert.equal(count, sink.count);
      return [[...sink.slots.subarray(0, sink.count)].sort((a, b) => a - b), model.trigger(step.type, step.path)];
    }
    default: {
      const bytes = encodeUtf8(step.path);
      return [
        table[step.do](step.connection, bytes, 0, bytes.length, step.type),
        model[step.do](step.connection, step.path, step.type),
      ];
    }
  }
}

function countsOf(table: WatchTable): Record<string, number> {
  const { watchCount, pathCount, dataPathCount, dataWatchCount, childWatchCount, dataConnectionCount } = table;
  return { watchCount, pathCount, dataPathCount, dataWatchCount, childWatchCount, dataConnectionCount };
}

function dataPairsOf(table: WatchTable): string[] {
  const byPath: string[] = [];
  for (const [path, connections] of table.dataPaths()) {
    for (const connection of connections) byPath.push(`${connection} ${path}`);
  }
  const byConnection: string[] = [];
  for (const [connection, paths] of table.dataConnections()) {
    for (const path of paths) byConnection.push(`${connection} ${path}`);
  }
  assert.deepEqual(byPath.sort(), byConnection.sort());
  return byPath;
}

test('W01-W03: any sequence of operations does what the plain model does', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(anyStep, { maxLength: 120 }), (seed, steps) => {
      const table = new WatchTable(seed);
      const model = new WatchModel();
      const sink = new TriggerResult();
      for (const step of steps) {
        const [seen, expected] = run(step, table, model, sink);
        assert.deepEqual(seen, expected, JSON.stringify(step));
        assert.deepEqual(countsOf(table), model.counts());
      }
      assert.deepEqual(dataPairsOf(table), model.dataPairs());
      for (const connection of [0, 1, 2, 3, 63, 64, 200]) table.removeConnection(connection);
      assert.equal(table.watchCount, 0);
      assert.equal(table.pathCount, 0);
      assert.equal(table.pathBytes, 0);
    }),
    { numRuns: 400 },
  );
});

test('the same holds while the indexes grow, shrink and fill again', () => {
  fc.assert(
    fc.property(fc.integer(), fc.infiniteStream(fc.integer({ min: 0, max: 0x7fffffff })), (seed, numbers) => {
      const draw = (below: number): number => (numbers.next().value as number) % below;
      const table = new WatchTable(seed);
      const model = new WatchModel();
      const sink = new TriggerResult();
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 6000; i++) {
          const step: Step = {
            do: 'add',
            connection: draw(40),
            path: `/p${draw(3000)}/${draw(3)}`,
            kinds: 1 + draw(15),
          };
          run(step, table, model, sink);
        }
        for (let i = 0; i < 1500; i++) {
          const step: Step = { do: 'event', path: `/p${draw(3000)}/${draw(3)}`, type: 1 + draw(4) };
          const [seen, expected] = run(step, table, model, sink);
          assert.deepEqual(seen, expected);
        }
        assert.deepEqual(countsOf(table), model.counts());
        assert.deepEqual(dataPairsOf(table), model.dataPairs());
        for (let connection = round; connection < 40; connection++) {
          run({ do: 'close', connection }, table, model, sink);
        }
        assert.deepEqual(countsOf(table), model.counts());
      }
    }),
    { numRuns: 3 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogueOf, type LogEntry } from '../../../src/backup/catalogue.ts';
import { dataObject, manifestObject } from '../../../src/backup/naming.ts';
import { coveredOf } from '../../../src/backup/ship/roll-up.ts';

const EPOCH = 4294967296;

function logs(ranges: readonly (readonly [after: number, first: number, last: number])[]): readonly LogEntry[] {
  return catalogueOf(
    ranges.flatMap(([afterZxid, firstZxid, lastZxid], i) => {
      const name = { kind: 'log', afterZxid, firstZxid, lastZxid, uid: i.toString(16).padStart(8, '0') } as const;
      return [manifestObject(name), dataObject(name, true, false)].map((object) => {
        return { name: object, size: 1, modifiedMs: 0 };
      });
    }),
  ).logs;
}

test('a segment that a longer one holds all of is covered, one that says more is not', () => {
  const covered = coveredOf(
    logs([
      [0, 1, 50],
      [0, 1, 10],
      [10, 11, 50],
      [40, 41, 60],
      [60, 61, 70],
    ]),
  );
  assert.deepEqual(
    covered.map(({ entry, by }) => [entry.firstZxid, entry.lastZxid, by.lastZxid]),
    [
      [1, 10, 50],
      [11, 50, 50],
    ],
  );
});

test('a segment that alone says what came before an epoch is not covered', () => {
  const first = EPOCH + 1;
  const covered = coveredOf(
    logs([
      [9, first, EPOCH + 5],
      [9, first, EPOCH + 3],
      [EPOCH, first, EPOCH + 40],
    ]),
  );
  assert.deepEqual(
    covered.map(({ entry, by }) => [entry.lastZxid, by.lastZxid]),
    [],
  );
});

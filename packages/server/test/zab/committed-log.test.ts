import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvariantViolation } from '../../src/core/invariants.ts';
import { CommittedLog } from '../../src/core/zab/committed-log.ts';

const TWO_32 = 4294967296;
const INITIAL_BYTES = 64 * 1024;

interface Txn {
  readonly zxid: number;
  readonly body: Uint8Array;
}

/** Bytes that no other txn has. */
function bodyOf(zxid: number, length: number): Uint8Array {
  const body = new Uint8Array(length);
  for (let i = 0; i < length; i++) body[i] = (zxid * 31 + Math.floor(zxid / TWO_32) * 7 + i * 13) & 0xff;
  return body;
}

/** What the window must be: the last txns, and the zxid before them. */
function check(log: CommittedLog, history: readonly Txn[], start: number, maxCount: number): void {
  assert.ok(log.size <= maxCount);
  const kept = history.slice(history.length - log.size);
  const before = history[history.length - log.size - 1]?.zxid ?? start;
  assert.equal(log.base, before);
  assert.equal(log.last, kept.at(-1)?.zxid ?? before);
  kept.forEach(({ zxid, body }, i) => {
    assert.equal(log.zxidAt(i), zxid);
    assert.ok(Buffer.from(log.bytes.subarray(log.startAt(i), log.endAt(i))).equals(body), `bytes of ${zxid}`);
    assert.equal(log.view.buffer, log.bytes.buffer);
  });
  const probes = new Set([0, start, before - 1, before, ...kept.flatMap(({ zxid }) => [zxid - 1, zxid, zxid + 1])]);
  const known = [before, ...kept.map(({ zxid }) => zxid)];
  for (const probe of probes) {
    assert.equal(log.knows(probe), known.includes(probe), `knows ${probe}`);
    assert.equal(log.indexAfter(probe), kept.filter(({ zxid }) => zxid <= probe).length, `index after ${probe}`);
    assert.equal(log.lastNotBeyond(probe), known.filter((zxid) => zxid <= probe).at(-1) ?? -1, `last up to ${probe}`);
  }
}

test('the window is always the end of the history, whatever the sizes', () => {
  const step = fc.record({
    length: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
      { weight: 3, arbitrary: fc.integer({ min: 1000, max: 30_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 200_000 }) },
    ),
    newEpoch: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(0, 20_000, INITIAL_BYTES, 200_000),
      fc.constantFrom(0, 7, TWO_32, 3 * TWO_32 + 5),
      (steps, maxCount, maxBytes, start) => {
        const log = new CommittedLog(maxCount, maxBytes, start);
        const history: Txn[] = [];
        let zxid = start;
        let largest = 0;
        for (const { length, newEpoch } of steps) {
          zxid = newEpoch ? (Math.floor(zxid / TWO_32) + 1) * TWO_32 + 1 : zxid + 1;
          const body = bodyOf(zxid, length);
          largest = Math.max(largest, length);
          log.add(zxid, new Uint8Array(Buffer.concat([new Uint8Array(3), body])), 3, 3 + length);
          history.push({ zxid, body });
          assert.equal(log.last, zxid, 'the newest txn is always there');
        }
        check(log, history, start, maxCount);
        assert.ok(
          log.bytes.length <= 2 * Math.max(INITIAL_BYTES, maxBytes + largest, 2 * largest),
          'memory is bounded',
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('a window that is not wanted stays empty', () => {
  const log = new CommittedLog(0, 1 << 20, 9);
  log.add(10, new Uint8Array(4), 0, 4);
  assert.equal(log.size, 0);
});

test('a txn that does not follow is an error, not a gap (S07)', () => {
  const add = (base: number, zxid: number): void => new CommittedLog(5, 100, base).add(zxid, new Uint8Array(1), 0, 1);
  assert.throws(() => add(TWO_32 + 3, TWO_32 + 5), InvariantViolation);
  assert.throws(() => add(TWO_32 + 3, TWO_32 + 3), InvariantViolation);
  assert.throws(() => add(TWO_32 + 3, 2 * TWO_32 + 2), InvariantViolation);
  assert.throws(() => add(2 * TWO_32 + 3, TWO_32 + 1), InvariantViolation);
  add(TWO_32 + 3, 5 * TWO_32 + 1);
});

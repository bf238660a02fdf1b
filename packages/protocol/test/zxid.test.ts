import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counterOf, epochOf, zxidIn } from '@headkeeper/protocol';

test('a zxid is an epoch and a counter, as a safe integer up to the largest of each that a server uses', () => {
  assert.deepEqual([epochOf(0x1e7), counterOf(0x1e7)], [0, 0x1e7]);
  assert.deepEqual([epochOf(0x700000001), counterOf(0x700000001)], [7, 1]);
  assert.equal(zxidIn(7, 1), 0x700000001);
  const last = zxidIn(0x1fffff, 0xffffffff);
  assert.equal(last, Number.MAX_SAFE_INTEGER);
  assert.deepEqual([epochOf(last), counterOf(last)], [0x1fffff, 0xffffffff]);
});

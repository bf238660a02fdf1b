import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureGetData } from './throughput.ts';

/**
 * Far below what the core does (1.5 million a second are asked for on an idle machine, see `throughput.ts --large`), so
 * that only a loss of kind, not a busy machine, fails the test.
 */
const FLOOR = 200_000;
const REPLIES = 'b1dcaeb5b405345d';

test('the core answers getData fast, and always the same', (t) => {
  const { perSecond, best, hash } = measureGetData(2000, 50);
  t.diagnostic(`${perSecond} getData a second through the core, ${best} in the best round (replies ${hash})`);
  assert.equal(hash, REPLIES);
  assert.ok(best > FLOOR, `${best} a second`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Observations, quantile } from '../../../src/core/statistics/observations.ts';

test('count, sum, least and largest are exact; quantiles are exact below 32 and within a sixteenth above', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(40), fc.nat(100_000), fc.nat(2_147_483_647)), { minLength: 1, maxLength: 60 }),
      fc.constantFrom(0.5, 0.9, 0.95, 0.99, 0.999),
      (values, rank) => {
        const observed = new Observations();
        for (const value of values) observed.add(value);
        const sorted = [...values].sort((a, b) => a - b);
        assert.equal(observed.count, values.length);
        assert.equal(
          observed.sum,
          values.reduce((sum, value) => sum + value, 0),
        );
        assert.equal(observed.min, sorted[0]);
        assert.equal(observed.max, sorted.at(-1));
        const exact = sorted[Math.max(1, Math.ceil(values.length * rank)) - 1] as number;
        const found = quantile(observed, rank);
        assert.ok(Math.abs(found - exact) <= (exact < 32 ? 0 : exact / 16), `${found} for ${exact}`);
      },
    ),
  );
});

test('a value counts as often as it is said to; of none all is 0; a negative one counts as 0', () => {
  const observed = new Observations();
  assert.deepEqual([observed.min, observed.max, quantile(observed, 0.99)], [0, 0, 0]);
  observed.addMany(3, 99);
  observed.add(-5);
  assert.deepEqual([observed.count, observed.sum, observed.min, observed.max], [100, 297, 0, 3]);
  assert.deepEqual([quantile(observed, 0.005), quantile(observed, 0.5)], [0, 3]);
});

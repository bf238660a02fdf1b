import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Histogram } from '../src/commands/bench/histogram.ts';

describe('the histogram', () => {
  it('gives percentiles within 1.6 % below the exact ones', () => {
    const durations = fc.array(fc.integer({ min: 0, max: 1_000_000_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(values.length * share) - 1)] as number;
        const got = histogram.percentile(share);
        assert.ok(got <= exact && got >= exact * (1 - 1 / 64), `${got} for ${exact}`);
        assert.equal(histogram.max, sorted.at(-1));
        assert.equal(histogram.count, values.length);
      }),
    );
  });

  it('is empty at first, and again after a reset', () => {
    const histogram = new Histogram();
    assert.equal(histogram.percentile(0.5), 0);
    histogram.add(5.9);
    assert.equal(histogram.percentile(1), 5);
    histogram.reset();
    assert.deepEqual([histogram.percentile(1), histogram.count, histogram.max], [0, 0, 0]);
  });
});

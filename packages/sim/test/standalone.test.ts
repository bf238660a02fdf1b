import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addCounts, noCounts } from '../src/counts.ts';
import { runSeed } from '../src/run.ts';

describe('a standalone server under faults', () => {
  it('keeps every law, seed after seed', () => {
    const sum = noCounts();
    for (let seed = 1; seed <= 25; seed++) {
      const { failure, counts } = runSeed({ seed, minutes: 1, voters: 1 });
      assert.equal(failure, null, `seed ${seed}: ${failure?.message}`);
      addCounts(sum, counts);
    }
    assert.ok(sum.unsyncedCrashes >= 5, JSON.stringify(sum));
    assert.ok(sum.watchEvents >= 100, JSON.stringify(sum));
    assert.ok(sum.treeChecks >= 50, JSON.stringify(sum));
  });

  it('has the same trace twice', () => {
    for (const seed of [3, 4, 5]) {
      const first = runSeed({ seed, minutes: 1, voters: 1 });
      const lines: string[] = [];
      const second = runSeed({ seed, minutes: 1, voters: 1, tell: (line) => lines.push(line) });
      assert.equal(first.hash, second.hash);
      assert.ok(lines.length > 50);
    }
  });
});

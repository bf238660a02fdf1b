import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Violation } from '../../src/check/violation.ts';
import { type RunOptions, type RunResult, runSeed } from '../../src/run.ts';
import { withCuts } from '../../src/shrink/cuts.ts';
import { shrink } from '../../src/shrink/shrinker.ts';

const OPTIONS: RunOptions = { seed: 1, minutes: 2, profile: 'everything', voters: 5 };

/** A simulator that fails, by one law, whenever `fails` says so of what is left; by another when nothing comes at all. */
function failing(fails: (result: RunResult) => boolean): (options: RunOptions) => RunResult {
  const real = runSeed({ ...OPTIONS, minutes: 0.5 });
  return ({ cuts = {}, minutes }) => {
    const plan = withCuts(real.plan, cuts);
    const result: RunResult = { ...real, plan, minutes: cuts.minutes ?? minutes };
    result.faults.injected.length = 0;
    for (let i = 1; i <= 20; i++) if (!plan.skippedFaults.has(`crash ${i}`)) result.faults.injected.push(`crash ${i}`);
    const law = plan.clients < 2 ? 'another law' : 'the law';
    const failure = fails(result) ? new Violation('safety', law, 'it is broken') : null;
    // The record of a run is its own.
    return {
      ...result,
      faults: { ...result.faults, injected: [...result.faults.injected] } as RunResult['faults'],
      failure,
    };
  };
}

describe('a failing run', () => {
  it('is reduced to what its failure needs, and only as long as the same law is broken', () => {
    const run = failing(({ plan, faults }) => {
      const needed = faults.injected.includes('crash 7') && faults.injected.includes('crash 12');
      return needed && plan.voters >= 3 && plan.weights.setData > 0;
    });
    const first = run(OPTIONS);
    assert.equal(first.failure?.law, 'the law');
    const { result } = shrink(OPTIONS, first, run, () => true);
    assert.deepEqual(result.faults.injected, ['crash 7', 'crash 12']);
    assert.equal(result.plan.voters, 3);
    assert.equal(result.plan.clients, 2, 'with one client another law is broken');
    assert.equal(result.minutes, 0.05);
    const asked = Object.entries(result.plan.weights).flatMap(([kind, weight]) => (weight > 0 ? [kind] : []));
    assert.deepEqual(asked, ['create', 'setData']);
    assert.ok(result.plan.faults.crash === 0 && result.plan.habits.moveChance === 0);
  });

  it('stays as it is when there is no time', () => {
    const run = failing(() => true);
    const { cuts, runs } = shrink(OPTIONS, run(OPTIONS), run, () => false);
    assert.deepEqual(cuts, {});
    assert.equal(runs, 0);
  });
});

describe('a part that is left out', () => {
  it('shifts neither when the other faults come nor which they are', () => {
    const times = (skipped: readonly string[]): Map<string, string> => {
      const found = new Map<string, string>();
      const tell = (line: string): void => {
        const match = /^(\S+) fault (.*)$/.exec(line);
        if (match !== null) found.set(match[2] as string, match[1] as string);
      };
      const { plan } = runSeed({ ...OPTIONS, seed: 3, minutes: 1, cuts: { aimless: true, skipped }, tell });
      assert.equal(plan.skippedFaults.size, skipped.length);
      return found;
    };
    const all = times([]);
    const names = [...all.keys()];
    assert.ok(names.length >= 5, names.join());
    const out = names.slice(0, 2);
    for (const name of out) all.delete(name);
    assert.deepEqual(times(out), all);
  });
});

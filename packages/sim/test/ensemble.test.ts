import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addCounts, noCounts } from '../src/counts.ts';
import { PROFILES } from '../src/plan/swarm.ts';
import { runSeed } from '../src/run.ts';

/** How much of it all to do: `HEADKEEPER_SIM_SCALE=20` for twenty times the ordinary run. */
const SCALE = Math.max(1, Number(process.env.HEADKEEPER_SIM_SCALE ?? 1));
const PROGRAM = fileURLToPath(new URL('../src/main.js', import.meta.url));

describe('ensembles under faults', () => {
  it('keep every law in every profile, seed after seed', () => {
    const sum = noCounts();
    for (const profile of PROFILES) {
      for (let seed = 1; seed <= 4 * SCALE; seed++) {
        const { failure, counts } = runSeed({ seed, minutes: 1, profile, voters: 3 });
        assert.equal(failure, null, `--seed ${seed} --minutes 1 --profile ${profile} --voters 3: ${failure?.message}`);
        addCounts(sum, counts);
      }
    }
    // Runs that meet nothing would prove nothing.
    assert.ok(sum.elections >= 40, JSON.stringify(sum));
    assert.ok(sum.diffs >= 60, JSON.stringify(sum));
    assert.ok(sum.snaps >= 5, JSON.stringify(sum));
    assert.ok(sum.unsyncedCrashes >= 5, JSON.stringify(sum));
    assert.ok(sum.ackChecks >= 2000, JSON.stringify(sum));
  });

  it('keep them in ensembles of all sizes, with observers', () => {
    for (const voters of [2, 4, 5, 7]) {
      for (let seed = 100; seed < 100 + SCALE; seed++) {
        const { failure } = runSeed({ seed, minutes: 1, voters, observers: 1 });
        assert.equal(failure, null, `--seed ${seed} --minutes 1 --voters ${voters} --observers 1: ${failure?.message}`);
      }
    }
  });

  it('keep them while the states of their leaders are replaced, and epochs are skipped', () => {
    const sum = noCounts();
    for (const voters of [1, 3, 3, 5]) {
      for (let i = 0; i < SCALE; i++) {
        const seed = 200 + sum.runs;
        const { failure, counts } = runSeed({ seed, minutes: 1, voters, restore: true });
        assert.equal(failure, null, `--seed ${seed} --minutes 1 --voters ${voters} --restore: ${failure?.message}`);
        addCounts(sum, counts);
      }
    }
    // A disk fails under the state that is written aside here.
    assert.equal(runSeed({ seed: 300006, minutes: 2, restore: true }).failure, null);
    assert.ok(sum.restores >= 8, JSON.stringify(sum));
    assert.ok(sum.snaps >= 8, JSON.stringify(sum));
  });

  it('keep them while members come and go, when no disk is wiped: one server may be the majority', () => {
    // One server may be the only voter for most of the time; an aimed fault has wiped such a one.
    const { failure, counts } = runSeed({ seed: 2123, minutes: 1, reconfigure: true });
    assert.equal(failure, null, `--seed 2123 --minutes 1 --reconfigure: ${failure?.message}`);
    assert.ok(counts.reconfigurations >= 5, JSON.stringify(counts));
    assert.equal(counts.wipes, 0);
  });

  it('keep them when the end of an epoch is cut out of a log', () => {
    const { failure, counts } = runSeed({ seed: 30055, minutes: 2, disk: true });
    assert.equal(failure, null, `--seed 30055 --disk: ${failure?.message}`);
    assert.ok(counts.mendings >= 3, JSON.stringify(counts));
  });

  it('keep them while disks lose, decay, lie, are full and come back old', () => {
    const sum = noCounts();
    for (const voters of [3, 3, 5]) {
      for (let i = 0; i < 2 * SCALE; i++) {
        const seed = 300 + sum.runs;
        const { failure, counts } = runSeed({ seed, minutes: 1, voters, disk: true });
        assert.equal(failure, null, `--seed ${seed} --minutes 1 --voters ${voters} --disk: ${failure?.message}`);
        addCounts(sum, counts);
      }
    }
    assert.ok(sum.damages >= 20, JSON.stringify(sum));
    assert.ok(sum.mendings >= 5, JSON.stringify(sum));
  });

  it('have the same trace twice in one process and once in another', () => {
    for (const seed of [11, 12]) {
      const first = runSeed({ seed, minutes: 1, voters: 3 });
      const second = runSeed({ seed, minutes: 1, voters: 3 });
      assert.equal(first.hash, second.hash);
      const fresh = execFileSync(
        process.execPath,
        [PROGRAM, '--seed', String(seed), '--minutes', '1', '--voters', '3'],
        { encoding: 'utf8' },
      );
      assert.ok(fresh.includes(`trace hash ${first.hash}`), `${first.hash} is not in ${fresh}`);
    }
  });
});

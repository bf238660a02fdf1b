import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RECIPE_BUGS } from '../src/planted/recipe-bugs.ts';
import { WORKLOADS } from '../src/recipes/workloads/all.ts';

/** How much of it all to do: `HEADKEEPER_SIM_SCALE=20` for twenty times the ordinary run. */
const SCALE = Math.max(1, Number(process.env.HEADKEEPER_SIM_SCALE ?? 1));
const PROGRAM = fileURLToPath(new URL('../src/main.js', import.meta.url));
const PACKAGES = resolve(import.meta.dirname, '../../..');

/** In a process of its own: while a world runs there is no real time for others. */
function run(...options: string[]): string {
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, '--recipes', '--storms', '1', ...options], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, `--recipes --storms 1 ${options.join(' ')}: ${stdout}`);
  return stdout;
}

describe('recipes under faults', () => {
  it('keep every law, each alone', () => {
    const sum: Record<string, number> = {};
    for (const [i, workload] of WORKLOADS.entries()) {
      for (let n = 0; n < SCALE; n++) {
        const printed = run('--seed', String(i + 1 + 100 * n), '--workload', workload);
        for (const [, key = '', count] of printed.matchAll(/(\w+) (\d+)(?:,|$)/gm))
          sum[key] = (sum[key] ?? 0) + Number(count);
      }
    }
    // Runs that meet nothing would prove nothing.
    const work = { grants: 100, handOvers: 50, itemsTaken: 20, increments: 100, states: 200, passed: 50 };
    for (const [key, least] of Object.entries({ ...work, sessionsExpired: 5, reconnects: 20 })) {
      assert.ok((sum[key] ?? 0) >= least, `${key}: ${JSON.stringify(sum)}`);
    }
  });

  it('have the same trace twice in one process and once in another', () => {
    const [one, other] = [run('--seed', '11', '--repeat'), run('--seed', '11')].map(
      (printed) => /^trace hash .*$/m.exec(printed)?.[0],
    );
    assert.ok(one !== undefined);
    assert.equal(one, other);
  });
});

it('every planted bug of a recipe stands where it is put', () => {
  for (const { name, edits } of RECIPE_BUGS) {
    for (const { package: owner = 'server', file, find } of edits) {
      const text = readFileSync(join(PACKAGES, owner, 'dist/src', file), 'utf8');
      assert.equal(text.split(find).length - 1, 1, `${name}: ${file} has not one place that reads: ${find}`);
    }
  }
});

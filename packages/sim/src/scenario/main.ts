/**
 * Acts out the entries of the catalogue of known failures:
 *
 *     node packages/sim/dist/src/scenario/main.js [--only S01,S02] [--tell] [--planted]
 *
 * With `--planted` the guard of each scenario is taken out of a copy of the emitted server, and the scenario must fail.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { optionIn, wrongIn } from '../arguments.ts';
import { copyPackages, plant } from '../planted/workshop.ts';
import { SCENARIOS } from './catalogue.ts';
import type { Scenario } from './scenario.ts';

const USAGE = `usage: node packages/sim/dist/src/scenario/main.js [--only S01,S02] [--tell] [--planted]
  --only     these scenarios; otherwise all
  --tell     line by line what happens
  --planted  each without its guard, in a copy of the emitted server: it must fail
`;

function act(scenario: Scenario, tells: boolean): boolean {
  const began = process.cpuUsage();
  let failure: string | null = null;
  try {
    scenario.run(tells ? (line) => process.stdout.write(`${line}\n`) : undefined);
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { user } = process.cpuUsage(began);
  const head = `${scenario.id} ${scenario.name}: ${(user / 1e6).toFixed(2)} s`;
  process.stdout.write(failure === null ? `${head}: passes\n` : `${head}: FAILED ${failure}\n`);
  return failure === null;
}

/** Whether the scenario fails without its guard. */
function failsWithout(scenario: Scenario): boolean {
  const { edits } = scenario.guard;
  if (edits === null) return true;
  const folder = copyPackages();
  try {
    plant(folder, { name: scenario.id, edits });
    const program = join(folder, 'node_modules/@headkeeper/sim/dist/src/scenario/main.js');
    const run = spawnSync(process.execPath, [program, '--only', scenario.id], { encoding: 'utf8', timeout: 120_000 });
    const line = run.stdout.split('\n').find((text) => text.includes('FAILED')) ?? run.stderr.split('\n')[0];
    // A scenario that only does not get to its danger has not seen anything.
    const isRed = run.status !== 0 && !line.includes('not reached');
    process.stdout.write(`${scenario.id} without its guard: ${isRed ? 'fails' : 'PASSES'} ${line.slice(0, 260)}\n`);
    return isRed;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function main(argv: readonly string[]): number {
  if (argv.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const wrong = wrongIn(argv, { '--only': 'word', '--tell': '', '--planted': '' });
  if (wrong !== null) {
    process.stderr.write(`${wrong}\n${USAGE}`);
    return 64;
  }
  const only = optionIn(argv, '--only')?.split(',') ?? null;
  const chosen = SCENARIOS.filter(({ id }) => only === null || only.includes(id));
  const planted = argv.includes('--planted');
  const tells = argv.includes('--tell');
  const good = chosen.filter((scenario) => (planted ? failsWithout(scenario) : act(scenario, tells))).length;
  process.stdout.write(`${good} of ${chosen.length} as they should be\n`);
  return good === chosen.length && good > 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));

/**
 * Plants known bugs, one at a time, into a copy of the emitted server and lets random seeds of the simulator look for them:
 *
 *     node packages/sim/dist/src/planted/main.js [--for 60s] [--only NAME]
 *
 * Prints the processor time to each detection. Fails when a bug is not found in its time, or when the code no longer has
 * the place that a bug changes.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PLANTED_BUGS, type PlantedBug } from './bugs.ts';
import { RECIPE_BUGS } from './recipe-bugs.ts';
import { copyPackages, plant } from './workshop.ts';

interface Outcome {
  readonly bug: PlantedBug;
  /** What the simulator said, or null when it found nothing. */
  readonly finding: string | null;
  readonly seconds: number;
}

function hunt(bug: PlantedBug, time: string, isForRecipes: boolean): Outcome {
  const folder = copyPackages();
  try {
    plant(folder, bug);
    const program = join(folder, 'node_modules/@headkeeper/sim/dist/src/main.js');
    const kind = isForRecipes ? '--workload' : '--profile';
    const mode = isForRecipes ? ['--recipes'] : [];
    const wishes = bug.profile === null ? mode : [...mode, kind, bug.profile];
    const began = process.hrtime.bigint();
    const run = spawnSync(process.execPath, [program, '--for', time, ...wishes], { encoding: 'utf8' });
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    const finding = run.stdout.split('\n').find((line) => line.startsWith('FAILED')) ?? null;
    return { bug, finding, seconds };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function main(argv: readonly string[]): number {
  const option = (name: string): string | undefined => {
    const at = argv.indexOf(name);
    return at < 0 ? undefined : argv[at + 1];
  };
  const only = option('--only');
  const isForRecipes = argv.includes('--recipes');
  const all = isForRecipes ? RECIPE_BUGS : PLANTED_BUGS;
  const bugs = all.filter((bug) => only === undefined || bug.name === only);
  let missed = 0;
  for (const bug of bugs) {
    const { finding, seconds } = hunt(bug, option('--for') ?? '60s', isForRecipes);
    if (finding === null) missed++;
    const said = finding === null ? 'NOT FOUND' : finding.slice(0, 160);
    process.stdout.write(`${bug.name}: ${seconds.toFixed(1)} s: ${said}\n`);
  }
  process.stdout.write(`${bugs.length - missed} of ${bugs.length} planted bugs found\n`);
  return missed === 0 && bugs.length > 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));

/**
 * Plants known bugs, one at a time, into a copy of the emitted server and lets random seeds of the simulator look for them:
 * see `USAGE`. Prints a table: the seeds and the processor's time to each detection, and the law that was broken. Fails when
 * a bug is not found in its time, or when the code no longer has the place that a bug changes.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { numberIn, optionIn, wrongIn } from '../arguments.ts';
import { PLANTED_BUGS } from './bugs.ts';
import type { Catch } from './hunt.ts';
import type { PlantedBug } from './planted-bug.ts';
import { RECIPE_BUGS } from './recipe-bugs.ts';
import { copyPackages, plant } from './workshop.ts';

const USAGE = `usage: node packages/sim/dist/src/planted/main.js [--recipes] [--only NAME[,NAME]] [--slice I/N] [--cpu SECONDS] [--first SEED]
           [--record FILE] [--tell]
  --recipes  bugs of recipes and of the client, in runs with recipes
  --only     these bugs; otherwise all
  --slice    the Ith of N parts of them
  --cpu      of the processor's time for each bug; 120 if not given
  --first    the first seed of each hunt; 1 if not given
  --record   each hunt is added to this file as one line; a bug that was found in one of its lines is not hunted again
  --tell     the message of each detection, on standard error
`;

/** A run that hangs is given up after so many times the processor's time that it may take, plus a minute. */
const PATIENCE = 4;
const OPTIONS = {
  '--recipes': '',
  '--only': 'word',
  '--slice': 'word',
  '--cpu': 'number',
  '--first': 'number',
  '--record': 'word',
  '--tell': '',
} as const;
const NOTHING: Catch = { seeds: 0, seconds: 0, law: null, message: '' };

interface Options {
  readonly cpu: number;
  readonly first: number;
  readonly isForRecipes: boolean;
}

/** One line of a record. */
interface Hunted extends Catch {
  readonly name: string;
}

/** What was found in earlier calls, by the name of the bug. */
function readRecord(file: string | null): Map<string, Catch> {
  if (file === null || !existsSync(file)) return new Map();
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const found = lines.map((line) => JSON.parse(line) as Hunted).filter(({ law }) => law !== null);
  return new Map(found.map((hunted) => [hunted.name, hunted]));
}

/** A seed counts only if nothing is found by it where nothing is planted. */
function hunt(bug: PlantedBug, options: Options): Catch {
  const found = huntIn(bug, options);
  if (found.law === null) return found;
  const sound = huntIn({ ...bug, edits: [] }, { ...options, first: options.first + found.seeds - 1 }, '--one');
  if (sound.law === null) return found;
  return { ...found, law: null, message: `without the bug, too: ${sound.message}` };
}

function huntIn(bug: PlantedBug, { cpu, first, isForRecipes }: Options, ...further: readonly string[]): Catch {
  const folder = copyPackages();
  try {
    plant(folder, bug);
    const program = join(folder, 'node_modules/@headkeeper/sim/dist/src/planted/hunt.js');
    const wishes = [
      ...further,
      ...(isForRecipes ? ['--recipes'] : []),
      ...(bug.profile === null ? [] : [isForRecipes ? '--workload' : '--profile', bug.profile]),
      ...(bug.reconfigure === true ? ['--reconfigure'] : []),
      ...(bug.disk === true ? ['--disk'] : []),
    ];
    const run = spawnSync(process.execPath, [program, '--first', `${first}`, '--cpu', `${cpu}`, ...wishes], {
      encoding: 'utf8',
      timeout: (cpu * PATIENCE + 60) * 1000,
    });
    const line = run.stdout.trim().split('\n').at(-1) ?? '';
    return line === '' ? { ...NOTHING, message: run.stderr.slice(-400) } : (JSON.parse(line) as Catch);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function main(argv: readonly string[]): number {
  if (argv.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const wrong = wrongIn(argv, OPTIONS);
  if (wrong !== null) {
    process.stderr.write(`${wrong}\n${USAGE}`);
    return 64;
  }
  const isForRecipes = argv.includes('--recipes');
  const options = { cpu: numberIn(argv, '--cpu', 120), first: numberIn(argv, '--first', 1), isForRecipes };
  const only = optionIn(argv, '--only')?.split(',') ?? null;
  const [part = 0, parts = 0] = (optionIn(argv, '--slice') ?? '1/1').split('/').map(Number);
  if (!(Number.isInteger(part) && Number.isInteger(parts) && part >= 1 && part <= parts)) {
    process.stderr.write(`--slice wants the number of a part and how many there are, such as 3/16\n${USAGE}`);
    return 64;
  }
  const all = isForRecipes ? RECIPE_BUGS : PLANTED_BUGS;
  const bugs = all.filter(({ name }, at) => (only === null || only.includes(name)) && at % parts === part - 1);
  const stranger = only?.find((name) => bugs.every((bug) => bug.name !== name));
  if (stranger !== undefined) {
    process.stderr.write(`there is no bug '${stranger}'\n`);
    return 64;
  }
  const record = optionIn(argv, '--record');
  const known = readRecord(record);
  const times: number[] = [];
  process.stdout.write(
    '| bug | known as | seeds | seeds run | processor time | law |\n| --- | --- | --- | --- | --- | --- |\n',
  );
  for (const bug of bugs) {
    const before = known.get(bug.name);
    const { seeds, seconds, law, message } = before ?? hunt(bug, options);
    if (record !== null && before === undefined) {
      appendFileSync(record, `${JSON.stringify({ name: bug.name, seeds, seconds, law, message })}\n`);
    }
    if (law !== null) times.push(seconds);
    const kinds = [bug.reconfigure === true ? ', `--reconfigure`' : '', bug.disk === true ? ', `--disk`' : ''];
    const which = `${bug.profile ?? 'any'}${kinds.join('')}`;
    const row = [bug.name, bug.source, which, seeds, `${seconds.toFixed(1)} s`, law ?? '**not found**'];
    process.stdout.write(`| ${row.join(' | ')} |\n`);
    if (argv.includes('--tell')) process.stderr.write(`${bug.name}: ${message}\n`);
  }
  times.sort((a, b) => a - b);
  const [median, worst] = [times[times.length >> 1] ?? 0, times.at(-1) ?? 0];
  process.stdout.write(
    `\n${times.length} of ${bugs.length} planted bugs found; median ${median.toFixed(1)} s, worst ${worst.toFixed(1)} s of processor time\n`,
  );
  return times.length === bugs.length && bugs.length > 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));

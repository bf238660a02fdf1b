/**
 * Makes histories for the search to judge:
 *
 *     node packages/sim/dist/src/histories/sample.js DIR [--seed N] [--seeds M] [--bugs]
 *
 * Runs seeds whose clients share objects, and writes each history into DIR, as it is and once for each way to spoil it that it
 * has a place for; with `--bugs` those of the same seeds on servers with bugs, too. Prints a line for each file, as JSON: its
 * name, what was planted in it (or null), the law that the fast checks find broken (or null), and the bug of its server, if
 * there is one. Exit code 1 when a run without bugs fails. `--tolerant` is how the copies with bugs are started.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshSeed, numberIn, wrongIn } from '../arguments.ts';
import type { PlantedBug } from '../planted/planted-bug.ts';
import { copyPackages, plant } from '../planted/workshop.ts';
import { runSeed } from '../run.ts';
import { CLIENT_BUGS } from './client-bugs.ts';
import { historyText } from './history-file.ts';
import { judgeHistory } from './judge.ts';
import type { Line } from './lines.ts';
import { SPOILINGS, type Spoiling, spoil } from './spoil.ts';

const USAGE = 'usage: node packages/sim/dist/src/histories/sample.js DIR [--seed N] [--seeds M] [--bugs]';
/** Requests a second: enough for operations to meet. */
const RATE = 20;
/** For servers with bugs: what may be stale is changed all the time, and links stall. */
const BUSY = { rate: 200, clients: 12, voters: 5, profile: 'sessions', objects: 'one register' } as const;

function write(folder: string, name: string, lines: readonly Line[], planted: Spoiling | null): void {
  const file = join(folder, `${name}.jsonl`);
  writeFileSync(file, historyText(lines));
  const law = judgeHistory([lines]).findings[0]?.law ?? null;
  process.stdout.write(`${JSON.stringify({ file, planted, law })}\n`);
}

function main(argv: readonly string[]): number {
  if (argv.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const [folder, ...words] = argv;
  const wrong = wrongIn(words, { '--seed': 'number', '--seeds': 'number', '--bugs': '', '--tolerant': '' });
  if (folder === undefined || folder.startsWith('--') || wrong !== null) {
    process.stderr.write(`${wrong ?? 'the first word is a folder'}\n${USAGE}\n`);
    return 64;
  }
  const range = { from: numberIn(words, '--seed', freshSeed()), count: numberIn(words, '--seeds', 10) };
  if (argv.includes('--tolerant')) return tolerantRuns(folder, range);
  const code = cleanRuns(folder, range);
  if (code !== 0 || !argv.includes('--bugs')) return code;
  for (const bug of CLIENT_BUGS) buggyRuns(folder, range, bug);
  return 0;
}

interface SeedRange {
  readonly from: number;
  readonly count: number;
}

function cleanRuns(folder: string, { from, count }: SeedRange): number {
  for (let seed = from; seed < from + count; seed++) {
    const { history, failure } = runSeed({ seed, minutes: 1, rate: RATE, objects: 'every kind' });
    write(folder, `${seed}`, history, null);
    if (failure !== null) {
      process.stderr.write(`--seed ${seed} --minutes 1 --rate ${RATE} --objects: ${failure.message}\n`);
      return 1;
    }
    for (const spoiling of SPOILINGS) {
      const spoiled = spoil(history, spoiling);
      if (spoiled !== null) write(folder, `${seed}-${spoiling}`, spoiled, spoiling);
    }
  }
  return 0;
}

/** What clients find wrong is left to those who judge the histories. */
function tolerantRuns(folder: string, { from, count }: SeedRange): number {
  for (let seed = from; seed < from + count; seed++) {
    const { history } = runSeed({ seed, minutes: 1, isTolerant: true, ...BUSY });
    write(folder, `${seed}`, history, null);
  }
  return 0;
}

/** The same seeds on a server with a bug. */
function buggyRuns(folder: string, { from, count }: SeedRange, bug: PlantedBug): void {
  const copy = copyPackages();
  const own = join(folder, bug.name.replaceAll(' ', '-'));
  mkdirSync(own, { recursive: true });
  try {
    plant(copy, bug);
    const program = join(copy, 'node_modules/@headkeeper/sim/dist/src/histories/sample.js');
    const argv = [program, own, '--tolerant', '--seed', String(from), '--seeds', String(count)];
    const lines = execFileSync(process.execPath, argv, { encoding: 'utf8' }).trimEnd().split('\n');
    for (const line of lines) process.stdout.write(`${JSON.stringify({ ...JSON.parse(line), bug: bug.name })}\n`);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

process.exitCode = main(process.argv.slice(2));

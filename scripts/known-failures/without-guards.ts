import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SCENARIOS } from '@headkeeper/sim/scenarios';
import { copyPackages, plant } from '@headkeeper/sim/workshop';
import { projectRoot } from '../project-files.ts';
import type { Edit, Entry, NamedTest } from './entry.ts';
import { REGISTRY } from './registry.ts';
import { keepResult, markOf } from './results.ts';

type Outcome = 'passes' | 'fails' | 'does not run';

/** What a test of node's runner may take, in milliseconds. */
const TIME = 180_000;
const PACKAGES = ['protocol', 'server', 'client', 'recipes', 'testkit', 'testing', 'sim', 'cli'] as const;
const PARTS = ['package.json', 'dist/src', 'dist/test', 'vectors', 'bin'] as const;

const packagesIn = (folder: string): string => path.join(folder, 'node_modules/@headkeeper');

/** Runs one named test on the copy. */
function runTest(folder: string, { file, name }: NamedTest): Outcome {
  const [, owner = '', rest = ''] = /^packages\/([^/]+)\/(test\/.*)\.ts$/.exec(file) ?? [];
  const emitted = path.join(packagesIn(folder), owner, 'dist', `${rest}.js`);
  // A name made of parts is found by what stands before the first of them.
  const [fixed = ''] = name.split('${');
  const pattern = `${fixed.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}${fixed === name ? '$' : ''}`;
  const run = spawnSync(
    process.execPath,
    ['--test', '--test-reporter=tap', ...(pattern === '' ? [] : [`--test-name-pattern=${pattern}`]), emitted],
    { encoding: 'utf8', timeout: TIME },
  );
  if (run.status !== 0) return 'fails';
  // Without anything to run the file itself is what passes.
  const didRun = new RegExp(`^ *ok \\d+ - .*${pattern}(?! # SKIP)`, 'm').test(run.stdout);
  return didRun ? 'passes' : 'does not run';
}

function isWellFormed(file: string): boolean {
  return spawnSync(process.execPath, ['--check', file], { stdio: 'ignore' }).status === 0;
}

/** The scenario program takes the guard out by itself, in a copy of its own. */
function failsWithoutGuard(scenario: string): boolean {
  const program = path.join(projectRoot, 'packages/sim/dist/src/scenario/main.js');
  const run = spawnSync(process.execPath, [program, '--planted', '--only', scenario], { encoding: 'utf8' });
  process.stdout.write(run.stdout.split('\n')[0]!.slice(0, 200).concat('\n'));
  return run.status === 0;
}

/** Whether one of the tests fails without the guards and all pass with them. */
function testsMiss(folder: string, entry: Entry, tests: readonly NamedTest[], edits: readonly Edit[]): boolean {
  const files = new Map<string, string>();
  for (const { package: name = 'server', file } of edits) {
    const at = path.join(packagesIn(folder), name, 'dist/src', file);
    files.set(at, readFileSync(at, 'utf8'));
  }
  const before = tests.map((test) => runTest(folder, test));
  plant(folder, { name: entry.id, edits });
  const after: Outcome[] = [];
  let formed = true;
  try {
    formed = [...files.keys()].every(isWellFormed);
    for (const test of tests) {
      if (formed && !after.includes('fails')) after.push(runTest(folder, test));
    }
  } finally {
    for (const [at, text] of files) writeFileSync(at, text);
  }
  const passed = before.every((outcome) => outcome === 'passes');
  const said = !formed
    ? 'WHAT IS PUT IN ITS PLACE IS NO CODE'
    : !passed
      ? `WITH ITS GUARD: ${before.join(', ')}`
      : after.includes('fails')
        ? 'fails'
        : 'PASSES';
  process.stdout.write(`${entry.id} without its guard: ${said}\n`);
  return formed && passed && after.includes('fails');
}

/**
 * Takes the guards of the entries out, one entry at a time.
 * @param only ids; null: all
 * @param keeps whether what is seen is written down
 * @returns 0 when each entry with a guard that can be taken out was seen to fail without it
 */
export function tryWithoutGuards(only: readonly string[] | null, keeps: boolean): number {
  const chosen = REGISTRY.filter((entry) => (only === null || only.includes(entry.id)) && markOf(entry) !== null);
  const folder = copyPackages(PACKAGES, PARTS);
  let red = 0;
  try {
    for (const entry of chosen) {
      const scenarios = SCENARIOS.filter(
        ({ id, guard }) =>
          guard.edits !== null && entry.proofs.some((proof) => 'scenario' in proof && proof.scenario === id),
      );
      const tests = entry.proofs.filter((proof): proof is NamedTest => 'name' in proof);
      const edits = (entry.guards ?? []).flatMap((guard) => guard.edits ?? []);
      const isRed =
        scenarios.every(({ id }) => failsWithoutGuard(id)) &&
        (edits.length === 0 || testsMiss(folder, entry, tests, edits));
      if (isRed) red++;
      if (keeps) keepResult(entry, isRed);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.stdout.write(`${red} of ${chosen.length} fail without their guard\n`);
  return red === chosen.length && red > 0 ? 0 : 1;
}

/**
 * Plants known bugs, one at a time, into a copy of the emitted server and lets random seeds of the simulator look for them:
 *
 *     node packages/sim/dist/src/planted/main.js [--for 60s] [--only NAME]
 *
 * Prints the processor time to each detection. Fails when a bug is not found in its time, or when the code no longer has
 * the place that a bug changes.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PLANTED_BUGS, type PlantedBug } from './bugs.ts';

const ROOT = resolve(import.meta.dirname, '../../../../..');
const PACKAGES = ['protocol', 'server', 'testkit', 'sim'] as const;

interface Outcome {
  readonly bug: PlantedBug;
  /** What the simulator said, or null when it found nothing. */
  readonly finding: string | null;
  readonly seconds: number;
}

/** A copy of the emitted packages in which files can be changed. */
function copyPackages(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-planted-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@headkeeper'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@headkeeper' && !name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const name of PACKAGES) {
    const from = join(ROOT, 'packages', name);
    const to = join(modules, '@headkeeper', name);
    cpSync(join(from, 'package.json'), join(to, 'package.json'));
    cpSync(join(from, 'dist/src'), join(to, 'dist/src'), { recursive: true });
  }
  return folder;
}

function plant(folder: string, bug: PlantedBug): void {
  for (const { file, find, put } of bug.edits) {
    const path = join(folder, 'node_modules/@headkeeper/server/dist/src', file);
    const text = readFileSync(path, 'utf8');
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`${bug.name}: ${file} has ${count} places that read: ${find}`);
    writeFileSync(path, text.replace(find, put));
  }
}

function hunt(bug: PlantedBug, time: string): Outcome {
  const folder = copyPackages();
  try {
    plant(folder, bug);
    const program = join(folder, 'node_modules/@headkeeper/sim/dist/src/main.js');
    const profile = bug.profile === null ? [] : ['--profile', bug.profile];
    const began = process.hrtime.bigint();
    const run = spawnSync(process.execPath, [program, '--for', time, ...profile], { encoding: 'utf8' });
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
  const bugs = PLANTED_BUGS.filter((bug) => only === undefined || bug.name === only);
  let missed = 0;
  for (const bug of bugs) {
    const { finding, seconds } = hunt(bug, option('--for') ?? '60s');
    if (finding === null) missed++;
    const said = finding === null ? 'NOT FOUND' : finding.slice(0, 160);
    process.stdout.write(`${bug.name}: ${seconds.toFixed(1)} s: ${said}\n`);
  }
  process.stdout.write(`${bugs.length - missed} of ${bugs.length} planted bugs found\n`);
  return missed === 0 && bugs.length > 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitCode } from '../check/violation.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

/** The project's root, seen from the emitted file. */
const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const PACKAGES = ['protocol', 'server', 'testkit', 'sim'] as const;
const CAUGHT: ReadonlySet<number> = new Set([ExitCode.crash, ExitCode.liveness, ExitCode.safety]);

/** A copy of what the simulator runs on, so that nobody else sees the mutants. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'headkeeper-mutants-'));
  const modules = join(copy, 'node_modules');
  mkdirSync(join(modules, '@headkeeper'), { recursive: true });
  for (const name of PACKAGES) {
    const from = join(ROOT, 'packages', name);
    const to = join(copy, 'packages', name);
    cpSync(join(from, 'dist/src'), join(to, 'dist/src'), { recursive: true });
    cpSync(join(from, 'package.json'), join(to, 'package.json'));
    symlinkSync(to, join(modules, '@headkeeper', name));
  }
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.') && name !== '@headkeeper')
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  return copy;
}

/** Puts the mutant in; returns how to take it out again. */
function plant(copy: string, mutant: Mutant): () => void {
  const originals = new Map<string, string>();
  for (const { file, from, to } of mutant.edits) {
    const path = join(copy, 'packages/server/dist/src', file);
    const text = readFileSync(path, 'utf8');
    if (!originals.has(path)) originals.set(path, text);
    if (text.split(from).length !== 2) throw new Error(`${mutant.name}: ${file} does not hold once: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  return () => {
    for (const [path, text] of originals) writeFileSync(path, text);
  };
}

function main(argv: readonly string[]): number {
  const at = argv.indexOf('--for');
  const time = at >= 0 ? (argv[at + 1] ?? '60s') : '60s';
  const names = argv.filter((argument, i) => !argument.startsWith('--') && i !== at + 1);
  const chosen = MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const copy = copyTree();
  let alive = 0;
  try {
    for (const mutant of chosen) {
      const takeOut = plant(copy, mutant);
      const began = performance.now();
      const run = spawnSync(
        process.execPath,
        [join(copy, 'packages/sim/dist/src/main.js'), '--for', time, '--minutes', '1', '--voters', '3'],
        { encoding: 'utf8' },
      );
      takeOut();
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const isCaught = CAUGHT.has(run.status ?? -1);
      if (!isCaught) alive++;
      const failure =
        /^FAILED.*/m.exec(run.stdout)?.[0].slice(0, 160) ?? `exit ${run.status} ${run.stderr.slice(0, 200)}`;
      process.stdout.write(`${isCaught ? 'caught' : 'ALIVE '} ${mutant.name} in ${seconds} s: ${failure}\n`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  process.stdout.write(`${chosen.length - alive} of ${chosen.length} mutants caught\n`);
  return alive === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));

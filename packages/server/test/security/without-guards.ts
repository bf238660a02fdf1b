/**
 * Takes the guards of the regression tests away, one at a time, in a copy of what was built, and runs the test of each:
 *
 *     node packages/server/dist/test/security/without-guards.js [PART OF A NAME]
 *
 * Exit code 1: a test has not noticed. 2: a guard is no longer where it was.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { GUARDS, type Guard } from './guards.ts';

const ROOT = resolve(import.meta.dirname, '../../../../..');
const PACKAGES = ['protocol', 'server', 'client', 'recipes', 'testkit', 'cli'] as const;

/** The built packages with their tests, in which files can be changed. */
function copyOfBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-guards-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@headkeeper'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@headkeeper' && !name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const name of PACKAGES) {
    for (const part of ['package.json', 'dist/src', 'dist/test', 'vectors', 'bin']) {
      const from = join(ROOT, 'packages', name, part);
      if (existsSync(from)) cpSync(from, join(modules, '@headkeeper', name, part), { recursive: true });
    }
  }
  return modules;
}

/** Runs the test with its guard, or without it. */
function passes(modules: string, test: string): boolean {
  const path = test.includes('/') ? test.replace('/', '/dist/') : `server/dist/test/security/${test}`;
  const file = join(modules, '@headkeeper', `${path}.test.js`);
  if (!existsSync(file)) throw new Error(`there is no test ${file}`);
  return spawnSync(process.execPath, ['--test', file], { timeout: 180_000, stdio: 'ignore' }).status === 0;
}

function main(wanted: string): number {
  const modules = copyOfBuild();
  let unnoticed = 0;
  try {
    for (const { test, package: name, file, find, put } of GUARDS.filter((guard: Guard) =>
      guard.test.includes(wanted),
    )) {
      const path = join(modules, '@headkeeper', name, 'dist/src', file);
      const text = readFileSync(path, 'utf8');
      const places = text.split(find).length - 1;
      if (places !== 1) {
        process.stdout.write(`${test}: ${file} has ${places} places that read: ${find}\n`);
        return 2;
      }
      writeFileSync(
        path,
        text.replace(find, () => put),
      );
      const noticed = !passes(modules, test);
      writeFileSync(path, text);
      const isRight = noticed && passes(modules, test);
      if (!isRight) unnoticed++;
      const outcome = isRight ? 'fails without its guard' : noticed ? 'FAILS WITH ITS GUARD, too' : 'DID NOT NOTICE';
      process.stdout.write(`${test.padEnd(46)} ${outcome}\n`);
    }
  } finally {
    rmSync(resolve(modules, '..'), { recursive: true });
  }
  process.stdout.write(unnoticed === 0 ? 'every guard is missed\n' : `${unnoticed} tests are no good\n`);
  return unnoticed === 0 ? 0 : 1;
}

process.exitCode = main(process.argv[2] ?? '');

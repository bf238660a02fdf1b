/**
 * Runs the emitted tests of all packages and of these scripts with node's test runner. (Node 20's runner takes files, not
 * patterns.) Arguments: parts of test paths to run only those; what begins with `--` goes to node as it is. Emitted files
 * whose source is gone are removed first, so that a deleted test cannot go on passing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { isMain, projectPackages, projectRoot } from './project-files.ts';

/** Folders whose `dist/test` may hold tests. */
export function testHomes(root: string): string[] {
  return [...projectPackages(root).flatMap((p) => (p.folder === '' ? [] : [p.folder])), 'scripts', 'interop', 'bench'];
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(name) : [name];
  });
}

/** Removes emitted test files without a source; returns them, relative to the root. */
export function removeStale(root: string): string[] {
  const removed: string[] = [];
  for (const home of testHomes(root)) {
    for (const file of filesBelow(path.join(root, home, 'dist', 'test'))) {
      const tail = path.relative(path.join(root, home, 'dist'), file);
      if (!/\.(?:js|js\.map|d\.ts|d\.ts\.map)$/.test(tail)) continue;
      const source = path.join(root, home, tail.replace(/\.(?:js|js\.map|d\.ts|d\.ts\.map)$/, '.ts'));
      if (existsSync(source)) continue;
      rmSync(file);
      removed.push(path.relative(root, file));
    }
  }
  return removed;
}

/** Absolute paths of the emitted tests whose path contains one of the filters (all of them without filters). */
export function findTests(root: string, filters: readonly string[]): string[] {
  return testHomes(root)
    .flatMap((home) => filesBelow(path.join(root, home, 'dist', 'test')))
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => filters.length === 0 || filters.some((part) => path.relative(root, file).includes(part)))
    .sort();
}

/** The test sources that have not been compiled: their tests would be missed without a word. */
export function uncompiledTests(root: string): string[] {
  return testHomes(root).flatMap((home) =>
    filesBelow(path.join(root, home, 'test'))
      .filter((file) => file.endsWith('.test.ts'))
      .filter((file) => {
        const tail = path.relative(path.join(root, home), file).replace(/\.ts$/, '.js');
        return !existsSync(path.join(root, home, 'dist', tail));
      })
      .map((file) => path.relative(root, file)),
  );
}

function main(): number {
  const options = process.argv.slice(2).filter((a) => a.startsWith('--'));
  const filters = process.argv.slice(2).filter((a) => !a.startsWith('--'));
  for (const file of removeStale(projectRoot)) process.stdout.write(`removed ${file}: its source is gone\n`);
  const missing = uncompiledTests(projectRoot).filter(
    (file) => filters.length === 0 || filters.some((part) => file.includes(part)),
  );
  for (const file of missing) process.stderr.write(`${file} has not been compiled; run npm run build\n`);
  const tests = findTests(projectRoot, filters);
  if (tests.length === 0) process.stderr.write(`no test matches ${filters.join(' ') || 'at all'}\n`);
  if (missing.length > 0 || tests.length === 0) return 1;
  const concurrency = Math.max(1, Math.min(4, availableParallelism()));
  const run = spawnSync(
    process.execPath,
    [
      '--enable-source-maps',
      '--test',
      '--test-reporter=spec',
      `--test-concurrency=${concurrency}`,
      ...options,
      ...tests,
    ],
    { cwd: projectRoot, stdio: 'inherit' },
  );
  return run.status ?? 1;
}

if (isMain(import.meta.url)) process.exitCode = main();

/**
 * Writes docs/internals/known-failures.md: each entry of the catalogue of known failures with its test, its guard and what
 * was seen of them. With `--check` it fails when the document is not what the code says, or when a test or a guard is not
 * where it is said to be. With `--without-guards [--only D01,D02] [--keep]` it takes the guards out, one entry at a time.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { IDS } from './known-failures/entry.ts';
import { readerOf, registryProblems } from './known-failures/problems.ts';
import { REGISTRY } from './known-failures/registry.ts';
import { readResults } from './known-failures/results.ts';
import { renderKnownFailures } from './known-failures/table.ts';
import { tryWithoutGuards } from './known-failures/without-guards.ts';
import { projectRoot, reportProblems } from './project-files.ts';

const document = 'docs/internals/known-failures.md';

function main(argv: readonly string[]): void {
  if (argv.includes('--without-guards')) {
    const at = argv.indexOf('--only');
    const only = at < 0 ? null : (argv[at + 1] ?? '').split(',');
    process.exitCode = tryWithoutGuards(only, argv.includes('--keep'));
    return;
  }
  const wanted = renderKnownFailures(REGISTRY, readResults());
  const file = path.join(projectRoot, document);
  if (!argv.includes('--check')) {
    writeFileSync(file, wanted);
    return;
  }
  const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const stale =
    current === wanted ? [] : [`${document} is not what the code says: node scripts/dist/known-failures.js`];
  const problems = registryProblems(REGISTRY, readerOf(projectRoot));
  const open = IDS.length - REGISTRY.filter(({ proofs }) => proofs.length > 0).length;
  reportProblems('known failures', [...problems, ...stale], `${IDS.length} entries, ${open} open`);
}

main(process.argv.slice(2));

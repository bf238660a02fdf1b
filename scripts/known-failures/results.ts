import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SCENARIOS } from '@headkeeper/sim/scenarios';
import { projectRoot } from '../project-files.ts';
import { type Entry, SECTIONS } from './entry.ts';

/**
 * Of each entry whose test has been seen to fail without its guard: a mark of the test and of what took the guard out.
 * A change of either makes the mark another one, and the entry has to be tried again.
 */
export type Results = Readonly<Record<string, string>>;

const fileOf = (letter: string): string => path.join(projectRoot, 'scripts/known-failures/results', `${letter}.json`);

/** What stands for an entry's test and for the edits that take its guard out; null when nothing can be taken out. */
export function markOf({ proofs, guards = [] }: Entry): string | null {
  const scenarios = SCENARIOS.filter(({ id }) => proofs.some((proof) => 'scenario' in proof && proof.scenario === id));
  const edits = [
    ...scenarios.flatMap(({ guard }) => guard.edits ?? []),
    ...guards.flatMap((guard) => guard.edits ?? []),
  ];
  if (edits.length === 0) return null;
  return createHash('sha256')
    .update(JSON.stringify([proofs, edits]))
    .digest('hex')
    .slice(0, 12);
}

/** All that has been seen. */
export function readResults(): Results {
  const files = SECTIONS.map(({ letter }) => fileOf(letter)).filter((file) => existsSync(file));
  return Object.assign({}, ...files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results));
}

/** Keeps what was seen of one entry: `isRed` whether its test failed without its guard. */
export function keepResult(entry: Entry, isRed: boolean): void {
  const file = fileOf(entry.id.charAt(0));
  const marks = new Map(existsSync(file) ? Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Results) : []);
  const mark = markOf(entry);
  if (isRed && mark !== null) marks.set(entry.id, mark);
  else marks.delete(entry.id);
  const sorted = Object.fromEntries([...marks].sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
}

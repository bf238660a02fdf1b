import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { SCENARIOS } from '@headkeeper/sim/scenarios';
import { type Edit, type Entry, IDS, type NamedTest } from './entry.ts';

/** Where the files named by entries are read, so that tests can stand for the project. */
export type Reader = (file: string) => string | null;

/** Files below the root of a project. */
export function readerOf(root: string): Reader {
  return (file) => (existsSync(path.join(root, file)) ? readFileSync(path.join(root, file), 'utf8') : null);
}

/** The emitted file that an edit changes. */
export const emittedFile = ({ package: name = 'server', file }: Edit): string => `packages/${name}/dist/src/${file}`;

const occurrences = (text: string, part: string): number => text.split(part).length - 1;

function testProblem({ file, name }: NamedTest, read: Reader): string | null {
  if (!/^(?:packages\/[^/]+|scripts|interop|bench)\/test\/.*\.test\.ts$/.test(file)) return `${file} is no test`;
  const text = read(file);
  if (text === null) return `there is no ${file}`;
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll("'", "\\\\?'");
  // A long name may stand on the line behind the bracket.
  const declared = new RegExp(`\\b(?:test|it|step|check)(?:\\.\\w+)?\\(\\s*(['"\`])${literal}\\1`);
  return declared.test(text) ? null : `${file} has no test called: ${name}`;
}

function onceIn(file: string, part: string, read: Reader): string | null {
  const text = read(file);
  if (text === null) return `there is no ${file}`;
  const count = occurrences(text, part);
  return count === 1 ? null : `${file} has ${count} places that read: ${part}`;
}

function scenarioProblem(wanted: string, read: Reader): string | null {
  const scenario = SCENARIOS.find(({ id }) => id === wanted);
  if (scenario === undefined) return `there is no scenario ${wanted}`;
  const problems = (scenario.guard.edits ?? []).map((edit) => onceIn(emittedFile(edit), edit.find, read));
  return problems.find((problem) => problem !== null) ?? null;
}

function entryProblems(entry: Entry, read: Reader): (string | null)[] {
  const { proofs, guards = [], byDesign, missing } = entry;
  const acted = proofs.some((proof) => 'scenario' in proof);
  const isOpen = proofs.length === 0;
  return [
    isOpen && missing === undefined ? 'neither a test nor what is missing' : null,
    !isOpen && !acted && guards.length === 0 ? 'names no guard' : null,
    byDesign === '' || missing === '' || entry.title === '' ? 'an empty reason' : null,
    ...proofs.map((proof) => {
      if ('scenario' in proof) return scenarioProblem(proof.scenario, read);
      if ('command' in proof) return read(proof.file) === null ? `there is no ${proof.file}` : null;
      return testProblem(proof, read);
    }),
    ...guards.flatMap(({ file, text, edits = [] }) => [
      /^packages\/[^/]+\/src\//.test(file) ? onceIn(file, text, read) : `${file} is no source of a package`,
      ...edits.map((edit) => onceIn(emittedFile(edit), edit.find, read)),
    ]),
  ];
}

/** What is wrong with what is written down: names that lead nowhere, guards that have moved, ids that are not known. */
export function registryProblems(entries: readonly Entry[], read: Reader): string[] {
  const ids = entries.map(({ id }) => id);
  const order = ids.map((id) => IDS.indexOf(id));
  return [
    ...ids.filter((id) => !IDS.includes(id)).map((id) => `${id}: the catalogue has no such entry`),
    ...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `${id}: stands twice`),
    ...ids.filter((_, i) => i > 0 && order[i]! < order[i - 1]!).map((id) => `${id}: not in the catalogue's order`),
    ...entries.flatMap((entry) =>
      entryProblems(entry, read)
        .filter((problem) => problem !== null)
        .map((problem) => `${entry.id}: ${problem}`),
    ),
  ];
}

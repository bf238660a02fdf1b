import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../project-files.ts';

/** What is wrong with the bookkeeping of a document of laws. */
function lawProblems(text: string): string[] {
  const [laws = '', index = ''] = text.split('\n## Index\n');
  const problems: string[] = [];
  const numbers = [...laws.matchAll(/^(\d+)\. \*\*/gm)].map((m) => Number(m[1]));
  numbers.forEach((n, i) => {
    if (n !== i + 1) problems.push(`law ${n} stands where ${i + 1} should`);
  });
  const gaps = new Set((/^Gaps: ([\d, ]+|none)\./m.exec(index)?.[1]?.match(/\d+/g) ?? []).map(Number));
  const rows = [...index.matchAll(/^\| (\d+) \| (.*) \| (.*) \|$/gm)];
  for (const row of rows) {
    const [, n, kept, tested] = row;
    if (!numbers.includes(Number(n))) problems.push(`the index has a law ${n} that is not stated`);
    if (gaps.has(Number(n))) problems.push(`law ${n} is both in the index and a gap`);
    if (!/\.ts\)/.test(kept!)) problems.push(`law ${n} does not say where it is kept`);
    if (!/\.test\.ts\)|\/interop\/|\/packages\/sim\//.test(tested!)) problems.push(`law ${n} names no test`);
  }
  for (const n of numbers) {
    if (!gaps.has(n) && !rows.some((row) => Number(row[1]) === n))
      problems.push(`law ${n} is neither in the index nor a gap`);
  }
  return problems;
}

test('every law is kept and tested somewhere, or named as a gap', () => {
  assert.deepEqual(lawProblems(readFileSync(path.join(projectRoot, 'docs/internals/laws.md'), 'utf8')), []);
});

const sound = '1. **A.** x\n2. **B.** y\n\n## Index\n\n| 1 | [a](a.ts) | [t](t.test.ts) |\n\nGaps: 2.\n';
test('planted mistakes are seen', () => {
  assert.deepEqual(lawProblems(sound), []);
  assert.match(lawProblems(sound.replace('Gaps: 2', 'Gaps: none')).join(), /law 2 is neither/);
  assert.match(lawProblems(sound.replace('Gaps: 2', 'Gaps: 1, 2')).join(), /law 1 is both/);
  assert.match(lawProblems(sound.replace('[t](t.test.ts)', 'by hand')).join(), /law 1 names no test/);
  assert.match(lawProblems(sound.replace('[a](a.ts)', '')).join(), /law 1 does not say/);
  assert.match(lawProblems(sound.replace('2. **B', '3. **B')).join(), /law 3 stands where 2/);
  assert.match(lawProblems(sound.replace('| 1 |', '| 7 |')).join(), /a law 7 that is not stated/);
});

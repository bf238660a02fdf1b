import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, IDS } from '../known-failures/entry.ts';
import { readerOf, registryProblems } from '../known-failures/problems.ts';
import { REGISTRY } from '../known-failures/registry.ts';
import { markOf } from '../known-failures/results.ts';
import { renderKnownFailures } from '../known-failures/table.ts';
import { projectRoot } from '../project-files.ts';

test('what is written down leads somewhere, and every entry of the catalogue has its row in the table', () => {
  assert.equal(IDS.length, 158);
  assert.deepEqual(registryProblems(REGISTRY, readerOf(projectRoot)), []);
  const text = renderKnownFailures(REGISTRY, {});
  for (const id of IDS) assert.equal(text.split(`<a id="${id.toLowerCase()}"></a>`).length, 2, id);
});

const files: Readonly<Record<string, string>> = {
  'packages/server/test/a.test.ts': "test('it\\'s kept', () => {});\nit(\n  'and kept again', () => {});",
  'packages/server/src/a.ts': 'if (isWrong) refuse();\nturn();\nturn();\n',
  'packages/server/dist/src/a.js': 'if (isWrong)\n    refuse();\n',
};
const read = (file: string): string | null => files[file] ?? null;
const sound: Entry = {
  id: 'D01',
  title: 'it is lost',
  proofs: [{ file: 'packages/server/test/a.test.ts', name: "it's kept" }],
  guards: [
    {
      file: 'packages/server/src/a.ts',
      text: 'if (isWrong) refuse();',
      edits: [{ file: 'a.js', find: 'if (isWrong)', put: 'if (false)' }],
    },
  ],
};

test('planted mistakes are seen', () => {
  const problems = (change: Partial<Entry>): string => registryProblems([{ ...sound, ...change }], read).join('\n');
  const [guard] = sound.guards!;
  assert.equal(problems({}), '');
  assert.equal(problems({ proofs: [{ file: 'packages/server/test/a.test.ts', name: 'and kept again' }] }), '');
  assert.match(problems({ id: 'D27' }), /D27: the catalogue has no such entry/);
  assert.match(registryProblems([sound, sound], read).join(), /D01: stands twice/);
  assert.match(registryProblems([sound, { ...sound, id: 'S01' }], read).join(), /S01: not in the catalogue's order/);
  assert.match(
    problems({ proofs: [{ file: 'packages/server/test/a.test.ts', name: 'kept' }] }),
    /no test called: kept/,
  );
  assert.match(problems({ proofs: [{ file: 'packages/server/test/b.test.ts', name: 'x' }] }), /there is no .*b\.test/);
  assert.match(problems({ proofs: [{ file: 'packages/server/src/a.ts', name: 'x' }] }), /is no test/);
  assert.match(problems({ proofs: [{ scenario: 'Z99' }] }), /no scenario Z99/);
  assert.match(problems({ proofs: [{ command: 'x', file: 'x.ts', part: 'all' }] }), /there is no x\.ts/);
  assert.match(problems({ proofs: [] }), /neither a test nor what is missing/);
  assert.match(problems({ guards: [] }), /names no guard/);
  assert.match(problems({ guards: [{ ...guard!, text: 'turn();' }] }), /a\.ts has 2 places that read: turn/);
  assert.match(problems({ guards: [{ ...guard!, text: 'gone();' }] }), /a\.ts has 0 places/);
  assert.match(problems({ guards: [{ ...guard!, file: 'scripts/a.ts' }] }), /no source of a package/);
  const moved = { ...guard!, edits: [{ file: 'a.js', find: 'if (wrong)', put: '' }] };
  assert.match(problems({ guards: [moved] }), /a\.js has 0 places that read: if \(wrong\)/);
});

test('an entry with a test and something missing is told apart', () => {
  assert.equal(registryProblems([{ ...sound, missing: 'the other half' }], read).join(), '');
  const text = renderKnownFailures([{ ...sound, missing: 'the other half' }], { D01: markOf(sound)! });
  assert.match(text, /D01 .* partly: the other half \|/);
});

test('what was seen counts until the test or the change without the guard is another one', () => {
  const rows = (entry: Entry): string => renderKnownFailures([entry], { D01: markOf(sound)! });
  const [guard] = sound.guards!;
  assert.match(rows(sound), /D01 .* red without guard \|/);
  assert.match(rows({ ...sound, title: 'another' }), /D01 .* red without guard \|/);
  assert.match(rows({ ...sound, proofs: [{ ...sound.proofs[0]!, file: 'x' } as never] }), /D01 .* tested \|/);
  const other = { ...guard!, edits: [{ file: 'a.js', find: 'if (isWrong)', put: '' }] };
  assert.match(rows({ ...sound, guards: [other] }), /D01 .* tested \|/);
});

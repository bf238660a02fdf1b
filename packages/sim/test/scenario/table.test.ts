import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { SCENARIOS } from '../../src/scenario/catalogue.ts';

const ROOT = resolve(import.meta.dirname, '../../../../..');

test('every entry on elections and synchronisation has its scenario', () => {
  const entries = new Set(SCENARIOS.map(({ id }) => id).filter((id) => /^[ES]/.test(id)));
  const wanted = [
    ...Array.from({ length: 18 }, (_, i) => `E${String(i + 1).padStart(2, '0')}`),
    ...Array.from({ length: 26 }, (_, i) => `S${String(i + 1).padStart(2, '0')}`),
  ];
  assert.deepEqual([...entries], wanted);
});

test('every guard stands where the scenario takes it out', () => {
  for (const { id, guard } of SCENARIOS) {
    assert.ok(guard.edits === null ? guard.why : guard.edits.length > 0, id);
    for (const { file, find } of guard.edits ?? []) {
      const text = readFileSync(join(ROOT, 'packages/server/dist/src', file), 'utf8');
      assert.equal(text.split(find).length - 1, 1, `${id}: ${file} has not one place that reads: ${find}`);
    }
  }
});

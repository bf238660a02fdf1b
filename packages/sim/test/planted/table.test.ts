import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { PLANTED_BUGS } from '../../src/planted/bugs.ts';

const PACKAGES = resolve(import.meta.dirname, '../../../..');

test('every planted bug of the server stands where it is put, and changes something', () => {
  for (const { name, edits } of PLANTED_BUGS) {
    assert.ok(edits.length > 0, name);
    for (const { package: owner = 'server', file, find, put } of edits) {
      const text = readFileSync(join(PACKAGES, owner, 'dist/src', file), 'utf8');
      assert.equal(text.split(find).length - 1, 1, `${name}: ${file} has not one place that reads: ${find}`);
      assert.notEqual(find, put, name);
    }
  }
});

test('there are forty of them, each under its own name, with those that Apache ZooKeeper has had', () => {
  const names = new Set(PLANTED_BUGS.map(({ name }) => name));
  assert.equal(names.size, PLANTED_BUGS.length);
  assert.ok(names.size >= 40, `${names.size} planted bugs`);
  const sources = PLANTED_BUGS.map(({ source }) => source).join('\n');
  for (const issue of [3023, 4394, 4643, 4646, 4685, 4712, 4785, 4882, 4925, 5010]) {
    assert.match(sources, new RegExp(`\\b${issue}\\b`), `ZOOKEEPER-${issue} is not planted`);
  }
});

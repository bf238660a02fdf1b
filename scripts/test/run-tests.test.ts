import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { findTests, removeStale, uncompiledTests } from '../run-tests.ts';

const root = mkdtempSync(path.join(tmpdir(), 'run-tests-'));
after(() => rmSync(root, { recursive: true }));
const put = (file: string, text = ''): void => {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
};
put('package.json', JSON.stringify({ name: 'root', version: '1.0.0', workspaces: ['packages/a'] }));
put('packages/a/package.json', JSON.stringify({ name: 'a', version: '1.0.0' }));
put('packages/a/test/deep/kept.test.ts');
put('packages/a/test/fresh.test.ts');
put('packages/a/dist/test/deep/kept.test.js');
put('packages/a/dist/test/gone.test.js');
put('packages/a/dist/test/gone.test.js.map');
put('scripts/test/own.test.ts');
put('scripts/dist/test/own.test.js');

test('stale tests go, the others are found, and uncompiled ones are named', () => {
  assert.deepEqual(removeStale(root), ['packages/a/dist/test/gone.test.js', 'packages/a/dist/test/gone.test.js.map']);
  assert.ok(!existsSync(path.join(root, 'packages/a/dist/test/gone.test.js')));
  const names = (filters: string[]): string[] => findTests(root, filters).map((f) => path.relative(root, f));
  assert.deepEqual(names([]), ['packages/a/dist/test/deep/kept.test.js', 'scripts/dist/test/own.test.js']);
  assert.deepEqual(names(['deep/']), ['packages/a/dist/test/deep/kept.test.js']);
  assert.deepEqual(names(['nothing']), []);
  assert.deepEqual(uncompiledTests(root), ['packages/a/test/fresh.test.ts']);
});

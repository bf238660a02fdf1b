import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { GUARDS } from './guards.ts';

const ROOT = resolve(import.meta.dirname, '../../../../..');
const HERE = 'packages/server/test/security';
const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
const rows = text.split('\n').filter((line) => /^\| (?:CVE-|A\d|O\d)/.test(line));

const CVES = [
  ...['2014-0085', '2016-5017', '2017-5637', '2018-8012', '2019-0201', '2023-44981', '2024-23944', '2024-51504'],
  ...['2025-58457', '2026-24281', '2026-24308', '2026-59739', '2026-59969', '2026-79993', '2026-84439', '2026-84501'],
];

test('every known weakness has its row', () => {
  const ids = rows.map((row) => row.split('|')[1]?.trim() ?? '');
  for (const cve of CVES)
    assert.ok(
      ids.some((id) => id.startsWith(`CVE-${cve}`)),
      cve,
    );
  for (let entry = 16; entry <= 23; entry++) assert.ok(ids.includes(`A${entry}`), `A${entry}`);
});

test('every test that a row names is there', () => {
  for (const row of rows) {
    const named = [...row.matchAll(/`(packages\/[^`]+\.test\.ts)`: "([^"]+)"/g)];
    assert.ok(named.length > 0, row);
    for (const [, file = '', name = ''] of named) {
      const path = join(ROOT, file);
      assert.ok(existsSync(path), file);
      const source = readFileSync(path, 'utf8').replaceAll("\\'", "'");
      const stands = new RegExp(`(?:test|it)\\(\\s*['"\`]${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`).test(source);
      assert.ok(stands, `${file} has no test "${name}"`);
    }
  }
});

test('every regression test is in the table', () => {
  for (const file of readdirSync(join(ROOT, HERE))) {
    if (!file.endsWith('.test.ts') || file === 'security-document.test.ts') continue;
    assert.ok(
      rows.some((row) => row.includes(`${HERE}/${file}`)),
      file,
    );
  }
});

test('every guard stands where it can be taken away, and each regression test has one', () => {
  for (const { test: name, package: home, file, find } of GUARDS) {
    const emitted = readFileSync(join(ROOT, 'packages', home, 'dist/src', file), 'utf8');
    assert.equal(emitted.split(find).length - 1, 1, `${name}: ${file} has not one place that reads: ${find}`);
  }
  const guarded = new Set(GUARDS.map((guard) => guard.test));
  for (const row of rows) {
    for (const [, name = ''] of row.matchAll(/security\/([\w-]+)\.test\.ts/g)) assert.ok(guarded.has(name), name);
  }
});

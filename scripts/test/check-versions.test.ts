import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockProblems, versionProblems } from '../check-versions.ts';
import type { Manifest, ProjectPackage } from '../project-files.ts';

const base = { version: '1.0.0', type: 'module', license: 'Apache-2.0', engines: { node: '>=20.19' } };
const project = (sister: Partial<Manifest>): ProjectPackage[] => [
  { folder: '', manifest: { ...base, name: 'root' } },
  { folder: 'a', manifest: { ...base, name: 'a' } },
  { folder: 'b', manifest: { ...base, name: 'b', dependencies: { a: '1.0.0', pino: '10.4.0' }, ...sister } },
];

test('one version everywhere is fine, and peers of any later one', () => {
  assert.deepEqual(versionProblems(project({})), []);
  assert.deepEqual(versionProblems(project({ peerDependencies: { vitest: '>=2' } })), []);
});

const violations: [name: string, sister: Partial<Manifest>, expected: RegExp][] = [
  ['another version', { version: '1.0.1' }, /b\/package.json has version 1\.0\.1/],
  ['a loose internal range', { dependencies: { a: '^1.0.0' } }, /names a as \^1\.0\.0, not exactly/],
  ['a loose foreign range', { devDependencies: { pino: '~10.4.0' } }, /pin an exact version/],
  ['a peer of one version', { peerDependencies: { vitest: '2.0.0' } }, /say the least version that will do/],
  ['another engine', { engines: { node: '>=18' } }, /asks for node/],
  ['another licence', { license: 'MIT' }, /has licence MIT/],
];
for (const [name, sister, expected] of violations) {
  test(`planted: ${name}`, () => {
    assert.match(versionProblems(project(sister)).join('\n'), expected);
  });
}

test('a lock file without a package for another platform is seen', () => {
  const packages = {
    '': { dependencies: { a: '1.0.0' } },
    'packages/x': { dependencies: { b: '1.0.0' } },
    'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0' }, dependencies: { c: '1.0.0' } },
    'node_modules/a-linux': {},
    'node_modules/a/node_modules/c': {},
    'packages/x/node_modules/b': {},
  };
  assert.deepEqual(lockProblems({ packages }), []);
  const asked = { ...packages, 'node_modules/a-linux': { optionalDependencies: { 'a-darwin': '1.0.0' } } };
  assert.deepEqual(lockProblems({ packages: asked }), [
    'package-lock.json has no a-darwin, which node_modules/a-linux asks for',
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCycle, type ImportPlan, importProblems } from '../check-imports.ts';
import type { CompilerProject } from '../compiler-projects.ts';
import { zones } from '../import-rules.ts';
import type { ProjectPackage } from '../project-files.ts';

const doors = (...subpaths: string[]): Record<string, Record<string, string>> =>
  Object.fromEntries(subpaths.map((s) => [s, { default: `./dist/src/${s === '.' ? 'index' : s.slice(2)}.js` }]));

const base = { version: '1.0.0', type: 'module' };
const packages: ProjectPackage[] = [
  {
    folder: '',
    manifest: {
      ...base,
      name: 'root',
      private: true,
      devDependencies: { 'fast-check': '1.0.0' },
      imports: { '#peers/*': './interop/dist/peers/*.js' },
    },
  },
  { folder: 'packages/protocol', manifest: { ...base, name: '@headkeeper/protocol', exports: doors('.') } },
  {
    folder: 'packages/server',
    manifest: {
      ...base,
      name: '@headkeeper/server',
      exports: doors('.', './internal'),
      dependencies: { '@headkeeper/protocol': '1.0.0', pino: '1.0.0' },
    },
  },
  {
    folder: 'packages/testkit',
    manifest: { ...base, name: '@headkeeper/testkit', private: true, exports: doors('.') },
  },
  {
    folder: 'packages/cli',
    manifest: { ...base, name: 'headkeeper', dependencies: { '@headkeeper/server': '1.0.0' } },
  },
];

/** A healthy project; each case plants its own violation in a copy. */
const healthy: Record<string, string> = {
  'packages/protocol/src/index.ts': "export { a } from './bytes/reader.ts';",
  'packages/protocol/src/bytes/reader.ts': 'export const a = 1;',
  'packages/server/src/index.ts': "export { m } from './main.ts';",
  'packages/server/src/internal.ts': "export { r } from './core/replica.ts';",
  'packages/server/src/main.ts': "import { d } from './driver/driver.ts';\nimport 'node:fs';\nexport const m = d;",
  'packages/server/src/admin/words.ts': "import type { r } from '../core/replica.ts';",
  'packages/server/src/ports.ts': 'export interface Clock { now(): number }',
  'packages/server/src/driver/driver.ts': "import { r } from '../core/replica.ts';\nexport const d = r;",
  'packages/server/src/core/replica.ts': "import { a } from '@headkeeper/protocol';\nexport const r = a;",
  'packages/server/src/adapters/system/clock.ts':
    "import type { Clock } from '../../ports.ts';\nexport const now = Date.now;",
  'packages/server/test/replica.test.ts':
    "import fc from 'fast-check';\nimport { r } from '../src/core/replica.ts';\nimport '@headkeeper/testkit';",
  'packages/testkit/src/index.ts': 'export {};',
  'packages/cli/src/main.ts': "import { m } from '@headkeeper/server';",
  'packages/cli/test/process.test.ts':
    "const bin = new URL('../../bin/headkeeper.js', import.meta.url);\nconst own = new URL('./child.js', import.meta.url);",
  'packages/cli/test/child.ts': '',
  'interop/peers/java.ts': '',
  'bench/compare.ts': "import '#peers/java';",
  'packages/cli/bin/headkeeper.js': "import '../dist/src/main.js';",
};

const project = (config: string, include: string, ...references: string[]): CompilerProject => {
  return { config, includes: [include], excludes: [], references };
};
const projects = [
  project('protocol', 'packages/protocol'),
  project('server', 'packages/server/src', 'protocol'),
  project('testkit', 'packages/testkit/src'),
  project('server-test', 'packages/server/test', 'server', 'testkit'),
  project('cli', 'packages/cli', 'server'),
  project('interop', 'interop'),
  project('bench', 'bench', 'interop'),
];

const problemsOf = (planted: Record<string, string>): string[] => {
  const files = new Map(Object.entries({ ...healthy, ...planted }));
  const plan: ImportPlan = { zones, packages, projects, files };
  return importProblems(plan);
};

test('a healthy project has no problems', () => {
  assert.deepEqual(problemsOf({}), []);
});

const core = 'packages/server/src/core/planted.ts';
const violations: [name: string, planted: Record<string, string>, expected: RegExp][] = [
  [
    'upward import',
    { [core]: "import { d } from '../driver/driver.ts';" },
    /server\/core must not import server\/driver/,
  ],
  ['upward type import', { [core]: "import type { d } from '../driver/driver.ts';" }, /must not import server\/driver/],
  [
    'value where only types may be imported',
    { 'packages/server/src/admin/status.ts': "import { r } from '../core/replica.ts';" },
    /server\/admin must not import server\/core/,
  ],
  [
    'a second cycle',
    {
      'packages/server/src/core/one.ts': "import './two.ts';",
      'packages/server/src/core/two.ts': "import './one.ts';",
      'packages/server/src/core/three.ts': "import './four.ts';",
      'packages/server/src/core/four.ts': "import './three.ts';",
    },
    /import cycle: .*three\.ts -> .*four\.ts/,
  ],
  ['built-in in the core', { [core]: "import fs from 'node:fs';" }, /server\/core must not import node:fs/],
  ['clock in the core', { [core]: 'export const t = Date.now();' }, /names Date/],
  ['randomness in the core', { [core]: 'export const t = Math.random();' }, /names Math.random/],
  ['promise in the core', { [core]: 'export const t = async () => 1;' }, /names async/],
  ['locale in the core', { [core]: "export const t = 'a'.localeCompare('b');" }, /names localeCompare/],
  [
    'cycle of types',
    {
      'packages/server/src/core/one.ts': "import type { B } from './two.ts';\nexport type A = B;",
      'packages/server/src/core/two.ts': "import type { A } from './one.ts';\nexport type B = A;",
    },
    /import cycle: .*one\.ts -> .*two\.ts/,
  ],
  ['package not in the manifest', { [core]: "import x from 'leftpad';" }, /imports leftpad, which packages\/server/],
  ['test tool in source', { [core]: "import fc from 'fast-check';" }, /imports fast-check/],
  ['deep import', { 'packages/cli/src/deep.ts': "import '@headkeeper/server/core/replica';" }, /past the doors/],
  ['unknown door', { 'packages/cli/src/deep.ts': "import '@headkeeper/server/dist/src/main.js';" }, /past the doors/],
  [
    'path into a sister',
    { 'packages/cli/src/deep.ts': "import '../../server/src/main.ts';" },
    /reaches into another package/,
  ],
  ['worker that is not there', { [core]: "new URL('./gone.js', import.meta.url);" }, /which is not there/],
  ['private name of nothing', { 'bench/other.ts': "import '#peers/gone';" }, /#peers\/gone, which is not there/],
  ['private name against the plan', { 'scripts/other.ts': "import '#peers/java';" }, /scripts must not import interop/],
  [
    'project without a reference',
    { 'packages/protocol/test/x.test.ts': "import '@headkeeper/testkit';" },
    /^protocol does not reference testkit, which packages\/protocol\/test\/x\.test\.ts needs$/m,
  ],
  ['import of nothing', { [core]: "import { x } from './gone.ts';" }, /which is not there/],
  [
    'protocol importing the server',
    { 'packages/protocol/src/up.ts': "import '@headkeeper/server';" },
    /does not depend on/,
  ],
  ['file outside the plan', { 'packages/other/src/a.ts': '' }, /belongs to no zone/],
];

for (const [name, planted, expected] of violations) {
  test(`planted: ${name}`, () => {
    const problems = problemsOf(planted);
    assert.ok(
      problems.some((p) => expected.test(p)),
      `expected ${expected} among ${JSON.stringify(problems)}`,
    );
  });
}

test('the words of a pure zone are no problem in comments, strings and keys', () => {
  assert.deepEqual(
    problemsOf({ [core]: "// Date\nexport const o = { async: 1, text: 'Math.random()' }; o.async;" }),
    [],
  );
});

test('a table with a cycle, or naming no zone, is refused', () => {
  const files = new Map<string, string>();
  const two = { a: { at: 'a', may: ['b'], node: false }, b: { at: 'b', may: ['a', 'c'], node: false } };
  const problems = importProblems({ zones: two, packages, projects: [], files });
  assert.ok(problems.some((p) => /table itself has a cycle/.test(p)));
  assert.ok(problems.some((p) => /which is no zone/.test(p)));
});

test('a cycle is found behind an acyclic start', () => {
  const ring = findCycle(
    new Map([
      ['a', ['b', 'c']],
      ['b', []],
      ['c', ['d']],
      ['d', ['c']],
    ]),
  );
  assert.deepEqual(ring, ['c', 'd', 'c']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanSource } from '../source-text.ts';
import { longFunctions, type TidyInput, tidy } from '../tidy.ts';

const door = { '.': { default: './dist/src/index.js' } };
const base = { version: '1.0.0', type: 'module' };
const packages: TidyInput['packages'] = [
  { folder: '', manifest: { ...base, name: 'root' } },
  { folder: 'packages/server', manifest: { ...base, name: '@headkeeper/server', exports: door } },
];
const index = 'packages/server/src/index.ts';
const clean: Record<string, string> = {
  [index]: "export { m } from './main.ts';\n",
  'packages/server/src/main.ts': 'export const m = process.env;\n',
  'packages/server/test/a.test.ts': "import { m } from '../src/index.ts';\n",
  'README.md': '# Title\n\n[there](docs/a.md)\n',
  'docs/a.md':
    '# A\n\n`packages/server/dist/src/main.js` `main.ts` [back](../README.md#x) [out](https://example.org)\n',
};
const problemsOf = (planted: Record<string, string>, longFiles: Record<string, number> = {}): string[] =>
  tidy({ files: new Map(Object.entries({ ...clean, ...planted })), packages, longFiles, exists: () => false }).problems;

test('a clean project has no problems', () => {
  assert.deepEqual(problemsOf({}), []);
});

const inSource = (text: string): Record<string, string> => ({ [index]: `export { m } from './main.ts';\n${text}\n` });
const inTest = (text: string): Record<string, string> => ({ 'packages/server/test/b.test.ts': `${text}\n` });
const violations: [name: string, planted: Record<string, string>, expected: RegExp][] = [
  ['sleep by promise', inTest('await new Promise((resolve) => setTimeout(resolve, 100));'), /\[sleep\]/],
  ['sleep by timers/promises', inTest('await setTimeout(100);'), /\[sleep\]/],
  ['console', inSource("console.log('x');"), /\[console\]/],
  ['clock', inSource('const t = Date.now();'), /\[clock\]/],
  ['randomness', inSource('const t = Math.random();'), /\[random\]/],
  ['exit', inSource('process.exit(1);'), /\[exit\]/],
  ['environment', inSource('const e = process.env;'), /\[environment\]/],
  ['leftover in code', inSource(`// ${'TO'}${'DO'}: later`), /\[leftover\]/],
  ['leftover in a document', { 'docs/b.md': `# B\n\n${'FIX'}${'ME'}\n` }, /\[leftover\]/],
  ['only', inTest("test.only('x', () => {});"), /\[unrun-test\]/],
  ['skip', inTest("test.skip('x', () => {});"), /\[unrun-test\]/],
  ['skip option', inTest("test('x', { skip: true }, () => {});"), /\[unrun-test\]/],
  ['type check off', inSource('// @ts-ignore\nconst x = 1;'), /\[types-off\]/],
  ['expected type error without reason', inSource('// @ts-expect-error\nconst x = 1;'), /\[types-off\]/],
  ['lint off without reason', inSource('// biome-ignore lint/style/noVar: x\nvar x = 1;'), /\[lint-off\]/],
  ['default export', inSource('export default 1;'), /\[default-export\]/],
  ['machine path', inSource(`const p = '/wo${'rk'}/main/x';`), /\[machine-path\]/],
  ['unused file', { 'packages/server/src/lonely.ts': 'export const a = 1;\n' }, /lonely\.ts is used by nobody/],
  [
    'file used by a test only',
    { 'packages/server/src/lonely.ts': 'export const a = 1;\n', ...inTest("import { a } from '../src/lonely.ts';") },
    /lonely\.ts is used by nobody/,
  ],
  ['file name', { 'packages/server/src/utils.ts': '' }, /not named by a noun/],
  ['camel case', { 'packages/server/src/fooBar.ts': '' }, /not named by a noun/],
  ['long file', inSource('\n'.repeat(700)), /split it/],
  ['no newline', { 'docs/b.md': '# B' }, /does not end with a newline/],
  ['dead link', { 'docs/b.md': '# B\n\n[gone](gone.md)\n' }, /links to gone\.md/],
  ['dead path', { 'docs/b.md': '# B\n\n`core/gone.ts`\n' }, /names core\/gone\.ts/],
  ['no title', { 'docs/b.md': 'Hello\n' }, /opens with its title/],
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

test('an exception needs a reason, covers one line, and must be needed', () => {
  const call = 'const t = Date.now();';
  assert.deepEqual(problemsOf(inSource(`// tidy-allow(clock): measured at the edge only\n${call}`)), []);
  assert.match(problemsOf(inSource(`// tidy-allow(clock)\n${call}`)).join('\n'), /needs its rule and a reason/);
  assert.match(problemsOf(inSource('// tidy-allow(clock): nothing here at all')).join('\n'), /is not needed/);
  assert.match(problemsOf(inSource(`// tidy-allow(exit): the wrong rule named\n${call}`)).join('\n'), /\[clock\]/);
});

test('words in comments and strings are no calls', () => {
  assert.deepEqual(problemsOf(inSource("// Date.now() and console.log\nconst s = 'process.exit(1)';")), []);
});

test('the ratchet only turns one way', () => {
  const long = inSource('\n'.repeat(700));
  assert.deepEqual(problemsOf(long, { [index]: 702 }), []);
  assert.match(problemsOf(long, { [index]: 650 }).join('\n'), /more than 650/);
  assert.match(problemsOf({}, { [index]: 700 }).join('\n'), /no entry in longFiles any more/);
  assert.match(problemsOf({}, { 'gone.ts': 700 }).join('\n'), /which is not there/);
});

test('long functions are measured, blocks are not', () => {
  const body = '  a();\n'.repeat(50);
  const text = `function f(a: number): void {\n${body}}\nif (x) {\n${body}}\nconst g = () => {\n${body}};\n`;
  assert.deepEqual(
    longFunctions(scanSource('a.ts', text), 40).map((f) => [f.line, f.lines]),
    [
      [1, 52],
      [105, 52],
    ],
  );
});

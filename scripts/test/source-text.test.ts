import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, scanSource } from '../source-text.ts';

const specifiers = (text: string): string[] => importsOf(scanSource('a.ts', text)).map((i) => i.specifier);

test('every form of import is found', () => {
  const text = [
    "import { a } from './a.ts';",
    "import type { B } from './b.ts';",
    "import {\n  c,\n  type C,\n} from './c.ts';",
    "import * as d from './d.ts';",
    "import './e.ts';",
    "export { f } from './f.ts';",
    "export type { G } from './g.ts';",
    "export * from './h.ts';",
    "const i = await import('./i.ts');",
    "type J = import('./j.ts').J;",
    "const k = new URL('./k.js', import.meta.url);",
    "import l, { m } from './l.ts';",
  ].join('\n');
  assert.deepEqual(
    specifiers(text),
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((n) => `./${n}.ts`).concat('./k.js', './l.ts'),
  );
});

test('what only looks like an import is not one', () => {
  const text = [
    "// import { a } from './a.ts';",
    "/* import './b.ts'; */",
    'const c = "import \'./c.ts\'";',
    "const d = `import './d.ts'`;",
    "const e = /import '.\\/e.ts'/;",
    "const f = new URL('../vectors/f.bin', import.meta.url);",
  ].join('\n');
  assert.deepEqual(specifiers(text), []);
});

test('code, strings and comments are told apart', () => {
  const dollar = '$'; // kept apart, so that the text below is no template by mistake
  const text = `a('x//y', \`t${dollar}{b('in')}u${dollar}{{ c: 1 }.c}v\`); // tail ' \n/* \` */ d = e / f / g; h = /[/'"\`]/.test(i);`;
  const source = scanSource('a.ts', text);
  assert.equal(source.code.length, text.length);
  assert.deepEqual(
    source.strings.map((s) => s.text),
    ['x//y', 't', 'in', 'u', 'v'],
  );
  assert.deepEqual(
    source.comments.map((c) => c.text),
    [" tail ' ", ' ` '],
  );
  for (const kept of ['b(', '{ c: 1 }.c', 'd = e / f / g;', '.test(i)']) assert.ok(source.code.includes(kept), kept);
});

/**
 * Writes docs/reference/client-api.md from the declarations of the client's front door. `--check` only compares, for CI.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isMain, projectRoot, reportProblems } from './project-files.ts';

const PAGE = 'docs/reference/client-api.md';
const DOOR = 'packages/client/dist/src/index.d.ts';

interface Declaration {
  readonly name: string;
  readonly kind: string;
  /** The comment's text, as Markdown. */
  readonly comment: string;
  readonly code: string;
}

/** The names a front door gives away, each with the file that declares it. */
export function exportsOf(text: string): { name: string; from: string }[] {
  return [...text.matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)].flatMap(([, names, from]) =>
    (names as string)
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== '')
      .map((name) => ({ name, from: from as string })),
  );
}

/** What a declaration file declares at its top level. */
export function declarationsOf(text: string): Declaration[] {
  const found: Declaration[] = [];
  const pattern =
    /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export (?:declare )?(class|interface|type|function|const) (\w+)[\s\S]*?(?=\n(?:\/\*\*|export |import |declare )|\n?$(?![\s\S]))/g;
  for (const [whole, comment = '', kind, name] of text.matchAll(pattern)) {
    found.push({
      name: name as string,
      kind: kind as string,
      comment: markdownOf(comment),
      code: whole
        .slice(comment.length)
        .replace(/^export (?:declare )?/, '')
        .trimEnd(),
    });
  }
  return found;
}

function markdownOf(comment: string): string {
  return comment
    .replace(/^\s*\/\*\*\s?/, '')
    .replace(/\s*\*\/\s*$/, '')
    .replaceAll(/^\s*\* ?/gm, '')
    .replaceAll(/^@throws /gm, 'Throws ')
    .replaceAll(/^@param (\w+) /gm, '`$1`: ')
    .trim();
}

const KINDS: readonly (readonly [kinds: readonly string[], heading: string])[] = [
  [['function'], 'Functions'],
  [['class'], 'Classes'],
  [['const'], 'Values'],
  [['interface', 'type'], 'Types'],
];

export function referencePage(root: string): string {
  const folder = path.join(root, path.dirname(DOOR));
  const all = exportsOf(readFileSync(path.join(root, DOOR), 'utf8')).map(({ name, from }) => {
    const text = readFileSync(path.join(folder, from.replace(/\.ts$/, '.d.ts')), 'utf8');
    const declaration = declarationsOf(text).find((one) => one.name === name);
    if (declaration === undefined) throw new Error(`${from} does not declare ${name}`);
    return declaration;
  });
  const lines = [
    '# The client, name by name',
    '',
    'Made from the declarations of `@headkeeper/client` by `node scripts/dist/api-reference.js`. The',
    '[guide](../guides/client.md) says how they are used.',
  ];
  for (const [kinds, heading] of KINDS) {
    lines.push('', `## ${heading}`);
    const some = all.filter(({ kind }) => kinds.includes(kind)).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, comment, code } of some) {
      lines.push('', `### ${name}`, '', ...(comment === '' ? [] : [comment, '']), '```ts', code, '```');
    }
  }
  return `${lines.join('\n')}\n`;
}

if (isMain(import.meta.url)) {
  const page = path.join(projectRoot, PAGE);
  const text = referencePage(projectRoot);
  if (process.argv[2] === '--check') {
    const isSame = readFileSync(page, 'utf8') === text;
    reportProblems('api-reference', isSame ? [] : [`${PAGE} is old: run node scripts/dist/api-reference.js`], PAGE);
  } else writeFileSync(page, text);
}

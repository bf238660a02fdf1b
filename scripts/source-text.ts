/**
 * A scanner that splits TypeScript into code, strings and comments. It knows just enough of the lexical grammar for the
 * checks in this folder; it builds no syntax tree (TypeScript 7 has no stable compiler API to borrow one from).
 */
import path from 'node:path';

export interface Piece {
  /** Offset of the first character, quotes or comment marks included. */
  readonly start: number;
  readonly end: number;
  /** The text between the quotes, or after the comment marks. */
  readonly text: string;
}

export interface SourceText {
  readonly path: string;
  readonly raw: string;
  /** As long as `raw`, with comments and the insides of strings and regular expressions turned into spaces. */
  readonly code: string;
  readonly strings: readonly Piece[];
  readonly comments: readonly Piece[];
}

export interface ImportedModule {
  readonly specifier: string;
  /** Relative to the emitted file, not to its source: the form `new URL(m, import.meta.url)` is resolved when it runs. */
  readonly fromEmitted: boolean;
  /** Whether the whole import vanishes when compiled. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const regexMayFollow = new Set('(,=:[!&|?{};+-*%<>~^');
const wordsBeforeRegex = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/;

/** Splits one file. `path` is only kept for messages. */
export function scanSource(path: string, raw: string): SourceText {
  const code = raw.split('');
  const strings: Piece[] = [];
  const comments: Piece[] = [];
  // One entry per open `${`: how many braces are open inside it.
  const templates: number[] = [];
  let at = 0;

  const blank = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (code[i] !== '\n') code[i] = ' ';
  };
  const codeBefore = (): string =>
    code
      .slice(Math.max(0, at - 200), at)
      .join('')
      .trimEnd();

  const readTemplate = (start: number): void => {
    let i = at;
    while (i < raw.length) {
      if (raw[i] === '\\') i += 2;
      else if (raw[i] === '`') {
        strings.push({ start, end: i + 1, text: raw.slice(start + 1, i) });
        blank(start + 1, i);
        at = i + 1;
        return;
      } else if (raw[i] === '$' && raw[i + 1] === '{') {
        strings.push({ start, end: i, text: raw.slice(start + 1, i) });
        blank(start + 1, i);
        templates.push(0);
        at = i + 2;
        return;
      } else i++;
    }
    at = raw.length;
  };

  while (at < raw.length) {
    const c = raw[at]!;
    const next = raw[at + 1];
    if (c === '/' && next === '/') {
      let end = raw.indexOf('\n', at);
      if (end < 0) end = raw.length;
      comments.push({ start: at, end, text: raw.slice(at + 2, end) });
      blank(at, end);
      at = end;
    } else if (c === '/' && next === '*') {
      let end = raw.indexOf('*/', at + 2);
      end = end < 0 ? raw.length : end + 2;
      comments.push({ start: at, end, text: raw.slice(at + 2, end - 2) });
      blank(at, end);
      at = end;
    } else if (c === "'" || c === '"') {
      let i = at + 1;
      while (i < raw.length && raw[i] !== c && raw[i] !== '\n') i += raw[i] === '\\' ? 2 : 1;
      strings.push({ start: at, end: i + 1, text: raw.slice(at + 1, i) });
      blank(at + 1, i);
      at = i + 1;
    } else if (c === '`') {
      const start = at++;
      readTemplate(start);
    } else if (c === '{' && templates.length > 0) {
      templates[templates.length - 1]!++;
      at++;
    } else if (c === '}' && templates.length > 0) {
      if (templates[templates.length - 1] === 0) {
        templates.pop();
        const start = at++;
        readTemplate(start);
      } else {
        templates[templates.length - 1]!--;
        at++;
      }
    } else if (c === '/') {
      const before = codeBefore();
      const last = before.at(-1);
      if (last === undefined || regexMayFollow.has(last) || wordsBeforeRegex.test(before)) {
        let i = at + 1;
        let inClass = false;
        while (i < raw.length && raw[i] !== '\n' && (inClass || raw[i] !== '/')) {
          if (raw[i] === '\\') i++;
          else if (raw[i] === '[') inClass = true;
          else if (raw[i] === ']') inClass = false;
          i++;
        }
        blank(at + 1, i);
        at = i + 1;
      } else at++;
    } else at++;
  }
  return { path, raw, code: code.join(''), strings, comments };
}

/** The 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

const importForms = [
  // import x, { y } from 'm'   export { y } from 'm'   export * as z from 'm', types included
  /\b(?:import|export)\s+(?:type\s+)?[\w$*{}\s,]*?\bfrom\s*(?=['"])/g,
  // import 'm'
  /\bimport\s*(?=['"])/g,
  // import('m'), as an expression or a type
  /\bimport\s*\(\s*(?=['"])/g,
  // A worker beside the module: new URL('./m.js', import.meta.url)
  /\bnew\s+URL\s*\(\s*(?=['"][^'"]*['"]\s*,\s*import\.meta\.url)/g,
];

/** The project file that a relative import names: emitted neighbours are traced back to where their source would lie. */
export function importTarget(file: string, { specifier, fromEmitted }: ImportedModule): string {
  // The committed JavaScript in bin/ runs where it stands.
  const from = fromEmitted && file.endsWith('.ts') ? file.replace(/^(packages\/[^/]+|[^/]+)\//, '$1/dist/') : file;
  const target = path.posix.join(path.posix.dirname(from), specifier);
  // A bundle is made of the source files under the same names.
  const emitted = target.replace('/dist/bundle/', '/dist/src/');
  return emitted.includes('/dist/') ? emitted.replace('/dist/', '/').replace(/\.js$/, '.ts') : emitted;
}

/** Every module that a file names, type-only imports included. */
export function importsOf(source: SourceText): ImportedModule[] {
  const byStart = new Map(source.strings.map((s) => [s.start, s.text]));
  const found: ImportedModule[] = [];
  for (const form of importForms) {
    for (const match of source.code.matchAll(form)) {
      const start = match.index + match[0].length;
      const specifier = byStart.get(start);
      if (specifier === undefined) continue;
      // The same form finds folders and data files; those are no imports.
      const fromEmitted = match[0].startsWith('new');
      if (fromEmitted && !/\.[cm]?[jt]s$/.test(specifier)) continue;
      const typeOnly = /^(?:import|export)\s+type\b/.test(match[0]);
      found.push({ specifier, fromEmitted, typeOnly, line: lineAt(source.raw, match.index) });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

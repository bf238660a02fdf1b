/**
 * Fails on broken habits: banned calls, leftovers, switched-off tests and checks, files that nobody uses, files that grow
 * too long, dead links in documents. A line may be excepted with a comment on it or above it: `tidy-allow(rule): reason`.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  isMain,
  type ProjectPackage,
  projectFiles,
  projectPackages,
  projectRoot,
  reportProblems,
} from './project-files.ts';
import { importsOf, importTarget, lineAt, type SourceText, scanSource } from './source-text.ts';
import { bannedTexts, fileLinesMax, fileNamePattern, functionLinesWarn, longFiles } from './tidy-rules.ts';

export interface TidyInput {
  /** Path to text, for every hand-written text file. */
  readonly files: ReadonlyMap<string, string>;
  readonly packages: readonly ProjectPackage[];
  readonly longFiles: Readonly<Record<string, number>>;
  /** Whether a path that is not among `files` exists (folders, binary files). */
  readonly exists: (file: string) => boolean;
}

const allowance = /^\s*tidy-allow\(([\w-]+)\): ?(\S.{9,})/;

function bannedProblems(file: string, source: SourceText): string[] {
  const problems: string[] = [];
  const allowed = new Map<number, { rule: string; used: boolean }>();
  for (const comment of source.comments) {
    const match = allowance.exec(comment.text);
    if (match) allowed.set(lineAt(source.raw, comment.start), { rule: match[1]!, used: false });
    else if (/^\s*tidy-allow/.test(comment.text)) {
      problems.push(`${file}:${lineAt(source.raw, comment.start)} an exception needs its rule and a reason`);
    }
  }
  for (const banned of bannedTexts) {
    if (!banned.where(file)) continue;
    const report = (offset: number, found: string): void => {
      const line = lineAt(source.raw, offset);
      for (const excepted of [allowed.get(line), allowed.get(line - 1)]) {
        if (excepted?.rule === banned.rule) {
          excepted.used = true;
          return;
        }
      }
      problems.push(`${file}:${line} [${banned.rule}] ${found.replace(/\s+/g, ' ').trim()}: ${banned.instead}`);
    };
    if (banned.inside === 'comments') {
      for (const comment of source.comments) {
        for (const match of comment.text.matchAll(banned.pattern)) report(comment.start + 2 + match.index, match[0]);
      }
    } else {
      const text = banned.inside === 'code' ? source.code : source.raw;
      for (const match of text.matchAll(banned.pattern)) report(match.index, match[0]);
    }
  }
  for (const [line, { rule, used }] of allowed) {
    if (!used) problems.push(`${file}:${line} the exception from [${rule}] is not needed`);
  }
  return problems;
}

export interface LongFunction {
  readonly file: string;
  readonly line: number;
  readonly lines: number;
}

/** Functions of more than `limit` lines, found by their braces. */
export function longFunctions(source: SourceText, limit: number): LongFunction[] {
  const found: LongFunction[] = [];
  const open: { offset: number; isFunction: boolean }[] = [];
  for (let i = 0; i < source.code.length; i++) {
    const c = source.code[i];
    if (c === '{') {
      const head = source.code
        .slice(Math.max(0, i - 400), i)
        .split(/[;}]|\{(?=\s*\n)/)
        .at(-1)!
        .trim();
      const isFunction =
        (/\)\s*(?::\s*[^=;]+)?$/.test(head) || /=>$/.test(head)) &&
        !/^(?:else\s+)?(?:if|for|while|switch|catch|with)\b/.test(head);
      open.push({ offset: i, isFunction });
    } else if (c === '}') {
      const block = open.pop();
      if (block?.isFunction) {
        const line = lineAt(source.raw, block.offset);
        const lines = lineAt(source.raw, i) - line + 1;
        if (lines > limit) found.push({ file: source.path, line, lines });
      }
    }
  }
  return found;
}

/** TypeScript files that nothing reaches: no import, no door or bin of a manifest, no test, no mention by name. */
function unusedFiles(input: TidyInput, sources: ReadonlyMap<string, SourceText>): string[] {
  const used = new Set<string>();
  for (const [file, source] of sources) {
    const isTest = file.includes('/test/');
    for (const imported of importsOf(source)) {
      if (!imported.specifier.startsWith('.')) continue;
      const target = importTarget(file, imported);
      // What only tests use is dead code, unless it is a test's own file.
      if (isTest && !target.includes('/test/')) continue;
      if (target !== file) used.add(target);
    }
  }
  for (const { folder, manifest } of input.packages) {
    const targets = Object.values(manifest.exports ?? {}).flatMap((door) => Object.values(door));
    for (const target of targets)
      used.add(path.posix.join(folder, target.replace('/dist/', '/').replace(/\.js$/, '.ts')));
  }
  // Programs are started by name: from a string in code, a script, a manifest or a document.
  const mentions = [...input.files].map(([file, text]) => ({
    file,
    text:
      sources
        .get(file)
        ?.strings.map((s) => s.text)
        .join('\n') ?? text,
  }));
  const problems: string[] = [];
  for (const file of sources.keys()) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || used.has(file)) continue;
    const program = `${path.posix.basename(file, '.ts')}.js`;
    const emitted = new RegExp(`(?<![\\w-])${program.replaceAll('.', '\\.')}`);
    if (mentions.some((other) => other.file !== file && emitted.test(other.text))) continue;
    problems.push(`${file} is used by nobody`);
  }
  return problems;
}

/** A path of ours in a document, as inline code; folders of the server may go without `packages/server/src/`. */
const namedPath =
  /`((?:packages|interop|bench|scripts|docs|\.ci|core|driver|adapters|config|admin)\/[\w./-]*|ports\.ts|limits\.ts|main\.ts)`/g;

function documentProblems(file: string, text: string, input: TidyInput): string[] {
  const problems: string[] = [];
  if (!/^(?:<[^\n]*>\s*)*# \S/.test(text)) problems.push(`${file}:1 a document opens with its title`);
  const prose = text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ' '));
  for (const match of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    const link = match[1]!.split('#')[0]!;
    if (link === '' || /^[a-z]+:/.test(link)) continue;
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), link));
    if (!input.files.has(target) && !input.exists(target)) {
      problems.push(`${file}:${lineAt(prose, match.index)} links to ${link}, which is not there`);
    }
  }
  for (const match of prose.matchAll(namedPath)) {
    const named = match[1]!.replace(/\/$/, '');
    const source = named.replace('/dist/', '/').replace(/\.js$/, '.ts');
    const candidates = [named, source, `packages/server/src/${named}`];
    if (!candidates.some((c) => input.files.has(c) || input.exists(c))) {
      problems.push(`${file}:${lineAt(prose, match.index)} names ${match[1]}, which is not there`);
    }
  }
  return problems;
}

export interface TidyResult {
  readonly problems: string[];
  readonly warnings: string[];
}

export function tidy(input: TidyInput): TidyResult {
  const problems: string[] = [];
  const long: LongFunction[] = [];
  const sources = new Map<string, SourceText>();
  for (const [file, text] of input.files) {
    const isCode = /\.[cm]?[jt]s$/.test(file);
    const source: SourceText = isCode
      ? scanSource(file, text)
      : { path: file, raw: text, code: text, strings: [], comments: [] };
    if (isCode) sources.set(file, source);
    problems.push(...bannedProblems(file, source));
    if (file.endsWith('.md')) problems.push(...documentProblems(file, text, input));
    if (text.length > 0 && !text.endsWith('\n') && !file.includes('/vectors/'))
      problems.push(`${file} does not end with a newline`);
    if (!file.endsWith('.ts')) continue;

    // The body of a suite is one function, however many tests it holds.
    if (!/\bdescribe\(/.test(source.code)) long.push(...longFunctions(source, functionLinesWarn));
    if (!fileNamePattern.test(path.posix.basename(file))) problems.push(`${file} is not named by a noun in kebab-case`);
    const lines = text.split('\n').length - 1;
    const ceiling = input.longFiles[file];
    if (lines > (ceiling ?? fileLinesMax))
      problems.push(`${file} has ${lines} lines, more than ${ceiling ?? fileLinesMax}: split it`);
    else if (ceiling !== undefined && lines <= fileLinesMax)
      problems.push(`${file} needs no entry in longFiles any more`);
  }
  for (const file of Object.keys(input.longFiles)) {
    if (!input.files.has(file)) problems.push(`longFiles names ${file}, which is not there`);
  }
  problems.push(...unusedFiles(input, sources));
  const warnings = long
    .sort((a, b) => b.lines - a.lines)
    .slice(0, 10)
    .map(({ file, line, lines }) => `${file}:${line} a function of ${lines} lines`);
  return { problems, warnings };
}

if (isMain(import.meta.url)) {
  const files = new Map<string, string>();
  for (const file of projectFiles(projectRoot)) {
    const bytes = readFileSync(path.join(projectRoot, file));
    if (!bytes.subarray(0, 8192).includes(0) && file !== 'package-lock.json') files.set(file, bytes.toString('utf8'));
  }
  const exists = (file: string): boolean => existsSync(path.join(projectRoot, file));
  const { problems, warnings } = tidy({ files, packages: projectPackages(projectRoot), longFiles, exists });
  for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`);
  reportProblems('tidy', problems, `${files.size} files`);
}

import { readdirSync } from 'node:fs';
import type { Client } from '@headkeeper/client';
import type { Command } from './commands/command.ts';
import { COMMANDS, commandNamed } from './commands/table.ts';
import { quoted } from './parse-line.ts';

/** A terminal does not wait longer for names, milliseconds. */
const PATIENCE_MS = 2_000;

/** What could stand in the place of a word, and the word. */
export type Completions = readonly [candidates: string[], word: string];

/**
 * What the last word of a line could become: a command, one of its options, a znode or a file.
 *
 * @param client null while there is no session: then no znodes are known.
 */
export async function complete(line: string, client: Client | null): Promise<Completions> {
  const { before, word, opening } = lastWord(line);
  const [name, ...others] = before;
  if (name === undefined)
    return [
      startingWith(
        COMMANDS.map((command) => `${command.name} `),
        word,
      ),
      word,
    ];
  const command = commandNamed(name);
  if (command === null) return [[], word];
  if (opening === '' && word.startsWith('-')) return [startingWith(optionsOf(command), word), word];
  const position = others.filter((other) => !other.startsWith('-')).length;
  const kinds = command.completes ?? [];
  switch (kinds[Math.min(position, kinds.length - 1)]) {
    case 'path':
      return [client === null ? [] : await znodes(word, client, opening), opening + word];
    case 'file':
      return [files(word), word];
    case 'command':
      return [
        startingWith(
          COMMANDS.map((one) => `${one.name} `),
          word,
        ),
        word,
      ];
    default:
      return [[], word];
  }
}

/** The words before the last one, and the last one, which may be empty or begin with a quote that is still open. */
function lastWord(line: string): { readonly before: string[]; readonly word: string; readonly opening: string } {
  const before: string[] = [];
  const words = /\s*(?:"([^"]*)("|$)|'([^']*)('|$)|([^"'\s]\S*))/y;
  let word = '';
  let opening = '';
  while (words.lastIndex < line.length) {
    const match = words.exec(line);
    if (match === null) break;
    if (words.lastIndex < line.length || match[2] === '"' || match[4] === "'") {
      before.push((match[1] ?? match[3] ?? match[5]) as string);
    } else {
      word = (match[1] ?? match[3] ?? match[5]) as string;
      opening = match[1] === undefined ? (match[3] === undefined ? '' : "'") : '"';
    }
  }
  return { before, word, opening };
}

function optionsOf({ options }: Command): string[] {
  return [...Object.keys(options), 'json'].map((name) => `${name.length === 1 ? '-' : '--'}${name} `);
}

async function znodes(word: string, client: Client, opening: string): Promise<string[]> {
  if (!word.startsWith('/')) return word === '' ? ['/'] : [];
  const slash = word.lastIndexOf('/');
  const parent = slash === 0 ? '/' : word.slice(0, slash);
  const calls = { signal: AbortSignal.timeout(PATIENCE_MS) };
  try {
    const { children } = await client.getChildren(parent, calls);
    const prefix = parent === '/' ? '/' : `${parent}/`;
    const found = startingWith(
      children.map((name) => prefix + name),
      word,
    ).sort();
    const [only, second] = found;
    if (only === undefined || second !== undefined) return found.flatMap((path) => inLine(path, opening) ?? []);
    // The one there is: goes on below it, if there is something.
    const stat = await client.exists(only, calls);
    const end = stat !== null && stat.numChildren > 0 ? '/' : null;
    if (end === null) return [`${inLine(only, opening) ?? ''} `];
    return [(inLine(only + end, opening) ?? '').replace(/["']$/, '')];
  } catch {
    return [];
  }
}

/** A path as it has to stand in the line, with the quote that it began with. */
function inLine(path: string, opening: string): string | null {
  return opening === '' ? quoted(path) : path.includes(opening) ? null : opening + path + opening;
}

function files(word: string): string[] {
  const slash = word.lastIndexOf('/');
  const folder = word.slice(0, slash + 1);
  try {
    const names = readdirSync(folder === '' ? '.' : folder, { withFileTypes: true });
    return startingWith(
      names.map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ' '}`),
      word,
    ).sort();
  } catch {
    return [];
  }
}

function startingWith(all: readonly string[], word: string): string[] {
  return all.filter((one) => one.startsWith(word));
}

import { ShellError } from './shell-error.ts';

/** Blanks, then a word in quotes of one kind (which hide the other kind and blanks), or one without. */
const WORD = /\s*(?:"([^"]*)"|'([^']*)'|([^"'\s]\S*))/y;

/**
 * Cuts a line into words as Apache's shell does: a word that begins with a quote ends at the next one of its kind, any other
 * at a blank; there are no escapes.
 *
 * @throws ShellError for a quote that is not closed.
 */
export function parseLine(line: string): string[] {
  const text = line.trimEnd();
  const words: string[] = [];
  WORD.lastIndex = 0;
  while (WORD.lastIndex < text.length) {
    const at = WORD.lastIndex;
    const match = WORD.exec(text);
    if (match === null) throw new ShellError(`A quote is not closed: ${text.slice(at).trim()}`);
    words.push((match[1] ?? match[2] ?? match[3]) as string);
  }
  return words;
}

/** A word as it has to stand in a line to be read as it is; null when no quotes can do that. */
export function quoted(word: string): string | null {
  if (word !== '' && /^[^"'\s]\S*$/.test(word)) return word;
  if (!word.includes('"')) return `"${word}"`;
  return word.includes("'") ? null : `'${word}'`;
}

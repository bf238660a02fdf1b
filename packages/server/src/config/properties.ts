/** One `key=value` of a properties text. */
export interface PropertyLine {
  readonly key: string;
  readonly value: string;
  /** Number of the line that the entry begins on, from 1. */
  readonly line: number;
  /** Number of the line that it ends on: continuations make it a later one. */
  readonly lastLine: number;
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/**
 * Reads the Java properties syntax: comments begin with `#` or `!`; a key ends at the first unescaped `=`, `:` or blank;
 * a line ending in an odd number of backslashes goes on in the next one, whose leading blanks are dropped; `\t \n \r \f
 * \uXXXX` are escapes and a backslash before anything else vanishes. Keys and values are trimmed, which ZooKeeper does
 * and Java does not. A later entry of the same key does not remove the earlier one here.
 *
 * @throws SyntaxError on a malformed `\u` escape, naming the line, as Java does.
 */
export function readProperties(text: string): PropertyLine[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const entries: PropertyLine[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let logical = dropLeadingBlanks(lines[at] as string);
    if (logical === '' || logical[0] === '#' || logical[0] === '!') continue;
    while (endsInContinuation(logical) && at + 1 < lines.length) {
      at++;
      logical = logical.slice(0, -1) + dropLeadingBlanks(lines[at] as string);
    }
    if (endsInContinuation(logical)) logical = logical.slice(0, -1);
    const [keyEnd, valueStart] = split(logical);
    entries.push({
      key: resolveEscapes(logical.slice(0, keyEnd), line).trim(),
      value: resolveEscapes(logical.slice(valueStart), line).trim(),
      line,
      lastLine: at + 1,
    });
  }
  return entries;
}

function dropLeadingBlanks(line: string): string {
  return line.replace(/^[ \t\f]+/, '');
}

function endsInContinuation(line: string): boolean {
  let count = 0;
  while (count < line.length && line[line.length - 1 - count] === '\\') count++;
  return count % 2 === 1;
}

/** Where the key ends and where the value begins. */
function split(line: string): [keyEnd: number, valueStart: number] {
  let keyEnd = 0;
  while (keyEnd < line.length && !' \t\f=:'.includes(line[keyEnd] as string)) {
    keyEnd += line[keyEnd] === '\\' ? 2 : 1;
  }
  keyEnd = Math.min(keyEnd, line.length);
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(line.slice(keyEnd));
  return [keyEnd, keyEnd + (separator?.[0].length ?? 0)];
}

function resolveEscapes(text: string, line: number): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, escaped: string) => {
    if (escaped === 'u') throw new SyntaxError(`line ${line}: \\u needs four hexadecimal digits after it`);
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return ESCAPES[escaped] ?? escaped;
  });
}

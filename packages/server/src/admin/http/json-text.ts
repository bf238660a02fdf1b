/** A number whose text is fixed, such as Java's `0.0`. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What an answer is made of. Integers beyond 2^53 are bigints: their digits come out exact. */
export type Json = null | boolean | number | bigint | string | NumberText | readonly Json[] | JsonFields;
export interface JsonFields {
  readonly [name: string]: Json;
}

/** About so many characters make a piece. */
const PIECE_CHARACTERS = 1 << 16;

/**
 * The text of an answer in pieces, laid out as Apache ZooKeeper's server does it: a field a line, `"name" : value`, lists on
 * one line, `{ }` and `[ ]` with a blank inside.
 */
export function* jsonPieces(value: Json): Generator<string> {
  let piece = '';
  for (const token of tokens(value, '')) {
    piece += token;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** The whole text at once; for small answers. */
export function jsonText(value: Json): string {
  return [...tokens(value, '')].join('');
}

function* tokens(value: Json, indent: string): Generator<string> {
  if (typeof value === 'bigint') yield String(value);
  else if (value instanceof NumberText) yield value.text;
  else if (value === null || typeof value !== 'object') yield JSON.stringify(value);
  else if (isList(value)) {
    if (value.length === 0) yield '[ ]';
    for (let at = 0; at < value.length; at++) {
      yield at === 0 ? '[ ' : ', ';
      yield* tokens(value[at] as Json, indent);
      if (at === value.length - 1) yield ' ]';
    }
  } else {
    const inner = `${indent}  `;
    let isFirst = true;
    for (const name of Object.keys(value)) {
      yield `${isFirst ? '{' : ','}\n${inner}${JSON.stringify(name)} : `;
      yield* tokens(value[name] as Json, inner);
      isFirst = false;
    }
    yield isFirst ? '{ }' : `\n${indent}}`;
  }
}

function isList(value: readonly Json[] | JsonFields): value is readonly Json[] {
  return Array.isArray(value);
}

/** A number whose text is fixed, such as Java's `0.0`. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Fields that are made as they are asked for. */
export class LazyFields {
  readonly entries: Iterable<readonly [name: string, value: Json]>;

  constructor(entries: Iterable<readonly [name: string, value: Json]>) {
    this.entries = entries;
  }
}

/** A list that is made as it is asked for. */
export class LazyList {
  readonly items: Iterable<Json>;

  constructor(items: Iterable<Json>) {
    this.items = items;
  }
}

/** What an answer is made of. Integers beyond 2^53 are bigints: their digits come out exact. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | NumberText
  | LazyFields
  | LazyList
  | readonly Json[]
  | JsonFields;
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
  else if (value instanceof LazyList) yield* listTokens(value.items, indent);
  else if (isList(value)) yield* listTokens(value, indent);
  else yield* fieldTokens(value instanceof LazyFields ? value.entries : Object.entries(value), indent);
}

function* listTokens(items: Iterable<Json>, indent: string): Generator<string> {
  let isEmpty = true;
  for (const item of items) {
    yield isEmpty ? '[ ' : ', ';
    yield* tokens(item, indent);
    isEmpty = false;
  }
  yield isEmpty ? '[ ]' : ' ]';
}

function* fieldTokens(entries: Iterable<readonly [name: string, value: Json]>, indent: string): Generator<string> {
  const inner = `${indent}  `;
  let isEmpty = true;
  for (const [name, value] of entries) {
    yield `${isEmpty ? '{' : ','}\n${inner}${JSON.stringify(name)} : `;
    yield* tokens(value, inner);
    isEmpty = false;
  }
  yield isEmpty ? '{ }' : `\n${indent}}`;
}

function isList(value: readonly Json[] | LazyFields | JsonFields): value is readonly Json[] {
  return Array.isArray(value);
}

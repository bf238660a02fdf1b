import type { Line } from './lines.ts';

/** A file that is no history, with the place. */
export class HistoryFormatError extends Error {}

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const whole: Check = Number.isSafeInteger;
const flag: Check = (value) => typeof value === 'boolean';
const data: Check = (value) => value === null || typeof value === 'string';
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const wholes: Check = (value) => Array.isArray(value) && value.every(whole);
const hex: Check = (value) => typeof value === 'string' && /^0x[0-9a-f]{1,16}$/.test(value);
const fields: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const oneOf = (...words: string[]): Check => {
  const known = new Set(words);
  return (value) => typeof value === 'string' && known.has(value);
};
/** A field that may be missing. */
const maybe = (check: Check): Check => {
  return (value) => value === undefined || check(value);
};

type Shape = Readonly<Record<string, Check>>;

const OF_CLIENT: Shape = { client: text, at: whole, session: hex };
const SHAPES: Readonly<Record<string, Shape>> = {
  history: { version: (value) => value === 1, source: text, wireOrder: maybe(flag) },
  call: { ...OF_CLIENT, id: whole, do: text, in: fields, on: maybe(text), since: maybe(whole), xid: maybe(whole) },
  return: {
    ...OF_CLIENT,
    id: whole,
    outcome: oneOf('ok', 'refused', 'unknown', 'never'),
    error: maybe(whole),
    zxid: maybe(whole),
    out: maybe(fields),
  },
  note: { ...OF_CLIENT, id: whole, taking: text },
  event: {
    ...OF_CLIENT,
    type: oneOf('NodeCreated', 'NodeDeleted', 'NodeDataChanged', 'NodeChildrenChanged'),
    path: text,
    zxid: maybe(whole),
  },
  session: { ...OF_CLIENT, state: oneOf('connected', 'disconnected', 'expired', 'closed'), isNew: maybe(flag) },
  txn: { zxid: whole, session: hex, xid: whole, time: maybe(whole), do: text, in: maybe(fields), error: maybe(whole) },
};

const PATH_VERSION: Shape = { path: text, version: whole };
const PATH_WATCH: Shape = { path: text, watch: flag };
const REQUESTS: Readonly<Record<string, Shape>> = {
  create: {
    path: text,
    data,
    mode: oneOf('persistent', 'ephemeral', 'persistentSequential', 'ephemeralSequential', 'container', 'ttl'),
  },
  setData: { ...PATH_VERSION, data },
  delete: PATH_VERSION,
  setACL: PATH_VERSION,
  check: PATH_VERSION,
  multi: { ops: (ops) => Array.isArray(ops) && ops.every((op) => whatIsWrong(op, REQUESTS[op?.do], op?.in) === null) },
  getData: PATH_WATCH,
  exists: PATH_WATCH,
  getChildren: PATH_WATCH,
  sync: { path: text },
  addWatch: { path: text, mode: oneOf('persistent', 'persistentRecursive') },
  removeWatches: { path: text, type: oneOf('any', 'data', 'children', 'persistent', 'persistentRecursive') },
  setWatches: {
    zxid: whole,
    data: texts,
    exists: texts,
    children: texts,
    persistent: texts,
    persistentRecursive: texts,
  },
  closeSession: {},
};
/** What `out` may have; whatever is not told is not judged. */
const RESULT: Shape = {
  path: maybe(text),
  stat: maybe(fields),
  data: maybe(data),
  children: maybe(texts),
  results: maybe(wholes),
  value: maybe((value) => data(value) || whole(value)),
  values: maybe(texts),
  token: maybe(whole),
};
const OBJECTS: Readonly<Record<string, Readonly<Record<string, Shape>>>> = {
  register: {
    create: REQUESTS.create as Shape,
    setData: REQUESTS.setData as Shape,
    delete: REQUESTS.delete as Shape,
    getData: PATH_WATCH,
    exists: PATH_WATCH,
  },
  counter: { add: { by: whole }, read: {} },
  set: { add: { value: text }, remove: { value: text }, list: {} },
  queue: { put: { value: text }, take: {} },
  lock: { acquire: {}, release: {} },
  fenced: { write: { token: whole } },
};

/**
 * Reads the text of one file. A last line that has no end is left out: its writer was killed over it.
 *
 * @throws HistoryFormatError naming file and line
 */
export function parseHistory(name: string, file: string): Line[] {
  const lines = file.split('\n');
  lines.pop();
  return lines.map((line, i) => {
    const refuse = (why: string): never => {
      throw new HistoryFormatError(`${name}:${i + 1}: ${why}`);
    };
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      return refuse('is no JSON object; each line of a history is one');
    }
    if (!fields(parsed)) return refuse('is no JSON object; each line of a history is one');
    const wrong = whatIsWrongWith(parsed as Record<string, unknown>);
    if (wrong !== null) return refuse(wrong);
    if (i === 0 && (parsed as Line).kind !== 'history') return refuse('the first line of a history has kind "history"');
    return parsed as Line;
  });
}

export function historyText(lines: readonly Line[]): string {
  let file = '';
  for (const line of lines) file += `${JSON.stringify(line)}\n`;
  return file;
}

function whatIsWrongWith(line: Record<string, unknown>): string | null {
  const { kind } = line;
  const shape = typeof kind === 'string' ? SHAPES[kind] : undefined;
  if (shape === undefined) return `has kind ${JSON.stringify(kind)}; known are ${Object.keys(SHAPES).join(', ')}`;
  const wrong = misfit(`a line of kind ${kind}`, shape, line);
  if (wrong !== null) return wrong;
  if (kind === 'return' && line.out !== undefined) {
    return misfit('what a return has as "out"', RESULT, line.out as Record<string, unknown>);
  }
  return kind === 'call' ? whatIsWrongWithCall(line) : null;
}

function whatIsWrongWithCall(line: Record<string, unknown>): string | null {
  const { on } = line;
  if (on === undefined) return whatIsWrong(line, REQUESTS[line.do as string], line.in);
  const [model = ''] = (on as string).split(':');
  const operations = OBJECTS[model];
  if (operations === undefined || !(on as string).includes(':')) {
    return `"on" is ${JSON.stringify(on)}; it is one of ${Object.keys(OBJECTS).join(', ')}, a colon and a name`;
  }
  return whatIsWrong(line, operations[line.do as string], line.in);
}

function whatIsWrong(line: unknown, shape: Shape | undefined, asked: unknown): string | null {
  const what = `${JSON.stringify((line as { do?: unknown } | null)?.do)}`;
  if (shape === undefined) return `asks for ${what}, which is not an operation of this kind`;
  if (!fields(asked)) return `the call of ${what} has no "in"`;
  return misfit(`what is asked of ${what}`, shape, asked as Record<string, unknown>);
}

function misfit(what: string, shape: Shape, value: Record<string, unknown>): string | null {
  for (const [name, check] of Object.entries(shape)) {
    if (check(value[name])) continue;
    const found = value[name] === undefined ? 'no' : `${JSON.stringify(value[name])} as`;
    return `${what} has ${found} "${name}"`;
  }
  return null;
}

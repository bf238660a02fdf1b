/** Histories made by hand, with the verdict that the search has to come to: its models are judged by them. */

/** Client, operation, what is asked, what came of it; times are the places of `call` and `return` in the list. */
interface Step {
  readonly client: string;
  readonly id: number;
  readonly call?: { readonly do: string; readonly in?: object };
  readonly outcome?: 'ok' | 'refused' | 'unknown';
  readonly out?: object;
  readonly error?: number;
  readonly taking?: string;
  /** The client is told so of its session. */
  readonly state?: 'expired';
}

export interface HandMade {
  readonly name: string;
  readonly on: string;
  readonly verdict: 'ok' | 'illegal' | 'unknown';
  /** Longest time for the search, in seconds, where it must run out. */
  readonly longestS?: number;
  readonly steps: readonly Step[];
}

/** One operation from call to return, with nothing in between. */
function done(client: string, id: number, what: string, asked: object, out?: object): Step[] {
  return [
    { client, id, call: { do: what, in: asked } },
    { client, id, outcome: 'ok', ...(out === undefined ? {} : { out }) },
  ];
}

function refused(client: string, id: number, what: string, asked: object, error?: number): Step[] {
  return [
    { client, id, call: { do: what, in: asked } },
    { client, id, outcome: 'refused', ...(error === undefined ? {} : { error }) },
  ];
}

function begun(client: string, id: number, what: string, asked: object): Step {
  return { client, id, call: { do: what, in: asked } };
}

const made = (data: string): object => ({ path: '/r', data, mode: 'persistent' });
const set = (data: string, version = -1): object => ({ path: '/r', data, version });
const get = { path: '/r', watch: false };
const found = (data: string, version: number): object => ({ data, stat: { version } });

const REGISTERS: readonly Omit<HandMade, 'on'>[] = [
  {
    name: 'writes and reads, one after the other',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'create', made('0')),
      ...done('b', 1, 'setData', set('1', 0), { stat: { version: 1 } }),
      ...done('a', 2, 'getData', get, found('1', 1)),
      ...refused('a', 3, 'setData', set('2', 0), -103),
      ...refused('a', 4, 'create', made('3'), -110),
      ...done('a', 5, 'delete', { path: '/r', version: -1 }),
      ...refused('b', 2, 'getData', get, -101),
    ],
  },
  {
    name: 'a stale read',
    verdict: 'illegal',
    steps: [
      ...done('a', 1, 'create', made('0')),
      ...done('a', 2, 'setData', set('1'), { stat: { version: 1 } }),
      ...done('b', 1, 'getData', get, found('0', 0)),
    ],
  },
  {
    name: 'an old value while it is being overwritten',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'create', made('0')),
      begun('a', 2, 'setData', set('1')),
      ...done('b', 1, 'getData', get, found('0', 0)),
      { client: 'a', id: 2, outcome: 'ok', out: { stat: { version: 1 } } },
    ],
  },
  {
    name: 'a lost update',
    verdict: 'illegal',
    steps: [
      ...done('a', 1, 'create', made('0')),
      ...done('a', 2, 'setData', set('1', 0), { stat: { version: 1 } }),
      ...done('b', 1, 'setData', set('2', 0), { stat: { version: 1 } }),
    ],
  },
  {
    name: 'a znode created twice',
    verdict: 'illegal',
    steps: [...done('a', 1, 'create', made('0')), ...done('b', 1, 'create', made('1'))],
  },
  {
    name: 'an unknown write that is seen',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'create', made('0')),
      begun('a', 2, 'setData', set('1')),
      { client: 'a', id: 2, outcome: 'unknown' },
      ...done('b', 1, 'getData', get, found('0', 0)),
      ...done('b', 2, 'getData', get, found('1', 1)),
    ],
  },
  {
    name: 'an unknown write that is seen and forgotten',
    verdict: 'illegal',
    steps: [
      ...done('a', 1, 'create', made('0')),
      begun('a', 2, 'setData', set('1')),
      ...done('b', 1, 'getData', get, found('1', 1)),
      ...done('b', 2, 'getData', get, found('0', 0)),
    ],
  },
];

const COUNTERS: readonly Omit<HandMade, 'on'>[] = [
  {
    name: 'additions that are all counted',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'add', { by: 2 }, { value: 2 }),
      ...done('b', 1, 'add', { by: 3 }, { value: 5 }),
      ...done('a', 2, 'read', {}, { value: 5 }),
    ],
  },
  {
    name: 'an addition that is lost',
    verdict: 'illegal',
    steps: [...done('a', 1, 'add', { by: 2 }, { value: 2 }), ...done('b', 1, 'add', { by: 3 }, { value: 3 })],
  },
  {
    name: 'an addition that is counted twice',
    verdict: 'illegal',
    steps: [...done('a', 1, 'add', { by: 2 }, { value: 2 }), ...done('b', 1, 'read', {}, { value: 4 })],
  },
  {
    // Any of them may have been carried out, and no two choices come to the same.
    name: 'more additions in doubt than a second is enough for',
    verdict: 'unknown',
    longestS: 1,
    steps: [
      ...Array.from({ length: 40 }, (_, i) => begun(`c${i}`, 1, 'add', { by: 2 ** i })),
      ...done('b', 1, 'read', {}, { value: -1 }),
    ],
  },
];

const SETS: readonly Omit<HandMade, 'on'>[] = [
  {
    name: 'elements that come and go',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'add', { value: 'x' }),
      ...refused('b', 1, 'add', { value: 'x' }),
      ...done('b', 2, 'add', { value: 'w' }),
      ...done('a', 2, 'list', {}, { values: ['x', 'w'] }),
      ...done('a', 3, 'remove', { value: 'x' }),
      ...refused('a', 4, 'remove', { value: 'x' }),
    ],
  },
  {
    name: 'an element that two have added',
    verdict: 'illegal',
    steps: [...done('a', 1, 'add', { value: 'x' }), ...done('b', 1, 'add', { value: 'x' })],
  },
  {
    name: 'an element that is not listed',
    verdict: 'illegal',
    steps: [...done('a', 1, 'add', { value: 'x' }), ...done('b', 1, 'list', {}, { values: [] })],
  },
];

const QUEUES: readonly Omit<HandMade, 'on'>[] = [
  {
    name: 'items in their order',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'put', { value: 'x' }),
      ...done('a', 2, 'put', { value: 'y' }),
      ...done('b', 1, 'take', {}, { value: 'x' }),
      ...done('b', 2, 'take', {}, { value: 'y' }),
      ...done('b', 3, 'take', {}, { value: null }),
    ],
  },
  {
    name: 'an item that is taken twice',
    verdict: 'illegal',
    steps: [
      ...done('a', 1, 'put', { value: 'x' }),
      ...done('b', 1, 'take', {}, { value: 'x' }),
      ...done('a', 2, 'take', {}, { value: 'x' }),
    ],
  },
  {
    name: 'an item that jumps the queue',
    verdict: 'illegal',
    steps: [
      ...done('a', 1, 'put', { value: 'x' }),
      ...done('a', 2, 'put', { value: 'y' }),
      ...done('b', 1, 'take', {}, { value: 'y' }),
    ],
  },
  {
    name: 'an item that is gone with whoever took it',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'put', { value: 'x' }),
      begun('b', 1, 'take', {}),
      { client: 'b', id: 1, taking: 'x' },
      { client: 'b', id: 1, outcome: 'unknown' },
      ...done('a', 2, 'take', {}, { value: null }),
    ],
  },
  {
    name: 'an item that is gone, and nobody was about to take it',
    verdict: 'illegal',
    steps: [
      ...done('a', 1, 'put', { value: 'x' }),
      begun('b', 1, 'take', {}),
      { client: 'b', id: 1, outcome: 'unknown' },
      ...done('a', 2, 'take', {}, { value: null }),
    ],
  },
];

const LOCKS: readonly Omit<HandMade, 'on'>[] = [
  {
    name: 'one holder after the other',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'acquire', {}, { token: 5 }),
      ...refused('b', 1, 'acquire', {}),
      ...done('a', 2, 'release', {}),
      ...done('b', 2, 'acquire', {}, { token: 7 }),
    ],
  },
  {
    name: 'two holders',
    verdict: 'illegal',
    steps: [
      ...done('a', 1, 'acquire', {}, { token: 5 }),
      ...done('b', 1, 'acquire', {}, { token: 7 }),
      ...done('a', 2, 'release', {}),
    ],
  },
  {
    name: 'a lock of a session that has ended',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'acquire', {}, { token: 5 }),
      ...done('b', 1, 'acquire', {}, { token: 7 }),
      { client: 'a', id: 0, state: 'expired' },
    ],
  },
  {
    name: 'a token that goes back',
    verdict: 'illegal',
    steps: [
      ...done('a', 1, 'acquire', {}, { token: 5 }),
      ...done('a', 2, 'release', {}),
      ...done('b', 1, 'acquire', {}, { token: 4 }),
    ],
  },
];

const STORES: readonly Omit<HandMade, 'on'>[] = [
  {
    name: 'older tokens that are refused',
    verdict: 'ok',
    steps: [
      ...done('a', 1, 'write', { token: 3 }),
      ...done('b', 1, 'write', { token: 5 }),
      ...refused('a', 2, 'write', { token: 3 }),
    ],
  },
  {
    name: 'an older token that passes',
    verdict: 'illegal',
    steps: [...done('b', 1, 'write', { token: 5 }), ...done('a', 1, 'write', { token: 3 })],
  },
];

const on = (object: string, histories: readonly Omit<HandMade, 'on'>[]): HandMade[] => {
  return histories.map((each) => ({ ...each, on: object }));
};

export const HAND_MADE: readonly HandMade[] = [
  ...on('register:/r', REGISTERS),
  ...on('counter:/c', COUNTERS),
  ...on('set:/s', SETS),
  ...on('queue:/q', QUEUES),
  ...on('lock:/l', LOCKS),
  ...on('fenced:/f', STORES),
];

/** The file of a history made by hand. */
export function handMadeText({ on: object, steps }: HandMade): string {
  const lines: object[] = [{ kind: 'history', version: 1, source: 'by hand' }];
  for (const [i, step] of steps.entries()) {
    const { client, id, call, outcome, out, error, taking, state } = step;
    const base = { client, at: (i + 1) * 1000, session: `0x${client}` };
    if (state !== undefined) lines.push({ kind: 'session', ...base, state });
    else if (call !== undefined) lines.push({ kind: 'call', ...base, id, ...call, on: object });
    else if (taking !== undefined) lines.push({ kind: 'note', ...base, id, taking });
    else lines.push({ kind: 'return', ...base, id, outcome, error, out });
  }
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
}

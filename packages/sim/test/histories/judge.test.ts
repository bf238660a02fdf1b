import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeHistory } from '../../src/histories/judge.ts';
import type { Line, ObjectRequest } from '../../src/histories/lines.ts';
import { addWatch, children, create, exists, get, remove, Story, set, sync } from './story.ts';

function lawsBroken(story: Story | readonly Line[]): string[] {
  const lines = story instanceof Story ? story.lines : story;
  return [...new Set(judgeHistory([lines]).findings.map(({ law }) => law))];
}

/** Two clients, `a` and `b`, and a znode /r with data 0. */
function twoClients(): Story {
  return new Story().begins('a', 1).begins('b', 2).write('a', 3, create('/r', '0'), { path: '/r' });
}

/** The same, and `b` watches everything. */
const watching = (): Story =>
  twoClients().read('b', 3, get('/r', true), { data: '0' }).read('b', 3, addWatch('/', 'persistentRecursive'));

const acquire: ObjectRequest = { do: 'acquire', in: {}, on: 'lock:l' };
const release: ObjectRequest = { do: 'release', in: {}, on: 'lock:l' };
const writeWith = (token: number): ObjectRequest => ({ do: 'write', in: { token }, on: 'fenced:s' });

/** The membership changes while b watches everything. */
function reconfigured(): Story {
  return twoClients().read('b', 3, addWatch('/', 'persistentRecursive')).reconfig(4);
}

describe('good histories', () => {
  const good: readonly (readonly [string, Story])[] = [
    ['nothing at all', new Story()],
    ['a stale read without sync', twoClients().write('a', 4, set('/r', '1')).read('b', 3, get('/r'), { data: '0' })],
    [
      'a current read behind sync',
      twoClients()
        .write('a', 4, set('/r', '1'))
        .read('b', 4, sync)
        .read('b', 4, get('/r'), { data: '1', stat: { version: 1, mzxid: 4, czxid: 3 } }),
    ],
    ['a read that was not told its zxid and shows an old state', withoutZxids('0')],
    ['a read that was not told its zxid and shows the new state', withoutZxids('1')],
    [
      'an unknown write that happened',
      (() => {
        const story = twoClients();
        const id = story.call('a', set('/r', '1'));
        return story.session('a', 'disconnected').txn('a', 4, id, 'setData').read('b', 4, get('/r'), { data: '1' });
      })(),
    ],
    [
      'an unknown write that did not happen',
      (() => {
        const story = twoClients();
        story.call('a', set('/r', '1'));
        return story.session('a', 'disconnected').read('b', 3, get('/r'), { data: '0' });
      })(),
    ],
    [
      'a refused write',
      (() => {
        const story = twoClients();
        const id = story.call('b', set('/r', '1', 7));
        return story.txn('b', 4, id, 'error', -103).answer('b', id, 4, undefined, 'refused', -103);
      })(),
    ],
    [
      'an ephemeral that goes with its session',
      (() => {
        const story = twoClients().write('a', 4, create('/e', 'x', 'ephemeral'), { path: '/e' });
        const id = story.call('a', { do: 'closeSession', in: {} });
        story.txn('a', 5, id, 'closeSession').answer('a', id, 5).session('a', 'closed');
        return story.readNothing('b', 5, exists('/e'));
      })(),
    ],
    [
      'a one-shot watch',
      twoClients()
        .read('b', 3, get('/r', true), { data: '0' })
        .write('a', 4, set('/r', '1'))
        .event('b', 'NodeDataChanged', '/r')
        .read('b', 4, get('/r'), { data: '1' })
        .write('a', 5, set('/r', '2'))
        .read('b', 5, get('/r'), { data: '2' }),
    ],
    [
      'persistent and recursive watches with a one-shot one: each change once',
      twoClients()
        .read('b', 3, addWatch('/r', 'persistent'))
        .read('b', 3, addWatch('/', 'persistentRecursive'))
        .read('b', 3, children('/r', true), { children: [] })
        .write('a', 4, create('/r/c'), { path: '/r/c' })
        .event('b', 'NodeCreated', '/r/c')
        .event('b', 'NodeChildrenChanged', '/r')
        .write('a', 5, remove('/r/c'))
        .event('b', 'NodeDeleted', '/r/c')
        .event('b', 'NodeChildrenChanged', '/r')
        .read('b', 5, get('/r'), { data: '0' }),
    ],
    [
      'a reconfiguration, which a recursive watch hears of',
      reconfigured().event('b', 'NodeDataChanged', '/zookeeper/config').read('b', 4, get('/r'), { data: '0' }),
    ],
    [
      'watches that are taken along',
      moved().event('b', 'NodeDataChanged', '/r').answer('b', 2, 4).read('b', 4, get('/r'), { data: '1' }),
    ],
    [
      'an event without an answer behind it, which comes again from a server that is behind',
      lagging(watching().write('a', 4, create('/x'), { path: '/x' }).event('b', 'NodeCreated', '/x'), ['/'])
        .event('b', 'NodeCreated', '/x')
        .read('b', 4, get('/r'), { data: '0' }),
    ],
    [
      'the same of a watch that was used up and is set again',
      lagging(
        twoClients()
          .read('b', 3, get('/r', true), { data: '0' })
          .write('a', 4, set('/r', '1'))
          .event('b', 'NodeDataChanged', '/r'),
      )
        .read('b', 3, get('/r', true), { data: '0' })
        .event('b', 'NodeDataChanged', '/r')
        .read('b', 4, get('/r'), { data: '1' }),
    ],
    ['locks one after the other', locks(5, 6)],
    ['a lock of a session that has ended', lockOfTheDead()],
    ['a lock that is handed to one who waits when the session of its holder ends', heir(6)],
    [
      'a leader that leads again with the znode that it had',
      (() => {
        const story = twoClients();
        story.answer('a', story.call('a', acquire), 3, { token: 3 });
        story.call('a', release);
        return story.answer('a', story.call('a', acquire), 3, { token: 3 });
      })(),
    ],
    [
      'a fenced store',
      (() => {
        const story = twoClients();
        story.answer('a', story.call('a', writeWith(3)), 3);
        story.answer('b', story.call('b', writeWith(5)), 3);
        return story.answer('a', story.call('a', writeWith(3)), 3, undefined, 'refused');
      })(),
    ],
  ];
  for (const [name, story] of good) {
    it(`has nothing against ${name}`, () => assert.deepEqual(judgeHistory([story.lines]).findings, []));
  }
});

describe('bad histories', () => {
  const bad: readonly (readonly [string, string, Story | readonly Line[]])[] = [
    [
      'a stale read behind sync',
      'sync',
      twoClients().write('a', 4, set('/r', '1')).read('b', 3, sync).read('b', 3, get('/r'), { data: '0' }),
    ],
    [
      'a reconfiguration that a recursive watch does not hear of',
      'watches: bookmarkable',
      reconfigured().read('b', 4, get('/r'), { data: '0' }),
    ],
    ['a value from nowhere', 'results', twoClients().read('b', 3, get('/r'), { data: '9' })],
    [
      'a value that came later',
      'results',
      twoClients().write('a', 4, set('/r', '1')).read('b', 3, get('/r'), { data: '1' }),
    ],
    ['a wrong version', 'results', twoClients().read('b', 3, get('/r'), { data: '0', stat: { version: 1 } })],
    ['a child too many', 'results', twoClients().read('b', 3, children('/'), { children: ['r', 'x', 'zookeeper'] })],
    ['a znode that is missing', 'results', twoClients().readNothing('b', 3, get('/r'))],
    [
      'a session that goes back in time',
      'client order',
      twoClients()
        .write('a', 4, set('/r', '1'))
        .read('b', 4, get('/r'), { data: '1' })
        .read('b', 3, get('/r'), { data: '0' }),
    ],
    ['a write of its own that it does not see', 'client order', twoClients().read('a', 2, exists('/q'), undefined)],
    ['a read without zxid that shows what never was', 'results', withoutZxids('2')],
    [
      'a lost write',
      'integrity',
      (() => {
        const story = twoClients();
        return story.answer('a', story.call('a', set('/r', '1')), 4);
      })(),
    ],
    [
      'a write that is done twice',
      'exactly once',
      (() => {
        const story = twoClients();
        const id = story.call('a', set('/r', '1'));
        return story.txn('a', 4, id, 'setData').txn('a', 5, id, 'setData').answer('a', id, 4);
      })(),
    ],
    [
      'a lost update: two writers are told the same version',
      'results',
      twoClients()
        .write('a', 4, set('/r', '1', 0), { stat: { version: 1 } })
        .write('b', 5, set('/r', '2', -1), { stat: { version: 1 } }),
    ],
    [
      'a conditional write that was done on another version',
      'writes',
      twoClients()
        .write('a', 4, set('/r', '1', 0))
        .write('b', 5, set('/r', '2', 0)),
    ],
    ['a znode that was created twice', 'writes', twoClients().write('b', 4, create('/r', '1'), { path: '/r' })],
    ['a write that nobody asked for', 'integrity', twoClients().txn('a', 4, 77, 'setData')],
    [
      'writes against real time',
      'linearisable writes',
      (() => {
        const story = twoClients();
        const first = story.call('a', set('/r', '1'));
        story.answer('a', first, 5);
        const second = story.call('b', set('/r', '2'));
        return story.answer('b', second, 4).txn('b', 4, second, 'setData').txn('a', 5, first, 'setData');
      })(),
    ],
    [
      'a later write of a connection without the one before it',
      'client order',
      (() => {
        const story = twoClients();
        story.call('a', set('/r', '1'));
        const second = story.call('a', set('/r', '2'));
        return story.txn('a', 4, second, 'setData').session('a', 'disconnected');
      })(),
    ],
    ['a session that is made twice', 'sessions', twoClients().txn('a', 4, 0, 'createSession')],
    [
      'a session that writes when it is over',
      'sessions',
      twoClients().txn('a', 4, 0, 'closeSession').write('a', 5, set('/r', '1')),
    ],
    [
      'a session that comes back',
      'sessions',
      twoClients().txn('a', 4, 0, 'closeSession').session('a', 'expired').session('a'),
    ],
    ['a session that is said to be over and lives', 'sessions', twoClients().session('a', 'expired')],
    [
      'an ephemeral that outlives its session',
      'results',
      twoClients()
        .write('a', 4, create('/e', 'x', 'ephemeral'), { path: '/e' })
        .txn('a', 5, 0, 'closeSession')
        .read('b', 5, exists('/e'), { stat: { version: 0 } }),
    ],
    ['two holders of a lock', 'mutual exclusion', locks(9, 6)],
    ['a lock that is handed on before the session of its holder has ended', 'mutual exclusion', heir(5)],
    [
      'two holders of a lock, with one between them whose session has ended',
      'mutual exclusion',
      (() => {
        const story = twoClients().begins('c', 4);
        story.answer('a', story.call('a', acquire), 5, { token: 5 });
        story.answer('c', story.call('c', acquire), 6, { token: 6 });
        story.txn('c', 7, 0, 'closeSession');
        return story.answer('b', story.call('b', acquire), 8, { token: 8 });
      })(),
    ],
    [
      'a store that refuses the newest token',
      'fencing',
      (() => {
        const story = twoClients();
        story.answer('a', story.call('a', writeWith(3)), 3);
        return story.answer('b', story.call('b', writeWith(5)), 3, undefined, 'refused');
      })(),
    ],
    ['a token that is given twice', 'fencing', locks(5, 5)],
    [
      'a store that takes an old token',
      'fencing',
      (() => {
        const story = twoClients();
        story.answer('a', story.call('a', writeWith(5)), 3);
        return story.answer('b', story.call('b', writeWith(3)), 3);
      })(),
    ],
  ];
  for (const [name, law, story] of bad) {
    it(`finds ${name}`, () => assert.ok(lawsBroken(story).includes(law), lawsBroken(story).join()));
  }
});

describe('the nine properties of watches', () => {
  const bad: readonly (readonly [string, string, Story])[] = [
    [
      'filter',
      'an event that no watch is for',
      twoClients().event('b', 'NodeDataChanged', '/r').read('b', 3, get('/r')),
    ],
    [
      'ordered',
      'events in another order than their txns',
      watching()
        .write('a', 4, create('/x'), { path: '/x' })
        .write('a', 5, create('/y'), { path: '/y' })
        .event('b', 'NodeCreated', '/y')
        .event('b', 'NodeCreated', '/x')
        .read('b', 5, get('/r')),
    ],
    [
      'unique',
      'an event that comes twice',
      watching()
        .write('a', 4, set('/r', '1'))
        .event('b', 'NodeDataChanged', '/r')
        .event('b', 'NodeDataChanged', '/r')
        .read('b', 4, get('/r')),
    ],
    [
      'reliable',
      'an event that is left out',
      watching()
        .write('a', 4, create('/x'), { path: '/x' })
        .write('a', 5, create('/y'), { path: '/y' })
        .event('b', 'NodeCreated', '/y')
        .read('b', 5, get('/r')),
    ],
    [
      'bookmarkable',
      'the news before the event',
      watching()
        .write('a', 4, set('/r', '1'))
        .read('b', 4, get('/r'), { data: '1' })
        .event('b', 'NodeDataChanged', '/r'),
    ],
    [
      'atomic',
      'an answer of before in the middle of the events of a txn',
      (() => {
        const story = watching();
        const ops = [create('/x'), create('/y')] as {
          do: 'create';
          in: { path: string; data: string; mode: 'persistent' };
        }[];
        const id = story.call('a', { do: 'multi', in: { ops } });
        story.txn('a', 4, id, 'multi').answer('a', id, 4, { results: [0, 0] });
        story.event('b', 'NodeCreated', '/x').read('b', 3, get('/r'), { data: '0' });
        return story.event('b', 'NodeCreated', '/y').read('b', 4, get('/r'), { data: '0' });
      })(),
    ],
    ['resumable', 'a change that was missed on the way to another server', moved().answer('b', 2, 4)],
    [
      'prevKV',
      'another event than the change behind the state that was read',
      watching().write('a', 4, set('/r', '1')).event('b', 'NodeDeleted', '/r').read('b', 4, get('/r')),
    ],
    [
      'isCreate',
      'a creation told as a change',
      watching()
        .write('a', 4, create('/x'), { path: '/x' })
        .event('b', 'NodeDataChanged', '/x')
        .read('b', 4, get('/r')),
    ],
  ];
  for (const [property, name, story] of bad) {
    it(`${property}: finds ${name}`, () => {
      assert.equal(judgeHistory([story.lines]).findings[0]?.law, `watches: ${property}`);
    });
  }

  it('finds an event for which a one-shot watch was used up', () => {
    const story = twoClients()
      .read('b', 3, get('/r', true), { data: '0' })
      .write('a', 4, set('/r', '1'))
      .event('b', 'NodeDataChanged', '/r')
      .read('b', 4, get('/r'), { data: '1' })
      .write('a', 5, set('/r', '2'))
      .event('b', 'NodeDataChanged', '/r')
      .read('b', 5, get('/r'), { data: '2' });
    assert.deepEqual(lawsBroken(story), ['watches: unique']);
  });

  it('finds an event of a watch that was removed', () => {
    const story = watching()
      .read('b', 3, { do: 'removeWatches', in: { path: '/', type: 'any' } })
      .write('a', 4, create('/x'), { path: '/x' })
      .event('b', 'NodeCreated', '/x')
      .read('b', 4, get('/r'), { data: '0' });
    assert.deepEqual(lawsBroken(story), ['watches: filter']);
  });

  it('lets a connection that breaks keep events for itself, but none before one that came', () => {
    const story = (first: string): Story =>
      watching()
        .write('a', 4, create('/x'), { path: '/x' })
        .write('a', 5, create('/y'), { path: '/y' })
        .event('b', 'NodeCreated', first)
        .session('b', 'disconnected');
    assert.deepEqual(lawsBroken(story('/x')), []);
    assert.deepEqual(lawsBroken(story('/y')), ['watches: reliable']);
  });
});

/** Client `b` reads without being told a zxid, when /r was 0 and is 1. */
function withoutZxids(found: string): Story {
  const story = twoClients().write('a', 4, set('/r', '1'));
  const id = story.call('b', get('/r'));
  const line = { kind: 'return' as const, client: 'b', at: 1_000_000, session: '0x62', id };
  story.lines.push({ ...line, outcome: 'ok', out: { data: found } });
  return story;
}

/** Client `b` watches /r, which changes while it goes to another server; its setWatches, call 2, is to be answered. */
function moved(): Story {
  const story = twoClients().read('b', 3, get('/r', true), { data: '0' });
  story.session('b', 'disconnected').write('a', 4, set('/r', '1')).session('b', 'connected', false);
  const lists = { exists: [], children: [], persistent: [], persistentRecursive: [] };
  story.call('b', { do: 'setWatches', in: { zxid: 3, data: ['/r'], ...lists } });
  return story;
}

/** Client `b` goes on at a server that has got to zxid 3 only, with these recursive watches. */
function lagging(story: Story, watches: readonly string[] = []): Story {
  story.session('b', 'disconnected').session('b', 'connected', false);
  if (watches.length === 0) return story;
  const lists = { data: [], exists: [], children: [], persistent: [], persistentRecursive: [...watches] };
  return story.answer('b', story.call('b', { do: 'setWatches', in: { zxid: 3, ...lists } }), 3);
}

/** `a` has a lock with token 5, and `b` gets it with `second`; `a` gives it back after `steps` lines. */
function locks(steps: number, second: number): Story {
  const story = twoClients();
  story.answer('a', story.call('a', acquire), 3, { token: 5 });
  if (steps <= 5) story.answer('a', story.call('a', release), 3);
  story.answer('b', story.call('b', acquire), 3, { token: second });
  if (steps > 5) story.answer('a', story.call('a', release), 3);
  return story;
}

/** `b` waits with token 5 behind `a`, whose session ends at zxid 6, and is told that it holds when it has been shown `shown`. */
function heir(shown: number): Story {
  const story = twoClients();
  story.answer('a', story.call('a', acquire), 4, { token: 4 });
  story.txn('a', 6, 0, 'closeSession');
  return story.answer('b', story.call('b', acquire), shown, { token: 5 });
}

function lockOfTheDead(): Story {
  const story = twoClients();
  story.answer('a', story.call('a', acquire), 3, { token: 3 });
  story.txn('a', 4, 0, 'closeSession');
  return story.answer('b', story.call('b', acquire), 4, { token: 5 });
}

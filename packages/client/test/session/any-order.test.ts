import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, EventType, type Request } from '@headkeeper/protocol';
import fc from 'fast-check';
import { isZooKeeperError } from '../../src/core/errors.ts';
import type { ClientEvent } from '../../src/core/events.ts';
import { settle } from '../world/manual-clock.ts';
import { obliging, World } from '../world/world.ts';

/** All that can happen to a session, in the order in which chance brings it. */
const steps = [
  'write',
  'write in this session',
  'read',
  'read with a watch',
  'stay and watch',
  'write and abort',
  'write briefly',
  'abort all',
  'grant',
  'grant read-only',
  'expire',
  'answer one',
  'answer all',
  'refuse one',
  'want SASL',
  'event',
  'pong',
  'lose',
  'garbage',
  'fill the link',
  'drain the link',
  'a moment',
  'a second',
  'a timeout',
  'other servers',
  'an identity',
  'refuse the identity',
] as const;
type Step = (typeof steps)[number];

interface Write {
  readonly path: string;
  isOver: boolean;
  error: unknown;
}

/** Runs the steps and gives what can be judged. */
async function live(order: readonly Step[], closesWith: 'a server' | 'nobody'): Promise<void> {
  const world = new World();
  const { client, end: first } = await world.connect(
    { maxPending: 50, requestTimeoutMs: 3_000, readOnly: true },
    'a:1,b:2',
  );
  const events: ClientEvent['type'][] = ['connected'];
  client.onEvent(({ type }) => events.push(type));
  const writes: Write[] = [];
  const calls: Promise<unknown>[] = [];
  const acknowledged = new Set<string>();
  const refused = new Set<string>();
  let abort = new AbortController();
  let answered = 0;
  let granted = 1;
  let watched = 0;
  let told = 0;

  const write = (options: object = {}): void => {
    const one: Write = { path: `/w${writes.length}`, isOver: false, error: null };
    writes.push(one);
    const settled = (error: unknown): void => {
      assert.equal(one.isOver, false, 'settled once');
      one.isOver = true;
      one.error = error;
    };
    calls.push(client.delete(one.path, options).then(() => settled(null), settled));
  };
  const read = (options: object): void => {
    calls.push(client.getData('/r', options).catch((error) => assert.ok(isZooKeeperError(error), String(error))));
  };
  const pathOf = (request: Request): string => (request.body as { path?: string } | null)?.path ?? '';
  /** The next request of this connection that has no answer. */
  const due = (): Request | undefined => {
    if (world.end.handshake === null || !world.end.isOpen) return undefined;
    const open = world.end.requests.filter(({ op }) => op !== 'ping' && op !== 'auth');
    return answeredOn.get(world.end) === undefined ? open[0] : open[answeredOn.get(world.end) as number];
  };
  const answeredOn = new Map<object, number>();
  const answer = (how: (request: Request) => void): boolean => {
    const request = due();
    if (request === undefined) return false;
    answeredOn.set(world.end, (answeredOn.get(world.end) ?? 0) + 1);
    answered++;
    how(request);
    return true;
  };
  const oblige = (request: Request): void => {
    if (request.op === 'delete') acknowledged.add(pathOf(request));
    obliging(world.end)(request);
  };
  const isGranted = new Set<object>([first]);
  const grant = (sessionId: bigint, timeOut: number, readOnly: boolean): void => {
    const { end } = world;
    if (end.handshake === null || !end.isOpen || isGranted.has(end)) return;
    isGranted.add(end);
    end.grant({ sessionId: timeOut === 0 ? 0n : sessionId, timeOut, readOnly });
  };

  const acts: Record<Step, () => unknown> = {
    write: () => write(),
    'write in this session': () => write({ session: client.session.id }),
    read: () => read({}),
    'read with a watch': () => {
      watched++;
      read({ watch: () => told++ });
    },
    'stay and watch': () => calls.push(client.addWatch('/p', 'persistent', () => {}).catch(() => {})),
    'write and abort': () => write({ signal: abort.signal }),
    'write briefly': () => write({ timeoutMs: 40 }),
    'abort all': () => {
      abort.abort();
      abort = new AbortController();
    },
    grant: () => grant(world.end.handshake?.sessionId === 0n ? BigInt(0x100 + granted++) : 0x77n, 6_000, false),
    'grant read-only': () => grant(BigInt(0x200 + granted++), 6_000, true),
    expire: () => grant(0n, 0, false),
    'answer one': () => answer(oblige),
    'answer all': () => {
      while (isGranted.has(world.end) && answer(oblige));
    },
    'refuse one': () =>
      answer((request) => {
        if (request.op === 'delete') refused.add(pathOf(request));
        world.end.fail(request.xid, ErrorCode.noNode);
      }),
    'want SASL': () =>
      order.length % 5 === 0 ? answer(({ xid }) => world.end.fail(xid, ErrorCode.sessionClosedRequireSaslAuth)) : 0,
    event: () => isGranted.has(world.end) && world.end.event(EventType.nodeDataChanged, '/r'),
    pong: () => isGranted.has(world.end) && world.end.pong(),
    lose: () => world.end.lose(new Error('reset')),
    garbage: () => world.end.raw(Uint8Array.of(0xff, 0, 0, 1)),
    'fill the link': () => {
      world.end.hasRoom = false;
    },
    'drain the link': () => world.end.isOpen && world.end.drain(),
    'a moment': () => world.clock.advance(20),
    'a second': () => world.clock.advance(1_000),
    'a timeout': () => world.clock.advance(6_500),
    'other servers': () => client.updateServers(order.length % 2 === 0 ? 'b:2,c:3' : 'a:1,b:2,c:3'),
    'an identity': () => client.addAuth('digest', 'u:p'),
    'refuse the identity': () =>
      order.length % 7 === 0 && isGranted.has(world.end) && world.end.asked('auth').length > 0
        ? world.end.reply(-4, 'auth', null, ErrorCode.authFailed)
        : 0,
  };
  for (const step of order) {
    await acts[step]();
    await settle();
    assert.ok(client.pending >= 0 && client.pending <= 50, `${client.pending} pending`);
  }
  const closing = client.close();
  await settle();
  if (closesWith === 'a server') while (isGranted.has(world.end) && answer(oblige));
  await world.clock.advance(6_000);
  await closing;
  await Promise.all(calls);

  const seen = world.ends.flatMap(({ requests }) => requests.filter(({ op }) => op === 'delete').map(pathOf));
  assert.equal(new Set(seen).size, seen.length, 'no write is sent twice');
  for (const { path, isOver, error } of writes) {
    assert.ok(isOver, `${path} is settled`);
    if (error === null) {
      assert.ok(acknowledged.has(path), `${path} was acknowledged by nobody`);
      continue;
    }
    assert.ok(isZooKeeperError(error), String(error));
    assert.notEqual(error.outcome, 'applied');
    const isDoubtful = seen.includes(path) && !refused.has(path);
    if (error.outcome === 'not applied' && isDoubtful) assert.equal(error.code, 'sessionClosedRequireSaslAuth', path);
    if (error.outcome === 'unknown') assert.ok(seen.includes(path), `${path} was never sent`);
  }
  assert.equal(client.pending, 0);
  assert.equal(world.clock.timers, 0, 'nothing is left to be done');
  assert.ok(told <= watched, 'a watcher is told once');
  assert.equal(events.at(-1), 'closed');
  assert.equal(events.filter((type) => type === 'closed').length, 1);
  let isConnected = true;
  for (const type of events.slice(1)) {
    if (type === 'connected') assert.equal(isConnected, false, events.join());
    if (type === 'connected' || type === 'disconnected') isConnected = type === 'connected';
  }
  assert.ok(answered >= acknowledged.size);
}

test('whatever happens in whatever order: every call is settled once, rightly, and nothing is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...steps), { maxLength: 60, size: 'max' }),
      fc.constantFrom('a server' as const, 'nobody' as const),
      live,
    ),
    { numRuns: 150, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false, includeErrorInReport: true },
  );
});

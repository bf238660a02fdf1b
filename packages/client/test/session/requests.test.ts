import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { isZooKeeperError, type ZooKeeperError } from '../../src/core/errors.ts';
import { settle } from '../world/manual-clock.ts';
import { obliging, STAT, World } from '../world/world.ts';

/** What a promise was rejected with. */
async function rejection(promise: Promise<unknown>): Promise<ZooKeeperError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isZooKeeperError(error)) assert.fail(`rejected with ${error}, not with a ZooKeeperError`);
  return error;
}

const summary = ({ code, outcome, path }: ZooKeeperError): string => `${code}, ${outcome}, ${path}`;

test('requests of one turn leave in one write and are answered in order', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const writes = end.writes;
  const answers = [client.getData('/a'), client.setData('/b', 'x'), client.exists('/c')];
  await settle();
  assert.equal(end.writes, writes + 1);
  assert.deepEqual(
    end.requests.map(({ xid, op }) => `${xid} ${op}`),
    ['1 getData', '2 setData', '3 exists'],
  );
  end.reply(1, 'getData', { data: Uint8Array.of(5), stat: STAT });
  end.reply(2, 'setData', { stat: STAT });
  end.fail(3, ErrorCode.noNode);
  assert.deepEqual(await Promise.all(answers), [{ data: Uint8Array.of(5), stat: STAT }, STAT, null]);
});

test('a lost connection rejects writes with outcome unknown and asks reads again, those that wait keep their order', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const read = client.getData('/r');
  const write = rejection(client.setData('/w', 'x'));
  await settle();
  end.lose();
  const queued = client.setData('/later', 'y');
  assert.equal(summary(await write), 'connectionLoss, unknown, /w');
  const again = await world.reconnect({ sessionId: 0x77n });
  assert.deepEqual(
    again.requests.map(({ op, body }) => `${op} ${(body as { path: string }).path}`),
    ['getData /r', 'setData /later'],
  );
  assert.deepEqual(
    again.requests.map(({ xid }) => xid),
    [3, 4],
    'numbers go on',
  );
  again.reply(3, 'getData', { data: null, stat: STAT });
  again.reply(4, 'setData', { stat: STAT });
  assert.equal((await read).data, null);
  assert.deepEqual(await queued, STAT);
});

test('a read whose connection is lost each time is given up at last', async () => {
  const world = new World();
  const { client, end } = await world.connect({ requestTimeoutMs: 10_000_000 });
  const read = rejection(client.getData('/poison'));
  await settle();
  end.lose();
  let asked = 1;
  for (; asked < 20 && client.pending > 0; asked++) {
    const again = await world.reconnect();
    if (again.requests.length === 0) break;
    again.lose();
    await settle();
  }
  assert.equal(asked, 5);
  assert.equal(summary(await read), 'connectionLoss, not applied, /poison');
});

test('an answer that is longer than allowed rejects its request, which is not asked again', async () => {
  const world = new World();
  const { client, end } = await world.connect({ maxReplyBytes: 1024 });
  const read = rejection(client.getData('/large'));
  const other = client.getData('/other');
  await settle();
  end.reply(1, 'getData', { data: new Uint8Array(2_000), stat: STAT });
  const error = await read;
  assert.equal(error.code, 'marshallingError');
  assert.match(error.message, /maxReplyBytes/);
  const again = await world.reconnect();
  assert.equal(again.requests.length, 1);
  again.reply(again.last().xid, 'getData', { data: null, stat: STAT });
  await other;
});

test('an answer that cannot be read rejects its request; a write was applied', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const write = rejection(client.setData('/a', 'x'));
  await settle();
  end.send((out) => {
    out.int(1);
    out.long(7);
    out.int(0);
    out.int(1);
  });
  assert.equal(summary(await write), 'marshallingError, applied, /a');
  assert.equal(client.pending, 0);
});

test('an answer out of turn ends the connection', async () => {
  const world = new World();
  const { client, end, events } = await world.connect();
  const write = rejection(client.delete('/a'));
  await settle();
  end.reply(9, 'delete', null);
  assert.equal(summary(await write), 'connectionLoss, unknown, /a');
  assert.equal(end.isLeft, true);
  assert.equal(events[0]?.type, 'disconnected');
});

test('a server that refuses says so; doubtful errors leave a write unknown', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const calls = [client.setData('/a', 'x'), client.setData('/b', 'x'), client.getData('/c')].map(rejection);
  await settle();
  end.fail(1, ErrorCode.badVersion);
  end.fail(2, ErrorCode.requestTimeout);
  end.fail(3, -999);
  assert.deepEqual((await Promise.all(calls)).map(summary), [
    'badVersion, not applied, /a',
    'requestTimeout, unknown, /b',
    'unknownError, not applied, /c',
  ]);
});

test('an aborted call is given up where it stands', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const before = new AbortController();
  before.abort(new Error('enough'));
  const refused = await rejection(client.setData('/a', 'x', { signal: before.signal }));
  assert.equal(summary(refused), 'aborted, not applied, /a');
  assert.equal((refused.cause as Error).message, 'enough');

  const sent = new AbortController();
  const write = rejection(client.setData('/b', 'x', { signal: sent.signal }));
  const read = rejection(client.getData('/c', { signal: sent.signal }));
  await settle();
  sent.abort();
  assert.equal(summary(await write), 'aborted, unknown, /b');
  assert.equal(summary(await read), 'aborted, not applied, /c');
  end.reply(1, 'setData', { stat: STAT });
  end.reply(2, 'getData', { data: null, stat: STAT });
  assert.equal(client.pending, 0);

  end.lose();
  const waiting = new AbortController();
  const queued = rejection(client.setData('/d', 'x', { signal: waiting.signal }));
  await settle();
  waiting.abort();
  assert.equal(summary(await queued), 'aborted, not applied, /d');
  const again = await world.reconnect();
  assert.deepEqual(again.requests, []);
  const after = new AbortController();
  again.answer = obliging(again);
  await client.getData('/e', { signal: after.signal });
  after.abort();
});

test('a thousand calls may share a signal: it is listened to once, and all of them are given up', async () => {
  const world = new World();
  const { client } = await world.connect();
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const listen = signal.addEventListener.bind(signal);
  signal.addEventListener = (...words: Parameters<typeof listen>) => {
    listeners++;
    listen(...words);
  };
  const calls = Array.from({ length: 1_000 }, () => rejection(client.setData('/a', 'x', { signal })));
  await settle();
  controller.abort();
  for (const error of await Promise.all(calls)) assert.equal(summary(error), 'aborted, unknown, /a');
  assert.equal(listeners, 1);
});

test('a request has a time limit: its own, or that of the client', async () => {
  const world = new World();
  const { client, end } = await world.connect({ requestTimeoutMs: 1_000 });
  const write = rejection(client.setData('/a', 'x'));
  const read = rejection(client.getData('/b', { timeoutMs: 300 }));
  const patient = client.getData('/c', { timeoutMs: Number.POSITIVE_INFINITY });
  let isOver = false;
  void patient.then(() => {
    isOver = true;
  });
  await world.clock.advance(299);
  assert.equal(client.pending, 3);
  await world.clock.advance(1);
  assert.equal(summary(await read), 'requestTimeout, not applied, /b');
  await world.clock.advance(702);
  assert.equal(summary(await write), 'requestTimeout, unknown, /a');
  for (let i = 0; i < 10; i++) {
    await world.clock.advance(1_000);
    end.pong();
  }
  assert.equal(isOver, false);
  end.reply(1, 'setData', { stat: STAT });
  end.reply(2, 'getData', { data: null, stat: STAT });
  end.reply(3, 'getData', { data: null, stat: STAT });
  await patient;
});

test('a time limit that is none is refused', async () => {
  const world = new World();
  const { client } = await world.connect();
  for (const timeoutMs of [Number.NaN, -1]) {
    assert.equal((await rejection(client.getData('/a', { timeoutMs }))).code, 'invalidArgument');
  }
  assert.equal(client.pending, 0);
});

test('what was given up and is not answered yet still counts, so that nothing grows without bound', async () => {
  const world = new World();
  const { client, end } = await world.connect({ maxPending: 4, requestTimeoutMs: 100 });
  const calls = ['/a', '/b', '/c', '/d'].map((path) => rejection(client.getData(path)));
  await world.clock.advance(150);
  await Promise.all(calls);
  assert.equal(client.pending, 4);
  assert.equal((await rejection(client.getData('/e'))).code, 'tooManyPending');
  let isRoom = false;
  void client.room().then(() => {
    isRoom = true;
  });
  for (let xid = 1; xid <= 2; xid++) end.reply(xid, 'getData', { data: null, stat: STAT });
  await settle();
  assert.equal(isRoom, false);
  for (let xid = 3; xid <= 4; xid++) end.reply(xid, 'getData', { data: null, stat: STAT });
  await settle();
  assert.equal(isRoom, true);
});

test('what is given up while there is no connection counts no more, and its place is freed', async () => {
  const world = new World();
  const { client, end } = await world.connect({ maxPending: 4 });
  end.lose();
  for (let i = 0; i < 50; i++) {
    const controller = new AbortController();
    const call = rejection(client.getData('/a', { signal: controller.signal }));
    controller.abort();
    await call;
  }
  assert.equal(client.pending, 0);
});

test('bytes are limited, too', async () => {
  const world = new World();
  const { client } = await world.connect({ maxPendingBytes: 10_000 });
  void client.setData('/a', new Uint8Array(9_999)).catch(() => {});
  assert.equal((await rejection(client.setData('/a', 'x'))).code, 'tooManyPending');
});

test('a full link holds requests back until it drains', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.hasRoom = false;
  void client.getData('/a').catch(() => {});
  await settle();
  void client.getData('/b').catch(() => {});
  await settle();
  assert.equal(end.requests.length, 1);
  end.drain();
  await settle();
  assert.equal(end.requests.length, 2);
});

test('a request that is longer than servers take is refused before it is sent', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const error = await rejection(client.setData('/a', new Uint8Array(1 << 20)));
  assert.equal(error.code, 'invalidArgument');
  assert.match(error.message, /maxRequestBytes.*jute\.maxbuffer/);
  const next = client.setData('/a', new Uint8Array(1_000_000));
  await settle();
  assert.deepEqual(
    end.requests.map(({ xid, op }) => `${xid} ${op}`),
    ['1 setData'],
  );
  end.reply(1, 'setData', { stat: STAT });
  await next;
  assert.equal(client.pending, 0);
});

test('what is no data, version or list is refused, and spoils nothing that follows', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  const wrong = [
    client.setData('/a', 7 as never),
    client.setData('/a', undefined as never),
    client.create('/a', {} as never),
    client.setData('/a', 'x', { version: Number.NaN }),
    client.delete('/a', { version: 1.5 }),
    client.setACL('/a', [{ perms: 31 }] as never),
    client.setACL('/a', null as never),
    client.create('/a', 'x', { acl: 'world' as never }),
    client.getData(7 as never),
    client.getData('a'),
    client.create('/a', 'x', { mode: 'eternal' as never }),
    client.create('/a', 'x', { ttlMs: 0 }),
    client.create('/a', 'x', { mode: 'ephemeral', ttlMs: 5 }),
    client.reconfig({ members: [] }),
    client.reconfig({ joining: ['server.1=a'], fromVersion: 1.5 }),
  ];
  for (const error of await Promise.all(wrong.map(rejection))) {
    assert.equal(error.code, 'invalidArgument');
    assert.equal(error.outcome, 'not applied');
  }
  const good = client.getData('/a');
  await settle();
  assert.equal(end.requests.length, 1);
  end.reply(end.last().xid, 'getData', { data: null, stat: STAT });
  await good;
});

test('a request for one session is not made in another', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.lose();
  const call = rejection(client.setData('/a', 'x', { session: 0x77n }));
  await world.reconnect({ timeOut: 0, sessionId: 0n });
  const again = await world.reconnect({ sessionId: 0x78n });
  assert.equal(summary(await call), 'sessionExpired, not applied, /a');
  assert.deepEqual(again.requests, []);
});

test('xids begin anew after the largest', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  end.answer = obliging(end);
  await client.getData('/a');
  await client.getData('/a');
  assert.deepEqual(
    end.requests.map(({ xid }) => xid),
    [1, 2],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apacheSessionPassword, CreateMode, ErrorCode } from '@headkeeper/protocol';
import { CoreHarness, rawRequest } from '@headkeeper/testkit';
import { NO_THROTTLES } from '../../src/core/settings.ts';
import { limits } from '../../src/limits.ts';
import { creation, make, member, setting, summary } from './requests.ts';
import { treeOf } from './tree-dump.ts';

function ephemeral(path: string): ReturnType<typeof creation> {
  return creation(path, CreateMode.ephemeral);
}

function sessionCount(harness: CoreHarness): number {
  return harness.replica.serving.sessions.size;
}

test('the timeout is clamped to what the server allows', () => {
  const harness = new CoreHarness();
  for (const [asked, granted] of [
    [10_000, 10_000],
    [0, 4000],
    [-1, 4000],
    [-2147483648, 4000],
    [3999, 4000],
    [40_001, 40_000],
    [2147483647, 40_000],
  ] as const) {
    assert.equal(harness.connect({ timeOut: asked }).timeOut, granted, `${asked}`);
  }
});

test('settings that may change count from the next handshake on', () => {
  const harness = new CoreHarness();
  const { settings } = harness;
  const early = harness.connect({ timeOut: 1000 });
  assert.equal(early.timeOut, settings.minSessionTimeoutMs);
  harness.replica.changeSettings({ ...settings, minSessionTimeoutMs: 1000, maxSessionTimeoutMs: 9000 });
  assert.equal(harness.connect({ timeOut: 1000 }).timeOut, 1000);
  assert.equal(harness.connect({ timeOut: 10_000 }).timeOut, 9000);
  assert.equal(early.timeOut, 4000, 'a session keeps what it was granted');
});

test('limits that may change count at once', () => {
  const harness = new CoreHarness({ overload: structuredClone(NO_THROTTLES) });
  const { overload } = harness.settings;
  const { connections } = overload;
  harness.replica.changeLimits({
    ...overload,
    requestLimit: 7,
    connections: { ...connections, tokens: 1, fillCount: 0 },
  });
  assert.equal(harness.replica.serving.settings.overload.requestLimit, 7);
  assert.equal(harness.connect().closed, false);
  const refused = harness.open();
  refused.handshake();
  assert.ok(refused.closed, 'the bucket had one token');
});

test('session ids begin with the server id and count; the password follows from the id', () => {
  const harness = new CoreHarness({ serverId: 3 });
  const [one, two] = [harness.connect(), harness.connect()];
  assert.equal(one.sessionId >> 56n, 3n);
  assert.equal(two.sessionId, one.sessionId + 1n);
  const expected = new Uint8Array(16);
  apacheSessionPassword(
    Number(BigInt.asIntN(32, one.sessionId >> 32n)),
    Number(BigInt.asIntN(32, one.sessionId)),
    expected,
    0,
  );
  assert.deepEqual(one.passwd, expected);
});

test('a session that is silent expires between its timeout and a tick later, with its ephemerals', () => {
  const harness = new CoreHarness();
  const client = harness.connect({ timeOut: 4000 });
  const witness = harness.connect({ timeOut: 40_000 });
  make(witness, '/p');
  client.must('create', ephemeral('/p/e'));
  witness.must('getChildren', { path: '/p', watch: true });
  const start = harness.nowMs;
  while (!client.closed) harness.run(100);
  const lived = harness.nowMs - start;
  assert.ok(lived >= 4000 && lived <= 6100, `it lived ${lived} ms`);
  assert.deepEqual(client.take(), [], 'the connection closes without a message');
  assert.deepEqual(summary(witness.take()), ['event 4 /p']);
  assert.equal(witness.call('exists', { path: '/p/e', watch: false }).err, ErrorCode.noNode);
  const again = harness.open().attach(client);
  assert.deepEqual([again.timeOut, again.sessionId, again.passwd], [0, 0n, new Uint8Array(16)]);
  assert.ok(again.closed);
});

test('any request keeps a session alive', () => {
  const harness = new CoreHarness();
  const client = harness.connect({ timeOut: 4000 });
  for (let i = 0; i < 20; i++) {
    harness.run(3000);
    client.ask('ping', null);
  }
  assert.ok(!client.closed);
  assert.equal(client.take().length, 20);
});

test('a session outlives its connection and is attached again by id and password', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.must('create', ephemeral('/e'));
  client.disconnect();
  harness.run(5000);
  const again = harness.open().attach(client, { timeOut: 7000 });
  assert.deepEqual([again.sessionId, again.passwd, again.timeOut], [client.sessionId, client.passwd, 7000]);
  assert.equal(again.must('exists', { path: '/e', watch: false }).stat.ephemeralOwner, client.sessionId);
  assert.deepEqual(again.must('getEphemerals', { prefixPath: '/' }).ephemerals, ['/e']);
  assert.equal(again.must('whoAmI', null).clientInfo?.length, 1, 'identities and watches belong to the connection');
});

test('a session that is attached elsewhere closes the connection it had', () => {
  const harness = new CoreHarness();
  const first = harness.connect();
  first.must('addWatch', { path: '/', mode: 1 });
  const second = harness.open().attach(first);
  assert.deepEqual([first.closed, second.closed], [true, false]);
  make(second, '/a');
  assert.deepEqual(first.take(), [], 'its watches are gone');
});

test('a write on its way when the session moves is executed and answered to nobody', () => {
  const harness = new CoreHarness();
  const first = harness.connect();
  harness.autoDurable = false;
  first.ask('create', creation('/a'));
  const second = harness.open().attach(first);
  harness.durable();
  assert.deepEqual(first.take(), []);
  assert.equal(second.call('exists', { path: '/a', watch: false }).err, 0);
});

test('a wrong password is refused and does not close the rightful connection', () => {
  const harness = new CoreHarness();
  const rightful = harness.connect();
  for (const passwd of [
    new Uint8Array(16),
    new Uint8Array(15),
    rightful.passwd.slice(0, 15),
    new Uint8Array(0),
    null,
  ]) {
    const thief = harness.open().attach(rightful, { passwd });
    assert.deepEqual([thief.timeOut, thief.closed], [0, true]);
  }
  assert.ok(!rightful.closed);
  rightful.must('sync', { path: '/' });
});

test('unknown and closed sessions are refused', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.must('closeSession', null);
  assert.ok(client.closed);
  const closed = harness.open().attach(client);
  assert.deepEqual([closed.timeOut, closed.closed], [0, true]);
  const old = harness.open();
  old.handshake({ sessionId: 5n, readOnly: null });
  assert.equal(old.bytes[0]?.length, 40, 'without a readOnly byte when the request had none');
});

test('keyed passwords cannot be computed, and one restart that accepts both converts live sessions', () => {
  const apache = new CoreHarness({ sessionPasswordIssue: 'apache', sessionPasswordAccept: ['apache'] });
  const client = apache.connect();
  const both = new CoreHarness(
    { sessionPasswordIssue: 'keyed', sessionPasswordAccept: ['apache', 'keyed'] },
    apache.log,
  );
  const converted = both.open().attach(client);
  assert.equal(converted.sessionId, client.sessionId);
  assert.notDeepEqual(converted.passwd, client.passwd);
  const keyed = new CoreHarness({ sessionPasswordIssue: 'keyed', sessionPasswordAccept: ['keyed'] }, both.log);
  assert.equal(keyed.open().attach(client).timeOut, 0, 'the computable one is refused');
  assert.equal(keyed.open().attach(converted).sessionId, client.sessionId);
  const other = { sessionPasswordKey: new Uint8Array(32).fill(8) };
  const moved = new CoreHarness({ ...keyed.settings, ...other }, both.log);
  assert.equal(moved.open().attach(converted).timeOut, 0, 'another secret, another password');
});

test('a client that has seen a later zxid must try another server', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  make(client, '/a');
  const ahead = harness.open();
  ahead.handshake({ lastZxidSeen: harness.durableZxid + 1 });
  assert.deepEqual([ahead.bytes.length, ahead.closed], [0, true]);
  for (const lastZxidSeen of [harness.durableZxid, 0, -1]) harness.connect({ lastZxidSeen });
});

test('a client may send requests behind its handshake', () => {
  const harness = new CoreHarness();
  harness.autoDurable = false;
  const client = harness.open();
  client.handshake();
  assert.ok(harness.replica.wantsPause(client.connection));
  client.ask('create', ephemeral('/e'));
  client.ask('ping', null);
  assert.deepEqual(client.take(), []);
  harness.durable();
  assert.deepEqual(summary(client.take()), ['session']);
  harness.durable();
  assert.deepEqual(summary(client.take()), ['create 0', 'ping 0']);
});

test('a client that goes away while its session is created leaves a session that expires', () => {
  const harness = new CoreHarness();
  harness.autoDurable = false;
  const client = harness.open();
  client.handshake({ timeOut: 4000 });
  client.disconnect();
  harness.durable();
  assert.equal(sessionCount(harness), 1);
  harness.autoDurable = true;
  harness.run(10_000);
  assert.equal(sessionCount(harness), 0);
});

test('a connection that never finishes its handshake is closed', () => {
  const harness = new CoreHarness();
  const silent = harness.open();
  const half = harness.open();
  half.send(new Uint8Array([0, 0, 0, 45, 0]));
  harness.run(harness.settings.overload.handshakeMs + harness.settings.tickTimeMs);
  assert.deepEqual([silent.closed, half.closed], [true, true]);
});

test('closing a session takes along the ephemerals that are created and not yet durable', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const witness = harness.connect();
  make(witness, '/p');
  client.must('create', ephemeral('/p/old'));
  client.must('create', ephemeral('/p/changed'));
  client.must('create', ephemeral('/p/deleted'));
  witness.must('addWatch', { path: '/p', mode: 1 });
  harness.autoDurable = false;
  client.ask('create', ephemeral('/p/new'));
  client.ask('setData', setting('/p/changed', 'x'));
  client.ask('delete', { path: '/p/deleted', version: -1 });
  client.ask('create', creation('/p/deleted'));
  client.ask('multi', { ops: [member.create('/p/m1', 1), member.setData('/p/m1', 'y'), member.create('/p/m2', 1)] });
  client.ask('multi', { ops: [member.create('/p/not', 1), member.check('/p/none')] });
  client.ask('closeSession', null);
  const behind = client.encode('create', creation('/p/behind'));
  client.send(behind);
  harness.durable();
  assert.deepEqual(summary(client.take()).at(-1), 'closeSession 0');
  assert.ok(client.closed);
  harness.autoDurable = true;
  assert.deepEqual(witness.must('getChildren', { path: '/p', watch: false }).children, ['deleted']);
  const stat = witness.must('exists', { path: '/p', watch: false }).stat;
  assert.deepEqual([stat.numChildren, stat.pzxid], [1, harness.durableZxid]);
  assert.equal(harness.replica.serving.statistics.digestMismatches, 0);
  assert.deepEqual(treeOf(harness.restarted().replica.serving), treeOf(harness.replica.serving));
  const deleted = witness
    .take()
    .filter((one) => one.kind === 'event' && one.type === 2 && one.zxid === harness.durableZxid);
  assert.equal(deleted.length, 5, 'old, changed, new, m1 and m2, each once');
});

test('a session that expires while its client still sends is closed once', () => {
  const harness = new CoreHarness();
  const client = harness.connect({ timeOut: 4000 });
  client.must('create', ephemeral('/e'));
  harness.autoDurable = false;
  harness.run(8000);
  client.ask('create', ephemeral('/late'));
  client.ask('closeSession', null);
  harness.run(8000);
  harness.durable();
  assert.ok(client.closed);
  assert.equal(sessionCount(harness), 0);
  const witness = harness.open();
  witness.handshake();
  harness.durable();
  assert.deepEqual(witness.call('getChildren', { path: '/', watch: false }).body?.children, ['zookeeper']);
});

test('the end of a session is logged without paths where old servers are to understand it, and deletes the same', () => {
  const harness = new CoreHarness({ closeSessionTxn: false });
  const client = harness.connect();
  const witness = harness.connect();
  for (const path of ['/e1', '/e2']) client.must('create', ephemeral(path));
  const named = harness.replica.serving.lastZxid;
  client.must('closeSession', null);
  assert.ok(client.closed);
  assert.deepEqual(witness.must('getChildren', { path: '/', watch: false }).children, ['zookeeper']);
  assert.equal(harness.replica.serving.statistics.digestMismatches, 0);
  const restarted = harness.restarted();
  assert.equal(restarted.replica.serving.lastZxid, named + 1);
  assert.deepEqual(treeOf(restarted.replica.serving), treeOf(harness.replica.serving));
  assert.ok(closeBytes(true) - closeBytes(false) > '/e1/e2'.length, 'without the paths the record is shorter');
});

/** Log bytes of the end of a session with two ephemerals. */
function closeBytes(closeSessionTxn: boolean): number {
  const harness = new CoreHarness({ closeSessionTxn });
  const client = harness.connect();
  for (const path of ['/e1', '/e2']) client.must('create', ephemeral(path));
  client.must('closeSession', null);
  return harness.log.at(-1)?.body.length ?? 0;
}

test('sessions get a full timeout after a restart, ephemerals without a session go', () => {
  const harness = new CoreHarness();
  const client = harness.connect({ timeOut: 6000 });
  client.must('create', ephemeral('/e'));
  const restarted = harness.restarted();
  restarted.run(4000);
  assert.equal(restarted.open().attach(client, { timeOut: 6000 }).sessionId, client.sessionId);
  restarted.run(20_000);
  assert.equal(sessionCount(restarted), 0);
  assert.equal(treeOf(restarted.replica.serving).nodes.length, 4);
});

test('identities of a connection are bounded', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  for (let i = 0; i < limits.identities + 5 && !client.closed; i++) {
    client.ask('auth', { type: 0, scheme: 'digest', auth: new TextEncoder().encode(`user${i}:x`) });
  }
  assert.ok(client.closed);
  assert.equal(summary(client.take()).at(-1), `auth ${ErrorCode.authFailed}`);
});

test('createSession from a client is an unknown operation', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.expect(null, 7);
  client.send(rawRequest(7, -10, new Uint8Array(4)));
  assert.deepEqual(summary(client.take()), ['unknown -6']);
  assert.equal(sessionCount(harness), 1);
});

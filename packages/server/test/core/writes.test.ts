import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateMode, decodeUtf8, ErrorCode, OpCode } from '@headkeeper/protocol';
import { CoreHarness, type RawClient } from '@headkeeper/testkit';
import { Field } from '../../src/core/tree/node-store.ts';
import { creation, make, member, setting, summary, version } from './requests.ts';
import { treeOf } from './tree-dump.ts';

function dataOf(client: RawClient, path: string): string | null {
  const { data } = client.must('getData', { path, watch: false });
  return data === null ? null : decodeUtf8(data);
}

function errorsOf(client: RawClient, ...ops: ReturnType<(typeof member)[keyof typeof member]>[]): number[] {
  const { results } = client.must('multi', { ops });
  return results.map((result) => (result.type === OpCode.error ? result.body.err : 0));
}

test('a parent of one character that is not the root does not exist', () => {
  const client = new CoreHarness().connect();
  assert.equal(client.call('create', creation('x/y')).err, ErrorCode.noNode);
  assert.equal(client.call('create', creation('x/')).err, ErrorCode.noNode);
  assert.equal(client.call('create', creation('//y')).err, ErrorCode.badArguments);
  assert.equal(client.call('delete', version('x/y')).err, ErrorCode.noNode);
});

test('closing a session deletes an ephemeral once that a pending multi has changed twice', () => {
  const harness = new CoreHarness();
  const owner = harness.connect();
  const other = harness.connect();
  make(other, '/p', '/p/kept');
  harness.autoDurable = false;
  owner.ask('multi', { ops: [member.create('/p/e', CreateMode.ephemeral), member.setData('/p/e', 'more')] });
  owner.ask('closeSession', null);
  // The parent has one child left whatever is pending.
  other.ask('delete', version('/p'));
  harness.durable();
  assert.deepEqual(summary(other.take()).slice(-1), [`delete ${ErrorCode.notEmpty}`]);
  assert.equal(harness.replica.serving.statistics.digestMismatches, 0);
  assert.deepEqual(other.must('getChildren', { path: '/p', watch: false }).children, ['kept']);
});

test('a parent can be deleted behind its last child, pending or in one multi', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  harness.autoDurable = false;
  for (const path of ['/a', '/a/b']) client.ask('create', creation(path));
  for (const path of ['/a', '/a/b', '/a']) client.ask('delete', version(path));
  harness.durable();
  assert.deepEqual(summary(client.take()), ['create 0', 'create 0', 'delete -111', 'delete 0', 'delete 0']);
  harness.autoDurable = true;
  make(client, '/a', '/a/b');
  assert.deepEqual(errorsOf(client, member.delete('/a/b'), member.delete('/a')), [0, 0]);
});

test('the reaper leaves a znode alone that has a pending change', () => {
  const harness = new CoreHarness();
  const client = harness.connect({ timeOut: 40_000 });
  make(client, '/plain');
  client.must('createContainer', creation('/c', CreateMode.container));
  make(client, '/c/child');
  client.must('delete', version('/c/child'));
  harness.autoDurable = false;
  client.ask('delete', version('/c'));
  client.ask('create', creation('/c', CreateMode.persistent, 'not a container'));
  for (let second = 0; second < 70; second += 10) {
    harness.run(10_000);
    client.ask('ping', null);
  }
  harness.durable();
  harness.autoDurable = true;
  client.take();
  assert.equal(dataOf(client, '/c'), 'not a container');
});

test('the counter of children does not go beyond 2147483647, and neither do proposals', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  make(client, '/p');
  const { tree } = harness.replica.serving;
  const path = new TextEncoder().encode('/p');
  tree.store.set(tree.find(path, 0, path.length), Field.cversion, 2147483646);
  const sequential = creation('/p/s', CreateMode.persistentSequential);
  assert.equal(client.must('create', sequential).path, '/p/s2147483646');
  assert.equal(client.must('create', sequential).path, '/p/s2147483647');
  const { pzxid } = client.must('exists', { path: '/p', watch: false }).stat;
  assert.equal(client.call('create', sequential).err, ErrorCode.nodeExists);
  harness.autoDurable = false;
  client.ask('create', sequential);
  client.ask('create', creation('/p/plain'));
  client.ask('create', sequential);
  harness.durable();
  harness.autoDurable = true;
  assert.deepEqual(summary(client.take()), ['create -110', 'create 0', 'create -110']);
  assert.equal(client.must('exists', { path: '/p', watch: false }).stat.pzxid, pzxid);
  assert.equal(treeOf(harness.replica.serving).nodes.length, 8);
});

test('sequence numbers count creations, shared by all prefixes', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  make(client, '/p', '/p/a', '/p/b');
  client.must('delete', version('/p/a'));
  assert.equal(client.must('create', creation('/p/', CreateMode.persistentSequential)).path, '/p/0000000002');
  assert.equal(client.must('create', creation('/p/x', CreateMode.ephemeralSequential)).path, '/p/x0000000003');
  const { results } = client.must('multi', {
    ops: [
      member.create('/p/m', CreateMode.persistentSequential),
      member.create('/p/n', CreateMode.persistentSequential),
    ],
  });
  assert.deepEqual(
    results.map((result) => (result.type === OpCode.create ? result.body.path : null)),
    ['/p/m0000000004', '/p/n0000000005'],
  );
  assert.deepEqual(errorsOf(client, member.create('/p/q', 2), member.check('/none')), [0, ErrorCode.noNode]);
  assert.equal(client.must('create', creation('/p/', CreateMode.persistentSequential)).path, '/p/0000000006');
  client.must('create', creation('/', CreateMode.persistentSequential));
  assert.equal(client.call('create', creation('/p/e/', CreateMode.persistentSequential)).err, ErrorCode.noNode);
});

test('a multi is all or nothing, and each operation sees those before it', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  make(client, '/a');
  const before = treeOf(harness.replica.serving);
  assert.deepEqual(
    errorsOf(client, member.create('/a/b'), member.create('/a/b/c'), member.setData('/a', 'x', 7), member.delete('/a')),
    [0, 0, ErrorCode.badVersion, ErrorCode.runtimeInconsistency],
  );
  const after = treeOf(harness.replica.serving);
  assert.deepEqual(after, before, 'nothing is left of a failed multi');
  const zxid = harness.replica.serving.lastZxid;
  assert.deepEqual(errorsOf(client, member.create('/a/b'), member.delete('/a/b'), member.create('/a/b')), [0, 0, 0]);
  assert.equal(harness.replica.serving.lastZxid, zxid + 1);
  const stat = client.must('exists', { path: '/a', watch: false }).stat;
  assert.equal(stat.cversion, 3);
  const { results } = client.must('multi', {
    ops: [member.setData('/a', '1'), member.setData('/a', '2'), member.check('/a', 2)],
  });
  assert.deepEqual(
    results.map((result) => (result.type === OpCode.setData ? result.body.stat.version : result.type)),
    [1, 2, OpCode.check],
  );
  assert.deepEqual(client.must('multi', { ops: [] }).results, []);
  assert.equal(harness.replica.serving.statistics.digestMismatches, 0);
});

test('inside a multi the flag says what a create makes, and the type of its result', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const ttl = { ...creation('/ttl', CreateMode.persistentWithTTL), ttl: 1000 };
  const { results } = client.must('multi', {
    ops: [
      member.create('/plain', CreateMode.persistent),
      member.create2('/eph', CreateMode.ephemeral),
      member.create('/container', CreateMode.container),
      { type: OpCode.createContainer, body: creation('/other', CreateMode.persistent) },
      { type: OpCode.createTTL, body: ttl },
      { type: OpCode.createTTL, body: { ...ttl, path: '/not-ttl', flags: CreateMode.ephemeral, ttl: -1 } },
    ],
  });
  const { create, create2 } = OpCode;
  assert.deepEqual(
    results.map((result) => result.type),
    [create, create2, create2, create2, create2, create],
  );
  const { tree } = harness.replica.serving;
  const kinds = ['/plain', '/eph', '/container', '/other', '/ttl', '/not-ttl'].map((path) => {
    const bytes = new TextEncoder().encode(path);
    const slot = tree.find(bytes, 0, bytes.length);
    return tree.kinds.of(tree.store.get(slot, Field.owner), tree.store.get(slot, Field.owner + 1));
  });
  assert.deepEqual(kinds, ['persistent', 'ephemeral', 'container', 'container', 'ttl', 'ephemeral']);
  const before = harness.appendedZxid;
  for (const flags of [-1, 5, 6, 7]) {
    assert.equal(client.call('multi', { ops: [member.create('/x', flags)] }).err, ErrorCode.marshallingError);
  }
  assert.equal(harness.appendedZxid, before + 4, 'a multi that cannot be decoded takes a zxid');
  assert.deepEqual(errorsOf(client, member.check('/'), member.check(''), member.check('/plain')), [0, -8, -2]);
  assert.equal(harness.replica.serving.statistics.digestMismatches, 0);
});

test('containers go some time after their last child, and only those that had one', () => {
  const harness = new CoreHarness();
  const client = harness.connect({ timeOut: 40_000 });
  for (const path of ['/used', '/unused', '/full'])
    client.must('createContainer', creation(path, CreateMode.container));
  make(client, '/used/x', '/full/x', '/plain', '/plain/x');
  client.must('delete', version('/used/x'));
  client.must('delete', version('/plain/x'));
  client.must('addWatch', { path: '/', mode: 1 });
  const zxid = harness.appendedZxid;
  runAlive(harness, client, 60_000);
  assert.equal(harness.appendedZxid, zxid + 1, 'nothing is proposed that would be refused');
  assert.deepEqual(
    summary(client.take()).filter((line) => line.startsWith('event')),
    ['event 2 /used'],
  );
  assert.deepEqual(client.must('getChildren', { path: '/', watch: false }).children?.toSorted(), [
    'full',
    'plain',
    'unused',
    'zookeeper',
  ]);
});

test('a znode with a time to live goes at the first scan after it has not been written for so long', () => {
  const harness = new CoreHarness();
  const client = harness.connect({ timeOut: 40_000 });
  const ttl = (path: string, ms: number) => ({ ...creation(path, CreateMode.persistentWithTTL), ttl: ms });
  client.must('createTTL', ttl('/short', 50_000));
  client.must('createTTL', ttl('/renewed', 50_000));
  client.must('createTTL', ttl('/parent', 1));
  make(client, '/parent/child');
  runAlive(harness, client, 50_000);
  client.must('setData', setting('/renewed', 'again'));
  assert.notEqual(client.call('exists', { path: '/short', watch: false }).err, ErrorCode.noNode);
  runAlive(harness, client, 20_000);
  assert.equal(client.call('exists', { path: '/short', watch: false }).err, ErrorCode.noNode);
  assert.equal(client.call('exists', { path: '/renewed', watch: false }).err, 0);
  assert.equal(client.call('exists', { path: '/parent', watch: false }).err, 0);
  for (const [flags, time, error] of [
    [5, 0, -8],
    [5, 2 ** 40, -8],
    [0, -1, -8],
    [0, 5, -8],
    [7, 5, -8],
  ]) {
    assert.equal(client.call('createTTL', { ...creation('/t', flags), ttl: time as number }).err, error);
  }
});

/** Time passes while the client says that it is there. */
function runAlive(harness: CoreHarness, client: RawClient, ms: number): void {
  for (let passed = 0; passed < ms; passed += 10_000) {
    harness.run(10_000);
    client.ask('ping', null);
  }
}

test('a hard quota refuses what would pass it, a soft one does not', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  make(client, '/q', '/q/one', '/soft', '/zookeeper/quota/q', '/zookeeper/quota/soft');
  client.must(
    'create',
    creation('/zookeeper/quota/q/zookeeper_limits', 0, 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3'),
  );
  client.must('create', creation('/zookeeper/quota/q/zookeeper_stats', 0, 'count=0,bytes=0'));
  client.must('create', creation('/zookeeper/quota/soft/zookeeper_limits', 0, 'count=1,bytes=1'));
  client.must('create', creation('/zookeeper/quota/soft/zookeeper_stats'));
  const stats = '/zookeeper/quota/q/zookeeper_stats';
  assert.equal(dataOf(client, stats), 'count=2,bytes=0');
  make(client, '/q/two', '/soft/over');
  assert.equal(client.call('create', creation('/q/three')).err, ErrorCode.quotaExceeded);
  client.must('setData', setting('/q/one', '0123456789'));
  assert.equal(client.call('setData', setting('/q/two', 'x')).err, ErrorCode.quotaExceeded);
  assert.equal(client.call('setData', setting('/q/one', '01234567890', 0)).err, ErrorCode.quotaExceeded);
  assert.equal(client.call('setData', setting('/q/one', '9876543210', 0)).err, ErrorCode.badVersion);
  client.must('delete', version('/q/two'));
  assert.equal(dataOf(client, stats), 'count=2,bytes=10');
  assert.deepEqual(treeOf(harness.restarted().replica.serving), treeOf(harness.replica.serving));
  client.must('delete', version('/zookeeper/quota/q/zookeeper_limits'));
  make(client, '/q/two', '/q/three', '/q/four');
});

test('permissions are asked for as Apache asks', () => {
  const harness = new CoreHarness({ superDigest: 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=' });
  const client = harness.connect();
  const none = [{ perms: 0, scheme: 'world', id: 'anyone' }];
  const mine = [{ perms: 31, scheme: 'auth', id: '' }];
  assert.equal(client.call('create', creation('/mine', 0, '', mine)).err, ErrorCode.invalidACL);
  client.must('auth', { type: 0, scheme: 'digest', auth: new TextEncoder().encode('bob:secret') });
  client.must('create', creation('/mine', 0, 'x', mine));
  client.must('create', creation('/mine/child'));
  client.must('create', creation('/shut', 0, '', none));
  const stranger = harness.connect();
  for (const [op, body] of [
    ['getData', { path: '/mine', watch: true }],
    ['exists', { path: '/mine', watch: true }],
    ['getChildren', { path: '/mine', watch: true }],
    ['getAllChildrenNumber', { path: '/mine' }],
    ['getACL', { path: '/mine' }],
    ['setData', setting('/mine', 'y')],
    ['setACL', { path: '/mine', acl: none, version: -1 }],
    ['create', creation('/mine/x')],
    ['delete', version('/mine/child')],
    ['delete', version('/mine/nothing')],
  ] as const) {
    assert.equal(stranger.call(op, body as never).err, ErrorCode.noAuth, op);
  }
  const { results } = stranger.must('multi', { ops: [member.check('/mine', -1)] });
  assert.equal(results[0]?.type === OpCode.error ? results[0].body.err : 0, ErrorCode.noAuth);
  stranger.must('delete', version('/shut'));
  assert.equal(harness.replica.serving.watches.pathCount, 0, 'no watch where nothing may be read');
  client.must('setACL', { path: '/mine', acl: [...mine, { perms: 1, scheme: 'world', id: 'anyone' }], version: 0 });
  assert.equal(stranger.must('getACL', { path: '/mine' }).acl?.[0]?.id, 'bob:x');
  stranger.must('auth', { type: 0, scheme: 'digest', auth: new TextEncoder().encode('super:admin') });
  assert.match(stranger.must('getACL', { path: '/mine' }).acl?.[0]?.id ?? '', /^bob:.{28}$/);
  stranger.must('delete', version('/mine/child'));
});

test('stats change as the table of the protocol says', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const root = client.must('exists', { path: '/', watch: false }).stat;
  assert.deepEqual([root.cversion, root.numChildren, root.czxid], [-1, 1, 0]);
  make(client, '/p');
  const created = client.must('exists', { path: '/p', watch: false }).stat;
  harness.pass(5);
  make(client, '/p/c');
  const parent = client.must('exists', { path: '/p', watch: false }).stat;
  assert.deepEqual(parent, { ...created, cversion: 1, numChildren: 1, pzxid: created.czxid + 1 });
  harness.pass(5);
  client.must('delete', version('/p/c'));
  const left = client.must('exists', { path: '/p', watch: false }).stat;
  assert.deepEqual(left, { ...created, cversion: 2, numChildren: 0, pzxid: created.czxid + 2 });
  const { stat } = client.must('setData', setting('/p', 'four'));
  assert.deepEqual(stat, {
    ...left,
    version: 1,
    mzxid: created.czxid + 3,
    mtime: created.mtime + 10,
    dataLength: 4,
  });
  const acl = client.must('setACL', { path: '/p', acl: [{ perms: 31, scheme: 'ip', id: '127.0.0.1' }], version: 0 });
  assert.deepEqual(acl.stat, { ...stat, aversion: 1 });
  client.must('setData', setting('/p', null, 1));
  const { data, stat: nulled } = client.must('getData', { path: '/p', watch: false });
  assert.deepEqual([data, nulled.dataLength], [null, 0]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateMode, ErrorCode, encodeUtf8 } from '@headkeeper/protocol';
import { CoreHarness, type RawClient } from '@headkeeper/testkit';
import { creation, make, member, setting, summary, version } from './requests.ts';

const SECRET = [{ perms: 31, scheme: 'digest', id: 'bob:wMPU2bj7EBWp6FGDsDqpcDtSHJo=' }];

function pair(): { harness: CoreHarness; writer: RawClient; watcher: RawClient } {
  const harness = new CoreHarness();
  return { harness, writer: harness.connect(), watcher: harness.connect() };
}

function events(client: RawClient): string[] {
  return summary(client.take()).filter((line) => line.startsWith('event'));
}

test('a one-shot watch fires once and is gone', () => {
  const { harness, writer, watcher } = pair();
  make(writer, '/a');
  watcher.must('getData', { path: '/a', watch: true });
  watcher.must('getData', { path: '/a', watch: true });
  writer.must('setData', setting('/a', '1'));
  writer.must('setData', setting('/a', '2'));
  assert.deepEqual(events(watcher), ['event 3 /a']);
  assert.equal(harness.replica.serving.watches.pathCount, 0);
});

test('what a failed read does not leave, and exists does', () => {
  const { harness, writer, watcher } = pair();
  for (const op of ['getData', 'getChildren', 'getChildren2'] as const) watcher.call(op, { path: '/a', watch: true });
  assert.equal(harness.replica.serving.watches.pathCount, 0);
  watcher.call('exists', { path: '/a', watch: true });
  watcher.call('exists', { path: '/nul\0', watch: true });
  make(writer, '/a');
  assert.deepEqual(events(watcher), ['event 1 /a']);
});

test('a deleted znode is told of once to a connection with data and child watches, and to its parent’s watchers', () => {
  const { writer, watcher } = pair();
  make(writer, '/a', '/a/b');
  watcher.must('getData', { path: '/a/b', watch: true });
  watcher.must('getChildren', { path: '/a/b', watch: true });
  watcher.must('getChildren', { path: '/a', watch: true });
  writer.must('delete', version('/a/b'));
  assert.deepEqual(events(watcher), ['event 2 /a/b', 'event 4 /a']);
});

test('a multi sends the events of its operations in order, once to a one-shot watcher; a failed one sends none', () => {
  const { writer, watcher } = pair();
  make(writer, '/a');
  watcher.must('getData', { path: '/a', watch: true });
  watcher.must('addWatch', { path: '/a/b', mode: 0 });
  writer.must('multi', { ops: [member.setData('/a', 'x'), member.check('/none')] });
  assert.deepEqual(events(watcher), []);
  const ops = [member.setData('/a', 'x'), member.create('/a/b'), member.setData('/a', 'y'), member.delete('/a/b')];
  writer.must('multi', { ops });
  assert.deepEqual(events(watcher), ['event 3 /a', 'event 1 /a/b', 'event 2 /a/b']);
});

test('an event is delivered only to who may read its znode, and uses up the watch all the same', () => {
  const { harness, writer, watcher } = pair();
  const bob = harness.connect();
  for (const client of [writer, bob]) {
    client.must('auth', { type: 0, scheme: 'digest', auth: encodeUtf8('bob:secret') });
  }
  const acl = [{ perms: 31, scheme: 'auth', id: '' }];
  for (const client of [watcher, bob]) {
    client.call('exists', { path: '/s', watch: true });
    client.must('addWatch', { path: '/s/child', mode: 0 });
  }
  writer.must('create', creation('/s', 0, '', acl));
  assert.deepEqual([events(watcher), events(bob)], [[], ['event 1 /s']]);
  writer.must('setACL', { path: '/s', acl: [{ perms: 31, scheme: 'world', id: 'anyone' }], version: -1 });
  writer.must('setData', setting('/s', 'x'));
  assert.deepEqual(events(watcher), [], 'the suppressed event has used up the watch');
  writer.must('create', creation('/s/child', 0, '', SECRET));
  writer.must('delete', version('/s/child'));
  assert.deepEqual(events(watcher), [], 'the list of a deleted znode guards its event');
});

test('watches of three modes live on one path, and one event is sent', () => {
  const { writer, watcher } = pair();
  make(writer, '/a');
  watcher.must('getData', { path: '/a', watch: true });
  watcher.must('addWatch', { path: '/a', mode: 0 });
  watcher.must('addWatch', { path: '/', mode: 1 });
  writer.must('setData', setting('/a', 'x'));
  assert.deepEqual(events(watcher), ['event 3 /a']);
  const watching = (type: number): number => watcher.call('checkWatches', { path: '/a', type }).err;
  assert.deepEqual([1, 2, 3, 4, 5].map(watching), [-121, -121, 0, 0, -121]);
  assert.equal(watcher.call('removeWatches', { path: '/a', type: 4 }).err, 0);
  assert.deepEqual([1, 2, 3, 4, 5].map(watching), [-121, -121, -121, -121, -121]);
  assert.equal(watcher.call('checkWatches', { path: '/a', type: 6 }).err, ErrorCode.marshallingError);
  assert.equal(watcher.call('addWatch', { path: '/a', mode: 2 }).err, ErrorCode.marshallingError);
});

test('setWatches tells what was missed and watches the rest', () => {
  const { harness, writer, watcher } = pair();
  make(writer, '/changed', '/same', '/parent', '/quiet');
  const seen = harness.durableZxid;
  writer.must('setData', setting('/changed', 'x'));
  make(writer, '/appeared', '/parent/child');
  const again = harness.open().attach(watcher);
  again.must('setWatches2', {
    relativeZxid: seen,
    dataWatches: ['/changed', '/same', '/gone'],
    existWatches: ['/appeared', '/later'],
    childWatches: ['/parent', '/quiet', '/gone'],
    persistentWatches: ['/p'],
    persistentRecursiveWatches: ['/r'],
  });
  const first = again.take();
  assert.deepEqual(summary(first), [
    'event 3 /changed',
    'event 2 /gone',
    'event 1 /appeared',
    'event 4 /parent',
    'event 2 /gone',
  ]);
  assert.ok(first.every((one) => one.kind === 'event' && one.zxid === -1));
  writer.must('setData', setting('/same', 'y'));
  writer.must('setData', setting('/changed', 'y'));
  make(writer, '/quiet/child', '/later', '/p', '/p/x', '/r', '/r/x', '/parent/other');
  assert.deepEqual(events(again), [
    'event 3 /same',
    'event 4 /quiet',
    'event 1 /later',
    'event 1 /p',
    'event 4 /p',
    'event 1 /r',
    'event 1 /r/x',
  ]);
});

test('setWatches tells nothing of a znode that the client may not read', () => {
  const { harness, writer, watcher } = pair();
  make(writer, '/parent');
  const seen = harness.durableZxid;
  writer.must('create', creation('/secret', 0, '', SECRET));
  writer.must('create', creation('/appeared', 0, '', SECRET));
  watcher.must('setWatches', {
    relativeZxid: seen,
    dataWatches: ['/secret'],
    existWatches: ['/appeared'],
    childWatches: ['/secret'],
  });
  assert.deepEqual(watcher.take(), []);
});

test('a list of watches that is null or broken leaves no watch', () => {
  const { harness, watcher } = pair();
  const body = { relativeZxid: 0, dataWatches: ['/a'], existWatches: ['/b'], childWatches: null };
  assert.equal(watcher.call('setWatches', body).err, ErrorCode.marshallingError);
  assert.equal(watcher.call('addWatch', { path: null, mode: 0 }).err, ErrorCode.badArguments);
  assert.equal(harness.replica.serving.watches.pathCount, 0);
});

test('watches go with their connection', () => {
  const { harness, writer, watcher } = pair();
  watcher.must('addWatch', { path: '/', mode: 1 });
  watcher.disconnect();
  assert.equal(harness.replica.serving.watches.pathCount, 0);
  make(writer, '/a');
  assert.deepEqual(watcher.take(), []);
});

test('the end of a session tells the watchers of its ephemerals and of their parents', () => {
  const { harness, writer, watcher } = pair();
  make(watcher, '/p');
  for (const name of ['a', 'b']) writer.must('create', creation(`/p/${name}`, CreateMode.ephemeral));
  watcher.must('addWatch', { path: '/p', mode: 1 });
  watcher.must('getChildren', { path: '/p', watch: true });
  writer.must('closeSession', null);
  assert.deepEqual(events(watcher).sort(), ['event 2 /p/a', 'event 2 /p/b', 'event 4 /p']);
  assert.equal(harness.replica.serving.sessions.size, 1);
});

test('an event is counted by the zxid of its change', () => {
  const { harness, writer, watcher } = pair();
  watcher.must('addWatch', { path: '/', mode: 1 });
  make(writer, '/a');
  const [event] = watcher.take();
  assert.equal(event?.kind === 'event' ? event.zxid : 0, harness.durableZxid);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoreHarness, type RawClient, type Received } from '@headkeeper/testkit';
import { creation, make, setting, summary, version } from './requests.ts';

/** What a client knows when its connection is lost: the highest zxid of an answer, and the paths that it was told of. */
interface Known {
  readonly lastZxid: number;
  readonly told: readonly string[];
}

function knownFrom(received: readonly Received[], seen: number): Known {
  const told: string[] = [];
  let lastZxid = seen;
  for (const one of received) {
    if (one.kind === 'event') told.push(one.path ?? '');
    else if (one.kind === 'reply') lastZxid = Math.max(lastZxid, one.zxid);
  }
  return { lastZxid, told };
}

function again(harness: CoreHarness, client: RawClient, lastZxidSeen: number): RawClient {
  return harness.open().attach(client, { lastZxidSeen });
}

const NOTHING = { dataWatches: [], existWatches: [], childWatches: [] };

test('a connection that is lost behind any frame costs no event of a one-shot watch, and doubles none', () => {
  const changed = ['/data', '/later', '/parent', '/gone'];
  for (let frames = 0, isOver = false; !isOver; frames++) {
    const harness = new CoreHarness();
    const writer = harness.connect();
    const watcher = harness.connect();
    make(writer, '/data', '/parent', '/gone', '/quiet', '/read');
    watcher.must('getData', { path: '/data', watch: true });
    watcher.call('exists', { path: '/later', watch: true });
    watcher.must('getChildren', { path: '/parent', watch: true });
    watcher.must('getData', { path: '/gone', watch: true });
    watcher.must('getData', { path: '/quiet', watch: true });
    const seen = harness.durableZxid;
    // The watcher reads between the changes: an answer lifts what it has seen above the events behind it.
    const changes: (() => void)[] = [
      () => writer.must('setData', setting('/data', 'x')),
      () => make(writer, '/later'),
      () => make(writer, '/parent/child'),
      () => writer.must('delete', version('/gone')),
    ];
    for (const change of changes) {
      change();
      watcher.ask('exists', { path: '/read', watch: false });
    }
    const all = watcher.take();
    isOver = frames >= all.length;
    const { lastZxid, told } = knownFrom(all.slice(0, frames), seen);
    const left = (path: string): string[] => (told.includes(path) ? [] : [path]);
    const next = again(harness, watcher, lastZxid);
    next.must('setWatches', {
      relativeZxid: lastZxid,
      dataWatches: ['/data', '/gone', '/quiet'].flatMap(left),
      existWatches: left('/later'),
      childWatches: left('/parent'),
    });
    const rest = knownFrom(next.take(), lastZxid).told;
    assert.deepEqual([...told, ...rest].sort(), [...changed].sort(), `behind frame ${frames}`);
  }
});

test('a reconnect with the zxid of any answer fires nothing that has not changed', () => {
  const harness = new CoreHarness();
  const writer = harness.connect();
  const watcher = harness.connect();
  make(writer, '/data', '/parent', '/parent/child');
  const zxids = [
    watcher.call('getData', { path: '/data', watch: true }).zxid,
    watcher.call('getChildren', { path: '/parent', watch: true }).zxid,
    watcher.call('exists', { path: '/none', watch: true }).zxid,
  ];
  make(writer, '/other');
  zxids.push(watcher.call('ping', null).zxid, watcher.call('exists', { path: '/other', watch: false }).zxid);
  for (const relativeZxid of zxids) {
    const next = again(harness, watcher, relativeZxid);
    next.must('setWatches', {
      relativeZxid,
      dataWatches: ['/data'],
      existWatches: ['/none'],
      childWatches: ['/parent'],
    });
    assert.deepEqual(next.take(), [], `${relativeZxid}`);
  }
});

test('what came and went while a client was away is the one thing that a watch for its creation misses', () => {
  const harness = new CoreHarness();
  const writer = harness.connect();
  const watcher = harness.connect();
  watcher.call('exists', { path: '/brief', watch: true });
  watcher.call('exists', { path: '/lasting', watch: true });
  const relativeZxid = harness.durableZxid;
  const sent = watcher.take();
  assert.deepEqual(sent, []);
  harness.disconnect(watcher.connection);
  make(writer, '/brief', '/lasting');
  writer.must('delete', version('/brief'));
  const next = again(harness, watcher, relativeZxid);
  next.must('setWatches', { ...NOTHING, relativeZxid, existWatches: ['/brief', '/lasting'] });
  assert.deepEqual(summary(next.take()), ['event 1 /lasting']);
  writer.must('create', creation('/brief'));
  assert.deepEqual(summary(next.take()), ['event 1 /brief']);
});

test('watches that stay hear of all that follows the reconnect, once, and of nothing before', () => {
  const harness = new CoreHarness();
  const writer = harness.connect();
  const watcher = harness.connect();
  make(writer, '/stays', '/all');
  watcher.must('addWatch', { path: '/stays', mode: 0 });
  watcher.must('addWatch', { path: '/all', mode: 1 });
  const relativeZxid = harness.durableZxid;
  harness.disconnect(watcher.connection);
  writer.must('setData', setting('/stays', 'missed'));
  make(writer, '/all/missed');
  const next = again(harness, watcher, relativeZxid);
  next.must('setWatches2', {
    ...NOTHING,
    relativeZxid,
    persistentWatches: ['/stays'],
    persistentRecursiveWatches: ['/all'],
  });
  assert.deepEqual(next.take(), []);
  for (let round = 0; round < 2; round++) {
    writer.must('setData', setting('/stays', `${round}`));
    make(writer, `/all/${round}`);
    assert.deepEqual(summary(next.take()), ['event 3 /stays', `event 1 /all/${round}`]);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateMode, ErrorCode } from '@headkeeper/protocol';
import { CoreHarness } from '@headkeeper/testkit';
import { creation } from './requests.ts';

const SESSIONS = 400;
const TIMEOUT_MS = 10_000;

test('a session that is being ended creates nothing behind its end, in either order', () => {
  for (const isEndFirst of [false, true]) {
    const harness = new CoreHarness();
    const reader = harness.connect();
    const client = harness.connect();
    harness.autoDurable = false;
    if (isEndFirst) client.ask('closeSession', null);
    client.ask('create', creation('/mine', CreateMode.ephemeral));
    if (!isEndFirst) client.ask('closeSession', null);
    harness.durable();
    assert.equal(harness.replica.serving.sessions.size, 1, 'the reader has one');
    assert.equal(reader.call('exists', { path: '/mine', watch: false }).err, ErrorCode.noNode, `${isEndFirst}`);
  }
});

test('the end of half of all sessions ends none of the others, though their pings come behind it', () => {
  const harness = new CoreHarness();
  const timeOut = TIMEOUT_MS;
  const clients = Array.from({ length: SESSIONS }, () => harness.connect({ timeOut }));
  const alive = clients.filter((_, i) => i % 2 === 0);
  for (const client of alive) client.must('create', creation(`/e${client.sessionId}`, CreateMode.ephemeral));
  // Nothing becomes durable any more: the ends stay on their way, and each ping comes behind all of them.
  harness.autoDurable = false;
  for (let passed = 0; passed < 3 * timeOut; passed += timeOut / 4) {
    harness.run(timeOut / 4);
    for (const client of alive) client.ask('ping', null);
  }
  harness.durable();
  assert.equal(harness.replica.serving.sessions.size, alive.length);
  for (const client of alive) assert.equal(client.closed, false);
});

test('the ephemerals of any server are ephemerals, with extended types and without', () => {
  for (const extendedTypesEnabled of [false, true]) {
    for (const serverId of [1, 127, 128, 254]) {
      const harness = new CoreHarness({ serverId, extendedTypesEnabled });
      const client = harness.connect();
      const reader = harness.connect();
      client.must('create', creation('/mine', CreateMode.ephemeral));
      const { stat } = reader.must('exists', { path: '/mine', watch: false }) ?? {};
      assert.equal(stat?.ephemeralOwner, client.sessionId, `${serverId}`);
      assert.equal(reader.call('create', creation('/mine/child')).err, ErrorCode.noChildrenForEphemerals);
      client.must('closeSession', null);
      assert.equal(reader.call('exists', { path: '/mine', watch: false }).err, ErrorCode.noNode);
    }
  }
});

for (const end of ['close', 'disconnect', 'expire'] as const) {
  test(`a local session that becomes one of all over its first ephemeral leaves nothing: ${end}`, () => {
    for (const durableFirst of [false, true]) {
      const harness = new CoreHarness({ localSessionsEnabled: true, localSessionUpgrading: true });
      const watcher = harness.connect();
      const client = harness.connect({ timeOut: TIMEOUT_MS });
      assert.equal(harness.replica.serving.sessions.size, 0, 'only this server knows them');
      harness.autoDurable = false;
      client.ask('create', creation('/mine', CreateMode.ephemeral));
      if (durableFirst) {
        harness.durable();
        assert.equal(harness.replica.serving.sessions.size, 1, 'all know it');
      }
      if (end === 'close') client.ask('closeSession', null);
      else if (end === 'disconnect') harness.disconnect(client.connection);
      harness.durable();
      harness.autoDurable = true;
      for (let passed = 0; passed < 3 * TIMEOUT_MS; passed += TIMEOUT_MS / 4) {
        harness.run(TIMEOUT_MS / 4);
        watcher.must('ping', null);
      }
      assert.equal(harness.replica.serving.sessions.size, 0);
      assert.equal(watcher.call('exists', { path: '/mine', watch: false }).err, ErrorCode.noNode);
    }
  });
}

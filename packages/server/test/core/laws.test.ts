import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoreHarness, RawClient } from '@headkeeper/testkit';
import { nextZxid } from '../../src/core/proposals.ts';
import { creation, make, summary } from './requests.ts';
import { treeOf } from './tree-dump.ts';

const VIOLATION = { name: 'InvariantViolation' };

test('zxids follow each other, over the end of an epoch too', () => {
  assert.equal(nextZxid(0), 1);
  assert.equal(nextZxid(0xfffffffe), 0xffffffff);
  assert.equal(nextZxid(0xffffffff), 0x100000001, 'the counter of an epoch begins at 1');
  assert.equal(nextZxid(0x5_ffffffff), 0x6_00000001);
});

test('a txn that does not follow the last one applied stops the server', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  harness.autoDurable = false;
  client.ask('create', creation('/a'));
  harness.replica.serving.setLastZxid(harness.durableZxid + 1);
  assert.throws(() => harness.durable(), VIOLATION);
  assert.equal(treeOf(harness.replica.serving).nodes.length, 4, 'and changes nothing');
});

test('what was durable cannot be less so later', () => {
  const harness = new CoreHarness();
  make(harness.connect(), '/a');
  assert.throws(() => harness.step({ kind: 'durable', generation: harness.replica.generation, zxid: 1 }), VIOLATION);
});

test('a completion for another role than the present one is dropped', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  harness.autoDurable = false;
  client.ask('create', creation('/a'));
  for (const generation of [harness.replica.generation - 1, harness.replica.generation + 1]) {
    harness.step({ kind: 'durable', generation, zxid: harness.appendedZxid });
    assert.deepEqual(client.take(), []);
  }
  harness.beginSnapshot();
  harness.step({ kind: 'snapshotSlice', generation: harness.replica.generation + 1, znodes: 1000 });
  assert.ok(!harness.snapshots.at(-1)?.ended);
  harness.slice(1000);
  assert.ok(harness.snapshots.at(-1)?.ended);
  harness.durable();
  assert.deepEqual(summary(client.take()), ['create 0']);
});

test('a connection id has one connection at a time', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  assert.throws(() => harness.step({ kind: 'clientOpen', connection: client.connection, address: '::1' }), VIOLATION);
});

test('events for connections that are gone are ignored', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.disconnect();
  harness.disconnect(client.connection);
  harness.deliver(client.connection, new Uint8Array(8));
  harness.deliver(99, new Uint8Array(8));
  assert.deepEqual(client.take(), []);
});

test('the id of a connection that is gone may be used again', () => {
  const harness = new CoreHarness();
  const first = harness.connect();
  first.must('addWatch', { path: '/', mode: 1 });
  harness.autoDurable = false;
  first.ask('create', creation('/a'));
  first.disconnect();
  const second = new RawClient(first.connection, harness);
  harness.clients[first.connection] = second;
  harness.step({ kind: 'clientOpen', connection: first.connection, address: '::1' });
  harness.durable();
  assert.deepEqual(second.take(), [], 'neither reply nor event of the one before');
  second.handshake();
  harness.durable();
  assert.deepEqual(summary(second.take()), ['session']);
});

test('a snapshot is due after snapCount txns at the latest, begins a new log file, and is that of its zxid', () => {
  const harness = new CoreHarness({ snapCount: 20 });
  const client = harness.connect();
  make(client, '/a');
  for (let i = 0; i < 100; i++) make(client, `/a/${i}`);
  const first = harness.snapshots[0];
  assert.ok(first !== undefined && first.zxid >= 10 && first.zxid <= 22 && first.rolled, `${first?.zxid}`);
  while (harness.replica.snapshotRunning) harness.slice(10);
  assert.ok(first.ended);
});

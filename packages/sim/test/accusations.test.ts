import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Accusations } from '../src/check/accusations.ts';

test('a server that calls another one a breaker of the protocol is heard', () => {
  for (const line of [
    'following ends: the leader committed 0x100000004, which it has not proposed here',
    'observing ends: the leader proposed 0x100000009 behind 0x100000004: a gap',
    'follower 2 at 10.0.0.2:40011 is dropped: packet of type 5 instead of its epoch',
    '10.0.0.3:40012 sent what cannot be read: 9 bytes are missing',
  ]) {
    assert.ok(new Accusations().isOne(line, {}), line);
  }
});

test('what faults bring about, and what strangers send, is no accusation', () => {
  for (const line of [
    'following ends: the connection to the leader, server 2, broke',
    'following ends: the leader, server 2, cannot be reached',
    "following ends: the leader's epoch 3 is older than 4, which this server has accepted",
    'follower 2 at 10.0.0.2:40011 is dropped: nothing was heard for 10512 ms',
    'follower -1 at 10.66.6.6:40011 is dropped: packet of type 5 instead of its epoch',
    '10.66.6.6:40189 sent what cannot be read: 16777215 bytes',
  ]) {
    assert.ok(!new Accusations().isOne(line, {}), line);
  }
});

test('a leader may come upon a gap in its log once in its term', () => {
  const accusations = new Accusations();
  const line =
    'follower 3 at 10.0.0.3:40985 is dropped: the log on the disk has come to an end before the txns in memory begin';
  const [term, next] = [{}, {}];
  assert.deepEqual(
    [term, term, next, next].map((role) => accusations.isOne(line, role)),
    [false, true, false, true],
  );
});

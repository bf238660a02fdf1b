import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoreHarness } from '@headkeeper/testkit';
import { limits } from '../../src/limits.ts';
import { creation, setting } from './requests.ts';

const LARGE = 'x'.repeat(1_000_000);

test('requests for more output than fits wait until the network has taken what there is', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.must('create', creation('/large', 0, LARGE));
  client.bytes.length = 0;
  client.askAll(Array.from({ length: 50 }, () => client.encode('getData', { path: '/large', watch: false })));
  assert.equal(client.waiting, 0);
  assert.ok(client.bytes.every((piece) => piece.length < limits.outputHighWater + LARGE.length + 200));
});

test('a connection that lets more reads wait behind a write than can be kept is closed', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const other = harness.connect();
  client.must('create', creation('/large', 0, LARGE));
  harness.autoDurable = false;
  client.ask('setData', setting('/large', LARGE));
  client.askAll(Array.from({ length: 1000 }, () => client.encode('getData', { path: '/large', watch: false })));
  client.bytes.length = 0;
  harness.durable();
  assert.ok(client.closed);
  const sent = client.bytes.reduce((sum, piece) => sum + piece.length, 0);
  assert.ok(sent < limits.outputMaximum + 2 * LARGE.length);
  assert.equal(other.call('exists', { path: '/large', watch: false }).err, 0);
});

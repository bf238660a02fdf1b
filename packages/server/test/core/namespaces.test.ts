import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoreHarness } from '@headkeeper/testkit';
import { OTHER_NAMESPACES } from '../../src/core/statistics/namespace-traffic.ts';
import { limits } from '../../src/limits.ts';
import { creation, make, setting, version } from './requests.ts';

/** Path, data and Stat. */
const STAT = 68;

function counted(harness: CoreHarness, kind: 'reads' | 'writes'): Record<string, [count: number, sum: number]> {
  const { work } = harness.replica.serving.statistics;
  return Object.fromEntries([...work[kind].entries()].map(([name, { count, sum }]) => [name, [count, sum]]));
}

test('reads and writes count by the first element of their path, whatever znode is in its place', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.must('create', creation('/a', 0, 'xyz'));
  client.must('create', creation('/a/b', 0, null));
  for (let i = 0; i < 3; i++) client.must('getData', { path: '/a', watch: false });
  client.must('exists', { path: '/a/b', watch: false });
  client.must('getChildren', { path: '/a', watch: false });
  client.call('getData', { path: '/none', watch: false });
  client.must('getChildren', { path: '/', watch: false });
  assert.deepEqual(counted(harness, 'reads'), { a: [5, 3 * (2 + 3 + STAT) + (4 + STAT) + (2 + 1 + STAT)] });
  client.must('delete', version('/a/b'));
  client.must('delete', version('/a'));
  // It takes the place in memory of the one before.
  make(client, '/b', '/a', '/c');
  for (const path of ['/a', '/b', '/c', '/b']) client.must('getData', { path, watch: false });
  const reads = counted(harness, 'reads');
  assert.deepEqual([reads.a?.[0], reads.b, reads.c], [6, [2, 2 * (2 + STAT)], [1, 2 + STAT]]);
  client.must('setData', setting('/c', '12345'));
  assert.deepEqual(counted(harness, 'writes'), { a: [5, 2 + 3 + 4 + 4 + 2 + 2], b: [1, 2], c: [2, 2 + 2 + 5] });
});

test('a znode far below counts as well', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  let path = '';
  for (let level = 0; level < 12; level++) {
    path += '/n';
    make(client, path);
  }
  for (let i = 0; i < 4; i++) client.must('getData', { path, watch: false });
  assert.deepEqual(counted(harness, 'reads'), { n: [4, 4 * (path.length + STAT)] });
});

test('namespaces that are too many, or have too long a name, are counted together', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const long = `/${'l'.repeat(limits.metricKeyBytes + 1)}`;
  make(client, long);
  for (let i = 0; i < limits.metricNamespaces + 9; i++) make(client, `/n${i}`);
  for (let round = 0; round < 2; round++) {
    client.must('getData', { path: long, watch: false });
    for (let i = 0; i < limits.metricNamespaces + 9; i++) client.must('getData', { path: `/n${i}`, watch: false });
  }
  for (const kind of ['reads', 'writes'] as const) {
    const each = kind === 'reads' ? 2 : 1;
    const found = counted(harness, kind);
    assert.equal(Object.keys(found).length, limits.metricNamespaces + 1);
    assert.equal(found[OTHER_NAMESPACES]?.[0], each * 10);
    assert.equal(found.n0?.[0], each);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateMode, decodeUtf8, encodeUtf8 } from '@headkeeper/protocol';
import { CoreHarness } from '@headkeeper/testkit';
import { creation } from './requests.ts';

test('TTL znodes inside one another go when the next start has them switched off', () => {
  const harness = new CoreHarness({ extendedTypesEnabled: true });
  const client = harness.connect();
  for (const path of ['/t', '/t/u', '/t/u/v']) {
    client.must('createTTL', { ...creation(path, CreateMode.persistentWithTTL), ttl: 1_000_000 });
  }
  const without = new CoreHarness({ ...harness.settings, extendedTypesEnabled: false }, harness.log).connect();
  assert.deepEqual(without.must('getChildren', { path: '/', watch: false }).children, ['zookeeper']);
});

test('quotas are found among znodes nested deeper than a call stack', () => {
  const { tree } = new CoreHarness().replica.serving;
  let path = encodeUtf8('/zookeeper/quota');
  let slot = tree.find(path, 0, path.length);
  for (let depth = 0; depth < 12_000; depth++) {
    const end = path.length;
    path = encodeUtf8(`${decodeUtf8(path)}/d`);
    slot = tree.store.insert(slot, path, 0, end + 1, path.length, path, 0, 0);
  }
  tree.quotas.rebuild();
});

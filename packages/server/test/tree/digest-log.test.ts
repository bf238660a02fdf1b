import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoreHarness } from '@headkeeper/testkit';
import { TreeDigest } from '../../src/core/tree/digest.ts';
import { DigestLog } from '../../src/core/tree/digest-log.ts';

const OPEN = [{ perms: 31, scheme: 'world', id: 'anyone' }];

describe('the digests that operators compare servers by', () => {
  it('are kept for every 128th txn, and the same come from the log at the next start', () => {
    const live = new CoreHarness();
    const client = live.connect();
    for (let i = 0; i < 300; i++) {
      assert.equal(client.call('create', { path: `/n${i}`, data: null, acl: OPEN, flags: 0 }).err, 0);
    }
    const kept = live.replica.serving.database.digests.entries;
    assert.deepEqual(
      kept.map(({ zxid }) => zxid),
      [128, 256],
    );
    assert.notDeepEqual(kept[0], { ...kept[1], zxid: 128 });
    const started = new CoreHarness({}, live.log);
    assert.deepEqual(started.replica.serving.database.digests.entries, kept);
  });

  it('are the newest 1024', () => {
    const log = new DigestLog();
    const digest = new TreeDigest();
    for (let i = 1; i <= 5000; i++) log.add(i * 128, digest);
    assert.equal(log.entries.length, 1024);
    assert.equal(log.entries.at(-1)?.zxid, 5000 * 128);
    assert.equal(log.entries[0]?.zxid, (5000 - 1023) * 128);
  });
});

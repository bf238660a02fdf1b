import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BucketDirectory } from '../../src/core/watch/bucket-directory.ts';

test('growing bucket by bucket moves hashes only to the new bucket, and every bucket gets its share', () => {
  const directory = new BucketDirectory();
  const hashes = Array.from({ length: 20_000 }, (_, i) => Math.imul(i, -1640531535));
  while (directory.bucketCount < 5000) {
    const before = hashes.map((hash) => directory.bucketOf(hash));
    for (let i = 0; i < 100; i++) {
      const from = directory.beginSplit();
      const added = directory.bucketCount - 1;
      const movedBetween = hashes.every((hash, at) => {
        const now = directory.bucketOf(hash);
        const moved = now !== before[at];
        if (moved) before[at] = now;
        return !moved || now === added;
      });
      assert.ok(movedBetween, `${from} shares with ${added} only`);
      directory.setHead(added, added);
      directory.endSplit();
    }
  }
  const filled = new Set(hashes.map((hash) => directory.bucketOf(hash)));
  assert.ok(filled.size > 0.9 * directory.bucketCount, `${filled.size} of ${directory.bucketCount}`);
  for (let bucket = 1024; bucket < directory.bucketCount; bucket++) assert.equal(directory.head(bucket), bucket);
});

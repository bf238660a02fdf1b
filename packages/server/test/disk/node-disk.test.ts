import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDiskSuite } from '@headkeeper/testkit';
import { createNodeDisk } from '../../src/adapters/disk/node-disk.ts';

runDiskSuite('the disk of this machine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-disk-'));
  return {
    disk: createNodeDisk(),
    folder,
    async settle(isDone) {
      while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
    },
    cleanUp: () => rmSync(folder, { recursive: true }),
  };
});

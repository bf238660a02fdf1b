import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
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

test('an error of a file that is open names the file', { skip: !existsSync('/dev/full') }, async () => {
  const disk = createNodeDisk();
  const full = disk.openWriteSync('/dev/full');
  const bytes = new Uint8Array(10);
  assert.throws(() => full.writeSync(bytes, 0, 10, 0), /ENOSPC.*'\/dev\/full'/);
  const error = await new Promise<Error | null>((resolve) => full.write(bytes, 0, 10, 0, resolve));
  assert.match(String(error?.message), /ENOSPC.*'\/dev\/full'/);
  full.closeSync();
  // A folder can be opened and not read.
  const source = disk.openReadSync('/dev');
  assert.throws(() => source.readSync(bytes, 0, 10, 0), /EISDIR.*'\/dev'/);
  source.closeSync();
});

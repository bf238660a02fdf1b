import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimDisk } from '@headkeeper/testkit';
import { withoutSyncs } from '../../src/adapters/disk/unsynced-disk.ts';

test('without syncs a file says that it is durable, later and truly not; its name is', () => {
  const disk = new SimDisk(3);
  disk.makeFolderSync('/log');
  disk.syncDirSync('/');
  const deferred: (() => void)[] = [];
  const unsynced = withoutSyncs(disk, (fn) => deferred.push(fn));
  const file = unsynced.createSync('/log/log.1');
  unsynced.syncDirSync('/log');
  file.writeSync(Uint8Array.of(1, 2, 3), 0, 3, 0);
  file.dataSyncSync();
  let outcome: Error | null | undefined;
  file.dataSync((error) => {
    outcome = error;
  });
  assert.equal(outcome, undefined, 'never within the call');
  for (const fn of deferred) fn();
  assert.equal(outcome, null);
  const written = disk.openReadSync('/log/log.1');
  assert.equal(written.size, 3, 'a crash of the process loses nothing');
  written.closeSync();
  disk.crash('lose');
  const left = disk.openReadSync('/log/log.1');
  assert.equal(left.size, 0, 'a crash of the machine does');
  left.closeSync();
});

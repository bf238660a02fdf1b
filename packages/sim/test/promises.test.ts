import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '@headkeeper/protocol';
import { writeLoggedMark } from '@headkeeper/server/internal';
import { SimDisk } from '@headkeeper/testkit';
import type { DurableState } from '../src/check/durable-state.ts';
import { DiskPromises } from '../src/check/promises.ts';

test('an old disk forgets what was on the one before, also where that had been set aside as damaged', () => {
  const durable = { last: 12, acceptedEpoch: 3, holds: () => false, trust: () => {}, distrust: () => {} };
  const promises = new DiskPromises(1, new SimDisk(), durable as unknown as DurableState);
  promises.serves();
  assert.equal(promises.mayLack(12, 0), false, 'it had it, and nothing has happened');
  // The server sets its history aside, and knows that it must not vote.
  durable.last = 0;
  promises.strike();
  promises.remember();
  durable.last = 2;
  durable.acceptedEpoch = 2;
  promises.broughtBack();
  assert.equal(promises.mayLack(12, 0), true);
  assert.equal(promises.mayLack(2, 0), false, 'the old one has that');
  assert.equal(promises.mayNotKnow(3), true);
  assert.equal(promises.mayNotKnow(2), false);
});

/** A server goes on with epoch 7, has promised 8, and `acceptedEpoch` on its disk says this, before and afterwards. */
function goesOn(acceptedEpoch: string, isUnreadable = false): void {
  const disk = new SimDisk();
  for (const folder of ['/data', '/data/version-2']) disk.makeFolderSync(folder);
  const file = disk.createSync('/data/version-2/acceptedEpoch');
  const bytes = encodeUtf8(acceptedEpoch);
  file.writeSync(bytes, 0, bytes.length, 0);
  file.dataSyncSync();
  file.closeSync();
  for (const folder of ['/data/version-2', '/data', '/']) disk.syncDirSync(folder);
  if (isUnreadable) disk.makeUnreadable('/data/version-2/acceptedEpoch', 0, 1);
  const durable = { last: 0, acceptedEpoch: 8, trust: () => {}, distrust: () => {} };
  const promises = new DiskPromises(1, disk, durable as unknown as DurableState);
  promises.strike();
  promises.remember();
  durable.acceptedEpoch = 7;
  promises.started();
}

test('an intact file tells of a promise only if the promise is in it, and can be read', () => {
  goesOn('7');
  goesOn('8', true);
  assert.throws(() => goesOn('8'), /goes on with epoch 7, it had promised 8/);
});

test('where the mark of the log is lost, txns may be missing in its middle unnoticed, also when the server does not vote for now', () => {
  const disk = new SimDisk();
  for (const folder of ['/data', '/log', '/log/version-2']) disk.makeFolderSync(folder);
  const durable = { last: 12, acceptedEpoch: 1, reaches: () => true, trust: () => {}, distrust: () => {} };
  const promises = new DiskPromises(1, disk, durable as unknown as DurableState);
  const start = (): void => {
    promises.strike();
    promises.remember();
    promises.started();
  };
  writeLoggedMark(disk, '/log/version-2', 0, [11, 12]);
  for (const folder of ['/log/version-2', '/log', '/data', '/']) disk.syncDirSync(folder);
  start();
  assert.equal(promises.mayHaveHoles, false, 'the mark is there, and can be read');
  disk.makeUnreadable('/log/version-2/headkeeper.logged', 0, 1);
  disk.createSync('/data/headkeeper.rebuilding').closeSync();
  start();
  assert.equal(promises.mayHaveHoles, true);
  disk.removeSync('/data/headkeeper.rebuilding');
  writeLoggedMark(disk, '/log/version-2', 12, []);
  start();
  assert.equal(promises.mayHaveHoles, true, 'the new mark does not know how epochs have ended');
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimDisk } from '@headkeeper/testkit';
import { LOGGED_NAME, writeLoggedMark } from '../../src/adapters/disk/logged-mark.ts';
import { put } from '../disk/files.ts';
import { SimClock, SimServer } from './sim-server.ts';

const LOGS = '/log/version-2';

/** The warnings of a start on the folders of a server that has run before. */
function warningsWith(change: (disk: SimDisk) => void, settings = ''): string[] {
  const disk = new SimDisk(1);
  const clock = new SimClock();
  new SimServer(disk, clock, 1).rest();
  disk.endProcess();
  change(disk);
  const again = new SimServer(disk, clock, 1, settings);
  again.rest();
  assert.ok(again.ready);
  assert.deepEqual(again.errors, []);
  return again.warnings;
}

describe('a start whose mark of the log is damaged', () => {
  const damage = (disk: SimDisk): void => put(disk, `${LOGS}/${LOGGED_NAME}`, 'x'.repeat(1024));

  it('says what it cannot tell', () => {
    const warnings = warningsWith(damage);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] as string,
      /^\/log\/version-2\/headkeeper\.logged is damaged, or was not completed: if the log has lost its end, /,
    );
  });

  it('says nothing where there is none, where one is whole, and where nobody waits for the disk', () => {
    assert.deepEqual(
      warningsWith(() => {}),
      [],
    );
    assert.deepEqual(
      warningsWith((disk) => writeLoggedMark(disk, LOGS, 0, [])),
      [],
    );
    const unsynced = warningsWith(damage, 'forceSync=no\n');
    assert.deepEqual(
      unsynced.filter((text) => text.includes('is damaged')),
      [],
    );
  });
});

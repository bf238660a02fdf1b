import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exploreCrashes, SimDisk } from '@headkeeper/testkit';
import { settleHistory } from '../../src/adapters/disk/history-files.ts';
import { createSnapshotStore } from '../../src/adapters/disk/snapshot-files.ts';
import { createWaitingRoom } from '../../src/adapters/disk/waiting-room.ts';
import { foldersOn, historyOn, putLog, putSnapshot, snapshotBytes, zxids } from '../disk/history-folder.ts';
import { makeFolders, recoverModel, SNAPSHOTS } from '../disk/model-server.ts';

const RESTORED = 0x5eed;

/** A history of txns 1 to 8 of epoch 1, with two snapshots. */
function oldHistory(seed: number): SimDisk {
  const disk = new SimDisk(seed);
  makeFolders(disk);
  putSnapshot(disk, 0);
  putLog(disk, zxids(1, 1, 5));
  putSnapshot(disk, zxids(1, 5, 5)[0] as number, 15);
  putLog(disk, zxids(1, 6, 8));
  disk.syncDirSync('/data');
  return disk;
}

/** As a server restores: the snapshot is written aside, then takes the place of the history. */
function restore(disk: SimDisk, zxid: number): void {
  const room = createWaitingRoom(disk, SNAPSHOTS);
  room.open();
  const sink = createSnapshotStore({ disk, folder: SNAPSHOTS, aside: true }).begin(zxid, () => {});
  let outcome: Error | null | undefined;
  sink.write(snapshotBytes(RESTORED));
  sink.finish((error) => {
    outcome = error;
  });
  disk.run();
  assert.equal(outcome, null);
  const history = historyOn(disk);
  history.beginInstall(zxid);
  room.release(zxid);
  history.finishInstall(zxid);
}

describe('a crash at every operation of a restore', () => {
  const old = recoverModel(oldHistory(1));
  const zxid = (zxids(1, 8, 8)[0] as number) + 1_048_576;

  it('leaves the old state or the new one, and the new one for good once it was told', () => {
    let [olds, news] = [0, 0];
    for (const seed of [1, 2, 3]) {
      const disk = oldHistory(seed);
      let isDone = false;
      exploreCrashes(
        disk,
        { tornSeeds: [1, 2, 3], diskSeed: seed },
        () => {
          restore(disk, zxid);
          isDone = true;
        },
        ({ disk: after, label }) => {
          createSnapshotStore({ disk: after, folder: SNAPSHOTS });
          settleHistory(foldersOn(after));
          const { state, lastZxid } = recoverModel(after);
          const isNew = lastZxid === zxid;
          if (isNew) news++;
          else olds++;
          assert.deepEqual([state.hash, lastZxid], isNew ? [RESTORED, zxid] : [old.state.hash, old.lastZxid], label);
          if (isDone) assert.equal(isNew, true, label);
        },
      );
    }
    assert.ok(olds > 20 && news > 20, `${olds} old, ${news} new`);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exploreCrashes, SimDisk } from '@headkeeper/testkit';
import { readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { type Examination, RepairFailed } from '../../src/adapters/disk/repair-draft.ts';
import { salvageHistory } from '../../src/adapters/disk/salvage.ts';
import { recover } from '../../src/core/log/recovery.ts';
import { RecoveryRefused } from '../../src/core/log/recovery-refused.ts';
import type { RecoverySource } from '../../src/core/log/recovery-source.ts';
import { openOn, put } from './files.ts';
import { EPOCH, foldersOn, putLog, putSnapshot, recordBytes, zxids } from './history-folder.ts';
import { LOGS, ModelState, makeFolders, recoverModel, SNAPSHOTS } from './model-server.ts';

const WALL_MS = Date.UTC(2026, 10, 22, 2, 4, 30, 5);
const LIMIT = 1 << 20;
const RECORD_BYTES = 73;
const PREFIX_BYTES = 12;

function examine(source: RecoverySource): Examination {
  try {
    const options = { trustEmptySnapshot: false, maxRecordBytes: LIMIT };
    const { snapshotZxid, lastZxid } = recover(source, () => new ModelState(), options);
    return { snapshotZxid, lastZxid, fault: null };
  } catch (error) {
    assert.ok(error instanceof RecoveryRefused);
    return { snapshotZxid: -1, lastZxid: 0, fault: error.message };
  }
}

/** Where the body of the record `index` of a log begins. */
function bodyAt(index: number): number {
  return 16 + index * RECORD_BYTES + PREFIX_BYTES;
}

/** Txns 1 to 9 of epoch 6, of which those with these indexes are damaged. */
function damaged(...indexes: number[]): SimDisk {
  const disk = new SimDisk(1);
  makeFolders(disk);
  putSnapshot(disk, 6 * EPOCH);
  putLog(disk, zxids(6, 1, 9));
  put(disk, `${SNAPSHOTS}/acceptedEpoch`, '7');
  put(disk, `${SNAPSHOTS}/currentEpoch`, '6');
  const path = `${LOGS}/log.600000001`;
  for (const index of indexes) disk.rot(path, bodyAt(index) + 40, bodyAt(index) + 44, 'zeros', 1);
  return disk;
}

function bodyOf(zxid: number): Uint8Array {
  return recordBytes(zxid).slice(PREFIX_BYTES, -1);
}

describe('what is left of a damaged log', () => {
  it('is every intact record, and the frames of those behind', () => {
    const { history } = salvageHistory(foldersOn(damaged(2, 3, 8)), LIMIT);
    assert.deepEqual(
      history.records.map(({ zxid }) => zxid - 6 * EPOCH),
      [1, 2, 5, 6, 7, 8],
    );
    assert.deepEqual([history.tail.length, history.tail[0]?.length, history.isTailWhole], [1, 60, true]);
    assert.deepEqual(history.named, [6 * EPOCH, 6 * EPOCH + 1]);
  });

  it('ends where a length leads nowhere', () => {
    const disk = damaged();
    disk.rot(`${LOGS}/log.600000001`, bodyAt(4) - 2, bodyAt(4), 'junk', 1);
    const { history } = salvageHistory(foldersOn(disk), LIMIT);
    assert.deepEqual([history.records.length, history.isTailWhole], [4, false]);
  });

  it('ends where a length has led past a whole record', () => {
    const disk = damaged();
    const file = disk.openWriteSync(`${LOGS}/log.600000001`);
    file.writeSync(new Uint8Array([0, 0, 0, 60 + RECORD_BYTES]), 0, 4, bodyAt(4) - 4);
    file.dataSyncSync();
    file.closeSync();
    const { history } = salvageHistory(foldersOn(disk), LIMIT);
    assert.deepEqual([history.records.length, history.tail.length, history.isTailWhole], [4, 1, false]);
  });
});

describe('a history that was put together again', () => {
  it('takes its place, with its epochs, and the server votes', () => {
    const disk = damaged(2, 3);
    assert.throws(() => recoverModel(disk), /checksum/);
    const before = damaged();
    const whole = recoverModel(before).state.hash;
    const dir = openOn(disk);
    dir.setAside('damaged', WALL_MS);
    put(disk, `${SNAPSHOTS}/acceptedEpoch`, '9');
    const draft = dir.beginRepair(LIMIT, examine);
    assert.ok(draft !== null);
    assert.equal(draft.ownSnapshot(), 6 * EPOCH);
    draft.write(6 * EPOCH, zxids(6, 1, 9), bodyOf);
    assert.equal(dir.rebuilding, true);
    draft.finish(6 * EPOCH + 9);
    assert.equal(dir.rebuilding, false);
    const recovery = recoverModel(disk);
    assert.deepEqual([recovery.lastZxid, recovery.state.hash], [6 * EPOCH + 9, whole]);
    assert.deepEqual(openOn(disk).settleEpochs(recovery.lastZxid), { accepted: 9, current: 6 });
    assert.equal(readWhole(disk, `/log/version-2.damaged-20261122T020430005Z/log.600000001`).length > 0, true);
  });

  it('is verified first', () => {
    const dir = openOn(damaged(2, 3));
    dir.setAside('damaged', WALL_MS);
    const draft = dir.beginRepair(LIMIT, examine);
    assert.throws(() => draft?.write(6 * EPOCH, zxids(6, 1, 9), (zxid) => bodyOf(zxid + 1)), RepairFailed);
    assert.throws(() => draft?.write(6 * EPOCH, zxids(6, 1, 9), () => null), RepairFailed);
    assert.equal(dir.rebuilding, true);
  });

  it('is not what a leader had only begun to send', () => {
    const disk = damaged(2);
    const dir = openOn(disk);
    dir.setAside('damaged', WALL_MS);
    putLog(disk, zxids(6, 1, 2));
    assert.equal(dir.beginRepair(LIMIT, examine), null, 'something has taken its place');
    dir.setAside('damaged again', WALL_MS + 1);
    assert.equal(dir.beginRepair(LIMIT, examine), null, 'what was moved is not what was acknowledged');
  });

  it('needs the promises of its server', () => {
    const disk = damaged(2);
    put(disk, `${SNAPSHOTS}/acceptedEpoch`, 'x');
    const dir = openOn(disk);
    dir.setAside('damaged', WALL_MS);
    assert.equal(dir.beginRepair(LIMIT, examine), null);
  });

  for (const dataLogDir of ['/log', '/data']) {
    it(`is there or not, wherever a crash comes, with the log in ${dataLogDir}`, () => {
      const disk = new SimDisk(1);
      makeFolders(disk);
      const logs = `${dataLogDir}/version-2`;
      putSnapshot(disk, 6 * EPOCH);
      putLog(disk, zxids(6, 1, 4));
      if (logs !== LOGS) {
        const bytes = readWhole(disk, `${LOGS}/log.600000001`);
        const file = disk.createSync(`${logs}/log.600000001`);
        file.writeSync(bytes, 0, bytes.length, 0);
        file.dataSyncSync();
        file.closeSync();
        disk.syncDirSync(logs);
      }
      put(disk, `${SNAPSHOTS}/acceptedEpoch`, '7');
      put(disk, `${SNAPSHOTS}/currentEpoch`, '6');
      const outcomes = new Set<boolean>();
      exploreCrashes(
        disk,
        { tornSeeds: [1, 2] },
        () => {
          const dir = openOn(disk, dataLogDir);
          dir.setAside('damaged', WALL_MS);
          const draft = dir.beginRepair(LIMIT, examine);
          draft?.write(6 * EPOCH, zxids(6, 1, 4), bodyOf);
          draft?.finish(6 * EPOCH + 4);
        },
        (point) => {
          const dir = openOn(point.disk, dataLogDir);
          outcomes.add(dir.rebuilding);
          const isThere = point.disk.existsSync(`${logs}/log.600000001`);
          const epochs = dir.settleEpochs(isThere ? 6 * EPOCH + 4 : 0);
          assert.equal(epochs.accepted, 7);
          if (dir.rebuilding)
            assert.ok(!isThere || epochs.current === 6, 'what a crash left before anything was moved');
          else assert.deepEqual([isThere, epochs.current], [true, 6]);
        },
      );
      assert.deepEqual(outcomes, new Set([true, false]));
    });
  }
});

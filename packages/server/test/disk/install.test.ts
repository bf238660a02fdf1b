import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CrashPoint, exploreCrashes, SeededRandom, SimDisk } from '@headkeeper/testkit';
import { settleHistory } from '../../src/adapters/disk/history-files.ts';
import { createSnapshotStore } from '../../src/adapters/disk/snapshot-files.ts';
import { HistoryUnreachable } from '../../src/ports.ts';
import {
  EPOCH,
  filesOn,
  foldersOn,
  historyOn,
  logsOn,
  putLog,
  putSnapshot,
  snapshotBytes,
  snapshotsOn,
  zxids,
} from './history-folder.ts';
import { assertPrefix, ModelServer, makeFolders, recoverModel, SNAPSHOTS, type Step } from './model-server.ts';

const at = (epoch: number, counter: number): number => epoch * EPOCH + counter;
/** What the leader's state is, in the model. */
const RECEIVED = 0x5eed;

function oldHistory(): SimDisk {
  const disk = new SimDisk(1);
  makeFolders(disk);
  putSnapshot(disk, 0);
  putLog(disk, zxids(1, 1, 5));
  putSnapshot(disk, at(1, 5), 15);
  putLog(disk, zxids(1, 6, 8));
  putSnapshot(disk, at(1, 7), 17);
  return disk;
}

/** Writes the received snapshot as a server does; false when the disk lets it down. */
function receive(disk: SimDisk, zxid: number, content: number = RECEIVED): void {
  let outcome: Error | null | undefined;
  const sink = createSnapshotStore({ disk, folder: SNAPSHOTS }).begin(zxid, () => {});
  sink.write(snapshotBytes(content));
  sink.finish((error) => {
    outcome = error;
  });
  disk.run();
  assert.equal(outcome, null);
}

describe('a snapshot received from a leader', () => {
  it('takes the place of everything, whatever its zxid', () => {
    for (const zxid of [at(1, 2), at(1, 5), at(1, 7), at(1, 8), at(2, 0), at(2, 5)]) {
      const disk = oldHistory();
      const history = historyOn(disk);
      history.beginInstall(zxid);
      receive(disk, zxid);
      history.finishInstall(zxid);
      assert.deepEqual([logsOn(disk), snapshotsOn(disk)], [[], [zxid]]);
      assert.deepEqual(disk.listSync('/data'), ['version-2']);
      const { state, lastZxid } = recoverModel(disk);
      assert.deepEqual([state.hash, lastZxid], [RECEIVED, zxid]);
      assert.ok(history.newestSnapshotBytes() > 0);
    }
  });

  it('can be the first thing in an empty directory', () => {
    const disk = new SimDisk(1);
    makeFolders(disk);
    const history = historyOn(disk);
    assert.equal(history.newestSnapshotBytes(), 0);
    history.beginInstall(at(5, 9));
    receive(disk, at(5, 9));
    history.finishInstall(at(5, 9));
    assert.equal(recoverModel(disk).lastZxid, at(5, 9));
    assert.equal(history.newestSnapshotBytes(), snapshotBytes(RECEIVED).length);
  });

  it('leaves the old history when it does not come (S10)', () => {
    for (const zxid of [at(1, 2), at(1, 5), at(1, 8), at(2, 0), at(2, 5)]) {
      const disk = oldHistory();
      const before = filesOn(disk);
      const history = historyOn(disk);
      history.beginInstall(zxid);
      assert.throws(() => {
        history.finishInstall(zxid + 1);
      }, /not begun/);
      history.abandonInstall();
      assert.deepEqual(filesOn(disk), before);
      history.abandonInstall();
      assert.deepEqual(filesOn(disk), before, 'nothing under way, nothing done');
      history.beginInstall(zxid);
      settleHistory(foldersOn(disk));
      assert.deepEqual(filesOn(disk), before, 'the same by a start');
    }
  });

  it('is not finished before it is there', () => {
    const disk = oldHistory();
    const history = historyOn(disk);
    history.beginInstall(at(3, 1));
    assert.throws(() => history.finishInstall(at(3, 1)), HistoryUnreachable);
    assert.throws(() => history.beginInstall(at(3, 2)), /inside another/);
    receive(disk, at(3, 1));
    history.abandonInstall();
    assert.deepEqual([logsOn(disk), snapshotsOn(disk)], [[], [at(3, 1)]], 'abandoned too late: it counts');
  });

  it('says so when its mark cannot be read', () => {
    const disk = oldHistory();
    const file = disk.createSync('/data/headkeeper.install');
    file.writeSync(Uint8Array.of(1, 2, 3), 0, 3, 0);
    file.closeSync();
    assert.throws(() => settleHistory(foldersOn(disk)), /headkeeper\.install cannot be understood/);
  });
});

describe('a crash at every operation of an install', () => {
  function crashEverywhere(seed: number, faults: { ignoreSyncDir?: boolean; ignoreSync?: boolean } = {}): number {
    const random = new SeededRandom(seed);
    const disk = new SimDisk(seed);
    makeFolders(disk);
    const server = new ModelServer(disk, random, []);
    for (let round = 0; round < 10; round++) {
      server.append();
      server.flush(random.chance());
      if (random.below(3) === 0) server.roll();
      if (random.below(4) === 0) server.snapshot();
      server.turn(random.below(10));
    }
    server.close();
    const old = server.history;
    const last = (old.at(-1) as Step).zxid;
    // Behind, inside, at the end of and beyond the old history; sometimes the old one has a snapshot of that name.
    const zxid = [last, last + 1, (old.at(-4) as Step).zxid, (Math.floor(last / EPOCH) + 2) * EPOCH][
      random.below(4)
    ] as number;
    if (random.below(3) === 0 && zxid <= last) server.snapshot();
    disk.run();
    disk.ignoreSync = faults.ignoreSync === true;
    disk.ignoreSyncDir = faults.ignoreSyncDir === true;
    const received: Step[] = [{ zxid, hash: RECEIVED }];
    let done: 'no' | 'installed' | 'abandoned' = 'no';
    return exploreCrashes(
      disk,
      { tornSeeds: [1, 2, 3, 4].map((torn) => torn + seed * 10) },
      () => {
        const history = historyOn(disk);
        history.beginInstall(zxid);
        history.abandonInstall();
        done = 'abandoned';
        history.beginInstall(zxid);
        done = 'no';
        receive(disk, zxid);
        history.finishInstall(zxid);
        done = 'installed';
      },
      (point) => {
        try {
          checkCrash(point, old, received, done, seed);
        } catch (error) {
          throw new Error(`seed ${seed}, ${done}: ${point.label}: ${(error as Error).message}`, { cause: error });
        }
      },
    );
  }

  function checkCrash(
    point: CrashPoint,
    old: readonly Step[],
    received: readonly Step[],
    done: 'no' | 'installed' | 'abandoned',
    seed: number,
  ): void {
    const { disk } = point;
    settleHistory(foldersOn(disk));
    const { state, lastZxid } = recoverModel(disk);
    const isNew = lastZxid === (received[0] as Step).zxid && state.hash === RECEIVED;
    if (done === 'installed') assert.ok(isNew, 'installed, and gone');
    if (!isNew) assert.equal(lastZxid, (old.at(-1) as Step).zxid, 'neither the old history nor the new one');
    if (isNew)
      assert.deepEqual([logsOn(disk).length, snapshotsOn(disk).length], [0, 1], 'something of the old one is left');
    const server = new ModelServer(disk, new SeededRandom(seed), isNew ? received : old);
    server.append();
    server.flush(false);
    server.close();
    disk.crash('lose');
    settleHistory(foldersOn(disk));
    const again = recoverModel(disk);
    assertPrefix(again, server.history);
    assert.equal(again.lastZxid, server.lastZxid, 'lost what was written since');
  }

  it('leaves the old history or the new one, whole', () => {
    let crashes = 0;
    for (let seed = 1; seed <= 16; seed++) crashes += crashEverywhere(seed);
    assert.ok(crashes > 1000, `only ${crashes} crashes`);
  });

  it('is caught when syncs are taken out', () => {
    const run = (faults: { ignoreSyncDir?: boolean; ignoreSync?: boolean }) => (): void => {
      for (let seed = 1; seed <= 16; seed++) crashEverywhere(seed, faults);
    };
    assert.throws(run({ ignoreSync: true }));
    assert.throws(run({ ignoreSyncDir: true }));
  });
});

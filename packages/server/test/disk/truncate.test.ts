import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CrashPoint, exploreCrashes, SeededRandom, SimDisk, SimulatedDiskError } from '@headkeeper/testkit';
import { HistoryUnreachable } from '../../src/ports.ts';
import {
  EPOCH,
  filesOn,
  historyOn,
  logsOn,
  putLog,
  putSnapshot,
  putTornSnapshot,
  snapshotsOn,
  zxids,
} from './history-folder.ts';
import { assertPrefix, LOGS, ModelServer, makeFolders, recoverModel, type Step } from './model-server.ts';

const at = (epoch: number, counter: number): number => epoch * EPOCH + counter;

/** Three files over two epochs, snapshots at the beginning, in the middle and at the end. */
function sample(): SimDisk {
  const disk = new SimDisk(1);
  makeFolders(disk);
  putSnapshot(disk, 0);
  putLog(disk, zxids(1, 1, 5));
  putSnapshot(disk, at(1, 4));
  putLog(disk, [...zxids(1, 6, 8), ...zxids(2, 1, 3)]);
  putLog(disk, zxids(2, 4, 6));
  putSnapshot(disk, at(2, 6));
  return disk;
}

const ALL = [...zxids(1, 1, 8), ...zxids(2, 1, 6)];

function refuses(disk: SimDisk, zxid: number): void {
  const before = filesOn(disk);
  assert.throws(() => historyOn(disk).truncate(zxid), HistoryUnreachable, zxid.toString(16));
  assert.deepEqual(filesOn(disk), before, 'something changed');
}

describe('truncation', () => {
  it('ends behind every record that there is, in every file (S15)', () => {
    for (const zxid of ALL) {
      const disk = sample();
      historyOn(disk).truncate(zxid);
      assert.deepEqual(
        logsOn(disk).flat(),
        ALL.filter((found) => found <= zxid),
      );
      assert.deepEqual(
        snapshotsOn(disk),
        [0, at(1, 4), at(2, 6)].filter((found) => found <= zxid),
      );
      assert.equal(recoverModel(disk).lastZxid, zxid);
      const again = filesOn(disk);
      historyOn(disk).truncate(zxid);
      assert.deepEqual(filesOn(disk), again, 'the second one changed something');
    }
  });

  it('takes the zxid before the first of an epoch for the end of what is before', () => {
    for (const [zxid, last] of [
      [at(2, 0), at(1, 8)],
      [at(3, 0), at(2, 6)],
      [at(7, 0), at(2, 6)],
    ] as const) {
      const disk = sample();
      historyOn(disk).truncate(zxid);
      assert.equal(recoverModel(disk).lastZxid, last);
      assert.deepEqual(
        logsOn(disk).flat(),
        ALL.filter((found) => found < zxid),
      );
    }
    const disk = sample();
    historyOn(disk).truncate(at(1, 0));
    assert.deepEqual(logsOn(disk), []);
    assert.deepEqual(snapshotsOn(disk), [0]);
  });

  it('ends at a snapshot, whatever the logs hold', () => {
    const disk = new SimDisk(1);
    makeFolders(disk);
    putSnapshot(disk, at(3, 9));
    putLog(disk, zxids(3, 10, 12));
    historyOn(disk).truncate(at(3, 9));
    assert.deepEqual([logsOn(disk), snapshotsOn(disk)], [[], [at(3, 9)]]);
    historyOn(disk).truncate(at(3, 9));
    assert.equal(recoverModel(disk).lastZxid, at(3, 9));

    const epochStart = new SimDisk(1);
    makeFolders(epochStart);
    putSnapshot(epochStart, at(4, 0));
    putLog(epochStart, zxids(4, 1, 3));
    historyOn(epochStart).truncate(at(4, 0));
    assert.equal(recoverModel(epochStart).lastZxid, at(4, 0));
  });

  it('removes damaged snapshots beyond, and does not begin from one', () => {
    const disk = sample();
    putTornSnapshot(disk, at(2, 2));
    putTornSnapshot(disk, at(1, 7));
    historyOn(disk).truncate(at(2, 1));
    assert.deepEqual(snapshotsOn(disk), [0, at(1, 4), at(1, 7)]);
    assert.equal(recoverModel(disk).lastZxid, at(2, 1));
  });

  it('is refused, and changes nothing, where the directory does not lead', () => {
    for (const zxid of [at(1, 9), at(2, 7), at(3, 1), at(0, 5)]) refuses(sample(), zxid);
    const purged = new SimDisk(1);
    makeFolders(purged);
    putSnapshot(purged, at(2, 4));
    putLog(purged, zxids(2, 1, 9));
    for (const zxid of [at(2, 3), at(2, 0), at(1, 1), 0]) refuses(purged, zxid);
    const gap = new SimDisk(1);
    makeFolders(gap);
    putSnapshot(gap, at(1, 2));
    putLog(gap, zxids(1, 4, 6));
    refuses(gap, at(1, 5));
    refuses(gap, at(1, 3));
    const bare = new SimDisk(1);
    makeFolders(bare);
    refuses(bare, at(1, 1));
    refuses(bare, 0);
  });

  it('is refused where a record on the way is damaged', () => {
    const disk = sample();
    const file = disk.openWriteSync(`${LOGS}/log.100000006`);
    file.writeSync(Uint8Array.of(0xff), 0, 1, 16 + 12 + 40);
    file.dataSyncSync();
    file.closeSync();
    refuses(disk, at(1, 7));
    refuses(disk, at(2, 6) - 1);
    historyOn(disk).truncate(at(1, 5));
    assert.equal(recoverModel(disk).lastZxid, at(1, 5));
  });

  it('is refused at a snapshot behind which a file begins, where the file before is damaged: no start would read that', () => {
    const disk = new SimDisk(1);
    makeFolders(disk);
    putLog(disk, zxids(1, 1, 5));
    putSnapshot(disk, at(1, 5));
    putLog(disk, zxids(1, 6, 8));
    const file = disk.openWriteSync(`${LOGS}/log.100000001`);
    file.writeSync(Uint8Array.of(0xff), 0, 1, 16 + 12 + 40);
    file.dataSyncSync();
    file.closeSync();
    assert.equal(recoverModel(disk).lastZxid, at(1, 8), 'the damaged file is not needed');
    refuses(disk, at(1, 5));
    historyOn(disk).truncate(at(1, 6));
    assert.equal(recoverModel(disk).lastZxid, at(1, 6));
  });

  it('tells of every error of the disk, and leaves no hole (S14)', () => {
    for (const code of ['EIO', 'ENOSPC', 'EROFS']) {
      for (const operation of ['remove', 'syncDir', 'truncate', 'sync'] as const) {
        let failed = 0;
        for (let nth = 1; ; nth++) {
          const disk = sample();
          disk.failOn(operation, nth, code);
          try {
            historyOn(disk).truncate(at(1, 3));
          } catch (error) {
            assert.ok(error instanceof SimulatedDiskError);
            failed++;
          }
          if (failed < nth) break;
          for (const kind of ['keep', 'lose'] as const) {
            const after = disk.fork();
            after.crash(kind);
            const found = logsOn(after).flat();
            assert.deepEqual(found, ALL.slice(0, found.length), `${operation} ${nth}`);
            assert.ok(recoverModel(after).lastZxid >= at(1, 3));
          }
        }
        assert.ok(failed > 0, operation);
      }
    }
  });
});

describe('a crash at every operation of a truncation', () => {
  /** Writes a history over two lives, truncates it somewhere, and goes on; crashes everywhere in the truncation. */
  function crashEverywhere(seed: number, faults: { ignoreSyncDir?: boolean; ignoreSync?: boolean } = {}): number {
    const random = new SeededRandom(seed);
    const disk = new SimDisk(seed);
    makeFolders(disk);
    let history: readonly Step[] = [];
    for (let life = 0; life < 2; life++) {
      const server = new ModelServer(disk, random, history);
      for (let round = 0; round < 12; round++) {
        server.append();
        server.flush(random.chance());
        if (random.below(4) === 0) server.roll();
        if (random.below(6) === 0) server.snapshot();
        server.turn(random.below(10));
      }
      server.close();
      history = server.history;
    }
    disk.ignoreSync = faults.ignoreSync === true;
    disk.ignoreSyncDir = faults.ignoreSyncDir === true;
    const target = (history[random.below(history.length)] as Step).zxid;
    const kept = history.filter(({ zxid }) => zxid <= target);
    let isDone = false;
    return exploreCrashes(
      disk,
      { tornSeeds: [1, 2, 3, 4, 5, 6].map((torn) => torn + seed * 10) },
      () => {
        historyOn(disk).truncate(target);
        isDone = true;
      },
      (point) => {
        try {
          checkCrash(point, history, kept, isDone, seed);
        } catch (error) {
          throw new Error(`seed ${seed}: ${point.label}: ${(error as Error).message}`, { cause: error });
        }
      },
    );
  }

  function checkCrash(
    point: CrashPoint,
    before: readonly Step[],
    kept: readonly Step[],
    isDone: boolean,
    seed: number,
  ): void {
    const target = (kept.at(-1) as Step).zxid;
    const { lastZxid } = recoverModel(point.disk);
    assert.ok(lastZxid >= target, 'truncated too much');
    if (isDone) assert.equal(lastZxid, target, 'what was truncated is back');
    // The next life goes on, and loses power.
    const server = new ModelServer(point.disk, new SeededRandom(seed), before);
    server.append();
    server.flush(false);
    server.close();
    point.disk.crash('lose');
    const again = recoverModel(point.disk);
    assertPrefix(again, server.history);
    assert.equal(again.lastZxid, server.lastZxid);
    // It is told to truncate once more, and now does.
    if (isDone) return;
    historyOn(point.disk).truncate(target);
    point.disk.crash('lose');
    const shortened = recoverModel(point.disk);
    assertPrefix(shortened, kept);
    assert.equal(shortened.lastZxid, target);
  }

  it('leaves a prefix of the history that is not shorter than was asked for', () => {
    let crashes = 0;
    for (let seed = 1; seed <= 12; seed++) crashes += crashEverywhere(seed);
    assert.ok(crashes > 400, `only ${crashes} crashes`);
  });

  it('is caught when syncs are taken out (D07)', () => {
    const run = (faults: { ignoreSyncDir?: boolean; ignoreSync?: boolean }) => (): void => {
      for (let seed = 1; seed <= 12; seed++) crashEverywhere(seed, faults);
    };
    assert.throws(run({ ignoreSync: true }));
    assert.throws(run({ ignoreSyncDir: true }));
  });
});

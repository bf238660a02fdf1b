import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exploreCrashes, SimDisk } from '@headkeeper/testkit';
import { createJournal } from '../../src/adapters/disk/journal-files.ts';
import {
  isLoggedLast,
  LOGGED_NAME,
  MOST_EPOCH_ENDS,
  readLogged,
  readLoggedMark,
  requireLogged,
  writeLoggedMark,
} from '../../src/adapters/disk/logged-mark.ts';
import { encodeSlot, MOST_LISTED, slotPosition } from '../../src/adapters/disk/number-slots.ts';
import { createRecoverySource, readWhole, repairLogs } from '../../src/adapters/disk/recovery-files.ts';
import { salvageHistory } from '../../src/adapters/disk/salvage.ts';
import { UNKNOWN_ZXID } from '../../src/core/log/history-repair.ts';
import type { Journal } from '../../src/ports.ts';
import { put } from './files.ts';
import { EPOCH, foldersOn, historyOn, putLog, putSnapshot, recordBytes, zxids } from './history-folder.ts';
import { LOGS, makeFolders, recoverModel, SNAPSHOTS } from './model-server.ts';

interface Bench {
  readonly disk: SimDisk;
  readonly journal: Journal;
  /** Lets time pass until no timer is set, and the disk come to rest. */
  pass(): void;
  append(zxid: number): void;
  durable: number;
  failure: Error | null;
}

function bench(disk: SimDisk, lastZxid: number): Bench {
  const timers: (() => void)[] = [];
  const made: Bench = {
    disk,
    durable: 0,
    failure: null,
    journal: createJournal({
      disk,
      folder: LOGS,
      preAllocBytes: 4096,
      lastZxid,
      nowMs: () => 0,
      timers: {
        set: (_delayMs, fn) => {
          timers.push(fn);
          return () => timers.splice(timers.indexOf(fn), 1);
        },
      },
      listener: {
        durable: (zxid) => {
          made.durable = zxid;
        },
        failed: (error) => {
          made.failure = error;
        },
      },
    }),
    pass() {
      disk.run();
      for (let fn = timers.shift(); fn !== undefined; fn = timers.shift()) {
        fn();
        disk.run();
      }
    },
    append(zxid) {
      const bytes = recordBytes(zxid);
      made.journal.append(bytes, 0, bytes.length, zxid, zxid);
      made.journal.flush(false);
    },
  };
  return made;
}

function emptyDisk(): SimDisk {
  const disk = new SimDisk(3);
  makeFolders(disk);
  return disk;
}

describe('the mark of what has been durable', () => {
  it('follows the log a moment later, once for many txns', () => {
    const { disk, append, pass, journal } = bench(emptyDisk(), 0);
    append(1);
    disk.run();
    assert.equal(readLoggedMark(disk, LOGS), null);
    append(2);
    append(3);
    pass();
    assert.equal(readLoggedMark(disk, LOGS), 3);
    append(4);
    disk.run();
    let failure: Error | null | undefined;
    journal.close((error) => {
      failure = error;
    });
    disk.run();
    assert.equal(failure, null);
    assert.equal(readLoggedMark(disk, LOGS), 4);
  });

  it('is brought up to a log that was durable beyond it, though no txn comes; where there is none, none is made', () => {
    const first = bench(emptyDisk(), 0);
    first.append(1);
    first.pass();
    first.append(2);
    first.append(3);
    first.disk.run();
    first.disk.crash('keep');
    assert.equal(readLoggedMark(first.disk, LOGS), 1);
    const second = bench(first.disk, 3);
    second.pass();
    assert.equal(readLoggedMark(second.disk, LOGS), 3);
    const third = bench(emptyDisk(), 3);
    third.pass();
    assert.equal(readLoggedMark(third.disk, LOGS), null);
  });

  it('is not brought up to the number in which an epoch begins, which no log holds: a leader may have a log cut to that', () => {
    for (const how of ['later', 'closed', 'closed for good'] as const) {
      const { disk, append, pass } = bench(emptyDisk(), 0);
      append(1);
      append(2);
      pass();
      const cut = bench(disk, EPOCH);
      if (how === 'later') cut.pass();
      else {
        cut.journal.close(() => {}, how === 'closed for good');
        disk.run();
      }
      assert.equal(readLoggedMark(disk, LOGS), 2, how);
    }
  });

  it('is written anew by the next server when nothing in it can be read', () => {
    const { disk, append, pass } = bench(emptyDisk(), 0);
    append(1);
    append(2);
    pass();
    put(disk, `${LOGS}/${LOGGED_NAME}`, 'x'.repeat(1024));
    bench(disk, 2).pass();
    assert.equal(readLoggedMark(disk, LOGS), 2);
  });

  it('never says more than a crash leaves of the log, wherever that comes', () => {
    const disk = emptyDisk();
    putSnapshot(disk, 0);
    const { append, pass } = bench(disk, 0);
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2, 3] },
      () => {
        for (let zxid = 1; zxid <= 8; zxid++) {
          append(zxid);
          pass();
        }
      },
      (point) => {
        requireLogged(readLogged(point.disk, LOGS), LOGS, recoverModel(point.disk).lastZxid);
      },
    );
    assert.ok(crashes > 100, `only ${crashes} crashes`);
  });

  it('says that the log ends there when it was closed in order, and nothing of the kind once more can come', () => {
    const disk = emptyDisk();
    putSnapshot(disk, 0);
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2] },
      () => {
        for (const last of [0, 3, 6]) {
          const { append, pass, journal } = bench(disk, last);
          for (let zxid = last + 1; zxid <= last + 3; zxid++) append(zxid);
          disk.run();
          pass();
          journal.close(() => {}, true);
          disk.run();
          assert.deepEqual([isLoggedLast(disk, LOGS), readLoggedMark(disk, LOGS)], [true, last + 3]);
        }
      },
      (point) => {
        const { lastZxid } = recoverModel(point.disk);
        if (isLoggedLast(point.disk, LOGS)) assert.equal(readLoggedMark(point.disk, LOGS), lastZxid);
      },
    );
    assert.ok(crashes > 50, `only ${crashes} crashes`);
    bench(disk, 9);
    for (const at of [0, 512]) {
      const decayed = disk.fork();
      decayed.rot(`${LOGS}/${LOGGED_NAME}`, at, at + 512, 'zeros', 1);
      assert.equal(isLoggedLast(decayed, LOGS), false, 'whichever half has decayed');
    }
  });

  it('refuses a log that ends before it, and names what is missing', () => {
    const { disk, append, pass } = bench(emptyDisk(), 6 * EPOCH);
    for (const zxid of zxids(6, 1, 9)) append(zxid);
    pass();
    requireLogged(readLogged(disk, LOGS), LOGS, 6 * EPOCH + 9);
    assert.throws(() => requireLogged(readLogged(disk, LOGS), LOGS, 6 * EPOCH + 4), {
      reason: 'log-cut',
      message: /ends with 0x600000004, but it was durable up to 0x600000009: the txns from 0x600000005 to 0x600000009/,
    });
  });

  it('tells that a record was durable whose length now passes the end of the file (D21)', () => {
    const { disk, append, pass } = bench(emptyDisk(), 0);
    putSnapshot(disk, 0);
    for (const zxid of [1, 2, 3]) append(zxid);
    pass();
    const path = `${LOGS}/log.1`;
    const third = 16 + 2 * recordBytes(1).length;
    disk.rot(path, third + 8, third + 40, 'junk', 3);
    disk.rot(path, third + 8, third + 10, 'zeros', 1);
    const { lastZxid } = recoverModel(disk);
    assert.equal(lastZxid, 2, 'the log alone cannot tell');
    assert.throws(() => requireLogged(readLogged(disk, LOGS), LOGS, lastZxid), { reason: 'log-cut' });
  });

  it('tells that a record was durable where now a copy of the one before stands (D21)', () => {
    const { disk, append, pass } = bench(emptyDisk(), 0);
    putSnapshot(disk, 0);
    for (const zxid of [1, 2, 3]) append(zxid);
    pass();
    const size = recordBytes(1).length;
    disk.writeFault = () => ({ path: `${LOGS}/log.1`, position: 16 + 2 * size });
    const other = disk.createSync('/log/other');
    other.writeSync(recordBytes(2), 0, size, 0);
    disk.writeFault = null;
    disk.crash('lose');
    const { lastZxid } = recoverModel(disk);
    assert.equal(lastZxid, 2, 'the log alone cannot tell');
    assert.throws(() => requireLogged(readLogged(disk, LOGS), LOGS, lastZxid), { reason: 'log-cut' });
  });

  it('is not taken from what was written for another file, or for its other half (D21)', () => {
    const { disk, append, pass } = bench(emptyDisk(), 0);
    append(1);
    pass();
    append(2);
    pass();
    const path = `${LOGS}/${LOGGED_NAME}`;
    for (const name of ['headkeeper.epochs', LOGGED_NAME]) {
      const strayed = disk.fork();
      const file = strayed.openWriteSync(path);
      const slot = encodeSlot(name, { first: 99, second: 0, serial: 8, list: [98] });
      file.writeSync(slot, 0, slot.length, 512);
      file.closeSync();
      assert.equal(readLoggedMark(strayed, LOGS), 2, name);
    }
  });

  it('survives the decay of either half', () => {
    const { disk, append, pass } = bench(emptyDisk(), 0);
    append(1);
    pass();
    append(2);
    pass();
    for (const [at, left] of [
      [0, 1],
      [512, 2],
    ] as const) {
      const decayed = disk.fork();
      decayed.rot(`${LOGS}/${LOGGED_NAME}`, at, at + 512, 'zeros', 1);
      assert.equal(readLoggedMark(decayed, LOGS), left === 1 ? 1 : 2);
      const unreadable = disk.fork();
      unreadable.makeUnreadable(`${LOGS}/${LOGGED_NAME}`, at, at + 1);
      assert.equal(readLoggedMark(unreadable, LOGS), left === 1 ? 1 : 2);
    }
  });

  it('is lowered before the log is cut, and before a state from elsewhere takes its place', () => {
    const disk = emptyDisk();
    putSnapshot(disk, 6 * EPOCH);
    putLog(disk, zxids(6, 1, 5));
    const { append, pass, journal } = bench(disk, 6 * EPOCH + 5);
    append(6 * EPOCH + 6);
    pass();
    journal.close(() => {});
    disk.run();
    assert.equal(readLoggedMark(disk, LOGS), 6 * EPOCH + 6);
    const history = historyOn(disk);
    exploreCrashes(
      disk,
      { tornSeeds: [1, 2] },
      () => history.truncate(6 * EPOCH + 3),
      (point) => {
        requireLogged(readLogged(point.disk, LOGS), LOGS, recoverModel(point.disk).lastZxid);
      },
    );
    assert.equal(readLoggedMark(disk, LOGS), 6 * EPOCH + 3);
    disk.rot(`${LOGS}/${LOGGED_NAME}`, 0, 512, 'zeros', 1);
    assert.equal(readLoggedMark(disk, LOGS), 6 * EPOCH + 3, 'no half remembers what was cut');
    history.beginInstall(6 * EPOCH + 1);
    putSnapshot(disk, 6 * EPOCH + 1);
    history.finishInstall(6 * EPOCH + 1);
    assert.equal(readLoggedMark(disk, LOGS), 6 * EPOCH + 1);
  });

  it('tells of a disk that fails under it', () => {
    const made = bench(emptyDisk(), 0);
    made.append(1);
    made.disk.run();
    made.disk.failOn('sync', 1, 'EIO');
    made.pass();
    assert.equal((made.failure as NodeJS.ErrnoException | null)?.code, 'EIO');
  });
});

/** Three txns of epoch 6, and two of epoch 7 behind them, each in a file of its own. */
function twoEpochs(): SimDisk {
  const disk = emptyDisk();
  putSnapshot(disk, 6 * EPOCH);
  const { append, pass, journal } = bench(disk, 6 * EPOCH);
  for (const zxid of zxids(6, 1, 3)) append(zxid);
  pass();
  journal.roll();
  for (const zxid of zxids(7, 1, 2)) append(zxid);
  pass();
  return disk;
}

/** Zeros over the last record of epoch 6. */
function withoutThird(disk: SimDisk): SimDisk {
  const size = recordBytes(1).length;
  disk.rot(`${LOGS}/log.600000001`, 16 + 2 * size, 16 + 3 * size, 'zeros', 1);
  return disk;
}

describe('the mark of where epochs have ended', () => {
  it('tells that a log has lost its end that looks whole, with another epoch behind it', () => {
    const disk = twoEpochs();
    assert.deepEqual(readLogged(disk, LOGS), { provenZxid: 7 * EPOCH + 2, epochEnds: [6 * EPOCH + 3] });
    assert.equal(recoverModel(disk).lastZxid, 7 * EPOCH + 2);
    withoutThird(disk);
    assert.throws(() => recoverModel(disk), {
      reason: 'missing-txns',
      message: /from 0x600000003 to 0x600000003 were acknowledged/,
    });
    disk.removeSync(`${LOGS}/${LOGGED_NAME}`);
    assert.equal(recoverModel(disk).lastZxid, 7 * EPOCH + 2, 'an operator can accept the loss');
  });

  it('is there before a txn of the next epoch is, wherever a crash comes, and accuses no log that is whole', () => {
    const disk = emptyDisk();
    putSnapshot(disk, 6 * EPOCH);
    const { append, pass, journal } = bench(disk, 6 * EPOCH);
    let known = 0;
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2, 3] },
      () => {
        for (const zxid of zxids(6, 1, 3)) append(zxid);
        pass();
        // While these are being written, the next epoch begins.
        for (const zxid of [...zxids(6, 4, 5), ...zxids(7, 1, 2)]) append(zxid);
        pass();
        journal.roll();
        for (const zxid of zxids(9, 1, 2)) append(zxid);
        disk.run();
        pass();
      },
      (point) => {
        const { lastZxid } = recoverModel(point.disk);
        requireLogged(readLogged(point.disk, LOGS), LOGS, lastZxid);
        const { epochEnds } = readLogged(point.disk, LOGS);
        const ends = [6 * EPOCH + 5, 7 * EPOCH + 2].filter((zxid) => zxid < lastZxid && lastZxid > zxid + EPOCH / 2);
        assert.deepEqual(epochEnds.slice(0, ends.length), ends);
        known = Math.max(known, ends.length);
      },
    );
    assert.ok(crashes > 100, `only ${crashes} crashes`);
    assert.equal(known, 2);
  });

  it('is written although the writer of the log is another one, and stays when the log is closed', () => {
    const disk = emptyDisk();
    for (const epoch of [3, 5, 6]) {
      const { append, pass, journal } = bench(disk, epoch === 3 ? 0 : epoch === 5 ? 3 * EPOCH + 2 : 5 * EPOCH + 2);
      journal.roll();
      for (const zxid of zxids(epoch, 1, 2)) append(zxid);
      if (epoch === 5) pass();
      journal.close(() => {}, epoch !== 5);
      disk.run();
    }
    assert.deepEqual(readLogged(disk, LOGS).epochEnds, [3 * EPOCH + 2, 5 * EPOCH + 2]);
    assert.equal(isLoggedLast(disk, LOGS), true);
    bench(disk, 6 * EPOCH + 2);
    assert.deepEqual(readLogged(disk, LOGS).epochEnds, [3 * EPOCH + 2, 5 * EPOCH + 2]);
  });

  it('has as many of the last epochs as it has room for', () => {
    assert.ok(MOST_EPOCH_ENDS <= MOST_LISTED);
    const disk = emptyDisk();
    const { append, pass } = bench(disk, 0);
    for (let epoch = 1; epoch <= MOST_EPOCH_ENDS + 3; epoch++) append(epoch * EPOCH + 1);
    pass();
    const { epochEnds } = readLogged(disk, LOGS);
    assert.deepEqual([epochEnds.length, epochEnds[0]], [MOST_EPOCH_ENDS, 3 * EPOCH + 1]);
  });

  it('goes with what is cut off, before that is', () => {
    const disk = twoEpochs();
    const history = historyOn(disk);
    exploreCrashes(
      disk,
      { tornSeeds: [1, 2] },
      () => history.truncate(6 * EPOCH + 2),
      (point) => {
        requireLogged(readLogged(point.disk, LOGS), LOGS, recoverModel(point.disk).lastZxid);
      },
    );
    assert.deepEqual(readLogged(disk, LOGS), { provenZxid: 6 * EPOCH + 2, epochEnds: [] });
    const { append, pass } = bench(disk, 6 * EPOCH + 2);
    append(8 * EPOCH + 1);
    pass();
    assert.equal(recoverModel(disk).lastZxid, 8 * EPOCH + 1);
    assert.deepEqual(readLogged(disk, LOGS).epochEnds, [6 * EPOCH + 2]);
  });

  it('stays behind a cut to where its epoch has ended, which the zxid before the next one stands for', () => {
    const disk = twoEpochs();
    historyOn(disk).truncate(7 * EPOCH);
    const { lastZxid } = recoverModel(disk);
    assert.equal(lastZxid, 6 * EPOCH + 3);
    requireLogged(readLogged(disk, LOGS), LOGS, lastZxid);
    assert.deepEqual(readLogged(disk, LOGS), { provenZxid: 6 * EPOCH + 3, epochEnds: [6 * EPOCH + 3] });
  });

  it('is passed over where a state from elsewhere takes the place of the log', () => {
    const disk = twoEpochs();
    const history = historyOn(disk);
    for (const zxid of [7 * EPOCH + 1, 6 * EPOCH + 2]) {
      history.beginInstall(zxid);
      putSnapshot(disk, zxid);
      history.finishInstall(zxid);
      requireLogged(readLogged(disk, LOGS), LOGS, recoverModel(disk).lastZxid);
    }
    assert.deepEqual(readLogged(disk, LOGS), { provenZxid: 6 * EPOCH + 2, epochEnds: [] });
  });

  it('is read by releases that know no list, and what they have written counts without one', () => {
    const disk = twoEpochs();
    assert.equal(readLoggedMark(disk, LOGS), 7 * EPOCH + 2);
    const path = `${LOGS}/${LOGGED_NAME}`;
    // As they write it: the slot alone, over the one before the last.
    for (const serial of [100, 101]) {
      const slot = encodeSlot(LOGGED_NAME, { first: 7 * EPOCH + 1, second: 0, serial, list: [] });
      const file = disk.openWriteSync(path);
      file.writeSync(slot, 0, slot.length, slotPosition(serial));
      file.closeSync();
      assert.deepEqual(readLogged(disk, LOGS), { provenZxid: 7 * EPOCH + 1, epochEnds: [] });
    }
  });

  it('that has decayed in a slot which is whole leaves the other slot, and what that lists', () => {
    const disk = twoEpochs();
    writeLoggedMark(disk, LOGS, 0, [6 * EPOCH + 3, 7 * EPOCH + 2]);
    writeLoggedMark(disk, LOGS, 0, [6 * EPOCH + 3, 7 * EPOCH + 3]);
    assert.deepEqual(readLogged(disk, LOGS), { provenZxid: 7 * EPOCH + 3, epochEnds: [6 * EPOCH + 3] });
    const newest = readWhole(disk, `${LOGS}/${LOGGED_NAME}`);
    // The newer one is in one half or the other.
    const at = [0, 512].find((half) => newest[half + 19] === 3) as number;
    // Behind magic, serial number and count stands the first zxid of the list.
    disk.rot(`${LOGS}/${LOGGED_NAME}`, at + 32 + 16, at + 32 + 17, 'junk', 1);
    assert.deepEqual(readLogged(disk, LOGS), { provenZxid: 7 * EPOCH + 2, epochEnds: [6 * EPOCH + 3] });
  });

  it('says what has been durable also where the mark is behind it', () => {
    const disk = emptyDisk();
    const { append } = bench(disk, 6 * EPOCH + 3);
    append(7 * EPOCH + 1);
    disk.run();
    assert.equal(readLoggedMark(disk, LOGS), 6 * EPOCH + 3);
    assert.throws(() => requireLogged(readLogged(disk, LOGS), LOGS, 6 * EPOCH + 2), { reason: 'log-cut' });
  });

  it('keeps a log with a hole from learners, and from what other servers repair', () => {
    const disk = twoEpochs();
    const before = (): number | undefined =>
      salvageHistory(foldersOn(disk), 1 << 20).history.records.find(({ zxid }) => zxid === 7 * EPOCH + 1)?.before;
    const read = (): void => {
      const cursor = historyOn(disk).readLog(6 * EPOCH + 1);
      while (cursor?.next(1 << 16, Number.MAX_SAFE_INTEGER) != null);
      cursor?.close();
    };
    read();
    assert.equal(before(), 6 * EPOCH + 3);
    withoutThird(disk);
    assert.throws(read, /what is between them is missing/);
    assert.equal(before(), UNKNOWN_ZXID);
  });

  it('is there for a log that was put together again', () => {
    const disk = emptyDisk();
    writeLoggedMark(disk, LOGS, 5 * EPOCH, [...zxids(6, 1, 3), ...zxids(7, 1, 1), ...zxids(9, 1, 2)]);
    assert.deepEqual(readLogged(disk, LOGS), {
      provenZxid: 9 * EPOCH + 2,
      epochEnds: [6 * EPOCH + 3, 7 * EPOCH + 1],
    });
  });
});

describe('a start after a sync that failed, when the operating system calls its pages clean', () => {
  for (const [name, at] of [
    ['behind a mark', [1, 2, 3]],
    ['with the first record', []],
    ['right behind the mark', [1]],
  ] as const) {
    it(`makes durable what it has read: ${name}`, () => {
      const disk = emptyDisk();
      putSnapshot(disk, 0);
      const { append, pass } = bench(disk, 0);
      for (const zxid of at) append(zxid);
      pass();
      const failing = at.length + 1;
      // The first sync of a file is that of its header.
      disk.failOn('sync', at.length === 0 ? 2 : 1, 'EIO');
      // As if the process ended before it could cut off what is not durable.
      disk.failOn('truncate', 1, 'EIO');
      append(failing);
      disk.run();
      disk.endProcess();
      const before = disk.fork();
      before.crash('lose');
      assert.equal(recoverModel(before).lastZxid, at.length, 'the failed sync has left nothing on the disk');

      const read = recoverModel(disk);
      assert.equal(read.lastZxid, failing);
      repairLogs(disk, LOGS, read);
      disk.crash('lose');
      const left = recoverModel(disk);
      assert.deepEqual([left.lastZxid, left.state.hash], [failing, read.state.hash]);
    });
  }

  it('and writes nothing that the mark covers', () => {
    const disk = emptyDisk();
    putSnapshot(disk, 0);
    const { append, pass } = bench(disk, 0);
    for (let zxid = 1; zxid <= 5; zxid++) append(zxid);
    pass();
    disk.endProcess();
    assert.deepEqual(recoverModel(disk).unproven, []);
  });
});

describe('a log that is torn in its first record', () => {
  it('is taken away, and is no log that lost its txns when another epoch has begun behind it', () => {
    const disk = emptyDisk();
    putSnapshot(disk, 0);
    putLog(disk, zxids(6, 1, 5));
    const torn = `${LOGS}/log.600000006`;
    put(
      disk,
      torn,
      Buffer.concat([
        readWhole(disk, `${LOGS}/log.600000001`).subarray(0, 16),
        recordBytes(6 * EPOCH + 6).subarray(0, 30),
      ]),
    );
    const found = recoverModel(disk);
    assert.deepEqual(found.filesToTruncate, [{ name: 'log.600000006', length: 16 }]);
    repairLogs(disk, LOGS, found);
    disk.crash('lose');
    assert.equal(disk.existsSync(torn), false);
    putLog(disk, zxids(7, 1, 3));
    writeLoggedMark(disk, LOGS, 0, [...zxids(6, 1, 5), ...zxids(7, 1, 3)]);
    assert.equal(recoverModel(disk).lastZxid, 7 * EPOCH + 3);
  });
});

describe('what the disk cannot read', () => {
  it('is a damaged log, and a snapshot that is passed over', () => {
    const disk = emptyDisk();
    putSnapshot(disk, 6 * EPOCH);
    putLog(disk, zxids(6, 1, 5));
    const source = createRecoverySource(disk, SNAPSHOTS, LOGS);
    disk.makeUnreadable(`${LOGS}/log.600000001`, 100, 101);
    assert.throws(() => source.readLog('log.600000001', () => {}), {
      reason: 'log-damaged',
      message: /cannot be read/,
    });
    disk.makeUnreadable(`${SNAPSHOTS}/snapshot.600000000`, 0, 1);
    assert.equal(source.quickCheck('snapshot.600000000'), false);
    assert.throws(() => source.readSnapshot('snapshot.600000000', () => {}), /the disk cannot read it/);
    assert.equal(historyOn(disk).readLog(6 * EPOCH + 2), null);
  });
});

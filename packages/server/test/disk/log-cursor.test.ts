import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom, SimDisk } from '@headkeeper/testkit';
import { readLogOrItsBeginning } from '../../src/adapters/disk/history-files.ts';
import { purge } from '../../src/adapters/disk/purge.ts';
import { listLogs } from '../../src/adapters/disk/recovery-files.ts';
import { zxidOfBody } from '../../src/core/log/record-codec.ts';
import { HistoryUnreachable, type LogCursor } from '../../src/ports.ts';
import { EPOCH, foldersOn, historyOn, putLog, putSnapshot, zxids } from './history-folder.ts';
import { LOGS, ModelServer, makeFolders, SNAPSHOTS } from './model-server.ts';

const at = (epoch: number, counter: number): number => epoch * EPOCH + counter;
const ALL_BYTES = 1 << 24;

/** Reads on to the end; checks that each record is what its zxid says. */
function readOn(cursor: LogCursor, upTo: number, maxBytes = ALL_BYTES): number[] {
  const found: number[] = [];
  for (let records = cursor.next(maxBytes, upTo); records !== null; records = cursor.next(maxBytes, upTo)) {
    assert.ok(records.count > 0);
    const view = new DataView(records.memory.buffer);
    for (let i = 0; i < records.count; i++) {
      const zxid = records.zxids[i] as number;
      assert.equal(zxidOfBody(view, records.starts[i] as number), zxid);
      assert.ok((records.ends[i] as number) <= records.memory.length);
      found.push(zxid);
    }
    assert.equal(cursor.lastZxid, found.at(-1));
  }
  return found;
}

function emptyDisk(): SimDisk {
  const disk = new SimDisk(1);
  makeFolders(disk);
  return disk;
}

function sample(): SimDisk {
  const disk = emptyDisk();
  putLog(disk, zxids(1, 3, 8));
  putLog(disk, [...zxids(1, 9, 12), ...zxids(3, 1, 4)]);
  putLog(disk, zxids(3, 5, 9), 60, 0);
  return disk;
}

const ALL = [...zxids(1, 3, 12), ...zxids(3, 1, 9)];
const END = at(3, 9);

describe('reading the log forward', () => {
  it('begins behind any record, and goes to the end in steps of any size', () => {
    for (const after of ALL) {
      for (const maxBytes of [1, 200, ALL_BYTES]) {
        const cursor = historyOn(sample()).readLog(after);
        assert.ok(cursor !== null);
        assert.deepEqual(
          readOn(cursor, END, maxBytes),
          ALL.filter((zxid) => zxid > after),
        );
        assert.equal(cursor.next(maxBytes, END), null);
        cursor.close();
      }
    }
  });

  it('does not go beyond what is durable, and goes on when more is', () => {
    const cursor = historyOn(sample()).readLog(at(1, 5)) as LogCursor;
    assert.equal(cursor.next(ALL_BYTES, at(1, 5)), null);
    assert.deepEqual(readOn(cursor, at(1, 7)), zxids(1, 6, 7));
    assert.deepEqual(readOn(cursor, at(1, 9)), zxids(1, 8, 9));
    assert.deepEqual(readOn(cursor, at(3, 0)), zxids(1, 10, 12));
    assert.deepEqual(readOn(cursor, at(3, 1)), [at(3, 1)]);
    assert.deepEqual(readOn(cursor, END), zxids(3, 2, 9));
  });

  it('begins for a backup with the first record of the log, too, right behind a snapshot that a leader sent', () => {
    const disk = sample();
    const folders = foldersOn(disk);
    assert.equal(historyOn(disk).readLog(at(1, 2)), null);
    const cursor = readLogOrItsBeginning(folders, at(1, 2));
    assert.ok(cursor !== null);
    assert.deepEqual(readOn(cursor, END), ALL);
    // A txn is missing between, or it is another epoch: nothing tells what comes right behind.
    for (const zxid of [at(1, 1), at(0, 7)]) assert.equal(readLogOrItsBeginning(folders, zxid), null);
    assert.deepEqual(readOn(readLogOrItsBeginning(folders, at(1, 12)) as LogCursor, END), zxids(3, 1, 9));
  });

  it('begins where an epoch does only if the log shows what follows', () => {
    const from = (zxid: number): number[] | null => {
      const cursor = historyOn(sample()).readLog(zxid);
      return cursor === null ? null : readOn(cursor, END);
    };
    assert.deepEqual(from(at(3, 0)), zxids(3, 1, 9));
    assert.deepEqual(from(at(2, 0)), zxids(3, 1, 9));
    assert.equal(from(at(1, 0)), null);
    assert.equal(from(at(4, 0)), null);
    assert.equal(from(0), null);
    const whole = emptyDisk();
    putLog(whole, zxids(2, 1, 3));
    const cursor = historyOn(whole).readLog(at(2, 0));
    assert.deepEqual(readOn(cursor as LogCursor, at(2, 3)), zxids(2, 1, 3));
    assert.equal(historyOn(whole).readLog(at(1, 0)), null, 'what epoch 1 held may have been removed');
    assert.equal(historyOn(emptyDisk()).readLog(at(2, 0)), null);
  });

  it('does not begin where there is no such record', () => {
    for (const zxid of [at(1, 2), at(1, 13), at(2, 1), at(3, 10), at(4, 1)]) {
      assert.equal(historyOn(sample()).readLog(zxid), null);
    }
    assert.equal(historyOn(emptyDisk()).readLog(at(1, 1)), null);
  });

  it('takes records larger than a step, and passes large ones quickly', () => {
    const disk = emptyDisk();
    putLog(disk, zxids(1, 1, 3), 3 << 20);
    putLog(disk, zxids(1, 4, 5), 100_000);
    for (const after of [at(1, 1), at(1, 2), at(1, 3)]) {
      const cursor = historyOn(disk).readLog(after) as LogCursor;
      assert.deepEqual(
        readOn(cursor, at(1, 5), 1000),
        [...zxids(1, 1, 5)].filter((zxid) => zxid > after),
      );
    }
  });

  it('says how much lies ahead', () => {
    const disk = sample();
    const sizes = listLogs(disk, LOGS).map(({ size }) => size);
    const cursor = historyOn(disk).readLog(at(1, 8)) as LogCursor;
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.equal(cursor.bytesAhead(), total - 16 - 6 * 73);
    readOn(cursor, END);
    assert.equal(cursor.bytesAhead(), 0);
  });

  it('goes over repeated records and over a torn end that another file makes good', () => {
    const disk = emptyDisk();
    putLog(disk, zxids(1, 1, 6), 60, 0);
    const torn = disk.openWriteSync(`${LOGS}/log.100000001`);
    torn.truncateSync(16 + 6 * 73 - 20);
    torn.closeSync();
    putLog(disk, zxids(1, 5, 8));
    putLog(disk, zxids(1, 6, 9));
    const cursor = historyOn(disk).readLog(at(1, 2)) as LogCursor;
    assert.deepEqual(readOn(cursor, at(1, 9)), zxids(1, 3, 9));
  });

  it('never passes over a gap (S17)', () => {
    const between = emptyDisk();
    putLog(between, zxids(1, 1, 3));
    putLog(between, zxids(1, 5, 6));
    const inside = emptyDisk();
    putLog(inside, [...zxids(1, 1, 3), ...zxids(1, 5, 6)]);
    const epoch = emptyDisk();
    putLog(epoch, [...zxids(1, 1, 3), ...zxids(2, 2, 6)]);
    // A snapshot of 1.7 was installed by a server that keeps its old logs then.
    const installed = emptyDisk();
    putLog(installed, [...zxids(1, 1, 3), ...zxids(2, 1, 6)]);
    putSnapshot(installed, at(1, 7));
    for (const disk of [between, inside, epoch, installed]) {
      const cursor = historyOn(disk).readLog(at(1, 1)) as LogCursor;
      assert.throws(() => readOn(cursor, at(2, 6), 1), HistoryUnreachable);
      assert.ok(cursor.lastZxid <= at(1, 3));
    }
    assert.equal(historyOn(installed).readLog(at(2, 0)), null);
  });

  it('tells of damage', () => {
    const disk = sample();
    const file = disk.openWriteSync(`${LOGS}/log.100000009`);
    file.writeSync(Uint8Array.of(0xff), 0, 1, 16 + 73 + 12 + 40);
    file.closeSync();
    const cursor = historyOn(disk).readLog(at(1, 7)) as LogCursor;
    assert.throws(() => readOn(cursor, END, 1), /log\.100000009 is damaged/);
    assert.equal(cursor.lastZxid, at(1, 9));
    const notLog = sample();
    notLog.createSync(`${LOGS}/log.300000005`).writeSync(new Uint8Array(50).fill(7), 0, 50, 0);
    assert.throws(() => readOn(historyOn(notLog).readLog(at(3, 1)) as LogCursor, END), /does not begin like a log/);
  });
});

describe('reading the log while it changes', () => {
  it('finishes a removed file, and says that the next is gone', () => {
    const disk = sample();
    const cursor = historyOn(disk).readLog(at(1, 3)) as LogCursor;
    assert.deepEqual(readOn(cursor, at(1, 4)), [at(1, 4)]);
    disk.removeSync(`${LOGS}/log.100000003`);
    disk.removeSync(`${LOGS}/log.100000009`);
    assert.deepEqual(readOn(cursor, at(1, 8)), zxids(1, 5, 8));
    assert.throws(() => cursor.next(ALL_BYTES, END), /was removed while it was read/);
    assert.throws(() => cursor.next(ALL_BYTES, END), HistoryUnreachable);
  });

  it('hands over each record once and in order, or says that it cannot', () => {
    let handedOver = 0;
    let lost = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const random = new SeededRandom(seed);
      const disk = new SimDisk(seed);
      makeFolders(disk);
      const server = new ModelServer(disk, random, []);
      const history = historyOn(disk);
      const cursors: { cursor: LogCursor; after: number; found: number[] }[] = [];
      for (let round = 0; round < 60; round++) {
        server.append();
        server.flush(random.chance());
        if (random.below(5) === 0) server.roll();
        if (random.below(4) === 0) server.snapshot();
        if (random.below(6) === 0)
          purge({ disk, snapshotFolder: SNAPSHOTS, logFolder: LOGS, retain: 3, held: null }, () => {});
        server.turn(random.below(12));
        const durable = server.history.filter(({ zxid }) => zxid <= server.acknowledged);
        const start = durable[random.below(durable.length)];
        if (start !== undefined && random.below(6) === 0) {
          const cursor = history.readLog(start.zxid);
          if (cursor !== null) cursors.push({ cursor, after: start.zxid, found: [] });
        }
        for (const reading of [...cursors]) {
          if (random.below(3) > 0) continue;
          try {
            const records = reading.cursor.next(1 + random.below(5000), server.acknowledged);
            for (let i = 0; i < (records?.count ?? 0); i++) reading.found.push(records?.zxids[i] as number);
          } catch (error) {
            assert.ok(error instanceof HistoryUnreachable);
            lost++;
            cursors.splice(cursors.indexOf(reading), 1);
          }
          const expected = durable.filter(({ zxid }) => zxid > reading.after).map(({ zxid }) => zxid);
          assert.deepEqual(reading.found, expected.slice(0, reading.found.length), `seed ${seed}`);
        }
      }
      server.close();
      for (const { cursor, after, found } of cursors) {
        try {
          found.push(...readOn(cursor, server.acknowledged));
          const expected = server.history.filter(({ zxid }) => zxid > after).map(({ zxid }) => zxid);
          assert.deepEqual(found, expected, `seed ${seed}`);
          handedOver += found.length;
        } catch (error) {
          if (!(error instanceof HistoryUnreachable)) throw error;
          lost++;
        }
      }
    }
    assert.ok(handedOver > 1000, `${handedOver} records`);
    assert.ok(lost > 0, 'no cursor lost a file');
  });
});

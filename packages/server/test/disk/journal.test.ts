import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Writer } from '@headkeeper/protocol';
import { type DiskOperation, SimDisk } from '@headkeeper/testkit';
import { createJournal } from '../../src/adapters/disk/journal-files.ts';
import { readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { InvariantViolation } from '../../src/core/invariants.ts';
import { LogFileReader } from '../../src/core/log/log-reader.ts';
import { beginRecord, endRecord, zxidOfBody } from '../../src/core/log/record-codec.ts';
import type { Journal } from '../../src/ports.ts';

const FOLDER = '/version-2';
const EPOCH = 4294967296;

interface Bench {
  readonly disk: SimDisk;
  readonly journal: Journal;
  /** What the listener heard, in order. */
  readonly heard: string[];
  /** Lets asynchronous calls end. */
  rest(): void;
  clock: number;
}

function bench(
  options: { disk?: SimDisk; lastZxid?: number; preAllocBytes?: number; fileLimitBytes?: number } = {},
): Bench {
  const disk = options.disk ?? new SimDisk(5);
  if (!disk.existsSync(FOLDER)) {
    disk.makeFolderSync(FOLDER);
    disk.syncDirSync('/');
  }
  const heard: string[] = [];
  const made: Bench = {
    disk,
    heard,
    clock: 0,
    journal: createJournal({
      disk,
      folder: FOLDER,
      preAllocBytes: options.preAllocBytes ?? 4096,
      fileLimitBytes: options.fileLimitBytes ?? 0,
      lastZxid: options.lastZxid ?? 0,
      listener: {
        durable: (zxid) => heard.push(`durable ${zxid.toString(16)}`),
        failed: (error) => heard.push(`failed ${'code' in error ? error.code : error.message}`),
      },
      nowMs: () => made.clock,
    }),
    rest() {
      disk.run();
    },
  };
  return made;
}

function record(zxid: number, size = 40): Uint8Array {
  const writer = new Writer();
  const at = beginRecord(writer);
  writer.long(1);
  writer.int(1);
  writer.long(zxid);
  writer.long(1_700_000_000_000);
  writer.int(5);
  for (let i = 0; i < size; i++) writer.byte(7);
  endRecord(writer, at);
  return writer.toBytes();
}

function append(journal: Journal, zxid: number, size?: number): void {
  const bytes = record(zxid, size);
  journal.append(bytes, 0, bytes.length, zxid, zxid);
}

/** The zxids in a log file, and whether it ends well. */
function zxidsIn(disk: SimDisk, name: string): string {
  const zxids: string[] = [];
  const reader = new LogFileReader(1 << 24, (_bytes, view, start) => zxids.push(zxidOfBody(view, start).toString(16)));
  reader.push(readWhole(disk, `${FOLDER}/${name}`));
  const end = reader.finish();
  return `${zxids.join(' ')} ${end.kind}`;
}

function countOperations(disk: SimDisk): Map<DiskOperation, number> {
  const counts = new Map<DiskOperation, number>();
  disk.beforeOperation = (_count, operation) => counts.set(operation, (counts.get(operation) ?? 0) + 1);
  return counts;
}

describe('journal files', () => {
  it('writes nothing before a flush', () => {
    const { disk, journal, rest } = bench();
    append(journal, 1);
    rest();
    assert.deepEqual(disk.listSync(FOLDER), []);
  });

  it('names the file by its first zxid and pads it with zeros', () => {
    const { disk, journal, heard, rest } = bench({ lastZxid: 10 });
    append(journal, 11);
    append(journal, 12);
    journal.flush(false);
    rest();
    assert.deepEqual(disk.listSync(FOLDER), ['log.b']);
    assert.equal(zxidsIn(disk, 'log.b'), 'b c clean');
    assert.ok(disk.openReadSync(`${FOLDER}/log.b`).size >= 4096);
    assert.deepEqual(heard, ['durable c']);
  });

  it('keeps zeros ahead of the records, and lets a batch larger than those pass', () => {
    const { disk, journal, rest } = bench();
    for (let zxid = 1; zxid <= 60; zxid++) {
      append(journal, zxid, zxid === 30 ? 20_000 : 300);
      journal.flush(zxid % 2 === 0);
      rest();
    }
    assert.match(zxidsIn(disk, 'log.1'), /^1 2 3 .* 3b 3c clean$/);
    const size = disk.openReadSync(`${FOLDER}/log.1`).size;
    assert.ok(size > 60 * 300 + 20_000 && size < 60 * 400 + 20_000 + 2 * 4096, `size ${size}`);
  });

  it('writes no zeros when told so', () => {
    for (const preAllocBytes of [0, -1024, -(2 ** 31) * 1024]) {
      const { disk, journal, rest } = bench({ preAllocBytes });
      append(journal, 1);
      journal.flush(false);
      rest();
      assert.equal(disk.openReadSync(`${FOLDER}/log.1`).size, 16 + record(1).length);
    }
  });

  it('makes all that waits durable with one write and one sync', () => {
    const { disk, journal, heard, rest } = bench({ preAllocBytes: 1 << 16 });
    append(journal, 1);
    journal.flush(false);
    rest();
    append(journal, 2);
    journal.flush(true);
    for (let zxid = 3; zxid <= 50; zxid++) append(journal, zxid);
    const counts = countOperations(disk);
    journal.flush(false);
    rest();
    assert.deepEqual(heard, ['durable 1', 'durable 2', 'durable 32']);
    assert.equal(counts.get('sync'), 1);
    assert.equal(counts.get('write'), 1);
  });

  it('collects in the next batch what arrives while a sync runs', () => {
    const { disk, journal, heard, rest } = bench();
    append(journal, 1);
    journal.flush(false);
    rest();
    append(journal, 2);
    journal.flush(false);
    const counts = countOperations(disk);
    disk.beforeOperation = (_count, operation) => {
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
      if (operation !== 'sync' || counts.get('sync') !== 1) return;
      for (let zxid = 3; zxid <= 20; zxid++) {
        append(journal, zxid);
        journal.flush(zxid % 2 === 0);
      }
    };
    rest();
    assert.deepEqual(heard, ['durable 1', 'durable 2', 'durable 14']);
    assert.equal(counts.get('sync'), 2);
  });

  it('syncs in place for a lone writer', () => {
    const { disk, journal, heard, rest } = bench();
    append(journal, 1);
    journal.flush(true);
    assert.deepEqual(heard, [], 'the first file is made asynchronously');
    rest();
    append(journal, 2);
    journal.flush(true);
    assert.deepEqual(heard, ['durable 1', 'durable 2']);
    assert.equal(zxidsIn(disk, 'log.1'), '1 2 clean');
  });

  it('stops syncing in place while the disk is slow', () => {
    const made = bench();
    const { disk, journal, heard, rest } = made;
    append(journal, 1);
    journal.flush(true);
    rest();
    disk.beforeOperation = (_count, operation) => {
      if (operation === 'sync') made.clock += 10;
    };
    append(journal, 2);
    journal.flush(true);
    assert.equal(heard.length, 2);
    disk.beforeOperation = null;
    append(journal, 3);
    journal.flush(true);
    assert.equal(heard.length, 2, 'still slow: not in place');
    rest();
    append(journal, 4);
    journal.flush(true);
    assert.equal(heard.length, 4, 'fast again: in place');
  });

  it('begins a new file after a roll, even with records of the old one waiting', () => {
    const { disk, journal, heard, rest } = bench();
    append(journal, 1);
    journal.flush(false);
    rest();
    append(journal, 2);
    journal.roll();
    append(journal, 3);
    journal.roll();
    journal.roll();
    append(journal, 4);
    journal.flush(false);
    rest();
    assert.deepEqual(disk.listSync(FOLDER).sort(), ['log.1', 'log.3', 'log.4']);
    assert.equal(zxidsIn(disk, 'log.1'), '1 2 clean');
    assert.equal(zxidsIn(disk, 'log.3'), '3 clean');
    assert.equal(zxidsIn(disk, 'log.4'), '4 clean');
    assert.deepEqual(heard, ['durable 1', 'durable 2', 'durable 3', 'durable 4']);
  });

  it('begins a new file behind one that has grown to its limit, and cuts no batch of a turn short', () => {
    const { disk, journal, heard, rest } = bench({ fileLimitBytes: 1000 });
    for (let zxid = 1; zxid <= 40; zxid++) {
      append(journal, zxid);
      if (zxid % 5 === 0) journal.flush(zxid % 2 === 0);
    }
    rest();
    journal.close(() => {});
    rest();
    const size = record(1).length;
    const perFile = Math.ceil((1000 - 16) / size);
    const names = disk.listSync(FOLDER).filter((name) => name.startsWith('log.'));
    assert.deepEqual(
      names.sort((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16)),
      Array.from({ length: Math.ceil(40 / perFile) }, (_, i) => `log.${(i * perFile + 1).toString(16)}`),
    );
    assert.equal(heard.at(-1), 'durable 28');
    const zxids = names.flatMap((name) => zxidsIn(disk, name).split(' ').slice(0, -1));
    assert.deepEqual(
      zxids,
      Array.from({ length: 40 }, (_, i) => (i + 1).toString(16)),
    );
  });

  it('counts the bytes since the last roll', () => {
    const { journal, rest } = bench();
    assert.equal(journal.bytesSinceRoll(), 0);
    append(journal, 1);
    const one = record(1).length;
    assert.equal(journal.bytesSinceRoll(), one);
    journal.flush(false);
    rest();
    const withPadding = journal.bytesSinceRoll();
    assert.ok(withPadding >= 16 + one && withPadding <= 3 * 4096, `${withPadding}`);
    journal.roll();
    assert.equal(journal.bytesSinceRoll(), 0);
    append(journal, 2);
    assert.equal(journal.bytesSinceRoll(), one);
  });

  it('makes everything durable when it is closed, and only then closes', () => {
    const { disk, journal, heard, rest } = bench();
    append(journal, 1);
    journal.flush(false);
    append(journal, 2);
    journal.close((error) => heard.push(`closed ${error}`));
    rest();
    assert.deepEqual(heard.slice(-2), ['durable 2', 'closed null']);
    assert.equal(zxidsIn(disk, 'log.1'), '1 2 clean');
    assert.throws(() => append(journal, 3), InvariantViolation);
  });

  it('refuses zxids that do not continue', () => {
    const { journal } = bench({ lastZxid: 5 * EPOCH + 7 });
    for (const zxid of [5 * EPOCH + 7, 5 * EPOCH + 9, 4 * EPOCH + 8, 6 * EPOCH, 6 * EPOCH + 2, 8]) {
      assert.throws(() => append(journal, zxid), InvariantViolation, zxid.toString(16));
    }
    append(journal, 5 * EPOCH + 8);
    append(journal, 9 * EPOCH + 1);
    const bytes = record(9 * EPOCH + 2);
    assert.throws(() => journal.append(bytes, 0, bytes.length, 9 * EPOCH + 2, 9 * EPOCH + 1), InvariantViolation);
    assert.throws(() => journal.append(bytes, 0, bytes.length, 9 * EPOCH + 2, 10 * EPOCH + 1), InvariantViolation);
  });

  it('does not run over from one epoch into the next', () => {
    const { journal } = bench({ lastZxid: EPOCH - 1 });
    assert.throws(() => append(journal, EPOCH), InvariantViolation);
    append(journal, EPOCH + 1);
  });

  it('replaces a file without a whole record, and refuses to replace one with', () => {
    const disk = new SimDisk(3);
    const first = bench({ disk });
    append(first.journal, 1);
    first.journal.flush(false);
    first.rest();
    const refused = bench({ disk });
    append(refused.journal, 1);
    refused.journal.flush(false);
    refused.rest();
    assert.match(refused.heard.join(), /^failed .*log.1 exists and holds records/);

    const file = disk.openWriteSync(`${FOLDER}/log.1`);
    file.truncateSync(16 + record(1).length - 1);
    const second = bench({ disk });
    append(second.journal, 1, 10);
    second.journal.flush(false);
    second.rest();
    assert.deepEqual(second.heard, ['durable 1']);
    assert.equal(zxidsIn(disk, 'log.1'), '1 clean');
  });

  it('removes a file that a crash left without its name', () => {
    const disk = new SimDisk(3);
    disk.makeFolderSync(FOLDER);
    disk.createSync(`${FOLDER}/spare-log`);
    bench({ disk });
    assert.deepEqual(disk.listSync(FOLDER), []);
  });
});

describe('journal files on a failing disk', () => {
  const operations: readonly DiskOperation[] = ['write', 'sync', 'create', 'rename', 'syncDir'];
  for (const operation of operations) {
    it(`reports a failed ${operation} once, and nothing as durable that a crash would lose`, () => {
      let failures = 0;
      for (let nth = 1; nth <= 12; nth++) {
        const made = bench({ disk: new SimDisk(nth) });
        made.disk.failOn(operation, nth, 'EIO');
        writeALot(made);
        const failed = made.heard.indexOf('failed EIO');
        if (failed < 0) continue;
        failures++;
        assert.equal(failed, made.heard.length - 1, `heard ${made.heard.join(', ')}`);
        assertDurable(made);
      }
      assert.ok(failures >= 2, `failed ${failures} times`);
    });
  }

  it('stops at a full disk, whatever the byte', () => {
    for (let capacity = 0; capacity < 12_000; capacity += 331) {
      const made = bench({ disk: new SimDisk(capacity) });
      made.disk.capacity = capacity;
      writeALot(made);
      assert.equal(made.heard.at(-1), 'failed ENOSPC');
      assertDurable(made);
    }
  });

  it('hands the failure to close', () => {
    const made = bench();
    made.disk.failOn('sync', 1, 'EIO');
    append(made.journal, 1);
    made.journal.flush(false);
    let closed: Error | null = null;
    made.journal.close((error) => {
      closed = error;
    });
    made.rest();
    assert.deepEqual(made.heard, ['failed EIO']);
    assert.notEqual(closed, null);
  });

  function writeALot(made: Bench): void {
    for (let zxid = 1; zxid <= 40; zxid++) {
      append(made.journal, zxid, 300);
      made.journal.flush(zxid % 3 === 0);
      if (zxid % 10 === 0) made.journal.roll();
      if (zxid % 2 === 0) made.rest();
    }
    made.rest();
  }

  function assertDurable({ disk, heard }: Bench): void {
    disk.crash('lose');
    const found = disk
      .listSync(FOLDER)
      .filter((name) => name.startsWith('log.'))
      .flatMap((name) => zxidsIn(disk, name).split(' ').slice(0, -1));
    const durable = heard.filter((line) => line.startsWith('durable')).at(-1);
    if (durable !== undefined) assert.ok(found.includes(durable.slice('durable '.length)), `${durable} is lost`);
  }
});

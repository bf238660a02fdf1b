import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8, JuteError } from '@headkeeper/protocol';
import fc from 'fast-check';
import { LogFileReader } from '../../src/core/log/log-reader.ts';
import { LOG_HEADER_BYTES, RECORD_PREFIX_BYTES, TXN_HEADER_BYTES } from '../../src/core/log/record-codec.ts';
import { type Recovery, recover } from '../../src/core/log/recovery.ts';
import { RecoveryRefused, type RefusalReason } from '../../src/core/log/recovery-refused.ts';
import { goldenLog, goldenRecords, snapshot0, snapshot3f } from './golden.ts';
import { encodeState, MapState } from './map-state.ts';
import { MemorySource } from './memory-source.ts';
import { edited, plainLog, sampleLog } from './sample-log.ts';

type Files = Record<string, Uint8Array>;

function start(
  files: Files,
  trustEmptySnapshot = false,
  chunkBytes = 4096,
  provenZxid: number | undefined = undefined,
  epochEnds: readonly number[] = [],
): Recovery<MapState> {
  return recover(new MemorySource(files, chunkBytes), () => new MapState(), {
    trustEmptySnapshot,
    maxRecordBytes: 1 << 20,
    ...(provenZxid === undefined ? {} : { provenZxid }),
    epochEnds,
  });
}

function refusal(
  files: Files,
  reason: RefusalReason,
  trustEmptySnapshot = false,
  provenZxid: number | undefined = undefined,
  epochEnds: readonly number[] = [],
): RecoveryRefused {
  let refused: RecoveryRefused | null = null;
  assert.throws(
    () => start(files, trustEmptySnapshot, 4096, provenZxid, epochEnds),
    (error) => {
      if (error instanceof RecoveryRefused) refused = error;
      return refused?.reason === reason;
    },
  );
  return refused as unknown as RecoveryRefused;
}

/** A snapshot of the root and the given nodes; mostly only its name counts. */
function snapshot(...paths: string[]): Uint8Array {
  const state = new MapState();
  for (const path of ['', ...paths]) {
    state.nodes.set(path, { path: encodeUtf8(path), data: null, aclId: -1, stat: new Int32Array(15) });
  }
  return encodeState(state, { digest: null, lastProcessedZxid: null }, 256).bytes;
}

/** Damage that only the seal shows, after the nodes have been handed over. */
const damagedSnapshot = edited(snapshot('/gone'), (bytes) => {
  bytes[50] = 1;
});

test('replay begins behind the snapshot, in the right file', () => {
  const files = { 'log.1': plainLog(1, 5).bytes, 'log.6': plainLog(6, 9).bytes, 'log.a': plainLog(10, 12).bytes };
  for (const [zxid, first] of [
    [4, 5],
    [5, 6],
    [7, 8],
    [12, 13],
    [20, 21],
  ] as const) {
    const { state, lastZxid, snapshotZxid } = start({ ...files, [`snapshot.${zxid.toString(16)}`]: snapshot() });
    assert.deepEqual(
      state.txns,
      Array.from({ length: Math.max(0, 13 - first) }, (_, i) => first + i),
    );
    assert.deepEqual([lastZxid, snapshotZxid, state.loadedZxid], [Math.max(12, zxid), zxid, zxid]);
  }
  // Logs that the snapshot has made superfluous are not even read.
  const { 'log.1': _, ...later } = files;
  assert.equal(start({ ...later, 'log.1': new Uint8Array(100).fill(7), 'snapshot.5': snapshot() }).lastZxid, 12);
});

test('a log that ended before its snapshot is known not to lead there', () => {
  const epoch = 2 ** 32;
  const gapOf = (snapshotZxid: number, ...logs: readonly (readonly [number, number])[]): number => {
    const files: Files = { [`snapshot.${snapshotZxid.toString(16)}`]: snapshot() };
    for (const [from, to] of logs) files[`log.${from.toString(16)}`] = plainLog(from, to, 100).bytes;
    return start(files).logGapZxid;
  };
  assert.equal(gapOf(3, [1, 5]), 0);
  assert.equal(gapOf(3, [1, 3]), 0);
  assert.equal(gapOf(3, [1, 2]), 3);
  assert.equal(gapOf(9, [1, 2]), 9);
  assert.equal(gapOf(epoch + 2, [1, 5]), epoch + 2);
  // Of the file before the first one that is read nothing is known; the beginning of an epoch is no txn.
  assert.equal(gapOf(3, [1, 2], [4, 6]), 0);
  assert.equal(gapOf(epoch, [1, 5]), 0);
  assert.equal(gapOf(0, [1, 5]), 0);
  assert.equal(gapOf(3), 0);
});

test('a gap is refused: behind the snapshot, inside a file, between files, at a new epoch', () => {
  const gap = refusal({ 'snapshot.2': snapshot(), 'log.5': plainLog(5, 9).bytes }, 'missing-txns');
  assert.deepEqual(gap.place, { file: 'log.5', offset: 16, missingFrom: 3, missingTo: 4 });
  assert.match(gap.message, /log\.5 at byte 16: .*0x3 to 0x4 are missing/);

  const payload = new Uint8Array(4);
  const inside = sampleLog([1, 2, 4].map((zxid) => ({ zxid, payload })));
  assert.deepEqual(refusal({ 'snapshot.0': snapshot(), 'log.1': inside.bytes }, 'missing-txns').place, {
    file: 'log.1',
    offset: inside.offsets[2],
    missingFrom: 3,
    missingTo: 3,
  });
  const between = { 'snapshot.0': snapshot(), 'log.1': plainLog(1, 4).bytes, 'log.7': plainLog(7, 8).bytes };
  assert.deepEqual(refusal(between, 'missing-txns').place.missingFrom, 5);

  const epoch = 2 ** 33;
  const files = (first: number): Files => ({
    'snapshot.0': snapshot(),
    'log.1': plainLog(1, 4).bytes,
    [`log.${first.toString(16)}`]: plainLog(first, epoch + 8).bytes,
  });
  assert.equal(start(files(epoch + 1)).lastZxid, epoch + 8);
  assert.deepEqual(refusal(files(epoch + 3), 'missing-txns').place.missingTo, epoch + 2);
});

test('a record in the place of another is refused: a copy of one before, two that have changed places, another file (D21)', () => {
  const payload = new Uint8Array(4);
  const log = (...zxids: number[]): Files => ({
    'snapshot.0': snapshot(),
    'log.1': sampleLog(zxids.map((zxid) => ({ zxid, payload }))).bytes,
  });
  assert.equal(start(log(1, 2, 3, 4)).lastZxid, 4);
  for (const [zxids, reason] of [
    [[1, 2, 3, 2], 'log-damaged'],
    [[1, 2, 3, 1], 'log-damaged'],
    [[1, 2, 2, 4], 'missing-txns'],
    [[1, 2, 4, 3], 'missing-txns'],
    [[2, 1, 3, 4], 'missing-txns'],
  ] as const) {
    const refused = refusal(log(...zxids), reason);
    assert.equal(refused.place.file, 'log.1');
    if (reason === 'log-damaged') assert.match(refused.message, /stands behind 0x/);
  }
  // The file that took the last txns shows what one before it held.
  const swapped = { ...log(1, 2, 3), 'log.4': sampleLog([1, 2].map((zxid) => ({ zxid, payload }))).bytes };
  assert.match(refusal(swapped, 'log-damaged').message, /log\.4 at byte 16: .*0x1 .*before the name/);
  // Of a file that a snapshot has made superfluous nothing is lost.
  assert.equal(start({ ...log(1, 2, 3, 1), 'log.4': plainLog(4, 6).bytes, 'snapshot.3': snapshot() }).lastZxid, 6);
});

test('a broken record whose length passes the end of the file is no end of the log while whole ones stand behind it (D21)', () => {
  const log = plainLog(1, 6);
  const at = log.offsets[3] as number;
  const broken = (behind: number): Uint8Array => {
    const bytes = edited(new Uint8Array([...log.bytes, ...new Uint8Array(3000)]), (target) => {
      // Its body is not what it was, so that no other length makes it right.
      target.fill(9, at + RECORD_PREFIX_BYTES, at + RECORD_PREFIX_BYTES + 8);
      new DataView(target.buffer).setInt32(at + 8, 9000);
    });
    return bytes.fill(0, log.offsets[3 + 1 + behind] as number);
  };
  const refused = refusal({ 'snapshot.0': snapshot(), 'log.1': broken(1) }, 'log-damaged');
  assert.deepEqual([refused.place.offset, refused.place.missingFrom], [at, 4]);
  assert.match(refused.message, /passes the end of the file/);
  // With nothing behind it nobody but the mark of what was logged can tell (disk/logged-mark.test.ts).
  const alone = start({ 'snapshot.0': snapshot(), 'log.1': broken(0) });
  assert.deepEqual([alone.lastZxid, alone.filesToTruncate], [3, [{ name: 'log.1', length: at }]]);
});

test('what stands behind a broken record is looked through in time that grows with its size, whatever it is', () => {
  const { bytes } = plainLog(1, 1);
  // Every twelfth byte begins what might be a whole record of 900,000 bytes, but for its checksum.
  const behind = new Uint8Array(2_400_000);
  const view = new DataView(behind.buffer);
  for (let at = 0; at + 12 <= behind.length; at += 12) {
    view.setUint32(at + 4, 0x42424242);
    view.setInt32(at + 8, 12 * 75_000 + 4);
  }
  view.setInt32(8, behind.length + 1000);
  const reader = new LogFileReader(4 << 20, () => {});
  reader.push(bytes);
  const began = performance.now();
  reader.push(behind);
  assert.equal(reader.finish().kind, 'torn');
  const took = performance.now() - began;
  assert.ok(took < 5000, `${took} ms`);
});

test('a torn tail in the middle is accepted when the next file continues, and only then', () => {
  const first = plainLog(1, 5);
  const torn = edited(first.bytes, (bytes) => bytes.fill(0, (first.offsets[5] as number) - 9));
  for (const tail of [torn, first.bytes.slice(0, -9)]) {
    const files: Files = { 'snapshot.0': snapshot(), 'log.1': tail };
    const alone = start(files);
    assert.deepEqual([alone.lastZxid, alone.filesToTruncate], [4, [{ name: 'log.1', length: first.offsets[4] }]]);
    const followed = start({ ...files, 'log.5': plainLog(5, 7).bytes });
    assert.deepEqual([followed.lastZxid, followed.filesToTruncate, followed.warnings.length], [7, [], 1]);
    refusal({ ...files, 'log.6': plainLog(6, 7).bytes }, 'missing-txns');
    // The file made for the next txn can be left without one.
    const twice = start({ ...files, 'log.5': new Uint8Array(0) });
    assert.deepEqual([twice.filesToTruncate.length, twice.filesToRemove], [1, ['log.5']]);
  }
});

test('an unfinished record before another epoch is what a crash left, unless it is known to have been durable', () => {
  const first = plainLog(1, 5);
  const files: Files = {
    'snapshot.0': snapshot(),
    'log.1': first.bytes.slice(0, -9),
    'log.100000001': plainLog(0x100000001, 0x100000002).bytes,
  };
  for (const provenZxid of [undefined, 0, 4]) {
    const { lastZxid, filesToTruncate } = start(files, false, 4096, provenZxid);
    assert.deepEqual([lastZxid, filesToTruncate], [0x100000002, [{ name: 'log.1', length: first.offsets[4] }]]);
  }
  for (const provenZxid of [5, 0x100000002]) {
    const { file, offset, missingFrom } = refusal(files, 'log-damaged', false, provenZxid).place;
    assert.deepEqual([file, offset, missingFrom], ['log.1', first.offsets[4], 5]);
  }
});

test('a file without a txn before another epoch is one that never got any, unless it is known to have had some', () => {
  const files: Files = {
    'snapshot.0': snapshot(),
    'log.1': new Uint8Array([...plainLog(1, 1).bytes.slice(0, LOG_HEADER_BYTES), ...new Uint8Array(4096)]),
    'log.100000001': plainLog(0x100000001, 0x100000002).bytes,
  };
  for (const provenZxid of [undefined, 0]) {
    const { lastZxid, filesToRemove } = start(files, false, 4096, provenZxid);
    assert.deepEqual([lastZxid, filesToRemove], [0x100000002, ['log.1']], `${provenZxid}`);
  }
  const { file, missingFrom } = refusal(files, 'log-damaged', false, 0x100000001).place;
  assert.deepEqual([file, missingFrom], ['log.1', 1]);
  // What a snapshot holds is not missing, and the next file continues it.
  const torn: Files = { ...files, 'snapshot.4': snapshot() };
  const held = { 'snapshot.4': snapshot(), 'log.1': torn['log.1'] as Uint8Array, 'log.5': plainLog(5, 7).bytes };
  assert.equal(start(held, false, 4096, 7).lastZxid, 7);
  // Nor where its epoch is known to have ended in the snapshot, or in the file before: this one was torn before it was durable.
  const behind: Files = { ...files, 'log.1': plainLog(1, 4).bytes, 'log.5': torn['log.1'] as Uint8Array };
  for (const each of [torn, behind]) {
    assert.equal(start(each, false, 4096, 0x100000001, [4]).lastZxid, 0x100000002);
    refusal(each, 'missing-txns', false, 0x100000001, [5]);
    refusal(each, 'log-damaged', false, 0x100000001);
  }
});

test('a log that ends between two records, before where its epoch is known to have ended, is refused', () => {
  const epoch = 2 ** 32;
  const first = plainLog(1, 5);
  const files: Files = {
    'snapshot.0': snapshot(),
    'log.1': edited(first.bytes, (bytes) => bytes.fill(0, first.offsets[3])),
    [`log.${(2 * epoch + 1).toString(16)}`]: plainLog(2 * epoch + 1, 2 * epoch + 2).bytes,
  };
  const started = (ends: readonly number[], given = files) => start(given, false, 4096, 2 * epoch + 2, ends).lastZxid;
  // Nothing tells, or what is known is there.
  for (const ends of [[], [3], [2 * epoch + 1]]) assert.equal(started(ends), 2 * epoch + 2, `${ends}`);
  for (const [ends, missingTo] of [
    [[5], 5],
    // Of the epoch between the two not even a file is left.
    [[3, epoch + 4], epoch + 4],
    [[5, epoch + 4], epoch + 4],
  ] as const) {
    const refused = refusal(files, 'missing-txns', false, 2 * epoch + 2, ends);
    assert.deepEqual(
      [refused.place.file, refused.place.offset, refused.place.missingFrom, refused.place.missingTo],
      [`log.${(2 * epoch + 1).toString(16)}`, LOG_HEADER_BYTES, 4, missingTo],
    );
    assert.match(refused.message, /was durable .*repair cut-tail --accept-loss/);
  }
  // What a snapshot holds is not missing.
  assert.equal(started([5], { ...files, 'snapshot.5': snapshot() }), 2 * epoch + 2);
  // What the log has behind the mark was put there later: within an epoch the counters tell.
  assert.equal(started([2]), 2 * epoch + 2);
});

test('a silent end inside a file is accepted only when the next txn proves that nothing was lost', () => {
  const first = plainLog(1, 9);
  const broken = edited(first.bytes, (bytes) => {
    bytes[(first.offsets[5] as number) - 1] = 0;
  });
  const files: Files = { 'snapshot.0': snapshot(), 'log.1': broken };
  assert.deepEqual(refusal(files, 'log-damaged').place, {
    file: 'log.1',
    offset: first.offsets[4],
    missingFrom: 5,
    missingTo: null,
  });
  refusal({ ...files, 'log.a': plainLog(10, 12).bytes }, 'log-damaged');
  // A new epoch says nothing about the end of the old one.
  refusal({ ...files, 'log.100000001': plainLog(0x100000001, 0x100000002).bytes }, 'log-damaged');
  // Apache dropped the tail once, and went on with the txn after.
  assert.equal(start({ ...files, 'log.5': plainLog(5, 7).bytes }).lastZxid, 7);
  assert.equal(start({ ...files, 'log.3': plainLog(3, 7).bytes }).lastZxid, 7);
});

test('an older snapshot is good enough only when the logs lead past the newer one', () => {
  const files: Files = { 'snapshot.2': snapshot(), 'snapshot.6': damagedSnapshot, 'log.1': plainLog(1, 4).bytes };
  assert.deepEqual(refusal(files, 'snapshot-ahead-of-log').place, {
    file: 'snapshot.6',
    offset: null,
    missingFrom: 5,
    missingTo: 6,
  });
  refusal({ ...files, 'log.7': plainLog(7, 8).bytes }, 'missing-txns');
  const whole = start({ ...files, 'log.5': plainLog(5, 6).bytes });
  assert.deepEqual([whole.snapshotZxid, whole.lastZxid, whole.replayed, whole.warnings.length], [2, 6, 4, 1]);
  // Nothing of the damaged snapshot stays behind.
  assert.deepEqual([...whole.state.nodes.keys()], ['']);
  // A leader's snapshot at the beginning of its epoch is named by a zxid that no log has.
  const { 'snapshot.6': _, ...without } = files;
  assert.equal(start({ ...without, 'snapshot.100000000': damagedSnapshot }).lastZxid, 4);
});

test('a damaged snapshot proves that its txn was there, also where the logs go on in a later epoch', () => {
  const epoch = 2 ** 32;
  const next = { 'log.100000001': plainLog(epoch + 1, epoch + 4).bytes };
  const files: Files = {
    'snapshot.2': snapshot(),
    'snapshot.6': damagedSnapshot,
    'log.1': plainLog(1, 4).bytes,
    ...next,
  };
  assert.deepEqual(refusal(files, 'snapshot-ahead-of-log').place, {
    file: 'snapshot.6',
    offset: null,
    missingFrom: 5,
    missingTo: 6,
  });
  refusal({ ...files, 'snapshot.100000002': damagedSnapshot }, 'snapshot-ahead-of-log');
  refusal({ ...files, 'snapshot.6': snapshot().slice(0, 60) }, 'snapshot-ahead-of-log');
  assert.equal(start({ ...files, 'log.5': plainLog(5, 6).bytes }).lastZxid, epoch + 4);
  // One that is intact is behind it; one under a wrong name proves nothing.
  assert.equal(start({ ...files, 'snapshot.100000002': snapshot() }).lastZxid, epoch + 4);
  assert.equal(start({ ...files, 'snapshot.6': telling(2, 2) }).lastZxid, epoch + 4);
});

/** A snapshot that says what it holds: the zxid of its digest, and that of its trailer. */
function telling(digestZxid: number | null, lastProcessedZxid: number | null, ...paths: string[]): Uint8Array {
  const state = new MapState();
  for (const path of ['', ...paths]) {
    state.nodes.set(path, { path: encodeUtf8(path), data: null, aclId: -1, stat: new Int32Array(15) });
  }
  const digest = digestZxid === null ? null : { zxid: digestZxid, high: 0, low: 0 };
  return encodeState(state, { digest, lastProcessedZxid }, 256).bytes;
}

test('a snapshot copied under a later name is passed over when the logs lead past it, else refused', () => {
  const log = { 'log.1': plainLog(1, 12).bytes };
  for (const copy of [telling(5, 5, '/early'), telling(null, 5, '/early'), telling(5, null, '/early')]) {
    const start3 = start({ ...log, 'snapshot.3': telling(3, 3), 'snapshot.9': copy });
    assert.deepEqual([start3.snapshotZxid, start3.lastZxid, start3.replayed], [3, 12, 9]);
    assert.deepEqual(start3.warnings, [
      'snapshot.9 was passed over: its name is wrong, for it holds the state of 0x5 (a copy of snapshot.5?)',
    ]);
    assert.deepEqual([...start3.state.nodes.keys()], [''], 'nothing of it stays behind');
    const alone = refusal({ ...log, 'snapshot.9': copy }, 'snapshots-damaged');
    assert.match(alone.message, /snapshot\.9 was passed over: its name is wrong, for it holds the state of 0x5/);
    const short = { 'log.1': plainLog(1, 7).bytes, 'snapshot.3': telling(3, 3), 'snapshot.9': copy };
    assert.match(
      refusal(short, 'snapshot-ahead-of-log').message,
      /snapshot\.9 cannot be loaded, or holds not what its/,
    );
  }
});

test('what Apache writes is taken as it names it', () => {
  const epoch = 2 ** 32;
  const files: Files = { 'log.1': plainLog(1, 12).bytes, 'log.100000001': plainLog(epoch + 1, epoch + 4).bytes };
  for (const [name, digestZxid, lastProcessedZxid] of [
    // Written while txns were applied, with the trailer of 3.9 and without.
    ['9', 11, 11],
    ['9', 11, null],
    // No txn since the process loaded a snapshot.
    ['9', 0, 9],
    ['9', 0, null],
    // Before the digest of the txn was noted.
    ['9', 8, null],
    ['9', 8, 9],
    ['100000001', 12, null],
    // A leader at the beginning of its epoch.
    ['100000000', 12, epoch],
    ['100000000', 12, null],
    ['9', null, null],
    ['9', null, 9],
  ] as const) {
    const given = { ...files, 'snapshot.0': snapshot(), [`snapshot.${name}`]: telling(digestZxid, lastProcessedZxid) };
    const { snapshotZxid, lastZxid, warnings } = start(given);
    const label = `${name} ${digestZxid} ${lastProcessedZxid}`;
    assert.deepEqual([snapshotZxid, lastZxid, warnings], [Number.parseInt(name, 16), epoch + 4, []], label);
  }
});

test('snapshots that cannot be loaded are not taken for an empty database', () => {
  refusal({ 'snapshot.6': damagedSnapshot }, 'snapshots-damaged');
  refusal({ 'snapshot.6': damagedSnapshot, 'log.1': plainLog(1, 9).bytes }, 'snapshots-damaged', true);
  refusal({ 'snapshot.6': snapshot().slice(0, 60) }, 'snapshot-ahead-of-log');
  // The very first snapshot was being written when the machine went down.
  const first = start({ 'snapshot.0': snapshot().slice(0, 60) });
  assert.deepEqual([first.fresh, first.lastZxid, first.state.loadedZxid], [true, 0, 0]);
});

test('logs without a snapshot are replayed only when that is wished, and from their beginning', () => {
  refusal({ 'log.1': plainLog(1, 4).bytes }, 'no-snapshot');
  const trusted = start({ 'log.1': plainLog(1, 4).bytes }, true);
  assert.deepEqual([trusted.fresh, trusted.lastZxid, trusted.snapshotZxid, trusted.replayed], [false, 4, -1, 4]);
  refusal({ 'log.3': plainLog(3, 4).bytes }, 'missing-txns', true);
  // Without any txn there is nothing to lose.
  const empty = start({ 'log.1': plainLog(1, 0, 100).bytes });
  assert.deepEqual([empty.fresh, empty.lastZxid], [true, 0]);
});

test('the digest of a snapshot counts unless it is empty or older than the name', () => {
  assert.deepEqual(start({ 'snapshot.10000003f': snapshot3f }).state.digest, {
    zxid: 0x10000003f,
    high: 14,
    low: 0x61718347,
  });
  assert.equal(start({ 'snapshot.200000000': snapshot3f }).state.digest, null);
  assert.equal(start({ 'snapshot.0': snapshot0 }).state.digest, null);
});

test('a txn that cannot be decoded is refused with its place; other errors of the state pass through', () => {
  class Failing extends MapState {
    readonly #error: Error;
    constructor(error: Error) {
      super();
      this.#error = error;
    }
    override applyTxn(bytes: Uint8Array, view: DataView, at: number): void {
      super.applyTxn(bytes, view, at);
      if (this.txns.length === 3) throw this.#error;
    }
  }
  const log = plainLog(1, 5);
  const run = (error: Error) =>
    recover(new MemorySource({ 'snapshot.0': snapshot(), 'log.1': log.bytes }), () => new Failing(error), {
      trustEmptySnapshot: false,
      maxRecordBytes: 1 << 20,
    });
  assert.throws(
    () => run(new JuteError('malformed', 'txn type 99')),
    (error) =>
      error instanceof RecoveryRefused && error.reason === 'unreadable-txn' && error.place.offset === log.offsets[2],
  );
  const other = new RangeError('out of memory');
  assert.throws(() => run(other), other);
});

test('every prefix of a log gives exactly its whole records', () => {
  for (let length = 0; length <= goldenLog.length; length += length < 400 ? 1 : 7) {
    for (const padding of [0, 700]) {
      const file = new Uint8Array(length + padding);
      file.set(goldenLog.subarray(0, length));
      const whole = goldenRecords.filter((record) => record.offset + record.length + 13 <= length).length;
      const { replayed, filesToTruncate } = start({ 'snapshot.0': snapshot0, 'log.100000001': file }, false, 300);
      assert.equal(replayed, whole, `${length} bytes`);
      for (const cut of filesToTruncate) {
        assert.equal(start({ 'snapshot.0': snapshot0, 'log.100000001': file.slice(0, cut.length) }).replayed, whole);
      }
    }
  }
});

test('a changed bit is never taken for the end of the log', () => {
  const padded = new Uint8Array(goldenLog.length + 3000);
  padded.set(goldenLog);
  for (const file of [goldenLog, padded]) {
    // All bits of a middle record and of the last one, and a selection of the others. Bytes 4 to 15 are never read.
    for (let at = 16; at < goldenLog.length; at++) {
      const selected = (at >= 3207 && at < 3338) || at >= 7128;
      for (let bit = 0; bit < 8; bit++) {
        if (!selected && (at * 8 + bit) % 29 !== 0) continue;
        const changed = edited(file, (bytes) => {
          bytes[at] = (bytes[at] as number) ^ (1 << bit);
        });
        assert.throws(
          () => start({ 'snapshot.0': snapshot0, 'log.100000001': changed }),
          RecoveryRefused,
          `byte ${at}, bit ${bit}`,
        );
      }
    }
  }
});

test('sectors that a power cut kept from the disk cost only what was never acknowledged', () => {
  const arbitrary = fc.record({
    lengths: fc.array(fc.integer({ min: 0, max: 2600 }), { minLength: 1, maxLength: 12 }),
    synced: fc.nat(),
    lost: fc.array(fc.boolean(), { minLength: 1, maxLength: 80 }),
    padding: fc.constantFrom(0, 100, 5000),
    chunkBytes: fc.integer({ min: 100, max: 9000 }),
  });
  fc.assert(
    fc.property(arbitrary, ({ lengths, synced, lost, padding, chunkBytes }) => {
      const log = sampleLog(
        lengths.map((length, i) => ({ zxid: i + 1, payload: payloadWithoutZeros(length, i) })),
        padding,
      );
      const acknowledged = synced % (lengths.length + 1);
      // With nothing acknowledged the header may be missing as well.
      const from = acknowledged === 0 ? 0 : (log.offsets[acknowledged] as number);
      const file = edited(log.bytes, (bytes) => {
        for (let sector = Math.floor(from / 512); sector * 512 < bytes.length; sector++) {
          if (lost[sector % lost.length]) bytes.fill(0, Math.max(from, sector * 512), sector * 512 + 512);
        }
      });
      const files: Files = { 'snapshot.0': snapshot(), 'log.1': file };
      const found = start(files, false, chunkBytes);
      assert.ok(found.replayed >= acknowledged, `${found.replayed} of ${acknowledged}`);
      // What was tidied away stays so, and the next txn can follow.
      for (const { name, length } of found.filesToTruncate) files[name] = file.slice(0, length);
      for (const name of found.filesToRemove) delete files[name];
      const next = found.lastZxid + 1;
      const again = start({ ...files, [`log.${next.toString(16)}`]: plainLog(next, next).bytes }, false, chunkBytes);
      assert.deepEqual(again.state.txns, [...found.state.txns, next]);
    }),
    { numRuns: 500 },
  );
});

/**
 * Bytes 1 to 39: five sectors of them add up to less than the modulus of Adler-32. With larger bytes the checksum could,
 * once in thousands of times, look as if one byte had changed, and recovery would rightly refuse.
 */
for (const [what, bodyBytes] of [
  ['like most', 732],
  // Its last byte is all that is left of the length when the sector before it is missing.
  ['that ends with a zero byte', 768],
] as const) {
  test(`any of the sectors of a record may be missing, wherever it begins, with a length ${what}`, () => {
    for (let shift = 0; shift < 512; shift++) {
      const log = sampleLog(
        [shift, bodyBytes - TXN_HEADER_BYTES, 0, 0].map((length, i) => ({
          zxid: i + 1,
          payload: payloadWithoutZeros(length, i),
        })),
      );
      const [, from, to] = log.offsets as [number, number, number];
      assert.equal(to - from, bodyBytes + RECORD_PREFIX_BYTES + 1);
      const firstSector = Math.floor(from / 512);
      const sectors = Math.floor((to - 1) / 512) - firstSector + 1;
      for (let lost = 1; lost < 1 << sectors; lost++) {
        const file = edited(log.bytes, (bytes) => {
          for (let i = 0; i < sectors; i++) {
            const sector = firstSector + i;
            if ((lost & (1 << i)) !== 0) bytes.fill(0, Math.max(from, sector * 512), sector * 512 + 512);
          }
        });
        // Sectors whose part of the record is zero anyway cost nothing.
        const untouched = file.every((byte, at) => at < from || at >= to || byte === log.bytes[at]);
        const { replayed } = start({ 'snapshot.0': snapshot(), 'log.1': file });
        assert.ok(untouched ? replayed >= 2 : replayed === 1, `shift ${shift}, sectors ${lost.toString(2)}`);
      }
    }
  });
}

test('something behind the zeros is refused, however far', () => {
  const log = plainLog(1, 5, 9000);
  for (const distance of [12, 100, 600, 4000, 8999]) {
    const file = edited(log.bytes, (bytes) => {
      bytes[(log.offsets[5] as number) + distance] = 1;
    });
    const alone: Files = { 'snapshot.0': snapshot(), 'log.1': file };
    // From the second sector on, a sector missing in between explains it.
    const missingSector = Math.floor(((log.offsets[5] as number) + distance) / 512) > 0;
    if (missingSector) assert.equal(start(alone, false, 333).filesToTruncate.length, 1, `${distance}`);
    else refusal(alone, 'log-damaged');
    refusal({ ...alone, 'log.7': plainLog(7, 8).bytes }, 'log-damaged');
    assert.equal(start({ ...alone, 'log.6': plainLog(6, 8).bytes }).lastZxid, 8);
  }
});

function payloadWithoutZeros(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((i * 31 + seed * 7) % 39) + 1);
}

test('damage to a synced record is not taken for a missing sector, even among zeros', () => {
  const payload = new Uint8Array(3000);
  payload.fill(9, 0, 40);
  const log = sampleLog([1, 2, 3].map((zxid) => ({ zxid, payload })));
  const [, from, to] = log.offsets as [number, number, number];
  for (let at = from; at < to; at += at < from + 60 || at > to - 20 ? 1 : 37) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = edited(log.bytes, (bytes) => {
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
      });
      assert.throws(
        () => start({ 'snapshot.0': snapshot(), 'log.1': changed }),
        RecoveryRefused,
        `byte ${at - from}, bit ${bit}`,
      );
    }
  }
});

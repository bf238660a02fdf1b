import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recover } from '../../src/core/log/recovery.ts';
import { RecoveryRefused, type RefusalReason } from '../../src/core/log/recovery-refused.ts';
import { goldenJson, goldenLog, goldenRecords, paddedGoldenLog, snapshot0, snapshot3f } from './golden.ts';
import { joined, MapState } from './map-state.ts';
import { MemorySource } from './memory-source.ts';
import { edited } from './sample-log.ts';

interface TornCases {
  readonly endOfRecords: number;
  readonly lastRecordOffset: number;
  readonly record30: { readonly offset: number; readonly length: number };
  readonly cases: readonly { readonly name: string }[];
}

const vectors = goldenJson<TornCases>('torn-log-cases.json');
const { endOfRecords, lastRecordOffset, record30 } = vectors;
const padded = paddedGoldenLog();
const LOG = 'log.100000001';
const LAST = 0x10000003f;
const header = goldenLog.slice(0, 16);

type Files = Record<string, Uint8Array>;

/** snapshot.0 and the log as Apache left it, with one edit. */
function withLog(change: (copy: Uint8Array, view: DataView) => void): Files {
  return { 'snapshot.0': snapshot0, [LOG]: edited(padded, change) };
}

function cutAt(length: number): Files {
  return { 'snapshot.0': snapshot0, [LOG]: padded.slice(0, length) };
}

const record40 = goldenRecords[39] as (typeof goldenRecords)[0];
const from40 = joined([header, goldenLog.subarray(record40.offset)]);
const LOG40 = `log.${record40.header.zxid.slice(2)}`;

interface Outcome {
  readonly files: Files;
  /** Highest zxid and number of txns replayed, or why recovery refuses. */
  readonly expect: readonly [zxid: number, replayed: number] | RefusalReason;
  /** Apache's result when ours is another one, and why. */
  readonly apache?: string;
  readonly remove?: string;
  readonly truncateTo?: number;
}

const outcomes: Record<string, Outcome> = {
  intact: { files: withLog(() => {}), expect: [LAST, 63] },
  'padding cut off': { files: cutAt(endOfRecords), expect: [LAST, 63] },
  'cut inside the last record': {
    files: cutAt(endOfRecords - 20),
    expect: [LAST - 1, 62],
    truncateTo: lastRecordOffset,
  },
  'cut inside the checksum of the last record': {
    files: cutAt(lastRecordOffset + 5),
    expect: [LAST - 1, 62],
    truncateTo: lastRecordOffset,
  },
  'last end-of-record byte is 0': {
    files: withLog((bytes) => {
      bytes[endOfRecords - 1] = 0;
    }),
    expect: [LAST - 1, 62],
    truncateTo: lastRecordOffset,
  },
  'payload of the last record damaged': {
    files: withLog((bytes) => xor(bytes, lastRecordOffset + 30, 0xff)),
    expect: 'log-damaged',
  },
  'payload of a middle record damaged': {
    files: withLog((bytes) => xor(bytes, record30.offset + 30, 0xff)),
    expect: 'log-damaged',
  },
  'end-of-record byte of a middle record is 0': {
    files: withLog((bytes) => {
      bytes[record30.offset + 12 + record30.length] = 0;
    }),
    expect: 'log-damaged',
    apache: 'starts without the 33 txns that follow',
  },
  'length of a middle record is 0': {
    files: withLog((_, view) => view.setInt32(record30.offset + 8, 0)),
    expect: 'log-damaged',
    apache: 'starts without the 33 txns that follow',
  },
  'length of a middle record is -1': {
    files: withLog((_, view) => view.setInt32(record30.offset + 8, -1)),
    expect: 'log-damaged',
  },
  'length of a middle record is huge': {
    files: withLog((_, view) => view.setInt32(record30.offset + 8, 0x7fffffff)),
    expect: 'log-damaged',
  },
  'empty last log file': {
    files: { ...withLog(() => {}), 'log.100000040': new Uint8Array(0) },
    expect: [LAST, 63],
    remove: 'log.100000040',
  },
  'last log file with only the 16 byte header': {
    files: { ...withLog(() => {}), 'log.100000040': header },
    expect: [LAST, 63],
    remove: 'log.100000040',
  },
  'last log file of 16 zero bytes': {
    files: { ...withLog(() => {}), 'log.100000040': new Uint8Array(16) },
    expect: [LAST, 63],
    remove: 'log.100000040',
    apache: 'refuses; but a header that never reached the disk leaves this, and no acknowledged txn can be in it',
  },
  'wrong magic': {
    files: withLog((bytes) => bytes.set([0x5a, 0x4b, 0x58, 0x58])),
    expect: 'not-a-log',
  },
  'no snapshot': { files: { [LOG]: padded }, expect: 'no-snapshot' },
  'newest snapshot damaged': {
    files: { ...withLog(() => {}), 'snapshot.10000003f': edited(snapshot3f, (bytes) => xor(bytes, 200, 1)) },
    expect: [LAST, 63],
  },
  'newest snapshot cut': {
    files: { ...withLog(() => {}), 'snapshot.10000003f': snapshot3f.slice(0, 1000) },
    expect: [LAST, 63],
  },
  'only snapshots, no log': {
    files: { 'snapshot.0': snapshot0, 'snapshot.10000003f': snapshot3f },
    expect: [LAST, 0],
  },
  'snapshot without digest trailer': {
    files: { ...withLog(() => {}), 'snapshot.10000003f': snapshot3f.slice(0, -33) },
    expect: [LAST, 0],
  },
  'last record twice': {
    files: withLog((bytes) => bytes.set(goldenLog.subarray(lastRecordOffset), endOfRecords)),
    expect: [LAST, 63],
    apache: 'applies it twice, to the same effect',
  },
  'log split in two files': {
    files: { 'snapshot.0': snapshot0, [LOG]: goldenLog.slice(0, record40.offset), [LOG40]: from40 },
    expect: [LAST, 63],
  },
  'overlapping files': {
    files: { 'snapshot.0': snapshot0, [LOG]: goldenLog, [LOG40]: from40 },
    expect: [LAST, 63],
    apache: 'applies the overlap twice, to the same effect',
  },
  'nothing at all': { files: {}, expect: [0, 0] },
};

test('every case that was tried on Apache has its outcome here', () => {
  assert.deepEqual(Object.keys(outcomes).sort(), vectors.cases.map(({ name }) => name).sort());
});

for (const [name, { files, expect, apache, remove, truncateTo }] of Object.entries(outcomes)) {
  test(`${name}: ${typeof expect === 'string' ? 'refused' : 'started'}${apache === undefined ? '' : ` (Apache ${apache})`}`, () => {
    const run = (chunkBytes: number) =>
      recover(new MemorySource(files, chunkBytes), () => new MapState(), {
        trustEmptySnapshot: false,
        maxRecordBytes: 2_097_150,
      });
    for (const chunkBytes of [61, 4096, 1 << 20]) {
      if (typeof expect === 'string') {
        assert.throws(
          () => run(chunkBytes),
          (error) => error instanceof RecoveryRefused && error.reason === expect,
        );
        continue;
      }
      const { state, lastZxid, replayed, filesToRemove, filesToTruncate, fresh } = run(chunkBytes);
      assert.deepEqual([lastZxid, replayed], expect);
      assert.deepEqual(
        state.txns,
        Array.from({ length: replayed }, (_, i) => 0x100000001 + i),
      );
      assert.deepEqual(filesToRemove, remove === undefined ? [] : [remove]);
      assert.deepEqual(filesToTruncate, truncateTo === undefined ? [] : [{ name: LOG, length: truncateTo }]);
      assert.equal(fresh, name === 'nothing at all');
    }
  });
}

function xor(bytes: Uint8Array, at: number, mask: number): void {
  bytes[at] = (bytes[at] as number) ^ mask;
}

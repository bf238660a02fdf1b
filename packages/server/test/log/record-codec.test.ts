import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '@headkeeper/protocol';
import fc from 'fast-check';
import { LogFileReader } from '../../src/core/log/log-reader.ts';
import {
  beginRecord,
  endRecord,
  LOG_HEADER_BYTES,
  RecordReader,
  writeLogFileHeader,
  zxidOfBody,
} from '../../src/core/log/record-codec.ts';
import { goldenLog, goldenRecords } from './golden.ts';

const LIMIT = 1 << 20;

test('every record of a real log is read, and written again byte for byte', () => {
  const w = new Writer(64);
  const header = new Uint8Array(LOG_HEADER_BYTES).fill(0xff);
  writeLogFileHeader(header);
  w.raw(header);
  let seen = 0;
  const reader = new LogFileReader(LIMIT, (bytes, view, start, end, offset) => {
    const expected = goldenRecords[seen++];
    assert.equal(offset, expected?.offset);
    assert.equal(Buffer.from(bytes.subarray(start, end)).toString('hex'), expected?.hex);
    assert.equal(`0x${zxidOfBody(view, start).toString(16)}`, expected?.header.zxid);
    const at = beginRecord(w);
    w.raw(bytes, start, end);
    endRecord(w, at);
  });
  reader.push(goldenLog);
  const end = reader.finish();
  assert.deepEqual([end.kind, end.offset, end.records, seen], ['clean', goldenLog.length, 63, goldenRecords.length]);
  assert.deepEqual(w.toBytes(), goldenLog);
});

test('chunks of any size give the same records', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), fc.nat(3000), (sizes, padding) => {
      const file = new Uint8Array(goldenLog.length + padding);
      file.set(goldenLog);
      const offsets: number[] = [];
      const reader = new LogFileReader(LIMIT, (_bytes, _view, _start, _end, offset) => offsets.push(offset));
      for (let at = 0, i = 0; at < file.length; i++) {
        // The chunk's memory is used again, as a source's buffer is.
        const chunk = file.slice(at, at + (sizes[i % sizes.length] as number));
        reader.push(chunk);
        at += chunk.length;
        chunk.fill(0xaa);
      }
      assert.equal(reader.finish().kind, 'clean');
      assert.deepEqual(
        offsets,
        goldenRecords.map((record) => record.offset),
      );
    }),
    { numRuns: 50 },
  );
});

test('a window that ends inside a record asks for more, and the end of the file makes it torn', () => {
  const { offset, length } = goldenRecords[5] as (typeof goldenRecords)[0];
  const view = new DataView(goldenLog.buffer, goldenLog.byteOffset, goldenLog.length);
  const reader = new RecordReader(LIMIT);
  for (let end = offset; end < offset + length + 13; end++) {
    reader.reset(goldenLog, view, offset, end, false);
    assert.equal(reader.next(), 'need-more');
    reader.reset(goldenLog, view, offset, end, true);
    // The checksum's upper half is zero: as long as only zeros are there, they are padding.
    assert.equal(reader.next(), end <= offset + 4 ? 'end' : 'torn', `cut at ${end - offset}`);
  }
  reader.reset(goldenLog, view, offset, offset + length + 13, false);
  assert.equal(reader.next(), 'record');
  assert.deepEqual([reader.bodyStart, reader.bodyEnd], [offset + 12, offset + 12 + length]);
});

test('a record above the limit is damaged', () => {
  const { offset, length } = goldenRecords[5] as (typeof goldenRecords)[0];
  const view = new DataView(goldenLog.buffer, goldenLog.byteOffset, goldenLog.length);
  for (const [limit, result] of [
    [length, 'record'],
    [length - 1, 'damaged'],
  ] as const) {
    const reader = new RecordReader(limit);
    reader.reset(goldenLog, view, offset, goldenLog.length, true);
    assert.equal(reader.next(), result);
  }
});

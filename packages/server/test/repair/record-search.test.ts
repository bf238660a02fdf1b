import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '@headkeeper/testkit';
import fc from 'fast-check';
import { adler32 } from '../../src/core/log/checksum.ts';
import type { DiskSource } from '../../src/ports.ts';
import { FileBytes } from '../../src/repair/file-bytes.ts';
import { RecordSearch } from '../../src/repair/record-search.ts';

const MAX_RECORD_BYTES = 1 << 28;
const PREFIX = 12;
const HEADER = 32;

/** A file in memory, and how many bytes of it were read. */
function source(bytes: Uint8Array): DiskSource & { bytesRead: number } {
  return {
    size: bytes.length,
    bytesRead: 0,
    readSync(target, start, end, position) {
      const part = bytes.subarray(position, position + end - start);
      target.set(part, start);
      this.bytesRead += part.length;
      return part.length;
    },
    closeSync() {},
  };
}

/** A whole record with nothing but a zxid in its body, and its end mark. */
function record(zxid: number, bodyBytes: number): Buffer {
  const bytes = Buffer.alloc(PREFIX + bodyBytes + 1);
  bytes.writeBigInt64BE(BigInt(zxid), PREFIX + 12);
  bytes.writeUInt32BE(adler32(bytes, PREFIX, PREFIX + bodyBytes), 4);
  bytes.writeInt32BE(bodyBytes, 8);
  bytes[PREFIX + bodyBytes] = 0x42;
  return bytes;
}

/** The same by looking at each place with all its bytes. */
function plainly(bytes: Buffer, from: number, leastZxid: number): number | null {
  for (let at = from; at + PREFIX + HEADER < bytes.length; at++) {
    const length = bytes.readInt32BE(at + 8);
    const end = at + PREFIX + length;
    if (bytes.readInt32BE(at) !== 0 || length < HEADER || end >= bytes.length || bytes[end] !== 0x42) continue;
    if (bytes.readUInt32BE(at + 4) !== adler32(bytes, at + PREFIX, end)) continue;
    if (Number(bytes.readBigInt64BE(at + PREFIX + 12)) >= leastZxid) return at;
  }
  return null;
}

test('finds what looking at every place with all its bytes finds', () => {
  let found = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0x7fffffff }), (seed) => {
      const random = new SeededRandom(seed);
      const parts: Uint8Array[] = [];
      for (let i = random.below(12); i >= 0; i--) {
        if (random.below(3) === 0) parts.push(new Uint8Array(random.below(700)));
        else if (random.below(2) === 0)
          parts.push(Uint8Array.from({ length: random.below(400) }, () => random.below(3)));
        else {
          const whole = record(1 + random.below(9), HEADER + random.below(600));
          if (random.below(3) === 0) whole[random.below(whole.length)] = random.below(256);
          parts.push(whole);
        }
      }
      const bytes = Buffer.concat(parts);
      const search = new RecordSearch(new FileBytes(source(bytes)), MAX_RECORD_BYTES);
      for (let i = 0; i < 4; i++) {
        const from = random.below(bytes.length + 1);
        const least = 1 + random.below(9);
        const wanted = plainly(bytes, from, least);
        assert.equal(search.next(from, least), wanted, `seed ${seed}, from ${from}, zxid ${least}`);
        if (wanted !== null) found++;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(found > 100, `only ${found} found`);
});

test('finds a record across the windows in which a large file is read', () => {
  const at = (1 << 20) - 20;
  const bytes = Buffer.alloc(3 << 20, 7);
  record(5, 1 << 20).copy(bytes, at);
  const search = new RecordSearch(new FileBytes(source(bytes)), MAX_RECORD_BYTES);
  assert.equal(search.next(16, 1), at);
  assert.equal(search.next(16, 6), null);
  assert.equal(search.next(at + 1, 1), null);
});

test('reads a little for each place that looks like a record as long as half the file', () => {
  // Twelve bytes again and again: no first word, a checksum that is wrong and also the zxid, a length that leads to an end mark.
  const words = 100_000;
  const bytes = Buffer.alloc(words * 12);
  const length = Math.floor(words / 2) * 12 + 4;
  for (let i = 0; i < words; i++) {
    bytes.writeInt32BE(0x42424242, i * 12 + 4);
    bytes.writeInt32BE(length, i * 12 + 8);
  }
  const file = source(bytes);
  const search = new RecordSearch(new FileBytes(file), MAX_RECORD_BYTES);
  assert.equal(search.next(0, 1), null);
  const places = words / 2;
  assert.ok(file.bytesRead > places * 100, 'the places are not what they are meant to be');
  // Each with all its bytes: more than 30,000,000,000.
  assert.ok(file.bytesRead < places * 520 + 5 * bytes.length, `${file.bytesRead} bytes were read`);
});

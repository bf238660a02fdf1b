import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { AdlerRanges } from '../../src/core/log/adler-ranges.ts';
import { adler32, crc32, crc32Word } from '../../src/core/log/checksum.ts';

/** The CRC-32 that zlib puts at the end of a gzip stream (`zlib.crc32` is not in every supported Node). */
function zlibCrc(bytes: Uint8Array): number {
  return gzipSync(bytes, { level: 1 }).readUInt32LE(gzipSync(bytes, { level: 1 }).length - 8);
}

function plainAdler(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return high * 65536 + low;
}

test('crc32 equals zlib, at any offset, in pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(9), (bytes, cut, offset) => {
      const moved = new Uint8Array(offset + bytes.length + 3).fill(0xee);
      moved.set(bytes, offset);
      const middle = offset + (cut % (bytes.length + 1));
      const end = offset + bytes.length;
      assert.equal(crc32(moved, offset, end), zlibCrc(bytes));
      assert.equal(crc32(moved, middle, end, crc32(moved, offset, middle)), zlibCrc(bytes));
    }),
  );
  assert.equal(crc32(new TextEncoder().encode('123456789'), 0, 9), 0xcbf43926);
});

test('adler32 equals the definition, in pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (bytes, cut) => {
      const middle = cut % (bytes.length + 1);
      assert.equal(adler32(bytes, 0, bytes.length), plainAdler(bytes));
      assert.equal(adler32(bytes, middle, bytes.length, adler32(bytes, 0, middle)), plainAdler(bytes));
    }),
  );
  assert.equal(adler32(new TextEncoder().encode('Wikipedia'), 0, 9), 0x11e60398);
});

test('adler32 does not overflow on the worst input', () => {
  const worst = new Uint8Array(100_000).fill(0xff);
  for (const count of [3799, 3800, 3801, 7600, 65_521, 100_000]) {
    assert.equal(adler32(worst, 0, count), plainAdler(worst.subarray(0, count)));
    // The largest sums to start from.
    assert.equal(adler32(worst, 0, count, 0xfff0fff0), continued(worst.subarray(0, count), 0xfff0, 0xfff0));
  }
});

function continued(bytes: Uint8Array, low: number, high: number): number {
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return high * 65536 + low;
}

test('crc32Word goes on by the four bytes of a word, the highest first', () => {
  const bytes = new Uint8Array([0x80, 0, 0xff, 1, 0, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef]);
  const view = new DataView(bytes.buffer);
  for (const seed of [0, 1, 0xcbf43926, 0xffffffff]) {
    let state = ~seed;
    for (let at = 0; at < bytes.length; at += 4) state = crc32Word(state, view.getInt32(at));
    assert.equal(~state >>> 0, crc32(bytes, 0, bytes.length, seed));
  }
});

test('AdlerRanges knows the adler32 of every range', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(9), fc.nat(), fc.nat(), (bytes, start, one, other) => {
      const begin = Math.min(start, bytes.length);
      const ranges = new AdlerRanges(bytes, begin, bytes.length);
      const [from, to] = [one, other].map((each) => begin + (each % (bytes.length - begin + 1))).sort((a, b) => a - b);
      assert.equal(ranges.of(from as number, to as number), adler32(bytes, from as number, to as number));
    }),
  );
  const worst = new Uint8Array(300_000).fill(0xff);
  const ranges = new AdlerRanges(worst, 0, worst.length);
  for (const [from, to] of [
    [0, 0],
    [0, 300_000],
    [257, 299_999],
    [65_521, 131_042],
    [300_000, 300_000],
  ] as const) {
    assert.equal(ranges.of(from, to), adler32(worst, from, to));
  }
});

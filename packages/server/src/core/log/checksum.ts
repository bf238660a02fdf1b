/** CRC-32 by eight tables: table k advances a byte that lies k bytes before the end of the group. */
const CRC_TABLES: Int32Array = makeCrcTables();

function makeCrcTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256];
    tables[at] = (before >>> 8) ^ tables[before & 0xff];
  }
  return tables;
}

/**
 * CRC-32 (IEEE 802.3, as zlib's) of `bytes[start, end)`, unsigned. `seed` is the result for the bytes before, so that
 * `crc32(b, crc32(a))` is the checksum of a followed by b.
 */
export function crc32(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  const tables = CRC_TABLES;
  let crc = ~seed;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc =
      tables[1792 + (crc & 0xff)] ^
      tables[1536 + ((crc >>> 8) & 0xff)] ^
      tables[1280 + ((crc >>> 16) & 0xff)] ^
      tables[1024 + (crc >>> 24)] ^
      tables[768 + bytes[at + 4]] ^
      tables[512 + bytes[at + 5]] ^
      tables[256 + bytes[at + 6]] ^
      tables[bytes[at + 7]];
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]) & 0xff];
  return ~crc >>> 0;
}

/**
 * One step of the CRC-32: the state after the four bytes of `word`, the highest first. The state is the complement of the
 * checksum so far, and of the next one in turn.
 */
export function crc32Word(state: number, word: number): number {
  const tables = CRC_TABLES;
  return (
    tables[768 + ((state ^ (word >>> 24)) & 0xff)] ^
    tables[512 + (((state >>> 8) ^ (word >>> 16)) & 0xff)] ^
    tables[256 + (((state >>> 16) ^ (word >>> 8)) & 0xff)] ^
    tables[((state >>> 24) ^ word) & 0xff]
  );
}

const ADLER_BASE = 65521;
/** The most bytes after which the second sum still fits 31 bits, starting from reduced sums; a multiple of 8. */
const ADLER_BLOCK = 3800;

/**
 * Adler-32 of `bytes[start, end)`, unsigned. `seed` is the result for the bytes before, so that a running checksum can
 * be carried over chunks.
 */
export function adler32(bytes: Uint8Array, start: number, end: number, seed = 1): number {
  let low = seed & 0xffff;
  let high = seed >>> 16;
  let at = start;
  while (at < end) {
    const stop = end - at > ADLER_BLOCK ? at + ADLER_BLOCK : end;
    for (; at + 8 <= stop; at += 8) {
      const b0 = bytes[at];
      const b1 = bytes[at + 1];
      const b2 = bytes[at + 2];
      const b3 = bytes[at + 3];
      const b4 = bytes[at + 4];
      const b5 = bytes[at + 5];
      const b6 = bytes[at + 6];
      const b7 = bytes[at + 7];
      high = (high + 8 * low + 8 * b0 + 7 * b1 + 6 * b2 + 5 * b3 + 4 * b4 + 3 * b5 + 2 * b6 + b7) | 0;
      low = (low + b0 + b1 + b2 + b3 + b4 + b5 + b6 + b7) | 0;
    }
    for (; at < stop; at++) {
      low += bytes[at];
      high += low;
    }
    low %= ADLER_BASE;
    high %= ADLER_BASE;
  }
  return ((high << 16) | low) >>> 0;
}

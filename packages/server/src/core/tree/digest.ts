import { crc32, crc32Word } from '../log/checksum.ts';
import { Field } from './node-store.ts';

/** Version of the digest that txns and snapshots carry (storage-formats reference, 14). */
export const DIGEST_VERSION = 2;

/** Order of the stat words in a node digest, which is not the order of the record: pzxid comes third, the owner last. */
const DIGEST_WORDS: Int32Array = new Int32Array([
  Field.czxid,
  Field.czxid + 1,
  Field.mzxid,
  Field.mzxid + 1,
  Field.pzxid,
  Field.pzxid + 1,
  Field.ctime,
  Field.ctime + 1,
  Field.mtime,
  Field.mtime + 1,
  Field.version,
  Field.cversion,
  Field.aversion,
  Field.owner,
  Field.owner + 1,
]);

/** CRC-32 of a znode's path and data, from which `nodeDigest` goes on. The root's path is empty. */
export function contentCrc(
  path: Uint8Array,
  start: number,
  end: number,
  data: Uint8Array,
  dataStart: number,
  dataLength: number,
): number {
  const crc = end - start <= 1 ? 0 : crc32(path, start, end);
  return (dataLength > 0 ? crc32(data, dataStart, dataStart + dataLength, crc) : crc) | 0;
}

/** A znode's digest, from its content checksum and the fifteen stat words at `base`. A 32-bit number, signed. */
export function nodeDigest(record: Int32Array, base: number, content: number): number {
  const words = DIGEST_WORDS;
  let state = ~content;
  for (let i = 0; i < words.length; i++) state = crc32Word(state, record[base + words[i]]);
  return ~state;
}

/** Sum of node digests modulo 2^64, in two halves. */
export class TreeDigest {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  add(digest: number): void {
    const sum = (this.low >>> 0) + (digest >>> 0);
    this.low = sum | 0;
    if (sum > 0xffffffff) this.high = (this.high + 1) | 0;
  }

  subtract(digest: number): void {
    const difference = (this.low >>> 0) - (digest >>> 0);
    this.low = difference | 0;
    if (difference < 0) this.high = (this.high - 1) | 0;
  }
}

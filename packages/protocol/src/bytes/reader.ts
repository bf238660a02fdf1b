import { JuteError } from './jute-error.ts';
import { decodeUtf8 } from './utf8.ts';

const TWO_32 = 4294967296;

/**
 * Reads jute primitives (big-endian, two's complement) from a window of a byte array. A reader is reusable: `reset`
 * points it at the next window without allocating. Every read that would pass the end throws `JuteError('truncated')`.
 */
export class Reader {
  bytes: Uint8Array;
  view: DataView;
  /** Offset of the next byte to read. */
  pos: number;
  /** Offset just past the window. */
  end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = start;
    this.end = end;
  }

  /** Points the reader at another window; `view` must cover the same memory as `bytes`. */
  reset(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.pos = start;
    this.end = end;
  }

  remaining(): number {
    return this.end - this.pos;
  }

  byte(): number {
    if (this.pos >= this.end) throw truncated();
    return this.bytes[this.pos++] as number;
  }

  /** Any non-zero byte is true. */
  boolean(): boolean {
    return this.byte() !== 0;
  }

  int(): number {
    const at = this.pos;
    if (at + 4 > this.end) throw truncated();
    this.pos = at + 4;
    return this.view.getInt32(at);
  }

  uint(): number {
    return this.int() >>> 0;
  }

  /**
   * A 64-bit integer as a number. Exact for every value within ±2^53; beyond, the nearest double, which keeps order
   * comparisons right. Use `longBig` where every bit matters.
   */
  long(): number {
    const at = this.pos;
    if (at + 8 > this.end) throw truncated();
    this.pos = at + 8;
    return this.view.getInt32(at) * TWO_32 + this.view.getUint32(at + 4);
  }

  /** A 64-bit integer, all bits. Allocates: for the edges, never for the hot path. */
  longBig(): bigint {
    const at = this.pos;
    if (at + 8 > this.end) throw truncated();
    this.pos = at + 8;
    return this.view.getBigInt64(at);
  }

  skip(count: number): void {
    if (count < 0 || this.pos + count > this.end) throw truncated();
    this.pos += count;
  }

  /**
   * The length prefix of a buffer or string: -1 is null. The bytes themselves are still unread at `pos`, and are known to
   * be inside the window.
   */
  length(): number {
    const n = this.int();
    if (n < 0) {
      if (n === -1) return -1;
      throw new JuteError('negative-length', `length ${n} is negative`);
    }
    if (this.pos + n > this.end) throw new JuteError('truncated', `length ${n} runs past the end of the input`);
    return n;
  }

  /** A buffer as a view into the window (no copy), or null for length -1. */
  buffer(): Uint8Array | null {
    const n = this.length();
    if (n < 0) return null;
    const at = this.pos;
    this.pos = at + n;
    return this.bytes.subarray(at, at + n);
  }

  /** A string, malformed UTF-8 becoming U+FFFD, or null for length -1. */
  string(): string | null {
    const n = this.length();
    if (n < 0) return null;
    const at = this.pos;
    this.pos = at + n;
    return decodeUtf8(this.bytes, at, at + n);
  }

  /**
   * The count of a vector: -1 for null; anything below -1 reads as 0 (what Apache's server does). A count that could not
   * fit in the remaining bytes, given that each element takes at least `minimumElementBytes`, is refused.
   */
  vectorCount(minimumElementBytes: number): number {
    const n = this.int();
    if (n < -1) return 0;
    if (n * minimumElementBytes > this.end - this.pos) {
      throw new JuteError('truncated', `vector of ${n} elements runs past the end of the input`);
    }
    return n;
  }
}

function truncated(): JuteError {
  return new JuteError('truncated', 'input ends inside a field');
}

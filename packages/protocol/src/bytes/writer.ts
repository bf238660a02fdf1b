import { encodeUtf8Into, utf8Length } from './utf8.ts';

const TWO_32 = 4294967296;

/**
 * Appends jute primitives to a growing byte array. Reusable: `length = 0` starts over in the same memory.
 */
export class Writer {
  bytes: Uint8Array;
  view: DataView;
  /** Bytes written so far. */
  length: number;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  /** Makes room for `count` more bytes and returns the offset where they begin. Does not move `length`. */
  reserve(count: number): number {
    const need = this.length + count;
    if (need > this.bytes.length) this.#grow(need);
    return this.length;
  }

  #grow(need: number): void {
    const next = new Uint8Array(Math.max(need, this.bytes.length * 2));
    next.set(this.bytes.subarray(0, this.length));
    this.bytes = next;
    this.view = new DataView(next.buffer);
  }

  byte(value: number): void {
    const at = this.reserve(1);
    this.bytes[at] = value;
    this.length = at + 1;
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  int(value: number): void {
    const at = this.reserve(4);
    this.view.setInt32(at, value);
    this.length = at + 4;
  }

  /** A 64-bit integer given as a number that is exact within ±2^53. */
  long(value: number): void {
    const at = this.reserve(8);
    const high = Math.floor(value / TWO_32);
    this.view.setInt32(at, high);
    this.view.setUint32(at + 4, value - high * TWO_32);
    this.length = at + 8;
  }

  /** A 64-bit integer given as its two halves. */
  longHalves(high: number, low: number): void {
    const at = this.reserve(8);
    this.view.setInt32(at, high);
    this.view.setInt32(at + 4, low);
    this.length = at + 8;
  }

  /** A 64-bit integer, all bits. For the edges, never for the hot path. */
  longBig(value: bigint): void {
    const at = this.reserve(8);
    this.view.setBigInt64(at, value);
    this.length = at + 8;
  }

  /** Bytes without a length prefix. */
  raw(source: Uint8Array, start = 0, end: number = source.length): void {
    const count = end - start;
    const at = this.reserve(count);
    copyBytes(source, start, this.bytes, at, count);
    this.length = at + count;
  }

  /** A buffer: length and bytes; null is length -1. */
  buffer(value: Uint8Array | null): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    this.int(value.length);
    this.raw(value);
  }

  /** A string in UTF-8; null is length -1. */
  string(value: string | null): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    const count = utf8Length(value);
    this.int(count);
    const at = this.reserve(count);
    encodeUtf8Into(value, this.bytes, at);
    this.length = at + count;
  }

  /** Gives the memory away: what is written next goes to new memory of `capacity` bytes. */
  replaceMemory(capacity: number): void {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  /** What has been written, as a view that the next write may overwrite. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** What has been written, as a copy of its own. */
  toBytes(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

/** Copies short runs byte by byte, which beats the call into the engine, and long ones with `set`. */
export function copyBytes(source: Uint8Array, start: number, target: Uint8Array, at: number, count: number): void {
  if (count < 24) {
    for (let i = 0; i < count; i++) target[at + i] = source[start + i] as number;
  } else {
    target.set(source.subarray(start, start + count), at);
  }
}

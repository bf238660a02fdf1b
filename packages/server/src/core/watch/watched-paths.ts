import { decodeUtf8 } from '@headkeeper/protocol';
import { ByteArena } from '../tree/arena.ts';
import { BucketDirectory } from './bucket-directory.ts';
import { RecordStore } from './record-store.ts';

/** Fields of a path's record. Field 0 links free records. */
const CHAIN = 0;
/** Length of the path in bytes, plus one; 0 marks a free record. */
const LENGTH_PLUS_ONE = 1;
const HASH = 2;
const BYTES = 3;
/** First watch of the path's data list and of its child list; the table of watches keeps them. */
export const PATH_DATA = 4;
export const PATH_CHILD = 5;
/** How many of the data list's watches are recursive. They come first in it. */
export const PATH_RECURSIVE = 6;

const SLASH = 0x2f;
const FNV_START = -2128831035;
const FNV_PRIME = 16777619;

/** FNV-1a, with high bits going back into low ones, as in `hashPath`. */
function advance(state: number, byte: number): number {
  const next = Math.imul(state ^ byte, FNV_PRIME);
  return next ^ (next >>> 15);
}

/** Spreads the state over all bits. */
function finish(state: number): number {
  state ^= state >>> 16;
  state = Math.imul(state, -2048144789);
  state ^= state >>> 13;
  state = Math.imul(state, -1028477387);
  return state ^ (state >>> 16);
}

/** The paths that somebody watches, each kept once as UTF-8 bytes under a number from 1. */
export class WatchedPaths {
  /** How many ancestors the last `findWithAncestors` found. */
  ancestorCount = 0;
  readonly records: RecordStore = new RecordStore();
  readonly #index: BucketDirectory = new BucketDirectory();
  readonly #start: number;
  #arena: ByteArena = new ByteArena();
  /** Hash of the path last looked up. */
  #hash = 0;

  constructor(hashSeed: number) {
    this.#start = FNV_START ^ hashSeed;
  }

  get count(): number {
    return this.records.count;
  }

  /** Memory that the bytes of the paths take. */
  get byteSize(): number {
    return this.#arena.bytesInUse;
  }

  /** The number of a path, or 0. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let state = this.#start;
    for (let i = start; i < end; i++) state = advance(state, bytes[i]);
    return this.#lookUp(bytes, start, end, finish(state));
  }

  /**
   * As `find`; on the way it appends to `ancestors`, from `ancestors[0]` on, the numbers of those proper ancestors that
   * have recursive watches. How many there are is left in `ancestorCount`.
   */
  findWithAncestors(bytes: Uint8Array, start: number, end: number, ancestors: number[]): number {
    let state = this.#start;
    let count = 0;
    for (let i = start; i < end; i++) {
      if (bytes[i] === SLASH) {
        // The ancestor ends before this slash; the root is the first slash itself.
        const ancestor =
          i > start
            ? this.#lookUp(bytes, start, i, finish(state))
            : end - start > 1
              ? this.#lookUp(bytes, start, start + 1, finish(advance(state, SLASH)))
              : 0;
        if (ancestor !== 0 && this.records.get(ancestor, PATH_RECURSIVE) > 0) ancestors[count++] = ancestor;
      }
      state = advance(state, bytes[i]);
    }
    this.ancestorCount = count;
    return this.#lookUp(bytes, start, end, finish(state));
  }

  /** The number of a path, which gets one if it has none. Whoever adds no watch to it must `release` it. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const known = this.find(bytes, start, end);
    if (known !== 0) return known;
    const records = this.records;
    const path = records.allocate();
    const length = end - start;
    const block = this.#arena.allocate(length);
    const memory = this.#arena.bytesOf(block);
    const at = this.#arena.offsetOf(block);
    for (let i = 0; i < length; i++) memory[at + i] = bytes[start + i];
    records.set(path, LENGTH_PLUS_ONE, length + 1);
    records.set(path, HASH, this.#hash);
    records.set(path, BYTES, block);
    const bucket = this.#index.bucketOf(this.#hash);
    records.set(path, CHAIN, this.#index.head(bucket));
    this.#index.setHead(bucket, path);
    if (records.count > this.#index.bucketCount) this.#split();
    return path;
  }

  /** Drops the path when neither of its lists has a watch left. */
  release(path: number): void {
    const records = this.records;
    if (records.get(path, PATH_DATA) !== 0 || records.get(path, PATH_CHILD) !== 0) return;
    const bucket = this.#index.bucketOf(records.get(path, HASH));
    const next = records.get(path, CHAIN);
    let before = this.#index.head(bucket);
    if (before === path) this.#index.setHead(bucket, next);
    else {
      while (records.get(before, CHAIN) !== path) before = records.get(before, CHAIN);
      records.set(before, CHAIN, next);
    }
    this.#arena.free(records.get(path, BYTES), records.get(path, LENGTH_PLUS_ONE) - 1);
    records.free(path);
    // Many small blocks may lie free in sizes that nobody asks for again; an empty table gives all of them back.
    if (records.count === 0 && records.isLarge) {
      records.clear();
      this.#index.clear();
      this.#arena = new ByteArena();
    }
  }

  isUsed(path: number): boolean {
    return this.records.get(path, LENGTH_PLUS_ONE) !== 0;
  }

  text(path: number): string {
    const block = this.records.get(path, BYTES);
    const at = this.#arena.offsetOf(block);
    return decodeUtf8(this.#arena.bytesOf(block), at, at + this.records.get(path, LENGTH_PLUS_ONE) - 1);
  }

  #lookUp(bytes: Uint8Array, start: number, end: number, hash: number): number {
    this.#hash = hash;
    const records = this.records;
    let path = this.#index.head(this.#index.bucketOf(hash));
    while (path !== 0) {
      if (records.get(path, HASH) === hash && this.#equals(path, bytes, start, end)) return path;
      path = records.get(path, CHAIN);
    }
    return 0;
  }

  #equals(path: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (this.records.get(path, LENGTH_PLUS_ONE) !== length + 1) return false;
    const block = this.records.get(path, BYTES);
    const memory = this.#arena.bytesOf(block);
    const at = this.#arena.offsetOf(block);
    for (let i = 0; i < length; i++) if (memory[at + i] !== bytes[start + i]) return false;
    return true;
  }

  #split(): void {
    const index = this.#index;
    const records = this.records;
    const from = index.beginSplit();
    let kept = 0;
    let moved = 0;
    let path = index.head(from);
    while (path !== 0) {
      const next = records.get(path, CHAIN);
      if (index.bucketOf(records.get(path, HASH)) === from) {
        records.set(path, CHAIN, kept);
        kept = path;
      } else {
        records.set(path, CHAIN, moved);
        moved = path;
      }
      path = next;
    }
    index.setHead(from, kept);
    index.setHead(index.bucketCount - 1, moved);
    index.endSplit();
  }
}

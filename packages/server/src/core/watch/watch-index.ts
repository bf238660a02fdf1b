import { BucketDirectory } from './bucket-directory.ts';
import type { RecordStore } from './record-store.ts';

/** Fields of a watch's record, of which there is one per connection, path and table. Field 0 links free records. */
const CHAIN = 0;
export const CONNECTION = 1;
/** Path number * 2, plus 1 in the child table. */
export const PLACE = 2;

/** Finds the record of a watch by its place and connection. */
export class WatchIndex {
  readonly #watches: RecordStore;
  readonly #seed: number;
  readonly #buckets: BucketDirectory = new BucketDirectory();

  constructor(watches: RecordStore, hashSeed: number) {
    this.#watches = watches;
    this.#seed = hashSeed;
  }

  /** The record, or 0. */
  find(place: number, connection: number): number {
    const watches = this.#watches;
    let watch = this.#buckets.head(this.#buckets.bucketOf(this.#hashOf(place, connection)));
    while (watch !== 0) {
      if (watches.get(watch, PLACE) === place && watches.get(watch, CONNECTION) === connection) return watch;
      watch = watches.get(watch, CHAIN);
    }
    return 0;
  }

  enter(watch: number): void {
    const bucket = this.#bucketOf(watch);
    this.#watches.set(watch, CHAIN, this.#buckets.head(bucket));
    this.#buckets.setHead(bucket, watch);
    if (this.#watches.count > this.#buckets.bucketCount) this.#split();
  }

  leave(watch: number): void {
    const watches = this.#watches;
    const bucket = this.#bucketOf(watch);
    const next = watches.get(watch, CHAIN);
    let before = this.#buckets.head(bucket);
    if (before === watch) {
      this.#buckets.setHead(bucket, next);
      return;
    }
    while (watches.get(before, CHAIN) !== watch) before = watches.get(before, CHAIN);
    watches.set(before, CHAIN, next);
  }

  /** Gives the memory back. Only when nothing is entered. */
  clear(): void {
    this.#buckets.clear();
  }

  #hashOf(place: number, connection: number): number {
    let hash = Math.imul(place ^ this.#seed, -1640531535) ^ Math.imul(connection + 1, -2048144777);
    hash = Math.imul(hash ^ (hash >>> 15), -2048144789);
    hash = Math.imul(hash ^ (hash >>> 13), -1028477387);
    return hash ^ (hash >>> 16);
  }

  #bucketOf(watch: number): number {
    const watches = this.#watches;
    return this.#buckets.bucketOf(this.#hashOf(watches.get(watch, PLACE), watches.get(watch, CONNECTION)));
  }

  #split(): void {
    const buckets = this.#buckets;
    const watches = this.#watches;
    const from = buckets.beginSplit();
    let kept = 0;
    let moved = 0;
    let watch = buckets.head(from);
    while (watch !== 0) {
      const next = watches.get(watch, CHAIN);
      if (this.#bucketOf(watch) === from) {
        watches.set(watch, CHAIN, kept);
        kept = watch;
      } else {
        watches.set(watch, CHAIN, moved);
        moved = watch;
      }
      watch = next;
    }
    buckets.setHead(from, kept);
    buckets.setHead(buckets.bucketCount - 1, moved);
    buckets.endSplit();
  }
}

import { invariant } from '../invariants.ts';

const CHUNK_SHIFT = 14;
const CHUNK_SIZE = 1 << CHUNK_SHIFT;
const CHUNK_MASK = CHUNK_SIZE - 1;
const FIRST_BUCKETS = 1024;

/**
 * The chain heads of a hash index that grows by linear hashing, one bucket at a time, so that no insertion pays for a
 * rehash of the whole. The chains run through the owner's records; 0 is the empty chain.
 *
 * While the owner holds more records than `bucketCount` it calls `beginSplit`, moves those records of the returned bucket
 * for which `bucketOf` now names another one (always `bucketCount - 1`), and calls `endSplit`.
 */
export class BucketDirectory {
  bucketCount: number = FIRST_BUCKETS;
  #chunks: Int32Array[] = [new Int32Array(FIRST_BUCKETS)];
  /** The power of two that the current doubling began with, less one. */
  #lowMask: number = FIRST_BUCKETS - 1;

  bucketOf(hash: number): number {
    const bucket = hash & ((this.#lowMask << 1) | 1);
    return bucket < this.bucketCount ? bucket : hash & this.#lowMask;
  }

  head(bucket: number): number {
    return this.#chunks[bucket >>> CHUNK_SHIFT][bucket & CHUNK_MASK];
  }

  setHead(bucket: number, record: number): void {
    this.#chunks[bucket >>> CHUNK_SHIFT][bucket & CHUNK_MASK] = record;
  }

  /** Adds an empty bucket at the end and returns the bucket that it shares records with. */
  beginSplit(): number {
    const added = this.bucketCount;
    invariant(added < 1 << 30, 'a hash index holds at most 2^30 records');
    if (added === FIRST_BUCKETS) {
      const whole = new Int32Array(CHUNK_SIZE);
      whole.set(this.#chunks[0]);
      this.#chunks[0] = whole;
    } else if ((added & CHUNK_MASK) === 0) this.#chunks.push(new Int32Array(CHUNK_SIZE));
    this.bucketCount = added + 1;
    return added & this.#lowMask;
  }

  /** Ends what `beginSplit` began; after the last bucket of a doubling the next doubling begins. */
  endSplit(): void {
    if (this.bucketCount === (this.#lowMask + 1) * 2) this.#lowMask = (this.#lowMask << 1) | 1;
  }

  /** Forgets every chain and gives the memory back. */
  clear(): void {
    this.#chunks = [new Int32Array(FIRST_BUCKETS)];
    this.bucketCount = FIRST_BUCKETS;
    this.#lowMask = FIRST_BUCKETS - 1;
  }
}

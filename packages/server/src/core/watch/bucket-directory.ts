const CHUNK_SHIFT = 14;
const CHUNK_SIZE = 1 << CHUNK_SHIFT;
const CHUNK_MASK = CHUNK_SIZE - 1;
const FIRST_BUCKETS = 1024;

/**
 * The chain heads of a hash index that grows by linear hashing: one bucket at a time, so that no insertion pays for a
 * rehash of the whole. Chains live in the owner's records; 0 is the empty chain.
 *
 * The owner calls `grow` while it holds more records than `bucketCount`, then moves those records of the bucket
 * `splitFrom` to the new one whose `bucketOf` says so.
 */
export class BucketDirectory {
  bucketCount: number = FIRST_BUCKETS;
  #chunks: Int32Array[] = [new Int32Array(CHUNK_SIZE)];
  /** The power of two at or below `bucketCount`, less one. */
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

  /** Adds an empty bucket and returns its number. The records that belong there are all in bucket `splitFrom(new)`. */
  grow(): number {
    const added = this.bucketCount;
    if (added >>> CHUNK_SHIFT === this.#chunks.length) this.#chunks.push(new Int32Array(CHUNK_SIZE));
    this.bucketCount = added + 1;
    if (added > (this.#lowMask << 1 | 1)) throw new RangeError('bucket beyond the current doubling');
    return added;
  }

  splitFrom(added: number): number {
    return added & this.#lowMask;
  }

  /** Ends the step that `grow` began: when the doubling is complete, the next one begins. */
  settled(): void {
    if (this.bucketCount === (this.#lowMask + 1) * 2) this.#lowMask = (this.#lowMask << 1) | 1;
  }

  /** Forgets every chain and gives the memory back. */
  clear(): void {
    this.#chunks = [new Int32Array(CHUNK_SIZE)];
    this.bucketCount = FIRST_BUCKETS;
    this.#lowMask = FIRST_BUCKETS - 1;
  }
}

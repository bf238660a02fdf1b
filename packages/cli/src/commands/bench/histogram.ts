const STEPS = 64;
const BUCKETS = 2048;

/** Counts durations in microseconds; exact below 128, then 64 steps to each power of two (within 1.6 %). */
export class Histogram {
  readonly #counts: Float64Array = new Float64Array(BUCKETS);
  count = 0;
  max = 0;

  add(microseconds: number): void {
    const value = Math.max(0, Math.floor(microseconds));
    if (value > this.max) this.max = value;
    this.count++;
    this.#counts[bucketOf(value)]!++;
  }

  /** The duration that `share` (0 to 1) of all do not exceed; 0 when there are none. */
  percentile(share: number): number {
    const wanted = Math.ceil(this.count * share);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted && seen > 0) return Math.min(lowerEnd(bucket), this.max);
    }
    return 0;
  }

  reset(): void {
    this.#counts.fill(0);
    this.count = 0;
    this.max = 0;
  }
}

function bucketOf(value: number): number {
  if (value < STEPS) return value;
  const exponent = Math.floor(Math.log2(value));
  const bucket = (exponent - 5) * STEPS + (Math.floor(value / 2 ** (exponent - 6)) & (STEPS - 1));
  return Math.min(bucket, BUCKETS - 1);
}

function lowerEnd(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket;
  const exponent = Math.floor(bucket / STEPS) + 5;
  return (STEPS + (bucket % STEPS)) * 2 ** (exponent - 6);
}

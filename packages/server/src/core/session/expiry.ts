/** Positions of the wheel; a power of two. Timeouts beyond this many ticks stay in place while the wheel turns. */
const WHEEL = 1024;
const WHEEL_MASK = WHEEL - 1;
const NOT_QUEUED = 0;

/**
 * When sessions expire, in buckets of one tick: a session touched at `now` expires at
 * (floor((now + timeout) / tick) + 1) * tick (client-protocol reference, 7.1), so touching it again within the tick costs
 * one comparison. Sessions are small slot numbers, because arrays are indexed by them. Times are milliseconds of the
 * monotonic clock.
 */
export class ExpiryQueue {
  /** Slots queued. */
  size = 0;
  readonly #tickTimeMs: number;
  /** First slot + 1 at each position of the wheel, or 0. A position holds the buckets that are equal modulo its size. */
  readonly #first: Int32Array = new Int32Array(WHEEL);
  /** By slot: its bucket (expiry divided by the tick) or `NOT_QUEUED`, and its neighbours + 1. */
  #bucket: Float64Array = new Float64Array(64);
  #next: Int32Array = new Int32Array(64);
  #prev: Int32Array = new Int32Array(64);
  #expired: Int32Array = new Int32Array(64);
  /** Buckets up to this one have been expired. */
  #done = 0;

  constructor(tickTimeMs: number) {
    this.#tickTimeMs = tickTimeMs;
  }

  /** Starts or restarts the slot's time. */
  touch(slot: number, now: number, timeoutMs: number): void {
    const bucket = Math.floor((now + timeoutMs) / this.#tickTimeMs) + 1;
    const before = slot < this.#bucket.length ? this.#bucket[slot] : this.#grow(slot);
    if (bucket === before) return;
    if (before !== NOT_QUEUED) this.#unlink(slot, before);
    else this.size++;
    this.#link(slot, Math.max(bucket, this.#done + 1));
  }

  /** Takes the slot out, if it is queued. */
  remove(slot: number): void {
    const bucket = slot < this.#bucket.length ? this.#bucket[slot] : NOT_QUEUED;
    if (bucket === NOT_QUEUED) return;
    this.#unlink(slot, bucket);
    this.#bucket[slot] = NOT_QUEUED;
    this.size--;
  }

  /** When a queued slot expires, or null. */
  expiryOf(slot: number): number | null {
    const bucket = slot < this.#bucket.length ? this.#bucket[slot] : NOT_QUEUED;
    return bucket === NOT_QUEUED ? null : bucket * this.#tickTimeMs;
  }

  /** Takes out the slots whose time has come, and returns them. The list is good until the next call. */
  expire(now: number): Int32Array {
    const last = Math.floor(now / this.#tickTimeMs);
    const from = Math.max(this.#done + 1, last - WHEEL + 1);
    let count = 0;
    for (let bucket = from; bucket <= last; bucket++) {
      let entry = this.#first[bucket & WHEEL_MASK];
      while (entry !== 0) {
        const slot = entry - 1;
        entry = this.#next[slot];
        if (this.#bucket[slot] > last) continue;
        if (count === this.#expired.length) this.#expired = enlarged(this.#expired, count * 2);
        this.#expired[count++] = slot;
        this.remove(slot);
      }
    }
    if (last > this.#done) this.#done = last;
    return this.#expired.subarray(0, count);
  }

  #link(slot: number, bucket: number): void {
    const first = this.#first[bucket & WHEEL_MASK];
    this.#bucket[slot] = bucket;
    this.#prev[slot] = 0;
    this.#next[slot] = first;
    if (first !== 0) this.#prev[first - 1] = slot + 1;
    this.#first[bucket & WHEEL_MASK] = slot + 1;
  }

  #unlink(slot: number, bucket: number): void {
    const next = this.#next[slot];
    const prev = this.#prev[slot];
    if (prev === 0) this.#first[bucket & WHEEL_MASK] = next;
    else this.#next[prev - 1] = next;
    if (next !== 0) this.#prev[next - 1] = prev;
  }

  #grow(slot: number): number {
    const length = Math.max(slot + 1, this.#bucket.length * 2);
    const bucket = new Float64Array(length);
    bucket.set(this.#bucket);
    this.#bucket = bucket;
    this.#next = enlarged(this.#next, length);
    this.#prev = enlarged(this.#prev, length);
    return NOT_QUEUED;
  }
}

function enlarged(list: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(list);
  return larger;
}

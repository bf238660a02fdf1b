const FIELDS = 4;
const INITIAL = 8;

/**
 * The requests of one connection that the leader has been asked for and whose txns have not been applied here, oldest
 * first. A ring; nothing is allocated per request.
 */
export class Forwards {
  #ring: Float64Array = new Float64Array(INITIAL * FIELDS);
  #head = 0;
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** `afterZxid`: the last proposal seen when the request left; its own txn comes later than that. */
  push(xid: number, opcode: number, arrivedMs: number, afterZxid: number): void {
    if (this.#count * FIELDS === this.#ring.length) this.#grow();
    const at = ((this.#head + this.#count) * FIELDS) & (this.#ring.length - 1);
    this.#ring[at] = xid;
    this.#ring[at + 1] = opcode;
    this.#ring[at + 2] = arrivedMs;
    this.#ring[at + 3] = afterZxid;
    this.#count++;
  }

  /** Of the oldest; only when `size` is not 0. */
  get xid(): number {
    return this.#ring[this.#head * FIELDS];
  }

  get opcode(): number {
    return this.#ring[this.#head * FIELDS + 1];
  }

  get arrivedMs(): number {
    return this.#ring[this.#head * FIELDS + 2];
  }

  get afterZxid(): number {
    return this.#ring[this.#head * FIELDS + 3];
  }

  take(): void {
    this.#head = (this.#head + 1) & (this.#ring.length / FIELDS - 1);
    this.#count--;
  }

  #grow(): void {
    const larger = new Float64Array(this.#ring.length * 2);
    const split = this.#head * FIELDS;
    larger.set(this.#ring.subarray(split));
    larger.set(this.#ring.subarray(0, split), this.#ring.length - split);
    this.#ring = larger;
    this.#head = 0;
  }
}

const FIRST_BYTES = 4096;

/** A file in memory: what is read, and what a cut of the power leaves of it. */
export class MemoryFile {
  #cached: Uint8Array = new Uint8Array(0);
  #length = 0;
  #durable: Uint8Array = new Uint8Array(0);
  #durableLength = 0;
  /** `[from, to)` may differ from what is durable. */
  #dirtyFrom: number = Number.POSITIVE_INFINITY;
  #dirtyTo = 0;

  get length(): number {
    return this.#length;
  }

  read(target: Uint8Array, start: number, end: number, position: number): number {
    const count = Math.max(0, Math.min(end - start, this.#length - position));
    target.set(this.#cached.subarray(position, position + count), start);
    return count;
  }

  write(bytes: Uint8Array, start: number, end: number, position: number): void {
    const last = position + end - start;
    this.#cached = withRoom(this.#cached, last);
    this.#cached.set(bytes.subarray(start, end), position);
    this.#soil(Math.min(position, this.#length), last);
    if (last > this.#length) this.#length = last;
  }

  truncate(length: number): void {
    this.#cached = withRoom(this.#cached, length);
    if (length < this.#length) this.#cached.fill(0, length, this.#length);
    this.#soil(Math.min(length, this.#length), Math.max(length, this.#length));
    this.#length = length;
  }

  /** What it holds is safe from now on. */
  sync(): void {
    const to = Math.min(this.#dirtyTo, this.#cached.length);
    if (this.#dirtyFrom < to) {
      this.#durable = withRoom(this.#durable, to);
      this.#durable.set(this.#cached.subarray(this.#dirtyFrom, to), this.#dirtyFrom);
    }
    this.#durableLength = this.#length;
    this.#clean();
  }

  /** Only what was synced is left. */
  lose(): void {
    this.#cached = this.#durable.slice(0, this.#durableLength);
    this.#length = this.#durableLength;
    this.#clean();
  }

  #soil(from: number, to: number): void {
    if (from < this.#dirtyFrom) this.#dirtyFrom = from;
    if (to > this.#dirtyTo) this.#dirtyTo = to;
  }

  #clean(): void {
    this.#dirtyFrom = Number.POSITIVE_INFINITY;
    this.#dirtyTo = 0;
  }
}

/** Memory of so many bytes at least, with the same beginning. */
function withRoom(memory: Uint8Array, bytes: number): Uint8Array {
  if (memory.length >= bytes) return memory;
  const larger = new Uint8Array(Math.max(bytes, memory.length * 2, FIRST_BYTES));
  larger.set(memory);
  return larger;
}

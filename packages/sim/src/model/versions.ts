/** Everything that one thing has been, by the zxid that made it so. */
export class Versions<T> {
  readonly #zxids: number[] = [];
  readonly #values: T[] = [];

  get latest(): T | undefined {
    return this.#values[this.#values.length - 1];
  }

  get latestZxid(): number {
    return this.#zxids[this.#zxids.length - 1] ?? -1;
  }

  at(zxid: number): T | undefined {
    const index = this.#indexAfter(zxid);
    return index === 0 ? undefined : this.#values[index - 1];
  }

  /** The first value made after a zxid and not after another one. */
  firstBetween(after: number, upTo: number): number | null {
    const index = this.#indexAfter(after);
    const zxid = this.#zxids[index];
    return zxid !== undefined && zxid <= upTo ? zxid : null;
  }

  set(zxid: number, value: T): void {
    if (this.latestZxid === zxid) this.#values[this.#values.length - 1] = value;
    else {
      this.#zxids.push(zxid);
      this.#values.push(value);
    }
  }

  /** Takes back what a zxid has made; it must be the last. */
  undo(zxid: number): void {
    if (this.latestZxid !== zxid) return;
    this.#zxids.pop();
    this.#values.pop();
  }

  /** Values not made after `zxid` come before this index. */
  #indexAfter(zxid: number): number {
    let low = 0;
    let high = this.#zxids.length;
    if (high > 0 && (this.#zxids[high - 1] as number) <= zxid) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#zxids[middle] as number) <= zxid) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

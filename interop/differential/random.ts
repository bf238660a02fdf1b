/** A seeded source of choices (sfc32): the same seed gives the same run on every machine. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = 0x9e3779b9 | 0;
    this.#c = (seed ^ 0x5deece66) | 0;
    for (let i = 0; i < 15; i++) this.next();
  }

  /** 32 random bits as a non-negative integer. */
  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return Math.floor((this.next() / 4294967296) * n);
  }

  /** True in `percent` of 100 cases; fractions allowed. */
  chance(percent: number): boolean {
    return (this.next() / 4294967296) * 100 < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** One of the values, each as likely as its weight says. */
  weighted<T>(table: readonly (readonly [weight: number, value: T])[]): T {
    let total = 0;
    for (const [weight] of table) total += weight;
    let at = (this.next() / 4294967296) * total;
    for (const [weight, value] of table) {
      at -= weight;
      if (at < 0) return value;
    }
    return (table[table.length - 1] as readonly [number, T])[1];
  }
}

/**
 * One named stream of random numbers (sfc32): integer arithmetic only, so that every machine and every engine draws the same.
 * Streams of one seed are independent: what is drawn for one link or one disk does not shift the draws of another, so a fault
 * that is switched off leaves the rest of a run as it was, as far as that is possible.
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, name: string) {
    this.#a = mix(seed | 0, 0x9e3779b9);
    this.#b = hashText(name, 0x811c9dc5);
    this.#c = hashText(name, mix(seed | 0, 0x85ebca6b));
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A 32-bit number, unsigned. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** An integer from 0 to `bound` - 1; 0 for bounds below 2. Bounds up to 2^21 are drawn without rounding. */
  below(bound: number): number {
    return bound <= 1 ? 0 : Math.floor((this.next() * bound) / 4294967296);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True `millionths` times in a million. */
  chance(millionths: number): boolean {
    return millionths > 0 && this.below(1_000_000) < millionths;
  }

  /** A wait of about `mean` on average, mostly shorter and at times several times as long: an integer exponential. */
  wait(mean: number): number {
    const halvings = Math.min(Math.clz32(this.next()), 12) * 256 + this.below(256);
    // 177/256 is the logarithm of 2.
    return Math.floor((mean * halvings * 177) / 65536);
  }

  pick<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }

  /** A new list of the same elements in random order. */
  shuffled<T>(list: readonly T[]): T[] {
    const copy = [...list];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
    }
    return copy;
  }
}

/** Derives a seed for somebody else's generator. */
export function deriveSeed(seed: number, name: string): number {
  return new RandomStream(seed, name).next() | 0;
}

function hashText(text: string, start: number): number {
  let hash = start | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash, text.length);
}

function mix(value: number, salt: number): number {
  let h = (value + salt) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b | 0);
  return h ^ (h >>> 16);
}

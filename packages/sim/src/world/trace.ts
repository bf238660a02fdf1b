/**
 * A running hash of everything that happens. Two runs of one seed must end with the same hash; a difference means that
 * something outside the seed has had a say. Texts are made only when somebody wants to read them.
 */
export class Trace {
  #high: number = 0x243f6a88;
  #low: number = 0x85a308d3 | 0;
  /** Receives a line for everything worth telling; null when nobody reads. */
  readonly tell: ((line: string) => void) | null;

  constructor(tell: ((line: string) => void) | null = null) {
    this.tell = tell;
  }

  mix(value: number): void {
    this.#low = Math.imul(this.#low ^ (value | 0), 0x01000193) + this.#high;
    this.#high = Math.imul(this.#high ^ this.#low, 0x85ebca6b) ^ (this.#low >>> 13);
  }

  /** Mixes an integer beyond 32 bits. */
  mixLarge(value: number): void {
    this.mix(value | 0);
    this.mix(Math.floor(value / 4294967296));
  }

  mixBytes(bytes: Uint8Array): void {
    const { length } = bytes;
    let hash = length;
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; at < length; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
    this.mix(hash);
  }

  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }
}

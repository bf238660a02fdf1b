import { adler32 } from './checksum.ts';

const ADLER_BASE = 65521;
/** Sums are kept at so many bytes' distance, so that they take a sixteenth of the memory summed. */
const STEP_BYTES = 64;

/**
 * Adler-32 of any ranges of the same bytes, each for no more work than that of `STEP_BYTES` bytes, whatever its length: the sums of a
 * range are the differences of those of the two ranges from the beginning. The bytes must not change.
 */
export class AdlerRanges {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  /** Both sums of the bytes up to each step, as adler32 has them. */
  readonly #low: Uint16Array;
  readonly #high: Uint16Array;

  /** Of ranges in `bytes[start, end)`. Reads all of it once. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    const steps = Math.floor((end - start) / STEP_BYTES) + 1;
    this.#low = new Uint16Array(steps);
    this.#high = new Uint16Array(steps);
    let sum = 1;
    for (let i = 0; i < steps; i++) {
      this.#low[i] = sum & 0xffff;
      this.#high[i] = sum >>> 16;
      const at = start + i * STEP_BYTES;
      sum = adler32(bytes, at, Math.min(end, at + STEP_BYTES), sum);
    }
  }

  /** Adler-32 of `bytes[from, to)`, unsigned. */
  of(from: number, to: number): number {
    return adlerOfRange(this.#upTo(from), this.#upTo(to), to - from);
  }

  /** Adler-32 from the beginning. */
  #upTo(at: number): number {
    const step = Math.floor((at - this.#start) / STEP_BYTES);
    const sum = (((this.#high[step] as number) << 16) | (this.#low[step] as number)) >>> 0;
    return adler32(this.#bytes, this.#start + step * STEP_BYTES, at, sum);
  }
}

/** Adler-32 of a range of so many bytes, from those of all bytes before it and of all bytes to its end. */
export function adlerOfRange(before: number, whole: number, length: number): number {
  const lowBefore = before & 0xffff;
  const low = modulo((whole & 0xffff) - lowBefore + 1);
  // Each byte of the range has added to the second sum what the first had before the range, less the 1 that it begins with.
  const high = modulo((whole >>> 16) - (before >>> 16) - modulo(length * (lowBefore - 1)));
  return ((high << 16) | low) >>> 0;
}

function modulo(number: number): number {
  return ((number % ADLER_BASE) + ADLER_BASE) % ADLER_BASE;
}

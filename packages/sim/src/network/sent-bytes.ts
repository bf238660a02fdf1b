import { copyBytes } from '@headkeeper/protocol';

const SLAB_BYTES = 64 * 1024;
/** Longer writes have memory of their own. */
const LONGEST_SHARED = SLAB_BYTES / 8;

/** Copies of what is written to streams, most of it a few bytes: many in one piece of memory, which is never used again. */
export class SentBytes {
  #slab: Uint8Array = new Uint8Array(SLAB_BYTES);
  #used = 0;

  copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    if (length > LONGEST_SHARED) return bytes.slice(start, end);
    if (this.#used + length > SLAB_BYTES) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const copy = this.#slab.subarray(this.#used, this.#used + length);
    this.#used += length;
    copyBytes(bytes, start, copy, 0, length);
    return copy;
  }
}

const NOTHING = new Uint8Array(0);

/** Keeps the beginning of a message until the rest of it has come. */
export class HandshakeBuffer {
  readonly #limit: number;
  #kept: Uint8Array = NOTHING;

  /** `limit`: bytes that may be kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What was kept and `chunk` in one piece, valid as long as `chunk` is. Nothing is kept any more. */
  join(chunk: Uint8Array): Uint8Array {
    const kept = this.#kept;
    if (kept.length === 0) return chunk;
    this.#kept = NOTHING;
    const joined = new Uint8Array(kept.length + chunk.length);
    joined.set(kept);
    joined.set(chunk, kept.length);
    return joined;
  }

  /** Keeps a copy of the bytes from `start` on; false: they are too many. */
  keep(bytes: Uint8Array, start: number): boolean {
    if (bytes.length - start > this.#limit) return false;
    this.#kept = new Uint8Array(bytes.subarray(start));
    return true;
  }
}

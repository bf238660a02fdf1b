import { createHash, type Hash } from 'node:crypto';

/** Counts and hashes the bytes of a stream that passes; or counts them only, when their hash is known. */
export class Meter {
  readonly #hash: Hash = createHash('sha256');
  readonly #isKnown: boolean;
  #sha256: string | null;
  bytes = 0;

  /** `sha256`: of all that will pass, hexadecimal; null when it is not known. */
  constructor(sha256: string | null = null) {
    this.#sha256 = sha256;
    this.#isKnown = sha256 !== null;
  }

  async *pass(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.bytes += chunk.length;
      if (!this.#isKnown) this.#hash.update(chunk);
      yield chunk;
    }
  }

  /** Of all that has passed, hexadecimal. Nothing may pass afterwards. */
  get sha256(): string {
    this.#sha256 ??= this.#hash.digest('hex');
    return this.#sha256;
  }
}

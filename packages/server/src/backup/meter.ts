import { createHash, type Hash } from 'node:crypto';

/** Counts and hashes the bytes of a stream that passes. */
export class Meter {
  readonly #hash: Hash = createHash('sha256');
  #sha256: string | null = null;
  bytes = 0;

  async *pass(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.bytes += chunk.length;
      this.#hash.update(chunk);
      yield chunk;
    }
  }

  /** Of all that has passed, hexadecimal. Nothing may pass afterwards. */
  get sha256(): string {
    this.#sha256 ??= this.#hash.digest('hex');
    return this.#sha256;
  }
}

import { JuteError } from './bytes/jute-error.ts';
import type { Reader } from './bytes/reader.ts';
import { copyBytes, type Writer } from './bytes/writer.ts';

const PREFIX_BYTES = 4;
const FIRST_ALLOCATION = 4096;

/** Reserves the length prefix of a frame and returns its offset, for `endFrame`. */
export function beginFrame(out: Writer): number {
  const at = out.length;
  out.int(0);
  return at;
}

/** Fills in the length of the frame begun at `at`; it ends where the writer stands. */
export function endFrame(out: Writer, at: number): void {
  out.view.setInt32(at, out.length - at - PREFIX_BYTES);
}

/**
 * Cuts a stream into frames (client-protocol reference, section 1.1): each is an int length and that many bytes.
 *
 * A length below 0 or above the limit is refused as soon as its four bytes are there. Memory for a frame that spans
 * chunks grows with what has arrived, not with what its length promises.
 */
export class FrameSplitter {
  readonly #limit: number;
  /** Bytes of the length prefix seen so far, 0 to 4, and the prefix as far as it is known. */
  #prefixBytes = 0;
  #prefix = 0;
  /** The begun frame, in memory of its own; `#filled` bytes of it are there. */
  #partial: Uint8Array = new Uint8Array(0);
  #filled = 0;
  #refusal: JuteError | null = null;

  /** @param limit the longest frame allowed, in bytes without the prefix: `jute.maxbuffer`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of an incomplete frame that are held, its prefix included. 0 between frames. */
  get pending(): number {
    return this.#prefixBytes + this.#filled;
  }

  /**
   * Takes the next chunk and yields the frames that it completes, without their prefixes. A frame that lies inside the
   * chunk is a view of it, so it lasts as long as the caller leaves the chunk alone; others have their own memory. The
   * chunk is consumed by iterating; whoever stops early has done with the stream.
   *
   * @throws JuteError 'negative-length' or 'over-limit', after the frames before it; from then on every call throws it.
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    if (this.#refusal !== null) throw this.#refusal;
    let at = 0;
    for (;;) {
      at = this.#readPrefix(chunk, at);
      if (this.#prefixBytes < PREFIX_BYTES) return;
      const length = this.#prefix;
      this.#check(length);
      const missing = length - this.#filled;
      const there = chunk.length - at;
      if (there < missing) {
        this.#keep(chunk, at, there);
        return;
      }
      let frame: Uint8Array;
      if (this.#filled === 0) {
        frame = chunk.subarray(at, at + length);
      } else {
        this.#keep(chunk, at, missing);
        frame = this.#partial.subarray(0, length);
        this.#partial = new Uint8Array(0);
      }
      at += missing;
      this.#filled = 0;
      this.#prefixBytes = 0;
      this.#prefix = 0;
      yield frame;
    }
  }

  /**
   * As `push`, without an object for each frame: points `input` at each frame in turn and calls `take`, which says whether
   * it wants more. Stopping early is having done with the stream.
   *
   * @throws JuteError as `push` does, and whatever `take` throws.
   */
  scan(chunk: Uint8Array, input: Reader, take: () => boolean): void {
    if (this.#refusal !== null) throw this.#refusal;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    for (;;) {
      if (this.#prefixBytes === 0 && at + PREFIX_BYTES <= chunk.length) {
        this.#prefix = view.getInt32(at);
        this.#prefixBytes = PREFIX_BYTES;
        at += PREFIX_BYTES;
      } else at = this.#readPrefix(chunk, at);
      if (this.#prefixBytes < PREFIX_BYTES) return;
      const length = this.#prefix;
      this.#check(length);
      const missing = length - this.#filled;
      if (chunk.length - at < missing) {
        this.#keep(chunk, at, chunk.length - at);
        return;
      }
      if (this.#filled === 0) input.reset(chunk, view, at, at + length);
      else {
        this.#keep(chunk, at, missing);
        const { buffer, byteOffset, byteLength } = this.#partial;
        input.reset(this.#partial, new DataView(buffer, byteOffset, byteLength), 0, length);
        this.#partial = new Uint8Array(0);
      }
      at += missing;
      this.#filled = 0;
      this.#prefixBytes = 0;
      this.#prefix = 0;
      if (!take()) return;
    }
  }

  #readPrefix(chunk: Uint8Array, at: number): number {
    while (this.#prefixBytes < PREFIX_BYTES && at < chunk.length) {
      this.#prefix = (this.#prefix << 8) | (chunk[at++] as number);
      this.#prefixBytes++;
    }
    return at;
  }

  #check(length: number): void {
    if (length < 0) this.#refusal = new JuteError('negative-length', `frame length ${length} is negative`);
    else if (length > this.#limit) {
      this.#refusal = new JuteError('over-limit', `frame length ${length} is above the limit of ${this.#limit}`);
    } else return;
    throw this.#refusal;
  }

  #keep(chunk: Uint8Array, at: number, count: number): void {
    const need = this.#filled + count;
    if (need > this.#partial.length) {
      const size = Math.min(this.#prefix, Math.max(need, this.#partial.length * 2, FIRST_ALLOCATION));
      const grown = new Uint8Array(size);
      grown.set(this.#partial.subarray(0, this.#filled));
      this.#partial = grown;
    }
    copyBytes(chunk, at, this.#partial, this.#filled, count);
    this.#filled = need;
  }
}

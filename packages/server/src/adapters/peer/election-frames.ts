import { PeerProtocolError } from './peer-protocol-error.ts';

const HEADER_BYTES = 4;
/** The largest payload that Apache accepts (election-protocol reference, 2.6). */
const MAX_FRAME_BYTES = 524_288;
/** Memory taken for a payload before its bytes have come: a length that somebody made up costs no more than this. */
const FIRST_BYTES = 4_096;
const NOTHING: Uint8Array = new Uint8Array(0);

/** Cuts a stream of bytes into the frames of an election connection, however it is chopped up. */
export class FrameParser {
  readonly #frame: (payload: Uint8Array) => void;
  #header = 0;
  #headerBytes = 0;
  /** Length of the payload under way; 0: the header is. */
  #length = 0;
  #payload: Uint8Array = NOTHING;
  #have = 0;
  #isStopped = false;

  /** Each payload given to `frame` is memory of its own. */
  constructor(frame: (payload: Uint8Array) => void) {
    this.#frame = frame;
  }

  /** Takes `bytes[start, end of bytes)`. Throws `PeerProtocolError` for a length that is not allowed. */
  push(bytes: Uint8Array, start: number): void {
    let at = start;
    while (at < bytes.length && !this.#isStopped) {
      const whole = this.#wholeAt(bytes, at);
      if (whole > 0) {
        // Not `slice`, which makes no copy of a Buffer.
        this.#frame(new Uint8Array(bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + whole)));
        at += HEADER_BYTES + whole;
      } else if (this.#length === 0) {
        this.#header = (this.#header << 8) | (bytes[at++] as number);
        if (++this.#headerBytes === HEADER_BYTES) this.#begin();
      } else {
        at += this.#fill(bytes, at);
      }
    }
  }

  /** The length of the payload whose frame begins at `at`, if nothing is under way and all of it is there; 0 if not. */
  #wholeAt(bytes: Uint8Array, at: number): number {
    const room = bytes.length - at - HEADER_BYTES;
    if (room < 1 || this.#length > 0 || this.#headerBytes > 0) return 0;
    const length =
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number);
    return length <= Math.min(room, MAX_FRAME_BYTES) ? length : 0;
  }

  /** Hands over no more frames. */
  stop(): void {
    this.#isStopped = true;
  }

  #begin(): void {
    const length = this.#header;
    if (length < 1 || length > MAX_FRAME_BYTES) throw new PeerProtocolError(`a message of ${length} bytes`);
    this.#headerBytes = 0;
    this.#length = length;
    this.#have = 0;
    this.#payload = new Uint8Array(Math.min(length, FIRST_BYTES));
  }

  #fill(bytes: Uint8Array, at: number): number {
    const count = Math.min(bytes.length - at, this.#length - this.#have);
    const need = this.#have + count;
    if (need > this.#payload.length) {
      const larger = new Uint8Array(Math.min(this.#length, Math.max(need, 2 * this.#payload.length)));
      larger.set(this.#payload.subarray(0, this.#have));
      this.#payload = larger;
    }
    this.#payload.set(bytes.subarray(at, at + count), this.#have);
    this.#have = need;
    if (need === this.#length) {
      const payload = this.#payload;
      this.#length = 0;
      this.#payload = NOTHING;
      this.#frame(payload);
    }
    return count;
  }
}

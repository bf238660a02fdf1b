import { SIGNATURE, SnapshotEncoder } from './snapshot-encoder.ts';

/** Large, as much comes in between two looks at what the disk has done. */
const CHUNK_BYTES = 1 << 20;

/**
 * The snapshot file of a state that a leader sends: its bytes as they come, between a file's header and seals
 * (storage-formats reference, section 8; quorum-protocol reference, 5.4).
 */
export class ReceivedSnapshot {
  readonly #encoder: SnapshotEncoder = new SnapshotEncoder(CHUNK_BYTES);
  /** The last bytes so far: they may be the signature, which belongs to the stream and not to the file. */
  readonly #held: Uint8Array = new Uint8Array(SIGNATURE.length);
  #heldCount = 0;
  #isComplete = false;

  constructor() {
    this.#encoder.beginReceived();
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Takes the next bytes of the stream, which are copied. */
  push(bytes: Uint8Array): void {
    const held = this.#held;
    const passing = Math.max(0, this.#heldCount + bytes.length - held.length);
    const fromHeld = Math.min(passing, this.#heldCount);
    this.#encoder.received(held, 0, fromHeld);
    held.copyWithin(0, fromHeld, this.#heldCount);
    this.#heldCount -= fromHeld;
    const fromBytes = passing - fromHeld;
    this.#encoder.received(bytes, 0, fromBytes);
    held.set(bytes.subarray(fromBytes), this.#heldCount);
    this.#heldCount += bytes.length - fromBytes;
  }

  /** The stream has ended with its signature: seals the file. `lastProcessedZxid`: the trailer that 3.9 knows, or null. */
  complete(lastProcessedZxid: number | null): void {
    this.#encoder.endReceived(lastProcessedZxid);
    this.#isComplete = true;
  }

  /** Bytes of the file that have not been taken, or null; the caller owns them. */
  takeChunk(): Uint8Array | null {
    return this.#encoder.takeChunk();
  }

  /** A chunk is needed no more: its memory is used again. */
  giveBack(chunk: Uint8Array): void {
    this.#encoder.giveBack(chunk);
  }
}

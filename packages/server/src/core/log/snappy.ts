import { SnapshotDamaged } from './snapshot-decoder.ts';

/** Mark, version and compatible version that begin a stream of snappy-java. */
const STREAM_HEADER_BYTES = 16;
/** Uncompressed bytes of one block; the Java library writes 32 KiB. */
const MAX_BLOCK_BYTES = 4 << 20;
const MARK: readonly number[] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];

/**
 * Decodes the stream that snappy-java writes (storage-formats reference, section 8), arriving in chunks. Blocks are handed
 * over one by one; the memory is used again for the next. Throws SnapshotDamaged.
 */
export class SnappyStreamDecoder {
  readonly #onBlock: (bytes: Uint8Array) => void;
  #pending: Uint8Array = new Uint8Array(0);
  #block: Uint8Array = new Uint8Array(1 << 15);
  #position = 0;
  #begun = false;

  constructor(onBlock: (bytes: Uint8Array) => void) {
    this.#onBlock = onBlock;
  }

  push(chunk: Uint8Array): void {
    const input = new Uint8Array(this.#pending.length + chunk.length);
    input.set(this.#pending);
    input.set(chunk, this.#pending.length);
    const view = new DataView(input.buffer);
    let at = 0;
    if (!this.#begun) {
      if (input.length < STREAM_HEADER_BYTES) {
        this.#pending = input;
        return;
      }
      if (!MARK.every((byte, i) => input[i] === byte)) throw new SnapshotDamaged(0, 'not a snappy stream');
      this.#begun = true;
      at = STREAM_HEADER_BYTES;
    }
    while (at + 4 <= input.length) {
      const length = view.getInt32(at);
      if (length <= 0 || length > 2 * MAX_BLOCK_BYTES) {
        throw new SnapshotDamaged(this.#position + at, `a snappy block of ${length} bytes`);
      }
      if (at + 4 + length > input.length) break;
      this.#decode(input, at + 4, at + 4 + length);
      at += 4 + length;
    }
    this.#position += at;
    this.#pending = input.slice(at);
  }

  finish(): void {
    if (!this.#begun || this.#pending.length > 0) {
      throw new SnapshotDamaged(this.#position, 'the snappy stream ends too early');
    }
  }

  #decode(input: Uint8Array, start: number, end: number): void {
    const length = snappyLength(input, start, end);
    if (length < 0 || length > MAX_BLOCK_BYTES) {
      throw new SnapshotDamaged(this.#position + start, 'a snappy block of impossible size');
    }
    if (length > this.#block.length) this.#block = new Uint8Array(length);
    if (!decodeSnappyBlock(input, start, end, this.#block)) {
      throw new SnapshotDamaged(this.#position + start, 'a snappy block is damaged');
    }
    this.#onBlock(this.#block.subarray(0, length));
  }
}

/** Uncompressed length of the raw block `input[start, end)`, or -1 when its preamble is malformed. */
export function snappyLength(input: Uint8Array, start: number, end: number): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    if (start + i >= end) return -1;
    const byte = input[start + i];
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  return -1;
}

/** Decodes the raw block into `target`, which has room for `snappyLength` bytes; whether the block is well-formed. */
export function decodeSnappyBlock(input: Uint8Array, start: number, end: number, target: Uint8Array): boolean {
  const length = snappyLength(input, start, end);
  if (length < 0 || length > target.length) return false;
  let at = start;
  while (input[at++] >= 0x80) {
    // The preamble was checked by snappyLength.
  }
  let out = 0;
  while (at < end) {
    const tag = input[at++];
    const kind = tag & 3;
    let count = (tag >>> 2) + 1;
    if (kind === 0) {
      if (count > 60) {
        const extra = count - 60;
        if (at + extra > end) return false;
        count = littleEndian(input, at, extra) + 1;
        at += extra;
      }
      if (at + count > end || out + count > length) return false;
      target.set(input.subarray(at, at + count), out);
      at += count;
      out += count;
      continue;
    }
    const offsetBytes = kind === 3 ? 4 : kind;
    if (at + offsetBytes > end) return false;
    let offset = littleEndian(input, at, offsetBytes);
    at += offsetBytes;
    if (kind === 1) {
      count = ((tag >>> 2) & 7) + 4;
      offset += (tag >>> 5) << 8;
    }
    if (offset === 0 || offset > out || out + count > length) return false;
    // The copy may overlap what it writes: byte by byte, in order.
    for (let i = 0; i < count; i++, out++) target[out] = target[out - offset];
  }
  return out === length;
}

function littleEndian(input: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value += input[at + i] * 2 ** (8 * i);
  return value;
}

/** Uncompressed bytes of one block, as the Java library writes them. */
export const SNAPPY_BLOCK_BYTES: number = 1 << 15;

/** Begins a stream of snappy-java: its mark, then the version and the oldest version that can read it. */
const STREAM_HEADER = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1);
const LENGTH_BYTES = 4;
const TABLE_BITS = 12;
/** Shorter repetitions are not looked for. */
const MIN_MATCH = 4;
/** The longest run that one copy element can stand for. */
const MAX_COPY = 64;
/** Behind so many bytes without a repetition, bytes begin to be passed over: data that cannot be compressed costs little. */
const SKIP_BITS = 5;

/**
 * Writes the stream that snappy-java reads (storage-formats reference, section 8). Chunks are cut into blocks as they come,
 * a short one at the end of each.
 */
export class SnappyStreamEncoder {
  readonly #table: Int32Array = new Int32Array(1 << TABLE_BITS);
  #begun = false;

  /** The part of the stream that stands for the chunk, in memory of its own. */
  encode(chunk: Uint8Array): Uint8Array {
    const blocks = Math.ceil(chunk.length / SNAPPY_BLOCK_BYTES);
    const out = new Uint8Array(STREAM_HEADER.length + chunk.length + Math.ceil(chunk.length / 6) + blocks * 48);
    const view = new DataView(out.buffer);
    let length = this.#begin(out);
    for (let start = 0; start < chunk.length; start += SNAPPY_BLOCK_BYTES) {
      const end = Math.min(chunk.length, start + SNAPPY_BLOCK_BYTES);
      const at = length + LENGTH_BYTES;
      const blockEnd = encodeSnappyBlock(chunk, start, end, out, at, this.#table);
      view.setInt32(length, blockEnd - at);
      length = blockEnd;
    }
    return out.subarray(0, length);
  }

  /** What is still to come: the header, if nothing else was ever written. */
  finish(): Uint8Array {
    const out = new Uint8Array(STREAM_HEADER.length);
    return out.subarray(0, this.#begin(out));
  }

  #begin(out: Uint8Array): number {
    if (this.#begun) return 0;
    this.#begun = true;
    out.set(STREAM_HEADER);
    return STREAM_HEADER.length;
  }
}

/**
 * Encodes `input[start, end)`, at most 64 KiB, as a raw block at `out[at]`; returns where it ends. `table` is scratch memory.
 * Needs room for the input, a sixth more, and 32 bytes.
 */
function encodeSnappyBlock(
  input: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  table: Int32Array,
): number {
  let position = writeLength(end - start, out, at);
  table.fill(-1);
  let literal = start;
  let next = start;
  const last = end - MIN_MATCH;
  while (next <= last) {
    const slot = hash(input, next);
    const candidate = table[slot] as number;
    table[slot] = next;
    if (candidate < 0 || !sameFour(input, candidate, next)) {
      next += 1 + ((next - literal) >> SKIP_BITS);
      continue;
    }
    position = writeLiteral(input, literal, next, out, position);
    let length = MIN_MATCH;
    while (next + length < end && input[candidate + length] === input[next + length]) length++;
    position = writeCopies(next - candidate, length, out, position);
    next += length;
    literal = next;
  }
  return writeLiteral(input, literal, end, out, position);
}

function hash(input: Uint8Array, at: number): number {
  const four =
    (input[at] as number) |
    ((input[at + 1] as number) << 8) |
    ((input[at + 2] as number) << 16) |
    ((input[at + 3] as number) << 24);
  return Math.imul(four, 0x1e35a7bd) >>> (32 - TABLE_BITS);
}

function sameFour(input: Uint8Array, a: number, b: number): boolean {
  return (
    input[a] === input[b] &&
    input[a + 1] === input[b + 1] &&
    input[a + 2] === input[b + 2] &&
    input[a + 3] === input[b + 3]
  );
}

/** The length of the uncompressed block, seven bits a byte, the lowest first. */
function writeLength(length: number, out: Uint8Array, at: number): number {
  let left = length;
  let position = at;
  for (; left >= 0x80; left >>>= 7) out[position++] = (left & 0x7f) | 0x80;
  out[position++] = left;
  return position;
}

function writeLiteral(input: Uint8Array, from: number, to: number, out: Uint8Array, at: number): number {
  const length = to - from;
  if (length === 0) return at;
  let position = at;
  const less = length - 1;
  if (less < 60) out[position++] = less << 2;
  else {
    const isShort = less < 0x100;
    out[position++] = (isShort ? 60 : 61) << 2;
    out[position++] = less & 0xff;
    if (!isShort) out[position++] = less >>> 8;
  }
  out.set(input.subarray(from, to), position);
  return position + length;
}

/** Elements with an offset of two bytes; each stands for 64 bytes at most. */
function writeCopies(offset: number, length: number, out: Uint8Array, at: number): number {
  let position = at;
  for (let left = length; left > 0; left -= MAX_COPY) {
    out[position++] = ((Math.min(left, MAX_COPY) - 1) << 2) | 2;
    out[position++] = offset & 0xff;
    out[position++] = offset >>> 8;
  }
  return position;
}

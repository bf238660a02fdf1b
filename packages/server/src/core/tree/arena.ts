import { invariant } from '../invariants.ts';

/** Handles count units of this many bytes. */
const UNIT_BYTES = 8;
const UNIT_SHIFT = 3;
/** log2 of the units in an ordinary chunk: 2^17 units = 1 MiB. */
const CHUNK_UNITS_SHIFT = 17;
const CHUNK_UNITS_MASK = (1 << CHUNK_UNITS_SHIFT) - 1;
const CHUNK_BYTES = UNIT_BYTES << CHUNK_UNITS_SHIFT;
/** The first chunk is smaller, and each one after it twice as large, up to that size. */
const FIRST_CHUNK_BYTES = 16 * 1024;
/** Blocks above this size get a chunk of their own. */
const LARGEST_SHARED_BLOCK = CHUNK_BYTES >> 2;
/** A handle has 31 bits, so there are at most this many chunks (16 GiB of ordinary ones). */
const MAX_CHUNKS = 1 << (31 - CHUNK_UNITS_SHIFT);

/** Block sizes: steps of 8 bytes up to 256, then about an eighth of the size. */
const CLASS_SIZES: Int32Array = sizeClasses();

function sizeClasses(): Int32Array {
  const sizes: number[] = [];
  for (let size = 8; size <= 256; size += 8) sizes.push(size);
  let size = 256;
  while (size < LARGEST_SHARED_BLOCK) {
    size = Math.min(LARGEST_SHARED_BLOCK, (size + (size >> 3) + 7) & ~7);
    sizes.push(size);
  }
  return Int32Array.from(sizes);
}

function classOf(size: number): number {
  if (size <= 256) return size <= 8 ? 0 : ((size + 7) >> 3) - 1;
  let low = 31;
  let high = CLASS_SIZES.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (CLASS_SIZES[middle] >= size) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Byte blocks of any size in chunks of up to 1 MiB, addressed by 31-bit handles; no JavaScript object per block. Freed blocks go
 * to a free list of their size class and are used again for that class. Blocks above 256 KiB have a chunk of their own,
 * which returns to the engine when freed.
 */
export class ByteArena {
  /** Memory by chunk number; a handle's chunk is `handle >>> 17`. Replaced by null when an own-chunk block is freed. */
  readonly chunks: (Uint8Array | null)[] = [];
  readonly #freeChunks: number[] = [];
  /** Head of each class's free list, or -1. A free block's first four bytes hold the next handle. */
  readonly #freeBlocks: Int32Array = new Int32Array(CLASS_SIZES.length).fill(-1);
  #bumpChunk = -1;
  #bumpUnit = 0;
  /** Where the units of the chunk end. */
  #bumpLimit = 0;
  /** The size of the next chunk. */
  #nextBytes = FIRST_CHUNK_BYTES;
  /** Bytes in blocks handed out, rounded up to their classes. */
  bytesInUse = 0;

  /** Bytes that a block of `size` really has. */
  capacityFor(size: number): number {
    return size > LARGEST_SHARED_BLOCK ? size : CLASS_SIZES[classOf(size)];
  }

  /** Returns the handle of a block of at least `size` bytes, contents undefined. */
  allocate(size: number): number {
    if (size > LARGEST_SHARED_BLOCK) {
      this.bytesInUse += size;
      return this.#newChunk(size) << CHUNK_UNITS_SHIFT;
    }
    const sizeClass = classOf(size);
    const blockBytes = CLASS_SIZES[sizeClass];
    this.bytesInUse += blockBytes;
    const free = this.#freeBlocks[sizeClass];
    if (free !== -1) {
      const chunk = this.chunks[free >>> CHUNK_UNITS_SHIFT] as Uint8Array;
      const at = (free & CHUNK_UNITS_MASK) << UNIT_SHIFT;
      this.#freeBlocks[sizeClass] = chunk[at] | (chunk[at + 1] << 8) | (chunk[at + 2] << 16) | (chunk[at + 3] << 24);
      return free;
    }
    const units = blockBytes >> UNIT_SHIFT;
    if (this.#bumpUnit + units > this.#bumpLimit) {
      while (this.#nextBytes < blockBytes) this.#nextBytes *= 2;
      this.#bumpChunk = this.#newChunk(this.#nextBytes);
      this.#bumpUnit = 0;
      this.#bumpLimit = this.#nextBytes >> UNIT_SHIFT;
      this.#nextBytes = Math.min(CHUNK_BYTES, 2 * this.#nextBytes);
    }
    const handle = (this.#bumpChunk << CHUNK_UNITS_SHIFT) | this.#bumpUnit;
    this.#bumpUnit += units;
    return handle;
  }

  /** Gives a block back; `size` as it was asked for. */
  free(handle: number, size: number): void {
    const chunkIndex = handle >>> CHUNK_UNITS_SHIFT;
    if (size > LARGEST_SHARED_BLOCK) {
      this.bytesInUse -= size;
      this.chunks[chunkIndex] = null;
      this.#freeChunks.push(chunkIndex);
      return;
    }
    const sizeClass = classOf(size);
    this.bytesInUse -= CLASS_SIZES[sizeClass];
    const chunk = this.chunks[chunkIndex] as Uint8Array;
    const at = (handle & CHUNK_UNITS_MASK) << UNIT_SHIFT;
    const next = this.#freeBlocks[sizeClass];
    chunk[at] = next;
    chunk[at + 1] = next >> 8;
    chunk[at + 2] = next >> 16;
    chunk[at + 3] = next >> 24;
    this.#freeBlocks[sizeClass] = handle;
  }

  /** The memory that holds a block. */
  bytesOf(handle: number): Uint8Array {
    return this.chunks[handle >>> CHUNK_UNITS_SHIFT] as Uint8Array;
  }

  /** Where in `bytesOf` the block begins. */
  offsetOf(handle: number): number {
    return (handle & CHUNK_UNITS_MASK) << UNIT_SHIFT;
  }

  #newChunk(bytes: number): number {
    const index = this.#freeChunks.pop() ?? this.chunks.length;
    invariant(index < MAX_CHUNKS, `the arena is full: ${MAX_CHUNKS} chunks`);
    this.chunks[index] = new Uint8Array(bytes);
    return index;
  }
}

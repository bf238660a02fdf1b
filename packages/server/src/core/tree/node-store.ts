import { copyBytes } from '@headkeeper/protocol';
import { invariant } from '../invariants.ts';
import { ByteArena } from './arena.ts';
import { hashPath, PathIndex } from './path-index.ts';

/** Words of a znode's record. The first fifteen are the stat in the order of snapshot files. */
export const Field = {
  czxid: 0,
  mzxid: 2,
  ctime: 4,
  mtime: 6,
  version: 8,
  /** Children ever created; clients see `2 * cversion - numChildren` (client-protocol reference, 4.3). */
  cversion: 9,
  aversion: 10,
  owner: 11,
  pzxid: 13,
  /** -1 for null data. */
  dataLength: 15,
  nameLength: 16,
  /** Arena handle of the block that holds the name and, right behind it, the data. */
  block: 17,
  aclId: 18,
  parent: 19,
  firstChild: 20,
  nextSibling: 21,
  previousSibling: 22,
  childCount: 23,
  hash: 24,
  /** CRC-32 of path and data, from which the node's digest continues over the stat. */
  contentCrc: 25,
  /** The node's share of the tree digest, 0 for znodes below /zookeeper. */
  digest: 26,
  /** Number of the snapshot that has already written this znode. */
  capturedBy: 27,
  /** Counts the lives of the slot. */
  generation: 28,
  /** One of `DigestState`. */
  digestState: 29,
} as const;

/** What the digest word of a znode holds: its share; nothing, as below /zookeeper; nothing yet, since it was loaded. */
export const DigestState = { known: 0, outside: 1, deferred: 2 } as const;

export const STAT_WORDS = 15;
const WORDS = 30;
const CHUNK_SHIFT = 8;
const CHUNK_MASK = (1 << CHUNK_SHIFT) - 1;
const SLASH = 0x2f;

/** Slot of the root. */
export const ROOT = 0;
export const NONE = -1;

/**
 * The znodes, as rows of 32-bit words in chunks of 16384 and bytes in an arena: no JavaScript object per znode. Found by
 * the hash of the full path; the full path itself is not stored, only each znode's name and its parent, so a candidate is
 * compared name by name towards the root.
 */
export class NodeStore {
  readonly arena: ByteArena = new ByteArena();
  readonly #index: PathIndex = new PathIndex();
  readonly #chunks: Int32Array[] = [];
  readonly #seed: number;
  #freeHead = NONE;
  #used = 0;
  #live = 0;
  /** Slots below are in the index; equal to `#used` but while a snapshot is loaded. */
  #filed = 1;
  /** While a snapshot runs, freed slots wait here and are not used again. */
  #quarantine: number[] | null = null;

  constructor(hashSeed: number) {
    this.#seed = hashSeed;
    const root = this.#takeSlot();
    invariant(root === ROOT, 'the root must have slot 0');
    const record = this.record(root);
    const at = this.base(root);
    record[at + Field.block] = this.arena.allocate(0);
    record[at + Field.dataLength] = 0;
  }

  /** Number of znodes, the root included. */
  get size(): number {
    return this.#live;
  }

  /** Slots ever used: every live slot is below. */
  get slotLimit(): number {
    return this.#used;
  }

  /** The words among which the slot's record lies, beginning at `base(slot)`. */
  record(slot: number): Int32Array {
    return this.#chunks[slot >>> CHUNK_SHIFT];
  }

  base(slot: number): number {
    return (slot & CHUNK_MASK) * WORDS;
  }

  get(slot: number, field: number): number {
    return this.#chunks[slot >>> CHUNK_SHIFT][(slot & CHUNK_MASK) * WORDS + field];
  }

  set(slot: number, field: number, value: number): void {
    this.#chunks[slot >>> CHUNK_SHIFT][(slot & CHUNK_MASK) * WORDS + field] = value;
  }

  /** Whether the slot holds a znode now. */
  isLive(slot: number): boolean {
    return this.get(slot, Field.block) !== NONE;
  }

  hash(bytes: Uint8Array, start: number, end: number): number {
    return hashPath(bytes, start, end, this.#seed);
  }

  /** The slot of the path in `bytes[start, end)`, or -1. The empty path and "/" are the root. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (end - start <= 1) return end === start || bytes[start] === SLASH ? ROOT : NONE;
    return this.findHashed(bytes, start, end, hashPath(bytes, start, end, this.#seed));
  }

  /** As `find`, for a path that is not the root and whose hash is known. */
  findHashed(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const index = this.#index;
    for (let slot = index.first(hash); slot !== NONE; slot = index.next(hash)) {
      if (this.#pathEquals(slot, bytes, start, end)) return slot;
    }
    return NONE;
  }

  #pathEquals(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
    const chunks = this.arena.chunks;
    for (;;) {
      const record = this.#chunks[slot >>> CHUNK_SHIFT];
      const at = (slot & CHUNK_MASK) * WORDS;
      const length = record[at + Field.nameLength];
      const nameStart = end - length;
      if (nameStart <= start || bytes[nameStart - 1] !== SLASH) return false;
      const block = record[at + Field.block];
      const name = chunks[block >>> 17] as Uint8Array;
      const offset = (block & 0x1ffff) << 3;
      for (let i = 0; i < length; i++) if (name[offset + i] !== bytes[nameStart + i]) return false;
      slot = record[at + Field.parent];
      end = nameStart - 1;
      if (slot === ROOT) return end === start;
    }
  }

  /**
   * Adds a znode under `parent`. `pathEnd - nameStart` bytes of `bytes` from `nameStart` are its name; `dataLength` is -1 for
   * null. Stat words are all 0. The caller has made sure that the path is free.
   */
  insert(
    parent: number,
    bytes: Uint8Array,
    pathStart: number,
    nameStart: number,
    pathEnd: number,
    data: Uint8Array,
    dataStart: number,
    dataLength: number,
  ): number {
    const slot = this.insertUnfiled(parent, bytes, pathStart, nameStart, pathEnd, data, dataStart, dataLength);
    this.#index.insert(this.get(slot, Field.hash), slot);
    this.#filed = this.#used;
    return slot;
  }

  /**
   * As `insert`, but the znode cannot be found, and nothing be removed, until `fileAll` is called. Many znodes are filed
   * together in a fraction of the time.
   */
  insertUnfiled(
    parent: number,
    bytes: Uint8Array,
    pathStart: number,
    nameStart: number,
    pathEnd: number,
    data: Uint8Array,
    dataStart: number,
    dataLength: number,
  ): number {
    const slot = this.#takeSlot();
    const record = this.record(slot);
    const at = this.base(slot);
    const nameLength = pathEnd - nameStart;
    const block = this.arena.allocate(nameLength + Math.max(0, dataLength));
    const target = this.arena.bytesOf(block);
    const offset = this.arena.offsetOf(block);
    copyBytes(bytes, nameStart, target, offset, nameLength);
    if (dataLength > 0) copyBytes(data, dataStart, target, offset + nameLength, dataLength);
    const hash = hashPath(bytes, pathStart, pathEnd, this.#seed);
    record[at + Field.dataLength] = dataLength;
    record[at + Field.nameLength] = nameLength;
    record[at + Field.block] = block;
    record[at + Field.hash] = hash;
    this.#link(parent, slot);
    return slot;
  }

  /** Files what `insertUnfiled` has added. Returns false, and the store is of no use, when a path is there twice. */
  fileAll(): boolean {
    if (this.#filed === this.#used) return true;
    const index = this.#index;
    index.reserve(this.#used);
    for (; this.#filed < this.#used; this.#filed++) {
      const slot = this.#filed;
      const hash = this.get(slot, Field.hash);
      if (index.insertNew(hash, slot) === NONE) continue;
      for (let other = index.first(hash); other !== NONE; other = index.next(hash)) {
        if (this.#isNamedAs(slot, other)) return false;
      }
      index.insert(hash, slot);
    }
    return true;
  }

  /** Whether two znodes have the same parent and the same name. */
  #isNamedAs(slot: number, other: number): boolean {
    const length = this.get(slot, Field.nameLength);
    if (this.get(other, Field.parent) !== this.get(slot, Field.parent)) return false;
    if (this.get(other, Field.nameLength) !== length) return false;
    const [name, otherName] = [this.dataBytes(slot), this.dataBytes(other)];
    const [at, otherAt] = [this.nameOffset(slot), this.nameOffset(other)];
    for (let i = 0; i < length; i++) if (name[at + i] !== otherName[otherAt + i]) return false;
    return true;
  }

  /** Removes a znode that has no children. */
  remove(slot: number): void {
    const record = this.record(slot);
    const at = this.base(slot);
    invariant(slot !== ROOT && record[at + Field.firstChild] === NONE, 'only a znode without children can be removed');
    const removed = this.#index.remove(record[at + Field.hash], slot);
    invariant(removed, 'every znode is in the index');
    this.#unlink(slot);
    this.arena.free(
      record[at + Field.block],
      record[at + Field.nameLength] + Math.max(0, record[at + Field.dataLength]),
    );
    record[at + Field.block] = NONE;
    this.#live--;
    if (this.#quarantine !== null) this.#quarantine.push(slot);
    else this.#release(slot);
  }

  /** Replaces a znode's data; null data has length -1. */
  setData(slot: number, data: Uint8Array, start: number, length: number): void {
    const record = this.record(slot);
    const at = this.base(slot);
    const nameLength = record[at + Field.nameLength];
    const oldBytes = nameLength + Math.max(0, record[at + Field.dataLength]);
    const newBytes = nameLength + Math.max(0, length);
    const arena = this.arena;
    let block = record[at + Field.block];
    if (arena.capacityFor(oldBytes) !== arena.capacityFor(newBytes)) {
      const next = arena.allocate(newBytes);
      copyBytes(arena.bytesOf(block), arena.offsetOf(block), arena.bytesOf(next), arena.offsetOf(next), nameLength);
      arena.free(block, oldBytes);
      block = next;
      record[at + Field.block] = block;
    }
    if (length > 0) copyBytes(data, start, arena.bytesOf(block), arena.offsetOf(block) + nameLength, length);
    record[at + Field.dataLength] = length;
  }

  /** The memory that holds a znode's data, beginning at `dataOffset(slot)`. */
  dataBytes(slot: number): Uint8Array {
    return this.arena.bytesOf(this.get(slot, Field.block));
  }

  dataOffset(slot: number): number {
    return this.arena.offsetOf(this.get(slot, Field.block)) + this.get(slot, Field.nameLength);
  }

  /** The memory that holds a znode's name, beginning at `nameOffset(slot)`. */
  nameOffset(slot: number): number {
    return this.arena.offsetOf(this.get(slot, Field.block));
  }

  /** Bytes of a znode's full path; 0 for the root. */
  pathLength(slot: number): number {
    let count = 0;
    for (let node = slot; node !== ROOT; node = this.get(node, Field.parent))
      count += this.get(node, Field.nameLength) + 1;
    return count;
  }

  /** Writes a znode's full path so that it ends before `end`; the caller has made `pathLength` bytes of room. */
  writePathBackwards(slot: number, target: Uint8Array, end: number): void {
    for (let node = slot; node !== ROOT; node = this.get(node, Field.parent)) {
      const length = this.get(node, Field.nameLength);
      end -= length;
      copyBytes(this.dataBytes(node), this.nameOffset(node), target, end, length);
      target[--end] = SLASH;
    }
  }

  /** From now on freed slots are not used again, until `releaseSlots`. */
  holdSlots(): void {
    this.#quarantine = [];
  }

  releaseSlots(): void {
    const held = this.#quarantine;
    this.#quarantine = null;
    if (held !== null) for (const slot of held) this.#release(slot);
  }

  #takeSlot(): number {
    let slot = this.#freeHead;
    if (slot === NONE) {
      slot = this.#used++;
      if (slot >>> CHUNK_SHIFT === this.#chunks.length) this.#chunks.push(new Int32Array(WORDS << CHUNK_SHIFT));
    } else this.#freeHead = this.get(slot, Field.nextSibling);
    const record = this.record(slot);
    const at = this.base(slot);
    const generation = record[at + Field.generation] + 1;
    // A slot used for the first time has nothing but zeros.
    if (generation !== 1) for (let word = at; word < at + WORDS; word++) record[word] = 0;
    record[at + Field.generation] = generation;
    record[at + Field.parent] = NONE;
    record[at + Field.firstChild] = NONE;
    record[at + Field.nextSibling] = NONE;
    record[at + Field.previousSibling] = NONE;
    this.#live++;
    return slot;
  }

  #release(slot: number): void {
    this.set(slot, Field.nextSibling, this.#freeHead);
    this.#freeHead = slot;
  }

  #link(parent: number, slot: number): void {
    const first = this.get(parent, Field.firstChild);
    this.set(slot, Field.parent, parent);
    this.set(slot, Field.nextSibling, first);
    if (first !== NONE) this.set(first, Field.previousSibling, slot);
    this.set(parent, Field.firstChild, slot);
    this.set(parent, Field.childCount, this.get(parent, Field.childCount) + 1);
  }

  #unlink(slot: number): void {
    const parent = this.get(slot, Field.parent);
    const next = this.get(slot, Field.nextSibling);
    const previous = this.get(slot, Field.previousSibling);
    if (next !== NONE) this.set(next, Field.previousSibling, previous);
    if (previous !== NONE) this.set(previous, Field.nextSibling, next);
    else this.set(parent, Field.firstChild, next);
    this.set(parent, Field.childCount, this.get(parent, Field.childCount) - 1);
  }
}

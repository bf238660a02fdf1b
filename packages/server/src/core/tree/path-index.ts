/** Smallest table; a power of two. */
const INITIAL_CAPACITY = 1024;
/** Old entries moved to the new table at each insertion while the table grows. */
const MIGRATE_PER_INSERT = 32;
const TOMBSTONE = -1;

/**
 * Hash of the UTF-8 bytes of a path: FNV-1a with a seed and a final mix. High bits go back into low ones at each byte:
 * otherwise paths could be chosen that collide under every seed with the same low byte. 32 bits, signed.
 */
export function hashPath(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed ^ -2128831035;
  for (let i = start; i < end; i++) {
    hash = Math.imul(hash ^ bytes[i], 16777619);
    hash ^= hash >>> 15;
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, -2048144789);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, -1028477387);
  return hash ^ (hash >>> 16);
}

/**
 * Multimap from a 32-bit hash to slot numbers, open addressing with linear probing. It grows step by step: while a bigger
 * table fills, each insertion moves a few entries over, so no single operation pays for the whole.
 *
 * Look-up is a loop of the caller's: `let at = index.first(hash); at !== -1; at = index.next(hash)`, `slotAt` naming the
 * candidate, because only the caller can compare paths.
 */
export class PathIndex {
  /** Pairs (hash, slot + 1); 0 in the second place is empty. */
  #table: Int32Array = new Int32Array(INITIAL_CAPACITY * 2);
  #mask: number = INITIAL_CAPACITY - 1;
  /** The table being emptied, or null. Deleted and moved entries leave tombstones in it. */
  #old: Int32Array | null = null;
  #oldMask = 0;
  #migrated = 0;
  #count = 0;
  #probe = 0;
  #inOld = false;

  get size(): number {
    return this.#count;
  }

  /** The first slot filed under `hash`, or -1. */
  first(hash: number): number {
    this.#probe = hash & this.#mask;
    this.#inOld = false;
    return this.#scan(hash);
  }

  /** The next slot filed under the same hash, or -1. Only right after `first` or `next`. */
  next(hash: number): number {
    this.#probe = (this.#probe + 1) & (this.#inOld ? this.#oldMask : this.#mask);
    return this.#scan(hash);
  }

  #scan(hash: number): number {
    if (!this.#inOld) {
      const table = this.#table;
      const mask = this.#mask;
      let at = this.#probe;
      for (;;) {
        const slot = table[at * 2 + 1];
        if (slot === 0) break;
        if (table[at * 2] === hash) {
          this.#probe = at;
          return slot - 1;
        }
        at = (at + 1) & mask;
      }
      if (this.#old === null) return -1;
      this.#inOld = true;
      this.#probe = hash & this.#oldMask;
    }
    const old = this.#old as Int32Array;
    let at = this.#probe;
    for (;;) {
      const slot = old[at * 2 + 1];
      if (slot === 0) return -1;
      if (slot !== TOMBSTONE && old[at * 2] === hash) {
        this.#probe = at;
        return slot - 1;
      }
      at = (at + 1) & this.#oldMask;
    }
  }

  insert(hash: number, slot: number): void {
    if (this.#old !== null) this.#migrate(MIGRATE_PER_INSERT);
    else if ((this.#count + 1) * 3 > (this.#mask + 1) * 2) this.#grow();
    this.#put(hash, slot + 1);
    this.#count++;
  }

  /** Makes room for so many entries at once, so that nothing is moved before they are there. */
  reserve(count: number): void {
    let capacity = this.#mask + 1;
    while (count * 3 > capacity * 2) capacity *= 2;
    if (this.#old === null && capacity === this.#mask + 1) return;
    const tables = this.#old === null ? [this.#table] : [this.#table, this.#old];
    this.#old = null;
    this.#table = new Int32Array(capacity * 2);
    this.#mask = capacity - 1;
    for (const table of tables) {
      for (let at = 0; at < table.length; at += 2) {
        const stored = table[at + 1];
        if (stored !== 0 && stored !== TOMBSTONE) this.#put(table[at], stored);
      }
    }
  }

  /**
   * Files the slot and returns -1; if another one is filed under the same hash, returns the first such one instead and files
   * nothing. Only after `reserve` for as many. It looks at one place in memory where `first` and `insert` look at several:
   * in a loop the processor fetches those of the next calls meanwhile.
   */
  insertNew(hash: number, slot: number): number {
    const table = this.#table;
    const mask = this.#mask;
    let at = hash & mask;
    for (let stored = table[at * 2 + 1]; stored !== 0; stored = table[at * 2 + 1]) {
      if (table[at * 2] === hash) return stored - 1;
      at = (at + 1) & mask;
    }
    table[at * 2] = hash;
    table[at * 2 + 1] = slot + 1;
    this.#count++;
    return -1;
  }

  /** Removes one entry; false when it is not there. */
  remove(hash: number, slot: number): boolean {
    const table = this.#table;
    const mask = this.#mask;
    let at = hash & mask;
    while (table[at * 2 + 1] !== 0) {
      if (table[at * 2 + 1] === slot + 1 && table[at * 2] === hash) {
        this.#closeGap(at);
        this.#count--;
        return true;
      }
      at = (at + 1) & mask;
    }
    const old = this.#old;
    if (old === null) return false;
    at = hash & this.#oldMask;
    while (old[at * 2 + 1] !== 0) {
      if (old[at * 2 + 1] === slot + 1 && old[at * 2] === hash) {
        old[at * 2 + 1] = TOMBSTONE;
        this.#count--;
        return true;
      }
      at = (at + 1) & this.#oldMask;
    }
    return false;
  }

  #put(hash: number, stored: number): void {
    const table = this.#table;
    let at = hash & this.#mask;
    while (table[at * 2 + 1] !== 0) at = (at + 1) & this.#mask;
    table[at * 2] = hash;
    table[at * 2 + 1] = stored;
  }

  /** Moves later members of the probe run back over the hole at `at`, so that no tombstones are needed. */
  #closeGap(at: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let hole = at;
    let scan = (at + 1) & mask;
    while (table[scan * 2 + 1] !== 0) {
      const home = table[scan * 2] & mask;
      if (((scan - home) & mask) >= ((scan - hole) & mask)) {
        table[hole * 2] = table[scan * 2];
        table[hole * 2 + 1] = table[scan * 2 + 1];
        hole = scan;
      }
      scan = (scan + 1) & mask;
    }
    table[hole * 2 + 1] = 0;
  }

  #grow(): void {
    this.#old = this.#table;
    this.#oldMask = this.#mask;
    this.#migrated = 0;
    const capacity = (this.#mask + 1) * 2;
    this.#table = new Int32Array(capacity * 2);
    this.#mask = capacity - 1;
  }

  #migrate(count: number): void {
    const old = this.#old as Int32Array;
    const end = Math.min(this.#oldMask + 1, this.#migrated + count);
    for (let at = this.#migrated; at < end; at++) {
      const stored = old[at * 2 + 1];
      if (stored === 0 || stored === TOMBSTONE) continue;
      this.#put(old[at * 2], stored);
      old[at * 2 + 1] = TOMBSTONE;
    }
    this.#migrated = end;
    if (end > this.#oldMask) this.#old = null;
  }
}

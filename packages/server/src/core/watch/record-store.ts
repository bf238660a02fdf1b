const CHUNK_SHIFT = 9;
const CHUNK_RECORDS = 1 << CHUNK_SHIFT;
const CHUNK_MASK = CHUNK_RECORDS - 1;
const FIELD_SHIFT = 3;
/** A store of more chunks than this is large: beyond 256 KiB. */
const SMALL_CHUNKS = 16;

/** 32-bit fields in a record. */
export const RECORD_FIELDS: number = 1 << FIELD_SHIFT;
/** Field that links free records; the owner's mark of a free record must be another one. */
const NEXT_FREE = 0;

/**
 * Records of eight 32-bit numbers, in chunks of 16 KiB, numbered from 1; 0 means none. Growing never moves a record.
 */
export class RecordStore {
  /** Records handed out and not freed. */
  count = 0;
  #chunks: Int32Array[] = [];
  #free = 0;
  /** The number that the next record never used before gets. */
  #next = 1;

  /** Numbers below this may be in use. */
  get end(): number {
    return this.#next;
  }

  get(record: number, field: number): number {
    return this.#chunks[record >>> CHUNK_SHIFT][((record & CHUNK_MASK) << FIELD_SHIFT) | field];
  }

  set(record: number, field: number, value: number): void {
    this.#chunks[record >>> CHUNK_SHIFT][((record & CHUNK_MASK) << FIELD_SHIFT) | field] = value;
  }

  /** A record whose fields are all 0. */
  allocate(): number {
    this.count++;
    const free = this.#free;
    if (free !== 0) {
      const chunk = this.#chunks[free >>> CHUNK_SHIFT];
      const at = (free & CHUNK_MASK) << FIELD_SHIFT;
      this.#free = chunk[at + NEXT_FREE];
      chunk.fill(0, at, at + RECORD_FIELDS);
      return free;
    }
    const record = this.#next++;
    if (record >>> CHUNK_SHIFT === this.#chunks.length)
      this.#chunks.push(new Int32Array(CHUNK_RECORDS * RECORD_FIELDS));
    return record;
  }

  free(record: number): void {
    this.count--;
    const chunk = this.#chunks[record >>> CHUNK_SHIFT];
    const at = (record & CHUNK_MASK) << FIELD_SHIFT;
    chunk.fill(0, at, at + RECORD_FIELDS);
    chunk[at + NEXT_FREE] = this.#free;
    this.#free = record;
  }

  /** Whether so much is held that it is worth giving back. */
  get isLarge(): boolean {
    return this.#chunks.length > SMALL_CHUNKS;
  }

  /** Gives the memory back. Only when `count` is 0. */
  clear(): void {
    this.#chunks = [];
    this.#free = 0;
    this.#next = 1;
  }
}

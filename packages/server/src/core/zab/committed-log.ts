import { InvariantViolation } from '../invariants.ts';

const TWO_32 = 4294967296;
const INITIAL_BYTES = 4 * 1024;
const INITIAL_ENTRIES = 256;

/**
 * The last txns applied, as they stand in the log: what a learner that is a little behind is brought up to date from
 * (quorum-protocol reference, 5.1). A window of bounded count and bytes over a history without gaps: it knows the zxid
 * before its first txn, too.
 */
export class CommittedLog {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  /** Ring of bytes; txns never wrap, a txn that does not fit behind the last begins at 0. */
  #bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  view: DataView = new DataView(this.#bytes.buffer);
  /** By position in the ring of entries: zxid, start and end. */
  #zxids: Float64Array = new Float64Array(INITIAL_ENTRIES);
  #starts: Int32Array = new Int32Array(INITIAL_ENTRIES);
  #ends: Int32Array = new Int32Array(INITIAL_ENTRIES);
  #head = 0;
  #count = 0;
  #base: number;

  /** `base`: the zxid of the state before the first txn that will be added. `maxBytes` bounds the memory roughly. */
  constructor(maxCount: number, maxBytes: number, base: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
    this.#base = base;
  }

  get size(): number {
    return this.#count;
  }

  /** The zxid right before the first txn in the window. */
  get base(): number {
    return this.#base;
  }

  /** The last txn's zxid; `base` when the window is empty. */
  get last(): number {
    return this.#count === 0 ? this.#base : this.#zxids[this.#at(this.#count - 1)];
  }

  /** Memory of the txns; changes when txns are added. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  zxidAt(index: number): number {
    return this.#zxids[this.#at(index)];
  }

  startAt(index: number): number {
    return this.#starts[this.#at(index)];
  }

  endAt(index: number): number {
    return this.#ends[this.#at(index)];
  }

  /** Number of txns in the window that are not beyond `zxid`: the index of the first one after it. */
  indexAfter(zxid: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.zxidAt(middle) <= zxid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether the history that the window knows of has exactly this zxid. */
  knows(zxid: number): boolean {
    if (zxid === this.#base) return true;
    const index = this.indexAfter(zxid);
    return index > 0 && this.zxidAt(index - 1) === zxid;
  }

  /** The largest zxid of the known history that is not beyond `zxid`; -1 when that lies before the window. */
  lastNotBeyond(zxid: number): number {
    const index = this.indexAfter(zxid);
    if (index > 0) return this.zxidAt(index - 1);
    return zxid >= this.#base ? this.#base : -1;
  }

  /** Adds the txn whose header, body and digest are `bytes[start, end)`; it has just been applied. */
  add(zxid: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#maxCount === 0) return;
    const last = this.last;
    // A window with a hole would be passed on to learners without notice (known failure S07).
    const follows =
      zxid === last + 1 ||
      (zxid > last && zxid % TWO_32 === 1 && Math.floor(zxid / TWO_32) > Math.floor(last / TWO_32));
    if (!follows) {
      throw new InvariantViolation(`txn 0x${zxid.toString(16)} follows 0x${last.toString(16)} in the committed log`);
    }
    const length = end - start;
    while (this.#count >= this.#maxCount) this.#drop();
    const at = this.#room(length);
    this.#bytes.set(bytes.subarray(start, end), at);
    if (this.#count === this.#zxids.length) this.#growEntries();
    const slot = this.#at(this.#count);
    this.#zxids[slot] = zxid;
    this.#starts[slot] = at;
    this.#ends[slot] = at + length;
    this.#count++;
  }

  #at(index: number): number {
    return (this.#head + index) & (this.#zxids.length - 1);
  }

  #drop(): void {
    this.#base = this.#zxids[this.#head];
    this.#head = (this.#head + 1) & (this.#zxids.length - 1);
    this.#count--;
  }

  /** Offset of `length` free bytes: behind the last txn, or at 0; older txns make room once the memory is at its limit. */
  #room(length: number): number {
    for (;;) {
      if (this.#count === 0) {
        if (length > this.#bytes.length) this.#growBytes(length);
        return 0;
      }
      const first = this.#starts[this.#head];
      const end = this.#ends[this.#at(this.#count - 1)];
      if (end > first) {
        if (end + length <= this.#bytes.length) return end;
        if (length < first) return 0;
      } else if (end + length < first) return end;
      if (this.#bytes.length < this.#maxBytes) this.#growBytes(length);
      else this.#drop();
    }
  }

  #growBytes(length: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, length * 2));
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#at(i);
      const start = this.#starts[slot];
      const end = this.#ends[slot];
      larger.set(this.#bytes.subarray(start, end), at);
      this.#starts[slot] = at;
      at += end - start;
      this.#ends[slot] = at;
    }
    this.#bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  #growEntries(): void {
    const size = this.#zxids.length;
    const zxids = new Float64Array(size * 2);
    const starts = new Int32Array(size * 2);
    const ends = new Int32Array(size * 2);
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#at(i);
      zxids[i] = this.#zxids[slot];
      starts[i] = this.#starts[slot];
      ends[i] = this.#ends[slot];
    }
    this.#zxids = zxids;
    this.#starts = starts;
    this.#ends = ends;
    this.#head = 0;
  }
}

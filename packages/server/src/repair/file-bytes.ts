import { readFully } from '../adapters/disk/recovery-files.ts';
import { adler32 } from '../core/log/checksum.ts';
import { END_OF_RECORD, RECORD_PREFIX_BYTES, TXN_HEADER_BYTES, zxidOfBody } from '../core/log/record-codec.ts';
import type { DiskSource } from '../ports.ts';

const WINDOW_BYTES = 1 << 20;

/** A whole record in a file. */
export interface FoundRecord {
  readonly offset: number;
  /** Behind its end mark. */
  readonly end: number;
  readonly zxid: number;
}

/** Any place of a file, read in windows. */
export class FileBytes {
  readonly size: number;
  readonly #source: DiskSource;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Position in the file of `bytes[0]`, and how many bytes there are. */
  #from = 0;
  #length = 0;

  constructor(source: DiskSource) {
    this.#source = source;
    this.size = source.size;
  }

  /**
   * Brings `count` bytes from `position` on into `bytes`, or as many as the file has; returns where they begin there.
   * Offsets got before are no longer valid.
   */
  bring(position: number, count: number): number {
    const wanted = Math.max(0, Math.min(count, this.size - position));
    if (position >= this.#from && position + wanted <= this.#from + this.#length) return position - this.#from;
    const length = Math.min(Math.max(wanted, WINDOW_BYTES), Math.max(0, this.size - position));
    if (this.bytes.length < length) {
      this.bytes = new Uint8Array(length);
      this.view = new DataView(this.bytes.buffer);
    }
    this.#from = position;
    this.#length = readFully(this.#source, this.bytes.subarray(0, length), position);
    return 0;
  }

  /** A copy of `[from, to)`, shorter when the file is. */
  copy(from: number, to: number): Uint8Array {
    const end = Math.min(to, this.size);
    const at = this.bring(from, end - from);
    return this.bytes.slice(at, at + Math.max(0, end - from));
  }

  /** The whole record with the right checksum that begins at `offset`, or null. */
  recordAt(offset: number, maxRecordBytes: number): FoundRecord | null {
    if (offset + RECORD_PREFIX_BYTES + TXN_HEADER_BYTES + 1 > this.size) return null;
    const at = this.bring(offset, RECORD_PREFIX_BYTES);
    const length = this.view.getInt32(at + 8);
    if (this.view.getInt32(at) !== 0 || length < TXN_HEADER_BYTES || length > maxRecordBytes) return null;
    const end = offset + RECORD_PREFIX_BYTES + length + 1;
    if (end > this.size || this.byteAt(end - 1) !== END_OF_RECORD) return null;
    const start = this.bring(offset, end - offset);
    const body = start + RECORD_PREFIX_BYTES;
    if (this.view.getUint32(start + 4) !== adler32(this.bytes, body, body + length)) return null;
    return { offset, end, zxid: zxidOfBody(this.view, body) };
  }

  /** The byte at a place of the file; leaves `bytes` alone. */
  byteAt(position: number): number {
    if (position >= this.#from && position < this.#from + this.#length)
      return this.bytes[position - this.#from] as number;
    const one = new Uint8Array(1);
    readFully(this.#source, one, position);
    return one[0] as number;
  }

  /** Reads `[from, from + into.length)` into `into`, past the window; returns how many bytes there were. */
  readInto(into: Uint8Array, from: number): number {
    return readFully(this.#source, into, from);
  }

  close(): void {
    this.#source.closeSync();
  }
}

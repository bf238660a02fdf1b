import { adlerOfRange } from '../core/log/adler-ranges.ts';
import { adler32 } from '../core/log/checksum.ts';
import { END_OF_RECORD, RECORD_PREFIX_BYTES, TXN_HEADER_BYTES, zxidOfBody } from '../core/log/record-codec.ts';
import type { FileBytes } from './file-bytes.ts';

const WINDOW_BYTES = 1 << 20;
/** Sums are kept at so many bytes' distance: they take four bytes of memory for as many of the file. */
const STEP_BYTES = 256;
const LEAST_RECORD_BYTES = RECORD_PREFIX_BYTES + TXN_HEADER_BYTES + 1;

/**
 * Looks for whole records in a file of which nothing tells where they begin, where a length is damaged: every byte may be the
 * beginning of one, as long as all the rest. The file is summed once, so that each of them takes no more than two short reads.
 */
export class RecordSearch {
  readonly #file: FileBytes;
  readonly #maxRecordBytes: number;
  /** Adler-32 of the file up to each step; null until it is needed. */
  #sums: Uint32Array | null = null;
  readonly #step: Uint8Array = new Uint8Array(STEP_BYTES);

  constructor(file: FileBytes, maxRecordBytes: number) {
    this.#file = file;
    this.#maxRecordBytes = maxRecordBytes;
  }

  /** Where the first whole record of a zxid of at least `leastZxid` begins, at `from` or later; null when there is none. */
  next(from: number, leastZxid: number): number | null {
    const file = this.#file;
    let position = from;
    while (position + LEAST_RECORD_BYTES <= file.size) {
      const at = file.bring(position, WINDOW_BYTES);
      const inWindow = Math.min(WINDOW_BYTES, file.size - position) - LEAST_RECORD_BYTES;
      const { bytes, view } = file;
      for (let i = at; i <= at + inWindow; i++) {
        if (bytes[i] !== 0 || view.getInt32(i) !== 0) continue;
        const length = view.getInt32(i + 8);
        const body = position + i - at + RECORD_PREFIX_BYTES;
        if (length < TXN_HEADER_BYTES || length > this.#maxRecordBytes || body + length >= file.size) continue;
        if (zxidOfBody(view, i + RECORD_PREFIX_BYTES) < leastZxid || file.byteAt(body + length) !== END_OF_RECORD)
          continue;
        if (this.#sumOf(body, body + length) === view.getUint32(i + 4)) return body - RECORD_PREFIX_BYTES;
      }
      position += inWindow + 1;
    }
    return null;
  }

  #sumOf(from: number, to: number): number {
    this.#sums ??= this.#sumAll();
    return adlerOfRange(this.#upTo(this.#sums, from), this.#upTo(this.#sums, to), to - from);
  }

  #upTo(sums: Uint32Array, position: number): number {
    const step = Math.floor(position / STEP_BYTES);
    const rest = this.#step.subarray(0, position - step * STEP_BYTES);
    this.#file.readInto(rest, step * STEP_BYTES);
    return adler32(rest, 0, rest.length, sums[step] as number);
  }

  /** Reads the whole file once; leaves the window alone. */
  #sumAll(): Uint32Array {
    const sums = new Uint32Array(Math.floor(this.#file.size / STEP_BYTES) + 1);
    const piece = new Uint8Array(WINDOW_BYTES);
    let sum = 1;
    let step = 0;
    for (let position = 0; step < sums.length; position += WINDOW_BYTES) {
      const length = this.#file.readInto(piece, position);
      const steps = Math.min(WINDOW_BYTES / STEP_BYTES, sums.length - step);
      for (let i = 0; i < steps; i++) {
        sums[step++] = sum;
        sum = adler32(piece, i * STEP_BYTES, Math.min(length, (i + 1) * STEP_BYTES), sum);
      }
    }
    return sums;
  }
}

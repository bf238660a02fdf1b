import { createHash, type Hash } from 'node:crypto';
import { epochOf } from '@headkeeper/protocol';
import {
  END_OF_RECORD,
  LOG_HEADER_BYTES,
  RECORD_OVERHEAD_BYTES,
  RECORD_PREFIX_BYTES,
  writeLogFileHeader,
  zxidOfBody,
} from '../core/log/record-codec.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import type { LogRecords } from '../ports.ts';
import { BackupError } from './backup-error.ts';
import type { LogManifest } from './manifest.ts';
import { isPossible } from './naming.ts';

/** A piece of log, ready to be kept: a whole log file in Apache's format, and what its manifest says of the txns. */
export interface LogSegment
  extends Pick<
    LogManifest,
    | 'afterZxid'
    | 'firstZxid'
    | 'lastZxid'
    | 'txns'
    | 'firstTimeMs'
    | 'lastTimeMs'
    | 'minTimeMs'
    | 'maxTimeMs'
    | 'lastRecordAdler'
  > {
  /** The bytes of the file, in order: good until the builder's memory is used for another piece of log. */
  readonly pieces: readonly Uint8Array[];
  readonly plainBytes: number;
  /** Of the file, hexadecimal. */
  readonly plainSha256: string;
}

/** Offset of the time in a txn's body, behind client id, cxid and zxid. */
const TXN_TIME_AT = 20;
/** To compress one takes a fifth of a millisecond, for which others may have to wait; smaller ones take more time in all. */
const PIECE_BYTES = 1 << 16;
const TWO_32 = 4294967296;

/** The header time of the txn whose body begins at `start`: epoch milliseconds. */
export function timeOfBody(view: DataView, start: number): number {
  return view.getInt32(start + TXN_TIME_AT) * TWO_32 + view.getUint32(start + TXN_TIME_AT + 4);
}

/**
 * What pieces of log are built in, one after the other. To get megabytes from the system several times a second, and to give
 * them back, would hold up every thread of the process.
 */
export class SegmentMemory {
  readonly #pieces: Uint8Array[] = [];

  /** The `index`-th part, of so many bytes at least. */
  part(index: number, bytes: number): Uint8Array {
    if (bytes > PIECE_BYTES) return new Uint8Array(bytes);
    const part = this.#pieces[index] ?? new Uint8Array(PIECE_BYTES);
    this.#pieces[index] = part;
    return part;
  }
}

/** Collects txns, in the order of their zxids, into one piece of log. All of them are held in memory. */
export class SegmentBuilder {
  readonly afterZxid: number;
  readonly #memory: SegmentMemory;
  readonly #pieces: Uint8Array[] = [];
  /** Fed while the bytes are still in the processor's cache. */
  readonly #hash: Hash = createHash('sha256');
  #piece: Uint8Array;
  #view: DataView;
  #used: number = LOG_HEADER_BYTES;
  #before = 0;
  #firstZxid = 0;
  #firstTimeMs = 0;
  #lastTimeMs = 0;
  #minTimeMs: number = Number.POSITIVE_INFINITY;
  #maxTimeMs: number = Number.NEGATIVE_INFINITY;
  #adler = 0;
  txns = 0;
  /** Zxid of the last txn added; before the first, the one that the piece follows. */
  lastZxid: number;

  /** `afterZxid`: the txn right before the first one in the history; the snapshot's zxid when the history begins with one. */
  constructor(afterZxid: number, memory: SegmentMemory = new SegmentMemory()) {
    this.afterZxid = afterZxid;
    this.lastZxid = afterZxid;
    this.#memory = memory;
    this.#piece = memory.part(0, 0);
    this.#view = viewOf(this.#piece);
    writeLogFileHeader(this.#piece);
  }

  /** Bytes of the file so far. */
  get bytes(): number {
    return this.#before + this.#used;
  }

  /** Whether a txn can be added: a piece of log holds txns of one epoch only, without a gap. */
  canTake(zxid: number): boolean {
    if (this.txns > 0) return zxid === this.lastZxid + 1 && epochOf(zxid) === epochOf(this.lastZxid);
    return isPossible({ kind: 'log', afterZxid: this.afterZxid, firstZxid: zxid, lastZxid: zxid, uid: '' });
  }

  /**
   * Adds the txn `bytes[start, end)`: TxnHeader, txn and the optional digest (copied), of which `adler` is the Adler-32.
   * Throws BackupError 'unfit'.
   */
  add(bytes: Uint8Array, start: number, end: number, adler: number): void {
    const body = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
    const zxid = zxidOfBody(body, 0);
    if (!this.canTake(zxid)) {
      throw new BackupError(
        'unfit',
        null,
        `Txn ${zxidText(zxid)} cannot follow ${zxidText(this.lastZxid)} in one piece of log.`,
      );
    }
    const bodyStart = this.#room(end - start + RECORD_OVERHEAD_BYTES) + RECORD_PREFIX_BYTES;
    this.#piece.set(bytes.subarray(start, end), bodyStart);
    this.#frame(bodyStart, bodyStart + end - start, adler);
    this.#count(zxid, timeOfBody(body, 0));
  }

  /** Adds records from the first on (copied), until one cannot follow; returns how many it has added. */
  addAll(records: LogRecords): number {
    const { memory, count, starts, ends, zxids, adlers } = records;
    const view = viewOf(memory);
    let done = 0;
    while (done < count && this.canTake(zxids[done] as number)) {
      const start = starts[done] as number;
      const bodyStart = this.#room((ends[done] as number) - start + RECORD_OVERHEAD_BYTES) + RECORD_PREFIX_BYTES;
      const shift = bodyStart - start;
      const stop = this.#stretch(records, done, this.#piece.length - shift);
      this.#piece.set(memory.subarray(start, ends[stop - 1]), bodyStart);
      for (; done < stop; done++) {
        const at = starts[done] as number;
        this.#frame(at + shift, (ends[done] as number) + shift, adlers[done] as number);
        this.#count(zxids[done] as number, timeOfBody(view, at));
      }
    }
    return done;
  }

  /** The piece of log. There must be a txn in it, and nothing may be added afterwards. */
  finish(): LogSegment {
    if (this.txns === 0) throw new RangeError('a piece of log holds one txn at least');
    const last = this.#piece.subarray(0, this.#used);
    return {
      afterZxid: this.afterZxid,
      firstZxid: this.#firstZxid,
      lastZxid: this.lastZxid,
      txns: this.txns,
      firstTimeMs: this.#firstTimeMs,
      lastTimeMs: this.#lastTimeMs,
      minTimeMs: this.#minTimeMs,
      maxTimeMs: this.#maxTimeMs,
      lastRecordAdler: this.#adler,
      pieces: [...this.#pieces, last],
      plainBytes: this.bytes,
      plainSha256: this.#hash.update(last).digest('hex'),
    };
  }

  /**
   * The index behind the records from `first` on that follow each other, lie as they do in a file and end before `limit`:
   * to copy these at once takes a fraction of the time.
   */
  #stretch({ count, starts, ends, zxids }: LogRecords, first: number, limit: number): number {
    let next = first + 1;
    for (; next < count; next++) {
      const before = zxids[next - 1] as number;
      const zxid = zxids[next] as number;
      if (starts[next] !== (ends[next - 1] as number) + RECORD_OVERHEAD_BYTES || (ends[next] as number) >= limit) break;
      if (zxid !== before + 1 || epochOf(zxid) !== epochOf(before)) break;
    }
    return next;
  }

  /** Writes what stands around the body `[start, end)` of the piece. */
  #frame(start: number, end: number, adler: number): void {
    const at = start - RECORD_PREFIX_BYTES;
    this.#view.setInt32(at, 0);
    this.#view.setUint32(at + 4, adler);
    this.#view.setInt32(at + 8, end - start);
    this.#piece[end] = END_OF_RECORD;
    this.#adler = adler;
    this.#used = end + 1;
  }

  #count(zxid: number, timeMs: number): void {
    if (this.txns === 0) {
      this.#firstZxid = zxid;
      this.#firstTimeMs = timeMs;
    }
    this.txns++;
    this.lastZxid = zxid;
    this.#lastTimeMs = timeMs;
    this.#minTimeMs = Math.min(this.#minTimeMs, timeMs);
    this.#maxTimeMs = Math.max(this.#maxTimeMs, timeMs);
  }

  /** Offset of `count` free bytes of the current piece. */
  #room(count: number): number {
    if (this.#used + count > this.#piece.length) {
      const full = this.#piece.subarray(0, this.#used);
      this.#hash.update(full);
      this.#pieces.push(full);
      this.#before += this.#used;
      this.#piece = this.#memory.part(this.#pieces.length, count);
      this.#view = viewOf(this.#piece);
      this.#used = 0;
    }
    return this.#used;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

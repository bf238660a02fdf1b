import type { Writer } from '@headkeeper/protocol';
import { adler32 } from './checksum.ts';

/** "ZKLG". */
export const LOG_MAGIC = 0x5a4b4c47;
export const LOG_VERSION = 2;
/** Magic, version and database id. */
export const LOG_HEADER_BYTES = 16;
/** Checksum and length, in front of the body. */
export const RECORD_PREFIX_BYTES = 12;
/** The byte behind every complete record, "B". */
export const END_OF_RECORD = 0x42;
/** Bytes of a record beside its body. */
export const RECORD_OVERHEAD_BYTES = 13;
/** Bytes of the TxnHeader that begins every body. */
export const TXN_HEADER_BYTES = 32;
/** Offset of the zxid in the body. */
export const TXN_ZXID_AT = 12;
const TXN_TIME_AT = 20;

const TWO_32 = 4294967296;

/** Writes the 16 bytes that begin a log file at `at`. */
export function writeLogFileHeader(target: Uint8Array, at = 0): void {
  target.fill(0, at, at + LOG_HEADER_BYTES);
  target[at] = 0x5a;
  target[at + 1] = 0x4b;
  target[at + 2] = 0x4c;
  target[at + 3] = 0x47;
  target[at + 7] = LOG_VERSION;
}

/** Reserves the prefix of a record and returns the record's offset. The caller writes the body next, then `endRecord`. */
export function beginRecord(w: Writer): number {
  const at = w.reserve(RECORD_PREFIX_BYTES);
  w.length = at + RECORD_PREFIX_BYTES;
  return at;
}

/** Completes the record that began at `at`: checksum and length of what was written since, and the end byte. */
export function endRecord(w: Writer, at: number): void {
  const bodyStart = at + RECORD_PREFIX_BYTES;
  const bodyEnd = w.length;
  w.byte(END_OF_RECORD);
  w.view.setInt32(at, 0);
  w.view.setUint32(at + 4, adler32(w.bytes, bodyStart, bodyEnd));
  w.view.setInt32(at + 8, bodyEnd - bodyStart);
}

/** The zxid of the txn whose body begins at `bodyStart`. */
export function zxidOfBody(view: DataView, bodyStart: number): number {
  return view.getInt32(bodyStart + TXN_ZXID_AT) * TWO_32 + view.getUint32(bodyStart + TXN_ZXID_AT + 4);
}

/** When the txn was made, by the wall clock of the server that made it. */
export function timeOfBody(view: DataView, bodyStart: number): number {
  return view.getInt32(bodyStart + TXN_TIME_AT) * TWO_32 + view.getUint32(bodyStart + TXN_TIME_AT + 4);
}

/**
 * What stands at the reader's position.
 *
 * - `record`: a whole record with the right checksum.
 * - `end`: nothing (the end of the input, or zero padding).
 * - `torn`: the beginning of a record whose end is missing; Apache's reader ends the file here.
 * - `need-more`: the window ends, the file does not.
 * - `damaged`: a record that is all there and wrong; Apache's reader refuses to start.
 */
export type RecordResult = 'record' | 'end' | 'torn' | 'need-more' | 'damaged';

/** Finds the records in a window of a log file (storage-formats reference, sections 3 and 7). */
export class RecordReader {
  readonly #maxRecordBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #end = 0;
  #last = false;
  /** Offset of the record that `next` looked at last. */
  at = 0;
  /** Offset where the next record begins; moves only past whole records. */
  pos = 0;
  /** After `record`: the body. After `torn` or `damaged` with a believable length: where the body would be, else equal. */
  bodyStart = 0;
  bodyEnd = 0;
  /** After `torn` or `damaged`: what was seen. */
  reason = '';

  constructor(maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  /** Points the reader at `bytes[start, end)`; `last` says that the file ends there. */
  reset(bytes: Uint8Array, view: DataView, start: number, end: number, last: boolean): void {
    this.#bytes = bytes;
    this.#view = view;
    this.#end = end;
    this.#last = last;
    this.at = start;
    this.pos = start;
  }

  next(): RecordResult {
    const at = this.pos;
    const left = this.#end - at;
    this.at = at;
    this.bodyStart = at + RECORD_PREFIX_BYTES;
    this.bodyEnd = this.bodyStart;
    if (left < RECORD_PREFIX_BYTES) return this.#short(at);
    const length = this.#view.getInt32(at + 8);
    if (length === 0) {
      if (this.#view.getInt32(at) === 0 && this.#view.getInt32(at + 4) === 0) return 'end';
      return this.#stop('torn', 'the length is 0');
    }
    if (length < TXN_HEADER_BYTES || length > this.#maxRecordBytes) {
      return this.#stop('damaged', `the length ${length} is impossible (limit ${this.#maxRecordBytes})`);
    }
    const bodyEnd = this.bodyStart + length;
    this.bodyEnd = bodyEnd;
    if (bodyEnd >= this.#end) return this.#last ? this.#stop('torn', 'the file ends inside the record') : 'need-more';
    if (this.#bytes[bodyEnd] !== END_OF_RECORD) return this.#stop('torn', 'the end-of-record byte is missing');
    if (
      this.#view.getInt32(at) !== 0 ||
      this.#view.getUint32(at + 4) !== adler32(this.#bytes, this.bodyStart, bodyEnd)
    ) {
      return this.#stop('damaged', 'the checksum does not match');
    }
    this.pos = bodyEnd + 1;
    return 'record';
  }

  #short(at: number): RecordResult {
    if (!this.#last) return 'need-more';
    for (let i = at; i < this.#end; i++) {
      if (this.#bytes[i] !== 0) return this.#stop('torn', 'the file ends inside the checksum and length');
    }
    return 'end';
  }

  #stop(result: 'torn' | 'damaged', reason: string): RecordResult {
    this.reason = reason;
    return result;
  }
}

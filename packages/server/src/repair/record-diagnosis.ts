import { decodeTxn, JuteError, Reader, type Txn } from '@headkeeper/protocol';
import { isZero } from '../core/log/byte-window.ts';
import { adler32 } from '../core/log/checksum.ts';
import {
  END_OF_RECORD,
  LOG_HEADER_BYTES,
  LOG_MAGIC,
  RECORD_PREFIX_BYTES,
  TXN_HEADER_BYTES,
  writeLogFileHeader,
} from '../core/log/record-codec.ts';
import type { FileBytes } from './file-bytes.ts';
import { LARGEST_RECORD_BYTES } from './log-scan.ts';

/**
 * What is wrong with a record.
 *
 * - `whole`: nothing.
 * - `header`: the 16 bytes at the file's beginning; the first record is whole.
 * - `length`: another length makes checksum and end mark right.
 * - `end-mark`: only the byte behind it.
 * - `checksum-padding`: only the upper half of the checksum, which is always 0.
 * - `body-or-checksum`: length and end mark are right, the checksum is not that of the body.
 * - `unwritten`: zeros from here to the end of the file, or the file ends.
 * - `unknown`: more than one thing, or nothing that makes sense.
 */
export type RecordFault =
  | 'whole'
  | 'header'
  | 'length'
  | 'end-mark'
  | 'checksum-padding'
  | 'body-or-checksum'
  | 'unwritten'
  | 'unknown';

export interface RecordDiagnosis {
  readonly offset: number;
  readonly fault: RecordFault;
  /** The fields as they are in the file; null where it ends before. */
  readonly checksum: bigint | null;
  readonly length: number | null;
  /** The checksum of the body and the byte behind it, if the length can be believed. */
  readonly computed: number | null;
  readonly endMark: number | null;
  /** The length that makes the record right; null when there is none, or more than one. */
  readonly rightLength: number | null;
  /** The body by the believed length; null when it cannot be decoded. */
  readonly txn: Txn | null;
  /** The first bytes, for people. */
  readonly head: Uint8Array;
  /** What makes the record right beyond doubt; null when nothing does. */
  readonly fix: { readonly offset: number; readonly bytes: Uint8Array } | null;
}

const SHOWN_BYTES = 96;
const SEARCH_BYTES = 8 << 20;

/** Looks at the record that begins at `offset`, or at the file's header for 0. Throws what the disk throws. */
export function diagnoseRecord(file: FileBytes, offset: number): RecordDiagnosis {
  if (offset < LOG_HEADER_BYTES) return diagnoseHeader(file);
  const head = file.copy(offset, offset + SHOWN_BYTES);
  const nothing = { offset, head, computed: null, endMark: null, rightLength: null, txn: null, fix: null };
  if (head.length < RECORD_PREFIX_BYTES || restIsZero(file, offset)) {
    return { ...nothing, fault: 'unwritten', checksum: null, length: null };
  }
  const view = new DataView(head.buffer);
  const checksum = view.getBigUint64(0);
  const length = view.getInt32(8);
  const end = offset + RECORD_PREFIX_BYTES + length;
  const fields = { ...nothing, checksum, length };
  if (length < TXN_HEADER_BYTES || length > LARGEST_RECORD_BYTES || end >= file.size) {
    return withRightLength(file, { ...fields, fault: 'unknown' });
  }
  const at = file.bring(offset, RECORD_PREFIX_BYTES + length + 1);
  const body = at + RECORD_PREFIX_BYTES;
  const computed = adler32(file.bytes, body, body + length);
  const endMark = file.bytes[body + length] as number;
  const low = Number(checksum & 0xffffffffn);
  const found = { ...fields, computed, endMark, txn: decoded(file, body, body + length) };
  if (low === computed) {
    const padding = checksum >> 32n !== 0n;
    const mark = endMark !== END_OF_RECORD;
    if (!padding && !mark) return { ...found, fault: 'whole' };
    if (padding && mark) return { ...found, fault: 'unknown' };
    return padding
      ? { ...found, fault: 'checksum-padding', fix: { offset, bytes: new Uint8Array(4) } }
      : { ...found, fault: 'end-mark', fix: { offset: end, bytes: Uint8Array.of(END_OF_RECORD) } };
  }
  const lengthFits = endMark === END_OF_RECORD && isRecordOrEnd(file, end + 1);
  return withRightLength(file, { ...found, fault: lengthFits ? 'body-or-checksum' : 'unknown' });
}

function diagnoseHeader(file: FileBytes): RecordDiagnosis {
  const head = file.copy(0, LOG_HEADER_BYTES);
  const isRight = head.length === LOG_HEADER_BYTES && new DataView(head.buffer).getInt32(0) === LOG_MAGIC;
  const first = file.recordAt(LOG_HEADER_BYTES, LARGEST_RECORD_BYTES);
  const bytes = new Uint8Array(LOG_HEADER_BYTES);
  writeLogFileHeader(bytes);
  let fault: RecordFault = 'unknown';
  if (isRight) fault = 'whole';
  else if (first !== null) fault = 'header';
  const fields = { checksum: null, length: null, computed: null, endMark: null, rightLength: null, txn: null };
  return { offset: 0, fault, ...fields, head, fix: fault === 'header' ? { offset: 0, bytes } : null };
}

/** Tries every length whose end mark is there. */
function withRightLength(file: FileBytes, found: RecordDiagnosis): RecordDiagnosis {
  const { offset, checksum } = found;
  const start = offset + RECORD_PREFIX_BYTES;
  if (checksum === null || checksum >> 32n !== 0n) return found;
  const wanted = Number(checksum);
  const at = file.bring(start, SEARCH_BYTES);
  const { bytes } = file;
  const end = at + Math.min(SEARCH_BYTES, file.size - start);
  if (at + TXN_HEADER_BYTES >= end) return found;
  const fitting: number[] = [];
  let sum = adler32(bytes, at, at + TXN_HEADER_BYTES);
  for (let here = at + TXN_HEADER_BYTES; here < end; here++) {
    if (bytes[here] === END_OF_RECORD && sum === wanted) fitting.push(here - at);
    sum = adler32(bytes, here, here + 1, sum);
  }
  const [right] = fitting.filter((length) => isRecordOrEnd(file, start + length + 1));
  if (right === undefined || fitting.length > 1) return found;
  const again = file.bring(start, right);
  const txn = decoded(file, again, again + right);
  const field = new Uint8Array(4);
  new DataView(field.buffer).setInt32(0, right);
  return {
    ...found,
    fault: 'length',
    rightLength: right,
    txn,
    fix: txn === null ? null : { offset: offset + 8, bytes: field },
  };
}

function decoded(file: FileBytes, start: number, end: number): Txn | null {
  const bytes = file.bytes.slice(start, end);
  const input = new Reader(bytes);
  try {
    return decodeTxn(input);
  } catch (error) {
    if (error instanceof JuteError) return null;
    throw error;
  }
}

/** Whether a whole record begins there, or nothing but zeros follow. */
function isRecordOrEnd(file: FileBytes, offset: number): boolean {
  return file.recordAt(offset, LARGEST_RECORD_BYTES) !== null || restIsZero(file, offset);
}

function restIsZero(file: FileBytes, offset: number): boolean {
  const step = 1 << 20;
  for (let from = offset; from < file.size; from += step) {
    const count = Math.min(step, file.size - from);
    const at = file.bring(from, count);
    if (!isZero(file.bytes, at, at + count)) return false;
  }
  return true;
}

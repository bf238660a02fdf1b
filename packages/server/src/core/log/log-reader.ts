import { AdlerRanges } from './adler-ranges.ts';
import { ByteWindow, isZero } from './byte-window.ts';
import { adler32 } from './checksum.ts';
import {
  END_OF_RECORD,
  LOG_HEADER_BYTES,
  LOG_MAGIC,
  RECORD_PREFIX_BYTES,
  RecordReader,
  type RecordResult,
  TXN_HEADER_BYTES,
  writeLogFileHeader,
  zxidOfBody,
} from './record-codec.ts';
import { zxidText } from './recovery-refused.ts';
import { isUnwritten, SECTOR_BYTES } from './unwritten-sector.ts';

/** Receives one whole, checked record; the body is `bytes[start, end)`, valid during the call. `offset` is in the file. */
export type RecordHandler = (bytes: Uint8Array, view: DataView, start: number, end: number, offset: number) => void;

/**
 * How a log file ends.
 *
 * - `clean`: nothing, or zeros, behind the last record.
 * - `empty`: not even a header: no bytes, a part of the header, or zeros only.
 * - `torn`: the beginning of a record, and nothing after it that a crash could not leave.
 * - `damaged`: a record that is all there and wrong, or something behind a broken record.
 * - `not-a-log`: it does not begin like a log file.
 */
export type LogEndKind = 'clean' | 'empty' | 'torn' | 'damaged' | 'not-a-log';

export interface LogEnd {
  readonly kind: LogEndKind;
  /** Position in the file behind the last whole record. */
  readonly offset: number;
  readonly records: number;
  /** What was seen there; '' when clean. */
  readonly reason: string;
  /**
   * Whether Apache's reader takes the file as ended here and goes on with the next one. A directory that Apache has used
   * since can hold such a file in its middle.
   */
  readonly endsForApache: boolean;
  /**
   * Whether a sector that an intact record could not leave empty was never written. Then no sync that covered the record
   * can have succeeded, and nothing from here on in the file was ever acknowledged.
   */
  readonly unwritten: boolean;
}

const HEADER: Uint8Array = makeHeader();

function makeHeader(): Uint8Array {
  const header = new Uint8Array(LOG_HEADER_BYTES);
  writeLogFileHeader(header);
  return header;
}

type Phase = 'header' | 'records' | 'broken' | 'tail';

/**
 * Reads one log file that arrives in chunks, hands over its records and judges its end. Memory is bounded by one chunk and
 * the largest record. An exception of the handler passes through.
 */
export class LogFileReader {
  readonly #onRecord: RecordHandler;
  readonly #window: ByteWindow = new ByteWindow(1 << 12);
  readonly #reader: RecordReader;
  readonly #maxRecordBytes: number;
  #phase: Phase = 'header';
  #records = 0;
  /** Of the record read last. */
  #zxid = -1;
  #offset = 0;
  #broken: RecordResult = 'end';
  #reason = '';
  #unwritten = false;
  /** The broken record is whole: its length field is what is wrong. */
  #lengthDamaged = false;
  /** Something other than zeros lies behind the place where the records end. */
  #dirty = false;

  constructor(maxRecordBytes: number, onRecord: RecordHandler) {
    this.#onRecord = onRecord;
    this.#maxRecordBytes = maxRecordBytes;
    this.#reader = new RecordReader(maxRecordBytes);
  }

  push(chunk: Uint8Array): void {
    if (this.#phase === 'tail') {
      this.#dirty ||= !isZero(chunk, 0, chunk.length);
      return;
    }
    this.#window.append(chunk);
    this.#advance(false);
  }

  /** The file has ended. */
  finish(): LogEnd {
    this.#advance(true);
    const kind = this.#kind();
    return {
      kind,
      offset: this.#offset,
      records: this.#records,
      reason: this.#dirty && this.#reason === '' ? 'something follows the zeros behind the last record' : this.#reason,
      endsForApache: kind === 'clean' || kind === 'torn' || (kind === 'damaged' && this.#broken !== 'damaged'),
      unwritten: this.#unwritten,
    };
  }

  #kind(): LogEndKind {
    if (this.#offset === 0) return this.#dirty || this.#reason !== '' ? 'not-a-log' : 'empty';
    if (this.#broken === 'damaged' || this.#lengthDamaged || this.#dirty) return 'damaged';
    return this.#broken === 'torn' ? 'torn' : 'clean';
  }

  #advance(last: boolean): void {
    if (this.#phase === 'header') this.#header(last);
    if (this.#phase === 'records') this.#scan(last);
    if (this.#phase === 'broken') this.#judge(last);
  }

  #header(last: boolean): void {
    const { bytes, view, start, end } = this.#window;
    if (end - start < SECTOR_BYTES && !last) return;
    if (end - start >= LOG_HEADER_BYTES && view.getInt32(start) === LOG_MAGIC) {
      this.#window.start += LOG_HEADER_BYTES;
      this.#offset = LOG_HEADER_BYTES;
      this.#phase = 'records';
      return;
    }
    const headerEnd = Math.min(end, start + LOG_HEADER_BYTES);
    // A file whose first sector was never written holds nothing that was ever acknowledged.
    this.#unwritten = isZero(bytes, start, Math.min(end, start + SECTOR_BYTES));
    this.#dirty = !isZero(bytes, headerEnd, end);
    if (!isBeginningOfHeader(bytes, start, headerEnd)) this.#reason = 'the file does not begin like a log';
    this.#phase = 'tail';
  }

  #scan(last: boolean): void {
    const window = this.#window;
    const reader = this.#reader;
    reader.reset(window.bytes, window.view, window.start, window.end, last);
    let result = reader.next();
    while (result === 'record') {
      const zxid = zxidOfBody(window.view, reader.bodyStart);
      // One that stands twice Apache applies twice, to the same effect; a gap behind it is found like any other.
      if (zxid < this.#zxid) {
        this.#stray(zxid);
        return;
      }
      this.#zxid = zxid;
      this.#records++;
      this.#onRecord(window.bytes, window.view, reader.bodyStart, reader.bodyEnd, window.base + reader.at);
      result = reader.next();
    }
    window.start = reader.pos;
    this.#offset = window.base + reader.pos;
    if (result === 'need-more') return;
    this.#broken = result;
    this.#reason = result === 'end' ? '' : reader.reason;
    this.#phase = 'broken';
  }

  /** A record that is whole and in the wrong place: the one that was written here is gone (known failure D21). */
  #stray(zxid: number): void {
    const { base } = this.#window;
    this.#offset = base + this.#reader.at;
    this.#broken = 'damaged';
    this.#reason = `${zxidText(zxid)} stands behind ${zxidText(this.#zxid)}: a record lies where another was written`;
    this.#window.start = this.#window.end;
    this.#phase = 'tail';
  }

  /** Looks closely at the place where the records end, once the broken record and the sector behind it are there. */
  #judge(last: boolean): void {
    const window = this.#window;
    const { bytes, view, start, end } = window;
    const bodyStart = start + RECORD_PREFIX_BYTES;
    if (this.#broken !== 'end' && !last && end < bodyStart + this.#maxRecordBytes + SECTOR_BYTES) return;
    if (!last && end < bodyStart + SECTOR_BYTES) return;
    this.#reader.reset(bytes, view, start, end, last);
    this.#reader.next();
    const { bodyEnd } = this.#reader;
    if (this.#broken !== 'end' && this.#holdsWholeRecord(bodyStart)) {
      this.#lengthDamaged = true;
      this.#reason = 'the length does not fit the record, which is whole otherwise';
    } else if (this.#broken === 'torn' && bodyEnd >= end && this.#holdsLaterRecord(bodyStart)) {
      this.#lengthDamaged = true;
      this.#reason = 'the length passes the end of the file, and whole records stand before that';
    } else {
      this.#unwritten = isUnwritten(window, bodyStart, bodyEnd);
    }
    // The end mark of a record that was never completed is zero, too.
    if (this.#broken !== 'damaged') this.#dirty = !isZero(bytes, Math.min(bodyEnd, end), end);
    window.start = end;
    this.#phase = 'tail';
  }

  /** Whether a whole record stands anywhere behind, of a txn behind those that were read: no crash leaves that (known failure D21). */
  #holdsLaterRecord(from: number): boolean {
    const { bytes, view, end } = this.#window;
    // What looks like the beginning of a record may stand at every fourth byte, and each as long as all the rest.
    let sums: AdlerRanges | null = null;
    for (let at = from; at + RECORD_PREFIX_BYTES + TXN_HEADER_BYTES < end; at++) {
      const length = view.getInt32(at + 8);
      const bodyEnd = at + RECORD_PREFIX_BYTES + length;
      if (view.getInt32(at) !== 0 || length < TXN_HEADER_BYTES || bodyEnd >= end) continue;
      if (bytes[bodyEnd] !== END_OF_RECORD || zxidOfBody(view, at + RECORD_PREFIX_BYTES) <= this.#zxid) continue;
      sums ??= new AdlerRanges(bytes, from, end);
      if (view.getUint32(at + 4) === sums.of(at + RECORD_PREFIX_BYTES, bodyEnd)) return true;
    }
    return false;
  }

  /**
   * Whether another length makes the record right. An intact record with a damaged length looks like a torn one whenever
   * the wrong length leads to a zero byte, or past the end; taken for torn, it would be lost, and with it every record
   * behind it.
   */
  #holdsWholeRecord(bodyStart: number): boolean {
    const { bytes, view } = this.#window;
    const end = Math.min(this.#window.end, bodyStart + this.#maxRecordBytes + 1);
    if (bodyStart + TXN_HEADER_BYTES >= end) return false;
    const checksum = view.getUint32(bodyStart - 8);
    let sum = adler32(bytes, bodyStart, bodyStart + TXN_HEADER_BYTES);
    for (let at = bodyStart + TXN_HEADER_BYTES; at < end; at++) {
      if (bytes[at] === END_OF_RECORD && sum === checksum) return true;
      sum = adler32(bytes, at, at + 1, sum);
    }
    return false;
  }
}

/** Whether the bytes are a part of the header, or none, and zeros behind it. */
function isBeginningOfHeader(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && bytes[at] === HEADER[at - start]) at++;
  return isZero(bytes, at, end);
}

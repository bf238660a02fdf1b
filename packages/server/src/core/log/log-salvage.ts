import { ByteWindow, isZero } from './byte-window.ts';
import {
  END_OF_RECORD,
  LOG_HEADER_BYTES,
  LOG_MAGIC,
  RECORD_PREFIX_BYTES,
  RecordReader,
  TXN_HEADER_BYTES,
} from './record-codec.ts';

/** Receives one intact record; the body is `bytes[start, end)`, valid during the call. `offset` of the record in the file. */
export type SalvagedRecord = (bytes: Uint8Array, view: DataView, start: number, end: number, offset: number) => void;

/** A record whose body is not what its checksum says, in a frame that leads to the next record. */
export interface DamagedFrame {
  /** Bytes of the body. */
  readonly length: number;
  /** Checksum that the body had. */
  readonly adler: number;
}

/**
 * Reads what is intact of a damaged log file that arrives in chunks. A record that is wrong is passed by its length, where that
 * leads to its end mark; anything else ends the reading, because what looks like a record behind such a place may be what a
 * client has put into a znode.
 */
export class LogSalvage {
  readonly #onRecord: SalvagedRecord;
  readonly #onDamage: (frame: DamagedFrame) => void;
  readonly #window: ByteWindow = new ByteWindow(1 << 16);
  readonly #reader: RecordReader;
  #phase: 'header' | 'records' | 'end' | 'lost' = 'header';
  /** Something other than zeros lies behind the last record. */
  #isDirty = false;

  constructor(maxRecordBytes: number, onRecord: SalvagedRecord, onDamage: (frame: DamagedFrame) => void) {
    this.#reader = new RecordReader(maxRecordBytes);
    this.#onRecord = onRecord;
    this.#onDamage = onDamage;
  }

  push(chunk: Uint8Array): void {
    if (this.#phase === 'lost') return;
    if (this.#phase === 'end') {
      this.#isDirty ||= !isZero(chunk, 0, chunk.length);
      return;
    }
    this.#window.append(chunk);
    this.#advance(false);
  }

  /** The file has ended. Returns whether every record in it was seen, intact or not: nothing but zeros is behind them. */
  finish(): boolean {
    this.#advance(true);
    return this.#phase === 'end' && !this.#isDirty;
  }

  #advance(isLast: boolean): void {
    if (this.#phase === 'header') this.#header(isLast);
    while (this.#phase === 'records' && this.#scan(isLast));
  }

  #header(isLast: boolean): void {
    const { view, start, end } = this.#window;
    if (end - start < LOG_HEADER_BYTES) {
      if (isLast) this.#phase = 'lost';
      return;
    }
    if (view.getInt32(start) !== LOG_MAGIC) {
      this.#phase = 'lost';
      return;
    }
    this.#window.start += LOG_HEADER_BYTES;
    this.#phase = 'records';
  }

  /** Hands over the records that are there; false when more bytes are needed. */
  #scan(isLast: boolean): boolean {
    const window = this.#window;
    const reader = this.#reader;
    reader.reset(window.bytes, window.view, window.start, window.end, isLast);
    let result = reader.next();
    while (result === 'record') {
      this.#onRecord(window.bytes, window.view, reader.bodyStart, reader.bodyEnd, window.base + reader.at);
      result = reader.next();
    }
    window.start = reader.pos;
    if (result === 'need-more') return false;
    const { at, bodyStart, bodyEnd } = reader;
    if (result === 'end') {
      this.#phase = 'end';
      this.#isDirty = !isZero(window.bytes, window.start, window.end);
      return false;
    }
    // A length that leads nowhere is not to be believed.
    const isFrame = bodyEnd - bodyStart >= TXN_HEADER_BYTES && bodyEnd < window.end;
    if (!isFrame || window.bytes[bodyEnd] !== END_OF_RECORD || window.view.getInt32(at) !== 0) {
      this.#phase = 'lost';
      return false;
    }
    this.#onDamage({ length: bodyEnd - bodyStart, adler: window.view.getUint32(bodyStart - RECORD_PREFIX_BYTES + 4) });
    window.start = bodyEnd + 1;
    return true;
  }
}

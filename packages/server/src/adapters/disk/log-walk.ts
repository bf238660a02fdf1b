import { counterOf, epochOf } from '@headkeeper/protocol';
import { isZero } from '../../core/log/byte-window.ts';
import {
  END_OF_RECORD,
  LOG_HEADER_BYTES,
  LOG_MAGIC,
  RECORD_PREFIX_BYTES,
  RecordReader,
  TXN_HEADER_BYTES,
  zxidOfBody,
} from '../../core/log/record-codec.ts';
import { zxidText } from '../../core/log/recovery-refused.ts';
import type { LogFile } from '../../core/log/recovery-source.ts';
import { type Disk, type DiskSource, HistoryUnreachable, type LogCursor, type LogRecords } from '../../ports.ts';
import { listLogs, readFully } from './recovery-files.ts';
import { isUnreadable } from './unreadable.ts';

export interface LogWalkOptions {
  readonly disk: Disk;
  /** The `version-2` folder of the log directory. */
  readonly folder: string;
  /** The walk begins at the first record of this file. */
  readonly file: LogFile;
  /** Records up to this one are passed over. */
  readonly lastZxid: number;
  /** Whether a snapshot, or what is known of the log, has a zxid between the two: then txns are missing that no counter tells of. */
  readonly isMissingBetween: (afterZxid: number, beforeZxid: number) => boolean;
}

/** Behind the last record that a walk passed, in bytes. */
export interface LogPlace {
  readonly file: string;
  readonly offset: number;
}

const SEEK_BYTES = 1 << 20;
const LEAST_WINDOW = 1 << 16;
/** Files are mostly small where much is read of them. */
const FIRST_MEMORY = 1 << 13;
/** Lengths beyond are not even tried. */
const MOST_RECORD_BYTES = 0x7fffffff - 4096;

/**
 * Reads log files forward, one after the other, and makes sure that nothing is missing: each record follows the one before
 * or begins an epoch, and each file follows the one that was read in the folder's order. A file that is removed while it is
 * read stays readable; what comes behind it does not, as nothing could tell then what else has gone.
 */
export class LogWalk implements LogCursor, LogRecords {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #isMissingBetween: (afterZxid: number, beforeZxid: number) => boolean;
  readonly #reader: RecordReader = new RecordReader(MOST_RECORD_BYTES);
  #file: LogFile;
  #source: DiskSource | null = null;
  /** Where the next record of the file begins. */
  #position = 0;
  #place: LogPlace;

  lastZxid: number;
  memory: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.memory.buffer);
  count = 0;
  starts: Int32Array = new Int32Array(1024);
  ends: Int32Array = new Int32Array(1024);
  zxids: Float64Array = new Float64Array(1024);
  adlers: Uint32Array = new Uint32Array(1024);

  constructor(options: LogWalkOptions) {
    this.#disk = options.disk;
    this.#folder = options.folder;
    this.#isMissingBetween = options.isMissingBetween;
    this.lastZxid = options.lastZxid;
    this.#file = options.file;
    this.#place = { file: options.file.name, offset: LOG_HEADER_BYTES };
    this.#open(options.file);
  }

  /** Where the last record ends that was passed or handed over; behind a file's header when it was none of that file. */
  get place(): LogPlace {
    return this.#place;
  }

  bytesAhead(): number {
    let bytes = -this.#position;
    for (const log of listLogs(this.#disk, this.#folder)) if (log.zxid >= this.#file.zxid) bytes += log.size;
    return Math.max(0, bytes);
  }

  next(maxBytes: number, upToZxid: number): LogRecords | null {
    while (this.lastZxid < upToZxid) {
      const stopped = this.#readOn(maxBytes, upToZxid);
      if (this.count > 0) return this;
      if (stopped || !this.#openNext()) break;
    }
    return null;
  }

  /** Passes every record up to `zxid`, reading as far as the first one beyond it. */
  passTo(zxid: number): void {
    for (;;) {
      const stopped = this.#readOn(SEEK_BYTES, zxid);
      if (stopped || (this.lastZxid === zxid && this.count > 0)) return;
      if (this.count === 0 && !this.#openNext()) return;
    }
  }

  /**
   * Passes the records of the present file up to `zxid` by their lengths alone, which is quick, and returns the zxid of the
   * last; null when there was none.
   */
  skipTo(zxid: number): number | null {
    let last: number | null = null;
    let want = SEEK_BYTES;
    for (;;) {
      const end = this.#fill(want);
      let at = 0;
      let bodyEnd = 0;
      for (; at + RECORD_PREFIX_BYTES + TXN_HEADER_BYTES < end; at = bodyEnd + 1) {
        const length = this.#view.getInt32(at + 8);
        bodyEnd = at + RECORD_PREFIX_BYTES + length;
        if (bodyEnd >= end) break;
        const found = zxidOfBody(this.#view, at + RECORD_PREFIX_BYTES);
        if (length < TXN_HEADER_BYTES || this.memory[bodyEnd] !== END_OF_RECORD || found > zxid) {
          this.#pass(at);
          this.#settle(last);
          return last;
        }
        last = found;
      }
      this.#pass(at);
      // Nothing whole was left: either the file ends here, or one record is longer than the window.
      if (end < want || (at === 0 && !this.#hasBytes(bodyEnd + 1))) {
        this.#settle(last);
        return last;
      }
      want = at > 0 ? SEEK_BYTES : Math.max(2 * want, bodyEnd + 1);
    }
  }

  close(): void {
    this.#source?.closeSync();
    this.#source = null;
  }

  #settle(last: number | null): void {
    if (last !== null) this.lastZxid = last;
  }

  /** Collects the next records of this file; true when one beyond `upToZxid` was seen. */
  #readOn(maxBytes: number, upToZxid: number): boolean {
    this.count = 0;
    let want = Math.max(maxBytes, LEAST_WINDOW);
    for (;;) {
      const end = this.#fill(want);
      const reader = this.#reader;
      reader.reset(this.memory, this.#view, 0, end, end < want);
      let result = reader.next();
      for (; result === 'record'; result = reader.next()) {
        const zxid = zxidOfBody(this.#view, reader.bodyStart);
        if (zxid > upToZxid) {
          this.#pass(reader.at);
          return true;
        }
        if (zxid <= this.lastZxid) continue;
        this.#requireNext(zxid);
        this.#push(reader.bodyStart, reader.bodyEnd, zxid);
        this.lastZxid = zxid;
      }
      const passed = reader.pos;
      this.#pass(passed);
      if (this.count > 0 || result === 'end' || result === 'torn') return false;
      if (result === 'damaged') throw this.#unreachable(`is damaged (${reader.reason})`);
      if (passed > 0) continue;
      const needed = Math.max(reader.bodyEnd + 1, RECORD_PREFIX_BYTES);
      if (!this.#hasBytes(needed)) return false;
      want = Math.max(2 * want, needed);
    }
  }

  /** Fills the memory from the position on, up to `want` bytes; returns how many there are. */
  #fill(want: number): number {
    if (this.#source === null) return 0;
    let room = Math.min(want, Math.max(this.memory.length, FIRST_MEMORY));
    for (let end = 0; ; ) {
      if (this.memory.length < room) {
        this.memory = grown(this.memory, new Uint8Array(room));
        this.#view = new DataView(this.memory.buffer);
      }
      end += this.#read(this.#source, this.memory.subarray(end, room), this.#position + end);
      if (end < room || room === want) return end;
      room = Math.min(want, 4 * room);
    }
  }

  #read(source: DiskSource, target: Uint8Array, position: number): number {
    try {
      return readFully(source, target, position);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      throw this.#unreachable(`cannot be read: ${(error as Error).message}`);
    }
  }

  /** Whether the file goes on for so many bytes. Its size can have grown since it was opened. */
  #hasBytes(count: number): boolean {
    const log = listLogs(this.#disk, this.#folder).find(({ name }) => name === this.#file.name);
    return log !== undefined && this.#position + count <= log.size;
  }

  #pass(bytes: number): void {
    if (bytes === 0) return;
    this.#position += bytes;
    this.#place = { file: this.#file.name, offset: this.#position };
  }

  #push(start: number, end: number, zxid: number): void {
    if (this.count === this.starts.length) {
      this.starts = grown(this.starts, new Int32Array(2 * this.count));
      this.ends = grown(this.ends, new Int32Array(2 * this.count));
      this.zxids = grown(this.zxids, new Float64Array(2 * this.count));
      this.adlers = grown(this.adlers, new Uint32Array(2 * this.count));
    }
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.zxids[this.count] = zxid;
    this.adlers[this.count] = this.#view.getUint32(start - RECORD_PREFIX_BYTES + 4);
    this.count++;
  }

  #requireNext(zxid: number): void {
    const last = this.lastZxid;
    if (epochOf(zxid) === epochOf(last)) {
      if (zxid === last + 1) return;
    } else if (counterOf(zxid) === 1 && !this.#isMissingBetween(last, zxid)) {
      return;
    }
    throw this.#unreachable(`has ${zxidText(zxid)} behind ${zxidText(last)}: what is between them is missing`);
  }

  /** Goes on to the file behind this one; false when this is the last. */
  #openNext(): boolean {
    const logs = listLogs(this.#disk, this.#folder);
    const at = logs.findIndex(({ name }) => name === this.#file.name);
    if (at < 0) throw this.#unreachable('was removed while it was read');
    const next = logs[at + 1];
    if (next === undefined) return false;
    this.close();
    this.#open(next);
    return true;
  }

  #open(file: LogFile): void {
    this.#file = file;
    this.#source = this.#disk.openReadSync(`${this.#folder}/${file.name}`);
    this.#position = LOG_HEADER_BYTES;
    const header = new Uint8Array(LOG_HEADER_BYTES);
    const bytes = this.#read(this.#source, header, 0);
    const isLog = bytes === LOG_HEADER_BYTES && new DataView(header.buffer).getInt32(0) === LOG_MAGIC;
    if (!isLog && !isZero(header, 0, bytes)) throw this.#unreachable('does not begin like a log');
  }

  #unreachable(what: string): HistoryUnreachable {
    return new HistoryUnreachable(`${this.#folder}/${this.#file.name} ${what}`);
  }
}

function grown<T extends Uint8Array | Int32Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

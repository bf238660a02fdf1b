import { counterOf, epochOf } from '@headkeeper/protocol';
import { InvariantViolation, invariant } from '../../core/invariants.ts';
import {
  LOG_HEADER_BYTES,
  RECORD_OVERHEAD_BYTES,
  RECORD_PREFIX_BYTES,
  RecordReader,
  writeLogFileHeader,
} from '../../core/log/record-codec.ts';
import type { Disk, DiskFile, DiskSource, Journal, JournalListener, Timers } from '../../ports.ts';
import { logName, SPARE_LOG_NAME } from './file-names.ts';
import { JournalStatistics } from './journal-statistics.ts';
import { LoggedMark } from './logged-mark.ts';
import { readFully } from './recovery-files.ts';

export interface JournalOptions {
  readonly disk: Disk;
  /** The `version-2` folder of the log directory; exists already. */
  readonly folder: string;
  /** Most bytes of zeros kept written ahead of the records (`preAllocSize`); 0 or less: none. */
  readonly preAllocBytes: number;
  /** A file that has grown to so many bytes is followed by another (`txnLogSizeLimitInKb`); 0 or less: no limit. */
  readonly fileLimitBytes?: number;
  /** The last zxid in the log or snapshot that was recovered: the first append continues it. */
  readonly lastZxid: number;
  readonly listener: JournalListener;
  /** Monotonic milliseconds with a fraction, to notice a disk too slow for synchronous syncs. */
  readonly nowMs: () => number;
  /** Where it is noted what the journal does; nobody asks if it is not given. */
  readonly statistics?: JournalStatistics;
  /** For the mark of what has been durable (`LoggedMark`); none is written if they are not given. */
  readonly timers?: Timers;
}

/** Appended records that go to one file with one sync. */
interface Batch {
  readonly pieces: Piece[];
  bytes: number;
  txns: number;
  /** When the first of them came. */
  appendedMs: number;
  firstZxid: number;
  lastZxid: number;
  /** Whether the log was rolled before the first of them. */
  rolled: boolean;
}

interface Piece {
  readonly memory: Uint8Array;
  readonly start: number;
  end: number;
}

/** Zeros are written in steps this large: small, so that the sync that has to flush them is not much delayed. */
const ZERO_STEP = 1 << 20;
/** As many zeros as this are kept ahead of the last record. */
const ZEROS_AHEAD = 4 << 20;
/** Zeros behind the header of a new file, written and synced with it. */
const FIRST_ZEROS = 64 << 10;
/** Batches of several pieces up to this size are copied together in memory that is kept. */
const STAGING_LIMIT = 4 << 20;
/** Batches up to this size are written by the caller's thread; only their sync is waited for elsewhere. */
const WRITE_IN_PLACE = 1 << 20;
/** A synchronous sync must not hold up the loop for longer than this; a slower one sends the next ones to a thread. */
const SLOW_SYNC_MS = 2;
const ZEROS = new Uint8Array(ZERO_STEP);

/**
 * A `Journal` in Apache's log files (storage-formats reference, sections 3 and 6).
 *
 * - What is appended while a sync runs goes into the next one: one write and one sync for all of it. Callers flush
 *   once a turn of the loop, so that a batch takes what the whole turn appends.
 * - `flush(true)` with nothing in flight writes and syncs synchronously, and calls `listener.durable` before it returns:
 *   callers must bear that. After a sync slower than 2 ms it behaves like `flush(false)` until syncs are fast again.
 * - A file is made under a name that nobody reads, gets its header, is synced, and only then is renamed to
 *   `log.<first zxid>` and the folder synced, all before its first batch is written: no crash leaves a log file without a
 *   header, or acknowledged records in a file without a durable name. The file before it is wholly durable by then.
 * - Real zeros are written ahead of the records, so that a sync has no metadata to commit.
 * - The first failure is reported once; nothing is written, and nothing reported durable, after it. The file is cut back to
 *   what is durable.
 *
 * Throws `InvariantViolation` when the zxids of an append do not continue those before.
 */
export function createJournal(options: JournalOptions): Journal {
  return new JournalFiles(options);
}

class JournalFiles implements Journal {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #fileLimit: number;
  readonly #zerosAhead: number;
  readonly #zeroStep: number;
  readonly #listener: JournalListener;
  readonly #nowMs: () => number;
  readonly #statistics: JournalStatistics;
  readonly #mark: LoggedMark | null;

  /** The file that takes records, or null before the first. */
  #file: DiskFile | null = null;
  /** Where the next record goes. */
  #position = 0;
  /** What is on stable storage in the file ends here, as far as it has been reported. */
  #durableEnd = 0;
  /** The file is written up to here: by records, then by zeros, those under way included. */
  #written = 0;
  /** Where the zeros under way begin, or -1. */
  #zeroing = -1;
  /** Continues once no zeros are under way. */
  #afterZeros: (() => void) | null = null;

  #lastZxid: number;
  /** Batches closed by a roll, or by the end of their epoch, oldest first. */
  readonly #closed: Batch[] = [];
  #open: Batch = emptyBatch();
  /** Whether a file is being made, or a batch written or synced. */
  #busy = false;
  #staging: Uint8Array = new Uint8Array(4 << 10);
  #appendedSinceRoll = 0;
  #slowDisk = false;

  #failure: Error | null = null;
  #closing: ((error: Error | null) => void) | null = null;
  #isLast = false;
  #isClosed = false;

  constructor(options: JournalOptions) {
    this.#disk = options.disk;
    this.#folder = options.folder;
    const { fileLimitBytes = 0 } = options;
    this.#fileLimit = fileLimitBytes > 0 ? fileLimitBytes - LOG_HEADER_BYTES : Number.POSITIVE_INFINITY;
    const preAllocBytes = Math.max(0, options.preAllocBytes);
    this.#zerosAhead = Math.min(preAllocBytes, ZEROS_AHEAD);
    this.#zeroStep = Math.min(Math.ceil(preAllocBytes / 4), ZERO_STEP);
    this.#lastZxid = options.lastZxid;
    this.#listener = options.listener;
    this.#nowMs = options.nowMs;
    this.#statistics = options.statistics ?? new JournalStatistics();
    const spare = this.#path(SPARE_LOG_NAME);
    if (this.#disk.existsSync(spare)) this.#disk.removeSync(spare);
    const { timers } = options;
    this.#mark =
      timers === undefined
        ? null
        : new LoggedMark(this.#disk, this.#folder, timers, this.#lastZxid, (error) => this.#fail(error));
  }

  append(memory: Uint8Array, start: number, end: number, firstZxid: number, lastZxid: number): void {
    invariant(this.#closing === null && !this.#isClosed, 'append to a closed journal');
    invariant(end - start > RECORD_OVERHEAD_BYTES && end <= memory.length, 'append of less than a record');
    this.#assertContinues(firstZxid, lastZxid);
    this.#lastZxid = lastZxid;
    if (this.#failure !== null) return;
    if (this.#appendedSinceRoll >= this.#fileLimit) this.roll();
    // A batch is of one epoch: all before that is to be durable first.
    if (this.#open.bytes > 0 && firstZxid !== this.#open.lastZxid + 1) this.#closeBatch();
    const batch = this.#open;
    if (batch.bytes === 0) {
      batch.firstZxid = firstZxid;
      batch.appendedMs = this.#nowMs();
    }
    batch.lastZxid = lastZxid;
    batch.bytes += end - start;
    batch.txns += lastZxid - firstZxid + 1;
    this.#statistics.appended += lastZxid - firstZxid + 1;
    this.#appendedSinceRoll += end - start;
    const last = batch.pieces[batch.pieces.length - 1];
    if (last !== undefined && last.memory === memory && last.end === start) last.end = end;
    else batch.pieces.push({ memory, start, end });
  }

  #assertContinues(firstZxid: number, lastZxid: number): void {
    const epoch = epochOf(firstZxid);
    const contiguous =
      firstZxid === this.#lastZxid + 1
        ? epoch === epochOf(this.#lastZxid)
        : epoch > epochOf(this.#lastZxid) && counterOf(firstZxid) === 1;
    if (!contiguous || lastZxid < firstZxid || epochOf(lastZxid) !== epoch) {
      throw new InvariantViolation(
        `append of zxids 0x${firstZxid.toString(16)} to 0x${lastZxid.toString(16)} after 0x${this.#lastZxid.toString(16)}`,
      );
    }
  }

  flush(lone: boolean): void {
    if (this.#failure !== null || this.#busy || this.#isClosed) return;
    if (lone && !this.#slowDisk && this.#syncsInPlace()) {
      this.#flushInPlace();
    } else this.#start();
  }

  /** Whether the pending records can go to the open file at once, clear of zeros under way. */
  #syncsInPlace(): boolean {
    const batch = this.#open;
    return (
      this.#file !== null &&
      this.#closed.length === 0 &&
      batch.bytes > 0 &&
      !batch.rolled &&
      this.#mark?.isNewEpoch(batch.firstZxid) !== true &&
      (this.#zeroing < 0 || this.#position + batch.bytes <= this.#zeroing)
    );
  }

  #flushInPlace(): void {
    const batch = this.#takeBatch();
    const file = this.#file as DiskFile;
    const began = this.#nowMs();
    let syncing = began;
    const done = this.#attempt(() => {
      const piece = this.#gather(batch);
      file.writeSync(piece.memory, piece.start, piece.end, this.#position);
      this.#advance(batch.bytes);
      syncing = this.#nowMs();
      file.dataSyncSync();
    });
    if (!done) return;
    this.#durableEnd = this.#position;
    this.#observe(batch, began, syncing);
    this.#writeZeros();
    this.#mark?.note(batch.lastZxid);
    this.#listener.durable(batch.lastZxid);
  }

  roll(): void {
    if (this.#open.bytes > 0) this.#closeBatch();
    this.#open.rolled = true;
    this.#appendedSinceRoll = 0;
  }

  #closeBatch(): void {
    this.#closed.push(this.#open);
    this.#open = emptyBatch();
  }

  bytesSinceRoll(): number {
    if (this.#open.rolled || this.#file === null) return this.#appendedSinceRoll;
    return LOG_HEADER_BYTES + this.#appendedSinceRoll + Math.max(0, this.#written - this.#position);
  }

  close(done: (error: Error | null) => void, isLast = false): void {
    invariant(this.#closing === null && !this.#isClosed, 'journal closed twice');
    this.#closing = done;
    this.#isLast = isLast;
    if (this.#failure !== null) this.#finishClose();
    else if (!this.#busy) this.#start();
  }

  /** Begins the next batch, if there is one and nothing is in flight. */
  #start(): void {
    if (this.#busy || this.#failure !== null || this.#isClosed) return;
    if (this.#pendingBytes() === 0) {
      if (this.#closing !== null) this.#whenNoZeros(() => this.#finishClose());
      return;
    }
    this.#busy = true;
    const batch = this.#takeBatch();
    if (this.#mark?.isNewEpoch(batch.firstZxid) === true) this.#mark.endEpoch(() => this.#place(batch));
    else this.#place(batch);
  }

  #place(batch: Batch): void {
    if (this.#failure !== null) return;
    if (this.#file === null || batch.rolled) this.#whenNoZeros(() => this.#makeFile(batch));
    else this.#writeBatch(this.#file, batch);
  }

  #pendingBytes(): number {
    return this.#open.bytes + (this.#closed[0]?.bytes ?? 0);
  }

  #takeBatch(): Batch {
    const batch = this.#closed.shift() ?? this.#open;
    if (batch === this.#open) this.#open = emptyBatch();
    this.#statistics.began(batch.txns, this.#open.txns);
    return batch;
  }

  #makeFile(batch: Batch): void {
    const spare = this.#path(SPARE_LOG_NAME);
    const path = this.#path(logName(batch.firstZxid));
    const header = new Uint8Array(LOG_HEADER_BYTES + Math.min(FIRST_ZEROS, this.#zerosAhead));
    writeLogFileHeader(header);
    const file = this.#changeFile(spare, path);
    if (file === null) return;
    this.#file = file;
    this.#position = LOG_HEADER_BYTES;
    this.#durableEnd = LOG_HEADER_BYTES;
    this.#written = header.length;
    const named = this.#then(() => this.#writeBatch(file, batch));
    const synced = this.#then(() => {
      if (this.#attempt(() => this.#disk.renameSync(spare, path))) this.#disk.syncDir(this.#folder, named);
    });
    file.write(
      header,
      0,
      header.length,
      0,
      this.#then(() => file.dataSync(synced)),
    );
  }

  /** Closes the file that is complete and makes the next; null when the disk fails. */
  #changeFile(spare: string, path: string): DiskFile | null {
    try {
      this.#file?.closeSync();
      this.#file = null;
      this.#refuseToReplaceRecords(path);
      return this.#disk.createSync(spare);
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  /** A file of this name can only be left by a torn write, so it holds no whole record; if it does, something is wrong. */
  #refuseToReplaceRecords(path: string): void {
    if (!this.#disk.existsSync(path)) return;
    const source = this.#disk.openReadSync(path);
    try {
      if (holdsRecord(source)) throw new Error(`${path} exists and holds records: it is not replaced`);
    } finally {
      source.closeSync();
    }
  }

  #writeBatch(file: DiskFile, batch: Batch): void {
    if (this.#zeroing >= 0 && this.#position + batch.bytes > this.#zeroing) {
      this.#whenNoZeros(() => this.#writeBatch(file, batch));
      return;
    }
    const began = this.#nowMs();
    const piece = this.#gather(batch);
    const position = this.#position;
    this.#advance(batch.bytes);
    let syncing = began;
    const synced = this.#then(() => {
      this.#durableEnd = position + batch.bytes;
      this.#observe(batch, began, syncing);
      this.#settle(batch);
    });
    const sync = (): void => {
      syncing = this.#nowMs();
      file.dataSync(synced);
    };
    // Into the page cache a batch goes faster than a thread could be woken for it.
    if (batch.bytes <= WRITE_IN_PLACE) {
      const written = this.#attempt(() => file.writeSync(piece.memory, piece.start, piece.end, position));
      if (written) sync();
      return;
    }
    file.write(piece.memory, piece.start, piece.end, position, this.#then(sync));
  }

  #observe(batch: Batch, writeMs: number, syncMs: number): void {
    const nowMs = this.#nowMs();
    this.#slowDisk = nowMs - writeMs > SLOW_SYNC_MS;
    this.#statistics.synced(batch.txns, batch.appendedMs, writeMs, syncMs, nowMs);
  }

  /** The next batch is on its way before this one is reported. */
  #settle(batch: Batch): void {
    this.#busy = false;
    this.#writeZeros();
    // Before the next batch, which may begin an epoch.
    this.#mark?.note(batch.lastZxid);
    if (this.#pendingBytes() > 0) this.#start();
    if (this.#failure === null) this.#listener.durable(batch.lastZxid);
    if (this.#closing !== null) this.#start();
  }

  /** The batch as one run of bytes. */
  #gather(batch: Batch): Piece {
    const first = batch.pieces[0] as Piece;
    if (batch.pieces.length === 1) return first;
    let memory = this.#staging;
    if (memory.length < batch.bytes) {
      memory = new Uint8Array(Math.max(batch.bytes, Math.min(memory.length * 2, STAGING_LIMIT)));
      if (memory.length <= STAGING_LIMIT) this.#staging = memory;
    }
    let length = 0;
    for (const piece of batch.pieces) {
      memory.set(piece.memory.subarray(piece.start, piece.end), length);
      length += piece.end - piece.start;
    }
    return { memory, start: 0, end: length };
  }

  #advance(count: number): void {
    this.#position += count;
    if (this.#position > this.#written) this.#written = this.#position;
  }

  /** Writes zeros behind the records when few are left. */
  #writeZeros(): void {
    const file = this.#file;
    if (file === null || this.#failure !== null || this.#zeroing >= 0 || this.#zeroStep === 0) return;
    if (this.#written - this.#position > this.#zerosAhead - this.#zeroStep) return;
    const from = this.#written;
    this.#zeroing = from;
    this.#written = from + this.#zeroStep;
    const written = this.#then(() => {
      this.#zeroing = -1;
      const waiting = this.#afterZeros;
      this.#afterZeros = null;
      if (waiting === null) this.#writeZeros();
      else waiting();
    });
    file.write(ZEROS, 0, this.#zeroStep, from, written);
  }

  #whenNoZeros(fn: () => void): void {
    if (this.#zeroing < 0) fn();
    else this.#afterZeros = fn;
  }

  /** A completion that goes on with `next`, or ends everything. */
  #then(next: () => void): (error: Error | null) => void {
    return (error) => {
      if (this.#failure !== null) return;
      if (error === null) next();
      else this.#fail(error);
    };
  }

  /** Calls the disk synchronously; false when it failed, and everything ends. */
  #attempt(call: () => void): boolean {
    try {
      call();
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #fail(reason: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = reason instanceof Error ? reason : new Error(String(reason));
    this.#dropUnsynced();
    this.#listener.failed(this.#failure);
    if (this.#closing !== null) this.#finishClose();
  }

  /**
   * After a failed sync the page cache goes on showing records that are not on the disk and never will be (known failure
   * D01). They are cut off, so that the next process does not take them for recovered. Where even that fails, nothing more
   * can be done.
   */
  #dropUnsynced(): void {
    try {
      this.#file?.truncateSync(this.#durableEnd);
    } catch {}
  }

  /** After a failure the file stays open: calls on its descriptor may still be under way, and the process ends anyway. */
  #finishClose(): void {
    const done = this.#closing as (error: Error | null) => void;
    this.#closing = null;
    this.#isClosed = true;
    if (this.#failure === null) this.#attempt(() => this.#file?.closeSync());
    this.#file = null;
    if (this.#failure !== null || this.#mark === null) done(this.#failure);
    else this.#mark.close(() => done(null), this.#isLast);
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }
}

function emptyBatch(): Batch {
  return { pieces: [], bytes: 0, txns: 0, appendedMs: 0, firstZxid: 0, lastZxid: 0, rolled: false };
}

/** Whether a log file begins with a whole record. */
function holdsRecord(source: DiskSource): boolean {
  const prefix = new Uint8Array(RECORD_PREFIX_BYTES);
  if (readFully(source, prefix, LOG_HEADER_BYTES) < prefix.length) return false;
  const length = new DataView(prefix.buffer).getInt32(8);
  const end = LOG_HEADER_BYTES + RECORD_OVERHEAD_BYTES + length;
  if (length <= 0 || end > source.size) return false;
  const record = new Uint8Array(RECORD_OVERHEAD_BYTES + length);
  const reader = new RecordReader(length);
  reader.reset(record, new DataView(record.buffer), 0, readFully(source, record, LOG_HEADER_BYTES), true);
  return reader.next() === 'record';
}

import { counterOf, epochOf, zxidIn } from '@headkeeper/protocol';
import { type LogEndKind, LogFileReader } from '../core/log/log-reader.ts';
import { LOG_HEADER_BYTES, RecordReader, zxidOfBody } from '../core/log/record-codec.ts';
import type { LogFile } from '../core/log/recovery-source.ts';
import type { Disk } from '../ports.ts';
import { FileBytes } from './file-bytes.ts';
import { RecordSearch } from './record-search.ts';

/** Whole records, one behind the other. */
export interface LogStretch {
  readonly offset: number;
  /** Behind the last record. */
  readonly end: number;
  readonly records: number;
  readonly firstZxid: number;
  readonly lastZxid: number;
}

/** A place where whole records end although the file goes on, or where it ends in the middle of something. */
export interface LogBreak {
  readonly offset: number;
  readonly kind: Exclude<LogEndKind, 'clean'> | 'too-large';
  readonly reason: string;
  /** Whether only a sector that was never written explains it, so that nothing here was ever acknowledged. */
  readonly unwritten: boolean;
  /** Where whole records go on in this file; null when none do. */
  readonly resumesAt: number | null;
}

/** A record whose zxid does not follow the one before it in the same file. */
export interface LogJump {
  readonly offset: number;
  readonly after: number;
  readonly zxid: number;
}

export interface LogScan {
  readonly name: string;
  /** From the name. */
  readonly zxid: number;
  /** Bytes. */
  readonly size: number;
  readonly stretches: readonly LogStretch[];
  readonly breaks: readonly LogBreak[];
  readonly jumps: readonly LogJump[];
  /** Records whose zxid is not greater than one before them in this file; readers pass over them. */
  readonly repeated: number;
}

/** Records that no server with ordinary settings would take, but that are whole. */
export const LARGEST_RECORD_BYTES: number = 256 << 20;
const CHUNK_BYTES = 1 << 20;

/** The first txn that is missing between two that do not follow each other; of an epoch that ends there none can be named. */
export function firstMissing(before: number, behind: number): number {
  return epochOf(before) === epochOf(behind) ? before + 1 : zxidIn(epochOf(behind), 1);
}

/** Whether a txn may come right behind another: the next counter, or the first of a later epoch. */
export function follows(zxid: number, before: number): boolean {
  if (epochOf(zxid) === epochOf(before)) return zxid === before + 1;
  return zxid > before && counterOf(zxid) === 1;
}

/**
 * Reads a log file to its end, through damage: finds the whole records behind a broken one, too. `maxRecordBytes` is what a
 * server takes. `passed` hears of the bytes read, for a progress bar. Throws what the disk throws.
 */
export function scanLog(
  disk: Disk,
  folder: string,
  log: LogFile,
  maxRecordBytes: number,
  passed: (bytes: number) => void = () => {},
): LogScan {
  const path = `${folder}/${log.name}`;
  const source = disk.openReadSync(path);
  const file = new FileBytes(source);
  const probe = new FileBytes(source);
  const scan = new Scan(new RecordSearch(file, LARGEST_RECORD_BYTES));
  const reader = new LogFileReader(maxRecordBytes, (_bytes, view, start, end, offset) => {
    scan.record(offset, offset + (end - start) + 13, zxidOfBody(view, start));
  });
  try {
    for (let at = 0; at < file.size; at += CHUNK_BYTES) {
      const chunk = file.copy(at, at + CHUNK_BYTES);
      reader.push(chunk);
      passed(chunk.length);
    }
    const end = reader.finish();
    if (end.kind !== 'clean') {
      const resumes = end.kind === 'torn' || end.kind === 'empty' ? null : scan.resume(probe, end.offset);
      const tooLarge = resumes === end.offset && end.offset > 0;
      scan.breaks.push({
        offset: end.offset,
        kind: tooLarge ? 'too-large' : end.kind,
        reason: tooLarge ? `a record larger than the ${maxRecordBytes} bytes that a server takes` : end.reason,
        unwritten: end.unwritten,
        resumesAt: resumes,
      });
      if (resumes !== null) scan.goOn(probe, resumes, maxRecordBytes);
    }
  } finally {
    file.close();
  }
  const { stretches, breaks, jumps, repeated } = scan;
  return { name: log.name, zxid: log.zxid, size: log.size, stretches, breaks, jumps, repeated };
}

class Scan {
  readonly stretches: LogStretch[] = [];
  readonly breaks: LogBreak[] = [];
  readonly jumps: LogJump[] = [];
  repeated = 0;
  readonly #search: RecordSearch;
  #last = 0;

  constructor(search: RecordSearch) {
    this.#search = search;
  }

  record(offset: number, end: number, zxid: number): void {
    const current = this.stretches.at(-1);
    if (this.#last !== 0 && zxid <= this.#last) this.repeated++;
    else {
      if (this.#last !== 0 && !follows(zxid, this.#last)) this.jumps.push({ offset, after: this.#last, zxid });
      this.#last = zxid;
    }
    if (current !== undefined && current.end === offset) {
      const lastZxid = Math.max(current.lastZxid, zxid);
      this.stretches[this.stretches.length - 1] = { ...current, end, records: current.records + 1, lastZxid };
    } else {
      this.stretches.push({ offset, end, records: 1, firstZxid: zxid, lastZxid: zxid });
    }
  }

  /** Where whole records go on at `offset` or behind it, in the order of their zxids. */
  resume(probe: FileBytes, offset: number): number | null {
    const from = Math.max(offset, LOG_HEADER_BYTES);
    const beside = besideBroken(probe, from);
    if (beside !== null) return beside;
    return this.#search.next(from, this.#last + 1);
  }

  /** Collects the records from `offset` to the end of the file. */
  goOn(probe: FileBytes, offset: number, maxRecordBytes: number): void {
    let at: number | null = offset;
    while (at !== null) {
      const found = probe.recordAt(at, LARGEST_RECORD_BYTES);
      if (found !== null) {
        this.record(found.offset, found.end, found.zxid);
        at = found.end;
        continue;
      }
      const left = probe.bring(at, CHUNK_BYTES);
      const reader = new RecordReader(maxRecordBytes);
      const length = Math.min(CHUNK_BYTES, probe.size - at);
      reader.reset(probe.bytes, probe.view, left, left + length, at + length === probe.size);
      const result = reader.next();
      const resumesAt = this.resume(probe, at + 1);
      if (result === 'end' && resumesAt === null) return;
      const kind = resumesAt === null && result === 'torn' ? 'torn' : 'damaged';
      const reason = result === 'end' ? 'zeros lie between the records' : reader.reason;
      this.breaks.push({ offset: at, kind, reason, unwritten: false, resumesAt });
      at = resumesAt;
    }
  }
}

/**
 * Where the record behind a broken one begins, if the broken one's length can be believed: what a client has put into a
 * znode may look like a record and must not be taken for one.
 */
function besideBroken(probe: FileBytes, offset: number): number | null {
  if (probe.recordAt(offset, LARGEST_RECORD_BYTES) !== null) return offset;
  if (offset + 12 > probe.size) return null;
  const at = probe.bring(offset, 12);
  const length = probe.view.getInt32(at + 8);
  if (length <= 0 || length > LARGEST_RECORD_BYTES) return null;
  const next = offset + 12 + length + 1;
  return probe.recordAt(next, LARGEST_RECORD_BYTES) === null ? null : next;
}

import { epochOf, Reader, Writer } from '@headkeeper/protocol';
import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { listLogs } from '../adapters/disk/recovery-files.ts';
import { beginRecord, endRecord, LOG_HEADER_BYTES } from '../core/log/record-codec.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import type { Piece, RepairPlan } from './changes.ts';
import { ENSEMBLE_WARNING, type PlanOptions, rangeText, tellStart } from './check-plan.ts';
import { logNamed } from './cut-tail.ts';
import { FileBytes } from './file-bytes.ts';
import { firstMissing, LARGEST_RECORD_BYTES, type LogScan, scanLog } from './log-scan.ts';
import { diagnoseRecord, type RecordDiagnosis } from './record-diagnosis.ts';
import { RepairRefused } from './repair-refused.ts';
import { repairSettings } from './repair-settings.ts';

/** A million records fit into 50 MB. */
const MOST_FILLED = 1_000_000;
/** Record of the smallest txn: prefix, TxnHeader, end mark. */
const LEAST_RECORD_BYTES = 45;
/** A txn that stands for a request that failed; it changes nothing. */
const ERROR_TYPE = -1;
const SYSTEM_ERROR = -1;
const TIME_AT = 20;

/** A record, what is wrong with it, and its surroundings. */
export interface ExaminedRecord {
  readonly name: string;
  readonly diagnosis: RecordDiagnosis;
  /** The last whole record before it, and the first behind it in this file; null when there is none. */
  readonly before: number | null;
  readonly after: number | null;
  readonly scan: LogScan;
}

/** Looks at the record that begins at `offset`. Throws RepairRefused when none does, or what the disk throws. */
export function examineRecord(
  folders: HistoryFolders,
  name: string,
  offset: number,
  juteMaxBuffer: number,
): ExaminedRecord {
  const { disk, logFolder } = folders;
  const settings = repairSettings(juteMaxBuffer);
  const log = logNamed(folders, name);
  const scan = scanLog(disk, logFolder, log, settings.juteMaxBuffer + settings.juteMaxBufferExtra);
  const file = new FileBytes(disk.openReadSync(`${logFolder}/${name}`));
  try {
    const diagnosis = diagnoseRecord(file, offset);
    const broken = scan.breaks.find((found) => found.offset === offset);
    if (broken === undefined && diagnosis.fault !== 'whole') {
      const known = scan.breaks.map((found) => found.offset).join(', ');
      throw new RepairRefused(
        `No record of ${name} begins at byte ${offset}. ` +
          (known === '' ? 'The file is not damaged.' : `The damaged places begin at: ${known}.`),
      );
    }
    const before = scan.stretches.findLast((stretch) => stretch.end <= offset)?.lastZxid ?? null;
    const resumes = broken?.resumesAt ?? null;
    const after = scan.stretches.find((stretch) => stretch.offset === resumes)?.firstZxid ?? null;
    return { name, diagnosis, before, after, scan };
  } finally {
    file.close();
  }
}

/** Plans what makes the record right beyond doubt; null when nothing does. */
export function planFix(folders: HistoryFolders, record: ExaminedRecord, options: PlanOptions): RepairPlan | null {
  const { fix, fault } = record.diagnosis;
  if (fix === null) return null;
  const { name, scan } = record;
  const end = fix.offset + fix.bytes.length;
  const pieces = (): Piece[] => [
    { from: 0, to: fix.offset },
    fix.bytes,
    { from: Math.min(end, scan.size), to: scan.size },
  ];
  const plan: RepairPlan = {
    steps: [`writes ${Buffer.from(fix.bytes).toString('hex')} at byte ${fix.offset} of ${name} (${fault})`],
    losses: [],
    notes: [],
    changes: [{ kind: 'write', folder: folders.logFolder, name, pieces }],
  };
  return tellStart(folders, plan, options);
}

/**
 * Plans to take a damaged record out. Its place in the history is taken by txns of type error, which change nothing, so that
 * no gap is left: neither Headkeeper nor Apache starts on one. Refuses where more txns are missing than the damaged bytes
 * can have held, unless the loss was accepted. Throws RepairRefused, or what the disk throws.
 */
export function planDrop(folders: HistoryFolders, record: ExaminedRecord, options: PlanOptions): RepairPlan {
  const { name, diagnosis, before, scan } = record;
  const { offset } = diagnosis;
  const broken = scan.breaks.find((found) => found.offset === offset);
  if (broken === undefined) throw new RepairRefused(`The record at byte ${offset} of ${name} is whole.`);
  if (broken.kind === 'too-large') {
    throw new RepairRefused(
      `The record at byte ${offset} of ${name} is whole, and ${broken.reason}: raise jute.maxbuffer.`,
    );
  }
  const behind = record.after ?? firstOfNextLog(folders, name, options.juteMaxBuffer);
  if (behind === null) {
    throw new RepairRefused(`Nothing whole follows byte ${offset}: cut the file there with "repair cut-tail ${name}".`);
  }
  const known = before ?? zxidBeforeLog(scan);
  const resume = broken.resumesAt ?? scan.size;
  const lost = lostBetween(known, behind);
  const room = Math.max(1, Math.floor((resume - offset) / LEAST_RECORD_BYTES));
  if (lost.count > MOST_FILLED) {
    throw new RepairRefused(
      `${rangeText(lost.first, behind - 1)} are missing there, too many to fill their place: cut the file there instead.`,
    );
  }
  if (lost.count > room && !options.acceptLoss) {
    throw new RepairRefused(
      `${rangeText(lost.first, behind - 1)} are missing there, and the damaged ${resume - offset} bytes can have held ` +
        `${room} of them at most: the others are lost for another reason. Look for the missing log, or say --accept-loss.`,
    );
  }
  const filler = errorTxns(folders, record, lost);
  const pieces = (): Piece[] => {
    const start = Math.max(offset, LOG_HEADER_BYTES);
    return [{ from: 0, to: start }, filler, ...(broken.resumesAt === null ? [] : [{ from: resume, to: scan.size }])];
  };
  const fills = lost.count === 0 ? '' : `; as many txns without effect take their place (${lost.count})`;
  const plan: RepairPlan = {
    steps: [`takes ${resume - offset} bytes out of ${name} at byte ${offset}${fills}`],
    losses: lost.count === 0 ? [] : [rangeText(lost.first, behind - 1)],
    notes: [
      ...(lost.count === 0 ? [] : [ENSEMBLE_WARNING]),
      ...(epochOf(known) === epochOf(behind)
        ? []
        : [`An epoch ends there: nothing tells how many txns after ${zxidText(known)} are lost.`]),
    ],
    changes: [{ kind: 'write', folder: folders.logFolder, name, pieces }],
  };
  return tellStart(folders, plan, options);
}

/** The first whole record of the next log that has one. */
function firstOfNextLog(folders: HistoryFolders, name: string, juteMaxBuffer: number): number | null {
  const { disk, logFolder } = folders;
  const logs = listLogs(disk, logFolder);
  for (const log of logs.slice(logs.findIndex((file) => file.name === name) + 1)) {
    const first = scanLog(disk, logFolder, log, 2 * juteMaxBuffer).stretches[0];
    if (first !== undefined) return first.firstZxid;
  }
  return null;
}

/** When a file's first record is damaged, its name tells which txn it was. */
function zxidBeforeLog(scan: LogScan): number {
  return scan.zxid - 1;
}

interface Missing {
  readonly first: number;
  readonly count: number;
}

/** What is missing between two zxids; of an epoch that ends there nothing can be named. */
function lostBetween(before: number, behind: number): Missing {
  const first = firstMissing(before, behind);
  return { first, count: Math.max(0, behind - first) };
}

/** Whole records of txns of type error with these zxids, at the time of the record before them. */
function errorTxns(folders: HistoryFolders, record: ExaminedRecord, lost: Missing): Uint8Array {
  const time = timeBefore(folders, record);
  const writer = new Writer(64 * lost.count + 64);
  for (let zxid = lost.first; zxid < lost.first + lost.count; zxid++) {
    const at = beginRecord(writer);
    writer.long(0);
    writer.int(0);
    writer.long(zxid);
    writer.long(time);
    writer.int(ERROR_TYPE);
    writer.int(SYSTEM_ERROR);
    endRecord(writer, at);
  }
  return writer.toBytes();
}

/** Milliseconds; 0 when there is no record before. */
function timeBefore({ disk, logFolder }: HistoryFolders, { name, scan, diagnosis }: ExaminedRecord): number {
  const stretch = scan.stretches.findLast((found) => found.end <= diagnosis.offset);
  if (stretch === undefined) return 0;
  const file = new FileBytes(disk.openReadSync(`${logFolder}/${name}`));
  try {
    let time = 0;
    for (let at = stretch.offset; at < stretch.end; ) {
      const found = file.recordAt(at, LARGEST_RECORD_BYTES);
      if (found === null) break;
      const start = file.bring(at, 12 + TIME_AT + 8) + 12;
      time = new Reader(file.bytes.subarray(start + TIME_AT, start + TIME_AT + 8)).long();
      at = found.end;
    }
    return time;
  } finally {
    file.close();
  }
}

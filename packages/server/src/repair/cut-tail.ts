import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { listLogs } from '../adapters/disk/recovery-files.ts';
import { LogFileReader } from '../core/log/log-reader.ts';
import { LOG_HEADER_BYTES, zxidOfBody } from '../core/log/record-codec.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import type { LogFile } from '../core/log/recovery-source.ts';
import type { RepairPlan } from './changes.ts';
import { checkPlan, ENSEMBLE_WARNING, type PlanOptions, rangeText } from './check-plan.ts';
import { LARGEST_RECORD_BYTES, type LogScan, scanLog } from './log-scan.ts';
import { RepairRefused } from './repair-refused.ts';
import { repairSettings } from './repair-settings.ts';

/** Where a log is to be cut: behind its last good record, at a byte, or behind a txn. */
export type CutPlace = 'last-good' | { readonly offset: number } | { readonly zxid: number };

/**
 * Plans to cut a log file. Whole records beyond the place are lost and named; that is refused unless it was accepted. Throws
 * RepairRefused, or what the disk throws.
 */
export function planCutTail(folders: HistoryFolders, name: string, place: CutPlace, options: PlanOptions): RepairPlan {
  const { disk, logFolder } = folders;
  const log = logNamed(folders, name);
  const settings = repairSettings(options.juteMaxBuffer);
  const scan = scanLog(disk, logFolder, log, settings.juteMaxBuffer + settings.juteMaxBufferExtra);
  const offset = offsetOf(folders, scan, place);
  if (offset === scan.size) {
    const plan = { steps: [], losses: [], notes: [`${name} ends at byte ${offset} already.`], changes: [] };
    // What it had behind that may be lost without a trace in it.
    return options.acceptLoss ? checkPlan(folders, plan, name, options) : plan;
  }
  const lost = lostBehind(folders, scan, offset);
  const losses = lost === null ? [] : [`${lost.records} whole records: ${rangeText(lost.firstZxid, lost.lastZxid)}`];
  if (lost !== null && !options.acceptLoss) {
    throw new RepairRefused(
      `Behind byte ${offset} of ${name} are ${losses[0]}. They would be lost: ` +
        (place === 'last-good' ? 'see what can be done about the record there with "repair record" first, or ' : '') +
        'say --accept-loss.',
    );
  }
  const holdsRecord = scan.stretches[0] !== undefined && scan.stretches[0].offset < offset;
  const plan: RepairPlan = holdsRecord
    ? {
        steps: [`cuts ${name} from ${scan.size} to ${offset} bytes`],
        losses,
        notes: lost === null ? [] : [ENSEMBLE_WARNING],
        changes: [{ kind: 'write', folder: logFolder, name, pieces: () => [{ from: 0, to: offset }] }],
      }
    : {
        steps: [`moves out ${name}, in which no record is left`],
        losses,
        notes: lost === null ? [] : [ENSEMBLE_WARNING],
        changes: [{ kind: 'remove', folder: logFolder, name }],
      };
  return checkPlan(folders, plan, name, options);
}

/** The log file of this name. Throws RepairRefused. */
export function logNamed({ disk, logFolder }: HistoryFolders, name: string): LogFile {
  const log = listLogs(disk, logFolder).find((file) => file.name === name);
  if (log === undefined) throw new RepairRefused(`${logFolder}/${name} is not a log file: those are named log.<zxid>.`);
  return log;
}

function offsetOf(folders: HistoryFolders, scan: LogScan, place: CutPlace): number {
  const { name } = scan;
  if (place === 'last-good') {
    const first = scan.breaks[0];
    if (first?.kind === 'too-large') {
      throw new RepairRefused(`${name} at byte ${first.offset}: ${first.reason}. It is whole: raise jute.maxbuffer.`);
    }
    return first?.offset ?? scan.size;
  }
  if ('offset' in place) {
    const { offset } = place;
    const inside = scan.stretches.find((stretch) => stretch.offset <= offset && offset <= stretch.end);
    if (inside !== undefined && boundaries(folders, scan).has(offset)) return offset;
    if (offset === LOG_HEADER_BYTES || scan.breaks.some((found) => found.offset === offset)) return offset;
    throw new RepairRefused(
      `No record of ${name} ends at byte ${offset}: "inspect log ${name} --json" prints where they begin.`,
    );
  }
  for (const [offset, zxid] of boundaries(folders, scan)) if (zxid === place.zxid) return offset;
  throw new RepairRefused(`${name} has no whole record of txn ${zxidText(place.zxid)} before its first damage.`);
}

/** Where each whole record before the first damage ends, and its zxid. */
function boundaries({ disk, logFolder }: HistoryFolders, scan: LogScan): Map<number, number> {
  const ends = new Map<number, number>();
  const reader = new LogFileReader(LARGEST_RECORD_BYTES, (_bytes, view, start, end, offset) => {
    ends.set(offset + (end - start) + 13, zxidOfBody(view, start));
  });
  const source = disk.openReadSync(`${logFolder}/${scan.name}`);
  const chunk = new Uint8Array(1 << 20);
  try {
    for (let at = 0; at < source.size; ) {
      const count = source.readSync(chunk, 0, chunk.length, at);
      if (count === 0) break;
      reader.push(chunk.subarray(0, count));
      at += count;
    }
  } finally {
    source.closeSync();
  }
  return ends;
}

function lostBehind(
  folders: HistoryFolders,
  scan: LogScan,
  offset: number,
): { records: number; firstZxid: number; lastZxid: number } | null {
  let records = 0;
  let firstZxid = Number.POSITIVE_INFINITY;
  let lastZxid = 0;
  for (const stretch of scan.stretches) {
    if (stretch.end <= offset) continue;
    lastZxid = Math.max(lastZxid, stretch.lastZxid);
    if (stretch.offset >= offset) {
      records += stretch.records;
      firstZxid = Math.min(firstZxid, stretch.firstZxid);
      continue;
    }
    for (const [end, zxid] of boundaries(folders, scan)) {
      if (end <= offset || end > stretch.end) continue;
      records++;
      firstZxid = Math.min(firstZxid, zxid);
    }
  }
  return records === 0 ? null : { records, firstZxid, lastZxid };
}

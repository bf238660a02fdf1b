/** Reads what is intact of the logs and snapshots in a folder, whatever else is wrong with them. */
import { counterOf, epochOf } from '@headkeeper/protocol';
import { type RecordFacts, type SalvagedHistory, UNKNOWN_ZXID } from '../../core/log/history-repair.ts';
import { type DamagedFrame, LogSalvage } from '../../core/log/log-salvage.ts';
import { RECORD_PREFIX_BYTES, zxidOfBody } from '../../core/log/record-codec.ts';
import type { LogFile } from '../../core/log/recovery-source.ts';
import { SnapshotDamaged, SnapshotDecoder } from '../../core/log/snapshot-decoder.ts';
import { earlierThanNamed } from '../../core/log/snapshot-name.ts';
import type { StateSink } from '../../core/log/state-sink.ts';
import type { Disk } from '../../ports.ts';
import { isLoggedLast, readLogged, readLoggedMark } from './logged-mark.ts';
import { createRecoverySource, listLogs, listSnapshots } from './recovery-files.ts';
import { isUnreadable } from './unreadable.ts';

const CHUNK_BYTES = 1 << 20;

/** Folders of one history; may be the same. */
export interface SalvageFolders {
  readonly disk: Disk;
  readonly snapshotFolder: string;
  readonly logFolder: string;
}

/** An intact record, where it lies, and its bytes: valid until the next one. */
export interface FoundRecord extends RecordFacts {
  readonly file: string;
  /** Offset of the body in the file. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What is behind the last intact record. */
export interface LogTail {
  readonly frames: readonly DamagedFrame[];
  readonly isWhole: boolean;
}

/**
 * Hands the intact records of the logs to `found`, ascending, beginning with the file that can hold `fromZxid`. Each step of the
 * generator reads a megabyte. Throws what the disk throws, but for what it cannot read.
 */
export function* salvageLogs(
  { disk, snapshotFolder, logFolder }: SalvageFolders,
  fromZxid: number,
  maxRecordBytes: number,
  found: (record: FoundRecord) => void,
): Generator<void, LogTail> {
  const snapshots = listSnapshots(disk, snapshotFolder).map(({ zxid }) => zxid);
  const logs = listLogs(disk, logFolder);
  const first = Math.max(
    0,
    logs.findLastIndex(({ zxid }) => zxid <= fromZxid),
  );
  const walk = new SalvageWalk(snapshots, readLogged(disk, logFolder).epochEnds, first === 0, found);
  for (const log of logs.slice(first)) {
    walk.begin(log);
    const salvage = new LogSalvage(
      maxRecordBytes,
      (bytes, view, start, end, offset) => walk.record(bytes, view, start, end, offset),
      (frame) => walk.frame(frame),
    );
    walk.end(yield* readLog(disk, logFolder, log, salvage));
  }
  return walk.tail;
}

/** Puts together what the files of a log, one after the other, say of the order of its records. */
class SalvageWalk {
  readonly #snapshots: readonly number[];
  readonly #epochEnds: readonly number[];
  readonly #found: (record: FoundRecord) => void;
  #file = '';
  #last: number = UNKNOWN_ZXID;
  /** Damaged records since that one. */
  #frames: DamagedFrame[] = [];
  /** The one right before the next record; null: it is intact, or not known. */
  #frameBefore: DamagedFrame | null = null;
  /** Whether nothing is between the last record and the next. */
  #isJoined: boolean;
  /** Whether every record since the last intact one was seen. */
  #isWhole = true;
  /** What the next record of the file is if it is of the same epoch; how many damaged ones are before it. */
  #expected = 0;
  #passed = 0;
  /** The length of a damaged record has led astray: what follows in the file is not to be believed. */
  #isAstray = false;

  constructor(
    snapshots: readonly number[],
    epochEnds: readonly number[],
    isBeginning: boolean,
    found: (record: FoundRecord) => void,
  ) {
    this.#snapshots = snapshots;
    this.#epochEnds = epochEnds;
    this.#isJoined = isBeginning;
    this.#found = found;
  }

  get tail(): LogTail {
    return { frames: this.#frames, isWhole: this.#isWhole };
  }

  begin({ name, zxid }: LogFile): void {
    this.#file = name;
    this.#expected = zxid;
    this.#passed = 0;
    this.#isAstray = false;
  }

  end(isWhole: boolean): void {
    if (isWhole && !this.#isAstray) return;
    this.#isWhole = false;
    this.#isJoined = false;
    this.#frameBefore = null;
  }

  record(bytes: Uint8Array, view: DataView, start: number, end: number, offset: number): void {
    const zxid = zxidOfBody(view, start);
    if (this.#passed > 0 && !this.#canFollow(zxid)) this.#isAstray = true;
    if (this.#isAstray || zxid <= this.#last) return;
    const before = this.#isJoined ? this.#before(zxid) : UNKNOWN_ZXID;
    // A state that a leader has sent may lie between the two.
    const isNext = !this.#snapshots.some((each) => each > this.#last && each < zxid && counterOf(each) > 0);
    this.#found({
      zxid,
      before,
      frameBefore: isNext ? this.#frameBefore : null,
      length: end - start,
      adler: view.getUint32(start - RECORD_PREFIX_BYTES + 4),
      ...{ file: this.#file, offset: offset + RECORD_PREFIX_BYTES, bytes, start, end },
    });
    this.#last = zxid;
    this.#frames = [];
    this.#frameBefore = null;
    this.#isJoined = true;
    this.#isWhole = true;
    this.#expected = zxid + 1;
    this.#passed = 0;
  }

  frame(frame: DamagedFrame): void {
    this.#frames.push(frame);
    this.#frameBefore = frame;
    this.#isJoined = false;
    this.#expected++;
    this.#passed++;
  }

  /** Whether so many records fit between this one and the one before. */
  #canFollow(zxid: number): boolean {
    if (epochOf(zxid) === epochOf(this.#expected)) return zxid === this.#expected;
    return zxid > this.#expected && counterOf(zxid) - 1 <= this.#passed;
  }

  /**
   * What was before `zxid` where the log goes on behind the last record: a snapshot between the two came from a leader. Not known where
   * the log has lost what was there.
   */
  #before(zxid: number): number {
    const isState = (each: number): boolean => each < zxid && (each === 0 || counterOf(each) > 0);
    const before = Math.max(this.#last, this.#snapshots.findLast(isState) ?? UNKNOWN_ZXID);
    return this.#epochEnds.some((end) => end > before && end < zxid) ? UNKNOWN_ZXID : before;
  }
}

/** Whether all records in the file were seen. */
function* readLog(disk: Disk, folder: string, log: LogFile, salvage: LogSalvage): Generator<void, boolean> {
  const source = disk.openReadSync(`${folder}/${log.name}`);
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, source.size));
    for (let position = 0; position < source.size; ) {
      const count = source.readSync(chunk, 0, chunk.length, position);
      if (count === 0) break;
      salvage.push(chunk.subarray(0, count));
      position += count;
      yield;
    }
    return salvage.finish();
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return false;
  } finally {
    source.closeSync();
  }
}

/** What is left of a history, and where its records are. */
export interface SalvagedFiles {
  readonly history: SalvagedHistory;
  readonly places: ReadonlyMap<number, FoundPlace>;
}

export interface FoundPlace {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly adler: number;
}

/** Reads all that is left in a folder that was set aside. Throws what the disk throws, but for what it cannot read. */
export function salvageHistory(folders: SalvageFolders, maxRecordBytes: number): SalvagedFiles {
  const { disk, snapshotFolder, logFolder } = folders;
  const records: RecordFacts[] = [];
  const places = new Map<number, FoundPlace>();
  const walk = salvageLogs(folders, 0, maxRecordBytes, ({ zxid, before, frameBefore, length, adler, file, offset }) => {
    records.push({ zxid, before, frameBefore, length, adler });
    places.set(zxid, { file, offset, length, adler });
  });
  let step = walk.next();
  while (step.done !== true) step = walk.next();
  const named = [...listLogs(disk, logFolder), ...listSnapshots(disk, snapshotFolder)].map(({ zxid }) => zxid);
  return {
    history: {
      records,
      named: named.sort((a, b) => a - b),
      tail: step.value.frames,
      isTailWhole: step.value.isWhole,
      logged: readLoggedMark(disk, logFolder),
      isLoggedLast: isLoggedLast(disk, logFolder),
    },
    places,
  };
}

/**
 * The newest snapshot in the folder that can be read to its end and is what its name says; null without one. Apache's may
 * hold what came behind its zxid: not beyond `upTo`, then.
 */
export function newestIntactSnapshot(
  { disk, snapshotFolder, logFolder }: SalvageFolders,
  upTo: number,
  maxRecordBytes: number,
): { readonly name: string; readonly zxid: number } | null {
  const source = createRecoverySource(disk, snapshotFolder, logFolder);
  for (const { name, zxid } of listSnapshots(disk, snapshotFolder).reverse()) {
    if (zxid > upTo || !source.quickCheck(name)) continue;
    try {
      const decoder = new SnapshotDecoder(NO_STATE, maxRecordBytes);
      source.readSnapshot(name, (bytes) => decoder.push(bytes));
      const summary = decoder.finish();
      if (earlierThanNamed(summary, zxid) === null && (summary.digest?.zxid ?? 0) <= upTo) return { name, zxid };
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
    }
  }
  return null;
}

/** Reads, and keeps nothing. */
const NO_STATE: StateSink = {
  loadSession: () => {},
  loadAcl: () => {},
  loadNode: () => null,
  loaded: () => {},
  applyTxn: () => {},
};

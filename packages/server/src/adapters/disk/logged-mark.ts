/**
 * How far the log is known to have been durable.
 *
 * Zeros at the end of a log may be a write that never completed, or acknowledged records that the disk has lost since; the
 * log's format cannot tell. `headkeeper.logged`, beside the log, says up to where it was durable a moment ago: a log that ends
 * before that has lost records, and its server must not vote as if it had never acknowledged them (known failures D02, D04,
 * D06, D21). The mark lags, so it never says too much; whoever shortens the log on purpose lowers it first.
 *
 * Neither can the format tell where an epoch has ended before another began. So the mark lists the last txns of the epochs before,
 * each durable in the list before the first txn of a later epoch is written: a log that passes over one of them has lost it.
 * No server cuts off an epoch that a later one has followed, for a quorum had it; so Apache's, which do not know the list, may have
 * written in between.
 */
import { counterOf, epochOf } from '@headkeeper/protocol';
import type { LoggedFacts } from '../../core/log/recovery-options.ts';
import { RecoveryRefused, zxidText } from '../../core/log/recovery-refused.ts';
import type { Disk, DiskFile, Timers } from '../../ports.ts';
import { removeDurably } from './durable-file.ts';
import {
  encodeSlot,
  newestSlotIn,
  readSlots,
  SLOTS_FILE_BYTES,
  type Slot,
  slotPosition,
  writeSlots,
} from './number-slots.ts';

export const LOGGED_NAME = 'headkeeper.logged';
/** The second number of a mark: the log goes on behind it, as far as is known; it ends there. */
const OPEN = 0;
const LAST = 1;
/** The mark is written so long after a txn, or a start with a log, that it does not cover; milliseconds. */
const LAG_MS = 250;
/** So many epochs, the last ones, are listed: a start reads the log from a snapshot on, which is hardly ever further back. */
export const MOST_EPOCH_ENDS = 32;

/** Both ends belong to it. */
export interface ZxidRange {
  readonly from: number;
  readonly to: number;
}

/** What is known of the log in this folder. Throws what the disk throws. */
export function readLogged(disk: Disk, folder: string): LoggedFacts {
  const slot = readSlots(disk, `${folder}/${LOGGED_NAME}`);
  return { provenZxid: slot === null ? 0 : zxidOf(slot), epochEnds: slot?.list ?? [] };
}

/** The zxid up to which the log in this folder has been durable; null when nothing tells. Throws what the disk throws. */
export function readLoggedMark(disk: Disk, folder: string): number | null {
  const slot = readSlots(disk, `${folder}/${LOGGED_NAME}`);
  return slot === null ? null : zxidOf(slot);
}

/** Whether there is a mark in this folder that tells nothing: what it knew of the log nobody knows any more. Throws what the disk throws. */
export function isLoggedMarkLost(disk: Disk, folder: string): boolean {
  return disk.existsSync(`${folder}/${LOGGED_NAME}`) && readLoggedMark(disk, folder) === null;
}

/** Whether the log in this folder is known to have ended at its mark. Throws what the disk throws. */
export function isLoggedLast(disk: Disk, folder: string): boolean {
  return readSlots(disk, `${folder}/${LOGGED_NAME}`)?.second === LAST;
}

/** Marks a log of these txns that was put together anew, behind a snapshot, in a folder that is no server's yet; durable on return. */
export function writeLoggedMark(disk: Disk, folder: string, snapshotZxid: number, zxids: readonly number[]): void {
  const ends = zxids.filter((zxid, i) => i + 1 < zxids.length && epochOf(zxid) !== epochOf(zxids[i + 1] as number));
  const last = zxids[zxids.length - 1] ?? snapshotZxid;
  writeSlots(disk, folder, LOGGED_NAME, last, OPEN, ends.slice(-MOST_EPOCH_ENDS));
}

/** What the bytes of the mark's file say; null when nothing in them is whole. */
export function loggedMarkIn(bytes: Uint8Array): LoggedFacts | null {
  const slot = newestSlotIn(LOGGED_NAME, bytes);
  return slot === null ? null : { provenZxid: zxidOf(slot), epochEnds: slot.list };
}

/** The end of an epoch is durable before it is listed. */
function zxidOf({ first, list }: Slot): number {
  return Math.max(first, list[list.length - 1] ?? 0);
}

/** To be called before the log is cut to `zxid`; durable on return. Throws what the disk throws. */
export function lowerLoggedMark(disk: Disk, folder: string, zxid: number): void {
  const slot = readSlots(disk, `${folder}/${LOGGED_NAME}`);
  if (slot === null || zxidOf(slot) <= zxid) return;
  const { first, list } = loweredTo(slot, zxid);
  // Both slots: a decayed one must not bring the higher one back.
  for (let i = 0; i < 2; i++) writeSlots(disk, folder, LOGGED_NAME, first, OPEN, list);
}

/** What `lowerLoggedMark` makes of the file, which is not touched; null when it says no more than `zxid`. Throws what the disk throws. */
export function loweredLoggedMark(disk: Disk, folder: string, zxid: number): Uint8Array | null {
  const slot = readSlots(disk, `${folder}/${LOGGED_NAME}`);
  if (slot === null || zxidOf(slot) <= zxid) return null;
  return inBothSlots(slot, loweredTo(slot, zxid));
}

/**
 * The file of a mark that knows of these txns no longer, which the log lacks: their epoch ends before them. Nothing is touched; null
 * when no epoch is known to have ended among them. Throws what the disk throws.
 */
export function loggedMarkWithout(disk: Disk, folder: string, lacked: readonly ZxidRange[]): Uint8Array | null {
  const slot = readSlots(disk, `${folder}/${LOGGED_NAME}`);
  if (slot === null) return null;
  const list: number[] = [];
  for (const end of slot.list) {
    const range = lacked.find(({ from, to }) => end >= from && end <= to);
    const left = range === undefined ? end : range.from - 1;
    // Of an epoch that is gone as a whole nothing is listed.
    if (epochOf(left) === epochOf(end) && counterOf(left) > 0) list.push(left);
  }
  if (list.length === slot.list.length && list.every((end, i) => end === slot.list[i])) return null;
  return inBothSlots(slot, { first: slot.first, list });
}

/** Newer than what is there, and twice: a decayed slot must not bring that back. */
function inBothSlots({ serial: last }: Slot, content: Pick<Slot, 'first' | 'list'>): Uint8Array {
  const bytes = new Uint8Array(SLOTS_FILE_BYTES);
  for (const serial of [last + 1, last + 2]) {
    bytes.set(encodeSlot(LOGGED_NAME, { ...content, second: OPEN, serial }), slotPosition(serial));
  }
  return bytes;
}

function loweredTo({ first, list }: Slot, zxid: number): Pick<Slot, 'first' | 'list'> {
  return { first: Math.min(first, zxid), list: list.filter((end) => end <= zxid) };
}

/** Where nobody waits for the disk nothing is known to be durable. */
export function removeLoggedMark(disk: Disk, folder: string): void {
  removeDurably(disk, folder, LOGGED_NAME);
}

/** Throws RecoveryRefused when what was recovered from the log in this folder ends before what is known of it. */
export function requireLogged({ provenZxid: marked }: LoggedFacts, folder: string, lastZxid: number): void {
  if (marked <= lastZxid) return;
  throw new RecoveryRefused(
    'log-cut',
    `The log ends with ${zxidText(lastZxid)}, but it was durable up to ${zxidText(marked)}: the txns from ` +
      `${zxidText(lastZxid + 1)} to ${zxidText(marked)} were acknowledged and the disk has lost them. Restore the log from a ` +
      `backup or another server; to accept the loss, remove ${folder}/${LOGGED_NAME}.`,
    { missingFrom: lastZxid + 1, missingTo: marked },
  );
}

/**
 * Writes the mark behind a log that grows. One object for each journal, whose log ends with `lastZxid` when it begins; `failed`
 * hears of the first failure.
 */
export class LoggedMark {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #timers: Timers;
  readonly #failed: (error: Error) => void;
  /** The end of the log. */
  #lastZxid: number;
  #latest = 0;
  #marked = 0;
  #epochEnds: readonly number[];
  #file: DiskFile | null = null;
  #serial = 0;
  #cancel: (() => void) | null = null;
  #isWriting = false;
  #whenWritten: (() => void) | null = null;
  #hasFailed = false;

  constructor(disk: Disk, folder: string, timers: Timers, lastZxid: number, failed: (error: Error) => void) {
    this.#disk = disk;
    this.#folder = folder;
    this.#timers = timers;
    this.#lastZxid = lastZxid;
    this.#failed = failed;
    const path = `${folder}/${LOGGED_NAME}`;
    const slot = readSlots(disk, path);
    // Both slots: a decayed one must not bring the other back.
    for (let i = 0; slot?.second === LAST && i < 2; i++) {
      writeSlots(disk, folder, LOGGED_NAME, slot.first, OPEN, slot.list);
    }
    this.#epochEnds = slot?.list ?? [];
    const isBehind = slot === null ? disk.existsSync(path) : zxidOf(slot) < lastZxid;
    // It may be long before the next txn comes, and the mark must not stay behind what is durable for so long; with the number in which
    // an epoch begins there is no txn.
    if (isBehind && counterOf(lastZxid) > 0) this.note(lastZxid);
  }

  /** The log is durable up to here. */
  note(zxid: number): void {
    this.#latest = zxid;
    this.#lastZxid = zxid;
    if (this.#cancel === null && !this.#isWriting) this.#schedule();
  }

  /** Whether an epoch ends before this txn, the next one, so that `endEpoch` has to be called before that is written. */
  isNewEpoch(zxid: number): boolean {
    // With the number in which an epoch begins there is no txn.
    return zxid !== this.#lastZxid + 1 && counterOf(this.#lastZxid) > 0;
  }

  /** The log, all of which is durable, is about to go on in another epoch. `done` once that is known; not at all after a failure. */
  endEpoch(done: () => void): void {
    if (this.#isWriting) {
      this.#whenWritten = () => this.endEpoch(done);
      return;
    }
    this.#cancel?.();
    this.#cancel = null;
    this.#latest = this.#lastZxid;
    const others = this.#epochEnds.filter((zxid) => epochOf(zxid) !== epochOf(this.#lastZxid));
    this.#epochEnds = [...others, this.#lastZxid].slice(-MOST_EPOCH_ENDS);
    this.#marked = 0;
    this.#whenWritten = () => {
      if (!this.#hasFailed) done();
    };
    this.#write();
  }

  #schedule(): void {
    this.#cancel = this.#timers.set(LAG_MS, () => {
      this.#cancel = null;
      this.#write();
    });
  }

  #write(): void {
    if (this.#hasFailed) return;
    const zxid = this.#latest;
    try {
      this.#file ??= this.#open(zxid);
      if (this.#marked >= zxid) {
        this.#written(null, zxid);
        return;
      }
      const file = this.#file;
      const slot: Slot = { first: zxid, second: OPEN, serial: ++this.#serial, list: this.#epochEnds };
      const bytes = encodeSlot(LOGGED_NAME, slot);
      this.#isWriting = true;
      file.write(bytes, 0, bytes.length, slotPosition(this.#serial), (failure) => {
        if (failure !== null) this.#written(failure, zxid);
        else file.dataSync((error) => this.#written(error, zxid));
      });
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** A file that is new has the zxid already. */
  #open(zxid: number): DiskFile {
    const path = `${this.#folder}/${LOGGED_NAME}`;
    if (readSlots(this.#disk, path) === null) {
      writeSlots(this.#disk, this.#folder, LOGGED_NAME, zxid, OPEN, this.#epochEnds);
      this.#marked = zxid;
    }
    this.#serial = readSlots(this.#disk, path)?.serial ?? 0;
    return this.#disk.openWriteSync(path);
  }

  #written(error: Error | null, zxid: number): void {
    this.#isWriting = false;
    if (error !== null) this.#fail(error);
    else this.#marked = zxid;
    const whenWritten = this.#whenWritten;
    this.#whenWritten = null;
    if (whenWritten !== null) whenWritten();
    else if (this.#marked < this.#latest && this.#cancel === null && !this.#hasFailed) this.#schedule();
  }

  #fail(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#failed(error);
  }

  /**
   * Marks what was noted last, if that can be done, and closes the file. `isLast`: all of the log is durable, and no other journal
   * begins in this process.
   */
  close(done: () => void, isLast: boolean): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#isWriting) {
      this.#whenWritten = () => this.close(done, isLast);
      return;
    }
    try {
      this.#file?.closeSync();
      this.#file = null;
      // With the number in which an epoch begins there is no txn.
      const ends = isLast && counterOf(this.#lastZxid) > 0;
      const zxid = ends ? this.#lastZxid : this.#latest;
      if (!this.#hasFailed && (ends || zxid > this.#marked)) {
        writeSlots(this.#disk, this.#folder, LOGGED_NAME, zxid, ends ? LAST : OPEN, this.#epochEnds);
      }
    } catch {
      // The log is closed, and the mark says less than there is: that is no harm, also where the folder is gone already.
    }
    done();
  }
}

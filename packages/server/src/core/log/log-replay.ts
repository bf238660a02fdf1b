import { counterOf, epochOf, JuteError, zxidIn } from '@headkeeper/protocol';
import { type LogEnd, LogFileReader } from './log-reader.ts';
import { LOG_HEADER_BYTES, zxidOfBody } from './record-codec.ts';
import type { ReplayOptions } from './recovery-options.ts';
import { RecoveryRefused, zxidText } from './recovery-refused.ts';
import type { LogFile, RecoverySource, SnapshotFile } from './recovery-source.ts';
import type { StateSink } from './state-sink.ts';

export interface ReplayedLogs {
  readonly lastZxid: number;
  readonly replayed: number;
  readonly filesToRemove: readonly string[];
  readonly filesToTruncate: readonly { readonly name: string; readonly length: number }[];
  readonly unproven: readonly LogRange[];
  /** The snapshot's txn, if the file that should hold it does not; else 0. */
  readonly gapZxid: number;
}

/** The bytes from `from` up to, not including, `to` of a log file. */
export interface LogRange {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Replays the txns behind a snapshot, and makes sure that none is missing: counters without a gap inside an epoch, a new
 * epoch beginning with 1, and every file's end explained (storage-formats reference, section 7).
 */
export class LogReplay {
  readonly #source: RecoverySource;
  readonly #logs: readonly LogFile[];
  readonly #maxRecordBytes: number;
  readonly #warnings: string[];
  readonly #filesToRemove: string[] = [];
  readonly #filesToTruncate: { name: string; length: number }[] = [];
  readonly #provenZxid: number;
  readonly #damaged: readonly SnapshotFile[];
  /** Txns up to here are known to have been durable; 0: nothing is known. */
  readonly #marked: number;
  readonly #epochEnds: readonly number[];
  readonly #unproven: LogRange[] = [];
  /** The unfinished record at the end of the file read last, unless a txn followed. */
  #cut: { readonly name: string; readonly length: number } | null = null;
  /** The first file without a txn since the last txn. */
  #emptied: LogFile | null = null;
  #last = 0;
  #replayed = 0;
  #snapshotZxid = 0;
  #holdsSnapshotTxn = false;
  /** A file that ended in the middle of something; only the next txn can prove that nothing is missing. */
  #doubt: { readonly name: string; readonly end: LogEnd } | null = null;

  /** `logs` in ascending order of the zxid in the name; `damaged`: snapshots that were passed over. */
  constructor(
    source: RecoverySource,
    logs: readonly LogFile[],
    damaged: readonly SnapshotFile[],
    options: ReplayOptions,
    warnings: string[],
  ) {
    this.#source = source;
    this.#logs = logs;
    this.#damaged = damaged;
    this.#maxRecordBytes = options.maxRecordBytes;
    this.#provenZxid = options.provenZxid ?? Number.MAX_SAFE_INTEGER;
    this.#marked = options.provenZxid ?? 0;
    this.#epochEnds = options.epochEnds ?? [];
    this.#warnings = warnings;
  }

  /** Name of the first log file that holds a whole record, or something that is not a log; null when none does. */
  firstFileWithRecords(): string | null {
    for (const log of this.#logs) {
      const end = this.#read(log, () => {});
      if (end.records > 0 || end.kind === 'damaged' || (end.kind === 'not-a-log' && !end.unwritten)) return log.name;
    }
    return null;
  }

  /** Applies every txn after `snapshotZxid` to the state. */
  run(state: StateSink, snapshotZxid: number): ReplayedLogs {
    this.#last = snapshotZxid;
    this.#snapshotZxid = snapshotZxid;
    const first = Math.max(
      0,
      this.#logs.findLastIndex((log) => log.zxid <= snapshotZxid + 1),
    );
    for (let i = first; i < this.#logs.length; i++) this.#replay(this.#logs[i], state);
    if (this.#doubt !== null) this.#settleLastDoubt(this.#doubt.name, this.#doubt.end);
    else if (this.#cut !== null) this.#filesToTruncate.push(this.#cut);
    const isBefore = (this.#logs[first]?.zxid ?? Number.POSITIVE_INFINITY) <= snapshotZxid;
    const lacksSnapshotTxn = isBefore && counterOf(snapshotZxid) > 0 && !this.#holdsSnapshotTxn;
    return {
      lastZxid: this.#last,
      replayed: this.#replayed,
      filesToRemove: this.#filesToRemove,
      filesToTruncate: this.#filesToTruncate,
      unproven: this.#unproven,
      gapZxid: lacksSnapshotTxn ? snapshotZxid : 0,
    };
  }

  #replay(log: LogFile, state: StateSink): void {
    let unprovenFrom = -1;
    const end = this.#read(log, (bytes, view, start, bodyEnd, offset) => {
      const zxid = zxidOfBody(view, start);
      if (zxid < log.zxid) throw this.#refuseStray(log, offset, zxid);
      // With its first record a file's header is in question, too.
      if (zxid > this.#provenZxid && unprovenFrom < 0) unprovenFrom = offset === LOG_HEADER_BYTES ? 0 : offset;
      if (zxid === this.#snapshotZxid) this.#holdsSnapshotTxn = true;
      if (zxid <= this.#last) return;
      this.#requireNext(log, offset, zxid);
      try {
        state.applyTxn(bytes, view, start, bodyEnd);
      } catch (error) {
        if (!(error instanceof JuteError)) throw error;
        throw new RecoveryRefused(
          'unreadable-txn',
          `${log.name} at byte ${offset}: txn ${zxidText(zxid)} cannot be decoded (${error.message}). It was written by ` +
            'a newer release, or is damaged in spite of its checksum; restore the file from a backup or another server.',
          { file: log.name, offset },
        );
      }
      this.#last = zxid;
      this.#replayed++;
    });
    if (unprovenFrom >= 0) this.#unproven.push({ name: log.name, from: unprovenFrom, to: end.offset });
    this.#judgeEnd(log, end);
  }

  #read(
    log: LogFile,
    onRecord: (bytes: Uint8Array, view: DataView, start: number, end: number, at: number) => void,
  ): LogEnd {
    const reader = new LogFileReader(this.#maxRecordBytes, onRecord);
    this.#source.readLog(log.name, (bytes) => reader.push(bytes));
    return reader.finish();
  }

  #requireNext(log: LogFile, offset: number, zxid: number): void {
    const last = this.#last;
    const sameEpoch = epochOf(zxid) === epochOf(last);
    const contiguous = sameEpoch ? zxid === last + 1 : counterOf(zxid) === 1;
    const doubt = this.#doubt;
    if (doubt !== null && !(contiguous && sameEpoch)) throw this.#refuseDoubt(doubt.name, doubt.end);
    if (!contiguous) {
      const from = sameEpoch ? last + 1 : zxidIn(epochOf(zxid), 1);
      throw new RecoveryRefused(
        'missing-txns',
        `${log.name} at byte ${offset}: txn ${zxidText(zxid)} follows ${zxidText(last)}, so the txns from ` +
          `${zxidText(from)} to ${zxidText(zxid - 1)} are missing. Restore the log that holds them from a backup or ` +
          'another server. To accept the loss, move this file and all later ones out of the directory.',
        { file: log.name, offset, missingFrom: from, missingTo: zxid - 1 },
      );
    }
    if (doubt !== null) {
      this.#warnings.push(
        `${doubt.name} ends at byte ${doubt.end.offset} (${doubt.end.reason}); ${log.name} continues without a gap`,
      );
      this.#doubt = null;
    }
    if (!sameEpoch) {
      this.#requireEpochEnds(log, offset, zxid);
      if (this.#emptied !== null) this.#settleEmptied(this.#emptied, log);
      if (this.#cut !== null) this.#settleCut(this.#cut, log);
      this.#requireWitnessed(log, zxid);
    }
    this.#emptied = null;
    this.#cut = null;
  }

  /** No txn before `zxid` that was durable when a later epoch came may be beyond what the log has. */
  #requireEpochEnds(log: LogFile, offset: number, zxid: number): void {
    const last = this.#last;
    const end = this.#epochEnds.findLast((each) => each > last && each < zxid);
    if (end === undefined) return;
    throw new RecoveryRefused(
      'missing-txns',
      `${log.name} at byte ${offset}: txn ${zxidText(zxid)} follows ${zxidText(last)}, but the log was durable up to ${zxidText(end)} before ` +
        `that was written: the txns from ${zxidText(last + 1)} to ${zxidText(end)} were acknowledged and the disk has lost them. Restore ` +
        'the log that holds them from a backup or another server; to accept the loss, say "headkeeper repair cut-tail --accept-loss" ' +
        'with the log before it.',
      { file: log.name, offset, missingFrom: last + 1, missingTo: end },
    );
  }

  /** Another epoch begins: a damaged snapshot behind the last txn proves that the epoch before went on. */
  #requireWitnessed(log: LogFile, zxid: number): void {
    const last = this.#last;
    const witness = this.#damaged.find((each) => each.zxid > last && each.zxid < zxid && counterOf(each.zxid) > 0);
    if (witness === undefined) return;
    throw new RecoveryRefused(
      'snapshot-ahead-of-log',
      `${witness.name} cannot be loaded. The logs lead to ${zxidText(last)} and go on with ${zxidText(zxid)} in ${log.name}: the txns ` +
        `from ${zxidText(last + 1)} to ${zxidText(witness.zxid)} would be lost. Restore ${witness.name} or the missing logs from a ` +
        'backup or another server; to accept the loss, move that snapshot out of the directory.',
      { file: witness.name, missingFrom: last + 1, missingTo: witness.zxid },
    );
  }

  /**
   * A file without a txn, and behind it another epoch: what it is named after was durable once, or never came. Or it was torn: it is
   * known where its epoch has ended, and a snapshot or the files before have that much (`requireEpochEnds` has seen to it).
   */
  #settleEmptied(emptied: LogFile, next: LogFile): void {
    if (emptied.zxid > this.#marked) return;
    if (this.#epochEnds.some((end) => end <= this.#last && epochOf(end) >= epochOf(emptied.zxid))) return;
    throw new RecoveryRefused(
      'log-damaged',
      `${emptied.name} holds no txn, and held ${zxidText(emptied.zxid)} and more before ${next.name} was written. Restore the file from ` +
        'a backup or another server. To accept the loss, remove the file and headkeeper.logged.',
      { file: emptied.name, offset: 0, missingFrom: this.#last + 1 },
    );
  }

  /**
   * An unfinished record, and behind it another epoch, which says nothing about the end of the one before. Apache's server goes on so
   * after a crash. Ours cuts the record off before it goes on: what was durable once and is unfinished now is damage.
   */
  #settleCut(cut: { readonly name: string; readonly length: number }, next: LogFile): void {
    const missing = this.#last + 1;
    if (missing > this.#marked) {
      this.#filesToTruncate.push(cut);
      return;
    }
    throw new RecoveryRefused(
      'log-damaged',
      `${cut.name} ends in an unfinished record at byte ${cut.length}, and was durable behind it before ${next.name} was written: ` +
        `the txns of this epoch from ${zxidText(missing)} on are missing. Restore the file from a backup or another server. To ` +
        `accept the loss, cut the file to ${cut.length} bytes and remove headkeeper.logged.`,
      { file: cut.name, offset: cut.length, missingFrom: missing },
    );
  }

  /** A file is named by its first txn (known failure D21). */
  #refuseStray(log: LogFile, offset: number, zxid: number): RecoveryRefused {
    return new RecoveryRefused(
      'log-damaged',
      `${log.name} at byte ${offset}: txn ${zxidText(zxid)} comes before the name of the file, so it was written for another ` +
        'one, and what was written here is gone. Restore the file from a backup or another server.',
      { file: log.name, offset, missingFrom: this.#last + 1 },
    );
  }

  #judgeEnd(log: LogFile, end: LogEnd): void {
    if (end.kind === 'empty' || (end.kind === 'clean' && end.records === 0)) {
      this.#warnings.push(`${log.name} holds no txn and is to be removed`);
      this.#filesToRemove.push(log.name);
      this.#emptied ??= log;
      return;
    }
    if (end.kind === 'clean') return;
    if (end.kind === 'torn') {
      this.#warnings.push(
        `${log.name} ends in an unfinished record at byte ${end.offset} (${end.reason}); it was dropped`,
      );
      this.#cut = { name: log.name, length: end.offset };
      return;
    }
    if (!end.endsForApache && !end.unwritten) throw this.#refuseDoubt(log.name, end);
    // An earlier doubt that no txn has settled stays the first thing to explain.
    this.#doubt ??= { name: log.name, end };
  }

  /** No txn follows the doubtful place: only a write that never completed explains it without loss. */
  #settleLastDoubt(name: string, end: LogEnd): void {
    if (!end.unwritten) throw this.#refuseDoubt(name, end);
    this.#warnings.push(
      `${name} ends at byte ${end.offset} in a write that the disk never completed (${end.reason}); ` +
        'what follows there was never acknowledged and was dropped',
    );
    if (end.kind === 'not-a-log') this.#filesToRemove.push(name);
    else this.#filesToTruncate.push({ name, length: end.offset });
  }

  #refuseDoubt(name: string, end: LogEnd): RecoveryRefused {
    const reason = end.kind === 'not-a-log' ? 'not-a-log' : 'log-damaged';
    return new RecoveryRefused(
      reason,
      `${name} at byte ${end.offset}: ${end.reason}. The txns after ${zxidText(this.#last)} in this file, if any, cannot ` +
        'be trusted. Restore the file from a backup or another server. To accept the loss, ' +
        (end.offset > 0
          ? `cut the file to ${end.offset} bytes and move all later log files out of the directory.`
          : 'move the file and all later log files out of the directory.'),
      { file: name, offset: end.offset, missingFrom: this.#last + 1 },
    );
  }
}

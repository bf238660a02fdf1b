import type { Database, RecoveredState, StateSink } from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../exit-codes.ts';
import type { BackupHistory } from './backup-history.ts';
import type { DataDirHistory } from './data-dir-history.ts';
import type { HistorySource } from './history-source.ts';
import { type Moment, zxidText } from './moment.ts';

/**
 * The past as far as a backup and the data directory of a server hold it together: the backup goes back further as a rule, and
 * the directory has what is not shipped yet, or was never shipped. What both hold is read from the backup, whose states are exact.
 */
export class CombinedHistory implements HistorySource {
  readonly description: string;
  readonly #backup: BackupHistory;
  readonly #directory: DataDirHistory;

  constructor(backup: BackupHistory, directory: DataDirHistory) {
    this.#backup = backup;
    this.#directory = directory;
    this.description = `${backup.description} and ${directory.description}`;
  }

  get warnings(): readonly string[] {
    return [...this.#backup.warnings, ...this.#directory.warnings];
  }

  async zxidAt(moment: Moment): Promise<number> {
    if (moment.kind === 'before') return this.#backup.zxidAt(moment);
    const end = await this.#backup.zxidAt({ kind: 'now' });
    const found = await orNothing(this.#backup.zxidAt(moment));
    if (found !== null && found < end) return found;
    // The backup ends there, or does not reach there.
    const local = this.#directory.lastTxnAt(moment);
    if (found !== null) return Math.max(found, local ?? found);
    return local ?? this.#backup.zxidAt(moment);
  }

  async oldestZxid(): Promise<number> {
    const oldest = await this.#backup.oldestZxid();
    const local = await orNothing(this.#directory.oldestZxid());
    return Math.min(oldest, local ?? oldest);
  }

  async replay(baseZxid: number, toZxid: number, wrap?: (state: RecoveredState) => StateSink): Promise<Database> {
    const end = await this.#backup.zxidAt({ kind: 'now' });
    const isInBackup = baseZxid >= (await this.#backup.oldestZxid());
    if (toZxid <= end && isInBackup) return this.#backup.replay(baseZxid, toZxid, wrap);
    await this.#requireOneHistory();
    const local = await orNothing(this.#directory.oldestZxid());
    if (local !== null && baseZxid >= local) return this.#directory.replay(baseZxid, toZxid, wrap);
    let last: StateSink | null = null;
    const database = await this.#backup.replay(Math.min(baseZxid, end), end, (state) => {
      last = wrap?.(state) ?? state;
      return last;
    });
    if (last !== null) this.#directory.goOn(end, toZxid, last);
    return database;
  }

  /** The last txn that was shipped must be the same in the directory, if that still has it. */
  async #requireOneHistory(): Promise<void> {
    const shipped = await this.#backup.lastRecord();
    const own = shipped === null ? null : this.#directory.checksumOf(shipped.zxid);
    if (shipped === null || own === null || own === shipped.checksum) return;
    throw new CommandError(
      `${this.#directory.description} and ${this.#backup.description} hold different histories: under zxid ` +
        `${zxidText(shipped.zxid)} each has another transaction. Read them one at a time`,
      ExitCode.usage,
    );
  }
}

/** Null when the source does not hold what is asked for. */
async function orNothing(asked: Promise<number>): Promise<number | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === ExitCode.notCovered) return null;
    throw error;
  }
}

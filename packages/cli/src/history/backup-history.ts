import {
  BackupError,
  type BackupProblem,
  type Catalogue,
  type Database,
  findChange,
  gapsBetween,
  historyLines,
  type LogEntry,
  type RecoveredState,
  requireChain,
  restoreState,
  type SoundEnd,
  type StateSink,
  withSoundEnd,
  zxidAtTime,
} from '@headkeeper/server/internal';
import type { OpenBackup } from '../backup/open-repository.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { startProgress } from '../progress.ts';
import { type HistorySource, replaySettings } from './history-source.ts';
import { type Moment, momentText, zxidText } from './moment.ts';

const NOT_THERE: ReadonlySet<BackupProblem> = new Set(['not-covered', 'gap']);

/** The past as far as a backup holds it, by one listing of it. */
export class BackupHistory implements HistorySource {
  readonly description: string;
  readonly warnings: string[] = [];
  readonly #backup: OpenBackup;
  readonly #catalogue: Catalogue;

  private constructor(backup: OpenBackup, { catalogue, warnings }: SoundEnd) {
    this.description = backup.repository.target.description;
    this.warnings.push(...warnings);
    this.#backup = backup;
    this.#catalogue = catalogue;
    for (const { afterZxid, toZxid } of gapsBetween(historyLines(catalogue))) {
      const from = afterZxid === null ? '' : ` behind ${zxidText(afterZxid)}`;
      this.warnings.push(`the backup has a gap: what happened${from} up to ${zxidText(toZxid)} is not in it`);
    }
  }

  static async open(backup: OpenBackup): Promise<BackupHistory> {
    const { repository, signal } = backup;
    return new BackupHistory(backup, await withSoundEnd(repository, await repository.catalogue(signal), signal));
  }

  async zxidAt(moment: Moment): Promise<number> {
    try {
      return await this.#find(moment);
    } catch (error) {
      if (!(error instanceof BackupError) || !NOT_THERE.has(error.problem)) throw error;
      throw new CommandError(error.message, ExitCode.notCovered);
    }
  }

  async #find(moment: Moment): Promise<number> {
    const { repository, signal } = this.#backup;
    switch (moment.kind) {
      case 'zxid':
        return requireChain(this.#catalogue, moment.zxid).toZxid;
      case 'now': {
        const newest = this.#catalogue.newestZxid;
        if (newest === null) throw new CommandError(`${this.description} holds nothing yet`, ExitCode.notCovered);
        return newest;
      }
      case 'time': {
        const { zxid, alsoZxid, elsewhere } = await zxidAtTime(repository, this.#catalogue, moment.ms, signal);
        if (alsoZxid !== null) {
          this.warnings.push(
            `the servers' clocks went back around ${momentText(moment)}: that is taken for ${zxidText(zxid)}, and ` +
              `${zxidText(alsoZxid)} is not later by the clock; give a zxid to be exact`,
          );
        }
        this.warnings.push(
          ...elsewhere.map(({ zxid: other, untilMs }) => {
            const until = new Date(untilMs).toISOString();
            return (
              `a history that was left behind holds ${momentText(moment)}, too, and reaches to ${until}; give the zxid ` +
              `${zxidText(other)} for its state then`
            );
          }),
        );
        return zxid;
      }
      case 'before': {
        const found = await findChange(repository, this.#catalogue, moment.change, signal);
        if (found !== null) return found.beforeZxid;
        throw new CommandError(
          `the newest history in ${this.description} holds no ${moment.change.operation ?? 'change'} of ${moment.change.path}`,
          ExitCode.notCovered,
        );
      }
    }
  }

  /** The last txn of the log that was shipped, and its Adler-32; null when there is no log. */
  async lastRecord(): Promise<{ readonly zxid: number; readonly checksum: number } | null> {
    const { repository, signal } = this.#backup;
    const log = this.#catalogue.logs.reduce<LogEntry | null>((newest, entry) => {
      return newest === null || entry.lastZxid > newest.lastZxid ? entry : newest;
    }, null);
    if (log === null) return null;
    const { lastZxid, lastRecordAdler } = await repository.logManifest(log, signal);
    return { zxid: lastZxid, checksum: lastRecordAdler };
  }

  async oldestZxid(): Promise<number> {
    const oldest = historyLines(this.#catalogue)[0]?.fulls[0];
    if (oldest === undefined) {
      throw new CommandError(`${this.description} holds no full backup of its newest history`, ExitCode.notCovered);
    }
    return oldest.zxid;
  }

  async replay(baseZxid: number, toZxid: number, wrap?: (state: RecoveredState) => StateSink): Promise<Database> {
    const { repository, signal } = this.#backup;
    const progress = startProgress(`Reading ${this.description}`, 'bytes', null);
    try {
      const { database, warnings } = await restoreState(repository, this.#catalogue, {
        toZxid,
        baseUpToZxid: baseZxid,
        settings: replaySettings(),
        signal,
        progress: ({ bytes, totalBytes }) => progress.at(bytes, totalBytes),
        ...(wrap === undefined ? {} : { wrap }),
      });
      this.warnings.push(...warnings);
      return database;
    } finally {
      progress.end();
    }
  }
}

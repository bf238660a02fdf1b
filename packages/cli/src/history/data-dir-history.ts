import { basename, resolve } from 'node:path';
import {
  adler32,
  createNodeDisk,
  createRecoverySource,
  type Database,
  earlierThanNamed,
  LogFileReader,
  LogReplay,
  type RecoveredState,
  RecoveryRefused,
  type RecoverySource,
  SnapshotDamaged,
  SnapshotDecoder,
  type SnapshotFile,
  type SnapshotSummary,
  type StateSink,
  timeOfBody,
  zxidOfBody,
} from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { type Progress, startProgress } from '../progress.ts';
import { type HistorySource, newRecoveredState } from './history-source.ts';
import { type Moment, momentText, type NamedMoment, zxidText } from './moment.ts';

/** A path, data or record may be this long; a longer one is taken for damage. */
const MAX_RECORD_BYTES = 256 << 20;
const VERSION_FOLDER = 'version-2';

/** Thrown by a sink that has got what it wanted. */
class Enough extends Error {}

/**
 * The past as far as the data directory of a server holds it, Headkeeper's or Apache ZooKeeper's. The server may be running:
 * nothing is changed, and no lock is taken.
 */
export class DataDirHistory implements HistorySource {
  readonly description: string;
  readonly warnings: string[] = [];
  readonly #source: RecoverySource;

  /** @throws CommandError when there are no such folders. */
  constructor(dataDir: string, dataLogDir: string) {
    const disk = createNodeDisk();
    const [snapshots, logs] = [dataDir, dataLogDir].map((folder) => {
      const whole = resolve(folder);
      const versioned = basename(whole) === VERSION_FOLDER ? whole : `${whole}/${VERSION_FOLDER}`;
      if (!disk.existsSync(versioned)) {
        throw new CommandError(`${folder} is no data directory: it has no folder ${VERSION_FOLDER}`, ExitCode.usage);
      }
      return versioned;
    }) as [string, string];
    this.description = dataDir;
    this.#source = createRecoverySource(disk, snapshots, logs);
  }

  async zxidAt(moment: Moment): Promise<number> {
    if (moment.kind === 'before') {
      throw new CommandError(
        `only a backup is searched for changes: "headkeeper log ${moment.change.path}" shows those in ${this.description}, ` +
          'then give the zxid before the one that was wrong',
        ExitCode.usage,
      );
    }
    const { last, found } = this.#scan(moment);
    if (moment.kind === 'zxid' && !found && last < moment.zxid) {
      throw new CommandError(
        `${this.description} ends at ${zxidText(last)}: it does not reach ${zxidText(moment.zxid)}`,
        ExitCode.notCovered,
      );
    }
    const oldest = await this.oldestZxid();
    if (last < oldest) {
      throw new CommandError(
        `${this.description} does not reach back to ${momentText(moment)}: it begins at ${zxidText(oldest)}`,
        ExitCode.notCovered,
      );
    }
    return last;
  }

  /**
   * The last txn of the logs that belongs to the state at a moment, whether there is a snapshot before it or not; null when they
   * hold none, or not the one that is named.
   */
  lastTxnAt(moment: NamedMoment): number | null {
    const { last, first } = this.#scan(moment);
    if (first < 0 || last < first || (moment.kind === 'zxid' && last !== moment.zxid)) return null;
    return last;
  }

  async oldestZxid(): Promise<number> {
    const logs = this.#source.logs();
    const snapshots = this.#snapshots();
    const usable = snapshots.filter(({ zxid }) => logs.some((log) => log.zxid <= zxid + 1));
    const oldest = usable.at(-1) ?? snapshots[0];
    if (oldest === undefined) throw new CommandError(`${this.description} holds no snapshot`, ExitCode.notCovered);
    return oldest.zxid;
  }

  async replay(baseZxid: number, toZxid: number, wrap?: (state: RecoveredState) => StateSink): Promise<Database> {
    const candidates = this.#snapshots().filter(({ zxid }) => zxid <= baseZxid);
    for (const [at, snapshot] of candidates.entries()) {
      const state = newRecoveredState();
      const sink = wrap?.(state) ?? state;
      if (!this.#load(snapshot, sink, baseZxid, at === candidates.length - 1)) continue;
      this.goOn(snapshot.zxid, toZxid, sink);
      if (state.mismatchCount > 0) this.warnings.push(...state.digestMismatches);
      return state.database;
    }
    throw new CommandError(
      `${this.description} holds no whole snapshot at or before ${zxidText(baseZxid)}` +
        (this.warnings.length === 0 ? '' : ` (${this.warnings.join('; ')})`),
      ExitCode.damaged,
    );
  }

  /** Those that are not cut short, newest first. */
  #snapshots(): SnapshotFile[] {
    return this.#source
      .snapshots()
      .filter(({ name }) => this.#source.quickCheck(name))
      .sort((a, b) => b.zxid - a.zxid);
  }

  /** False when the snapshot is damaged, or is mixed with changes behind `baseZxid` and is not the `last` to be tried. */
  #load(snapshot: SnapshotFile, state: StateSink, baseZxid: number, last: boolean): boolean {
    const decoder = new SnapshotDecoder(state, MAX_RECORD_BYTES);
    let summary: SnapshotSummary;
    try {
      this.#source.readSnapshot(snapshot.name, (bytes) => decoder.push(bytes));
      summary = decoder.finish();
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      this.warnings.push(`${snapshot.name} is damaged and was passed over: ${error.message}`);
      return false;
    }
    const { digest } = summary;
    const holds = earlierThanNamed(summary, snapshot.zxid);
    if (holds !== null) {
      this.warnings.push(
        `${snapshot.name} was passed over: its name is wrong, for it holds the state of ${zxidText(holds)}`,
      );
      return false;
    }
    if (digest !== null && digest.zxid > baseZxid) {
      if (!last) return false;
      this.warnings.push(
        `${snapshot.name} was written while the tree changed, up to ${zxidText(digest.zxid)}: ` +
          'states before that can hold some of the later changes already',
      );
    }
    const counts = digest !== null && digest.zxid > 0 && digest.zxid >= snapshot.zxid;
    state.loaded(snapshot.zxid, counts ? digest : null);
    return true;
  }

  /**
   * Applies the txns behind `afterZxid`, up to `toZxid`, to a state that holds all before them.
   *
   * @throws CommandError when the logs do not hold them.
   */
  goOn(afterZxid: number, toZxid: number, state: StateSink): void {
    if (toZxid <= afterZxid) return;
    const logs = [...this.#source.logs()].sort((a, b) => a.zxid - b.zxid);
    const bounded: Pick<StateSink, 'applyTxn'> = {
      applyTxn(bytes, view, start, end) {
        if (zxidOfBody(view, start) > toZxid) throw new Enough();
        state.applyTxn(bytes, view, start, end);
      },
    };
    const progress = startProgress(`Reading ${this.description}`, 'bytes', total(logs));
    try {
      const source = withProgress(this.#source, progress);
      new LogReplay(source, logs, [], { maxRecordBytes: MAX_RECORD_BYTES }, this.warnings).run(
        bounded as StateSink,
        afterZxid,
      );
    } catch (error) {
      if (error instanceof RecoveryRefused) throw new CommandError(error.message, ExitCode.damaged);
      if (!(error instanceof Enough)) throw error;
    } finally {
      progress.end();
    }
  }

  /** The Adler-32 of a txn; null when the logs do not hold it. */
  checksumOf(zxid: number): number | null {
    const logs = [...this.#source.logs()].sort((a, b) => a.zxid - b.zxid);
    const log = logs.findLast((file) => file.zxid <= zxid);
    if (log === undefined) return null;
    let found: number | null = null;
    const reader = new LogFileReader(MAX_RECORD_BYTES, (bytes, view, start, end) => {
      if (zxidOfBody(view, start) === zxid) found = adler32(bytes, start, end);
    });
    this.#source.readLog(log.name, (bytes) => reader.push(bytes));
    return found;
  }

  /** The last txn before the first one that is beyond the moment, and whether the moment's own txn is there. */
  #scan(moment: NamedMoment): { last: number; found: boolean; first: number } {
    const newest = this.#snapshots()[0]?.zxid ?? 0;
    let last = -1;
    let first = -1;
    let found = false;
    const logs = [...this.#source.logs()].sort((a, b) => a.zxid - b.zxid);
    const progress = startProgress(`Searching ${this.description}`, 'bytes', total(logs));
    const source = withProgress(this.#source, progress);
    try {
      for (const log of logs) {
        const reader = new LogFileReader(MAX_RECORD_BYTES, (_bytes, view, start) => {
          const zxid = zxidOfBody(view, start);
          if (zxid <= last) return;
          if (first < 0) first = zxid;
          if (isBeyond(moment, zxid, view, start)) throw new Enough();
          last = zxid;
          found ||= moment.kind === 'zxid' && zxid === moment.zxid;
        });
        source.readLog(log.name, (bytes) => reader.push(bytes));
        reader.finish();
      }
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
      // Right before the first record of all is the state that it was made on.
      return { last: last < 0 ? first - 1 : last, found: true, first };
    } finally {
      progress.end();
    }
    return { last: Math.max(last, moment.kind === 'zxid' ? Math.min(newest, moment.zxid) : newest), found, first };
  }
}

function isBeyond(moment: NamedMoment, zxid: number, view: DataView, start: number): boolean {
  switch (moment.kind) {
    case 'zxid':
      return zxid > moment.zxid;
    case 'time':
      return timeOfBody(view, start) > moment.ms;
    case 'now':
      return false;
  }
}

function total(logs: readonly { readonly size: number }[]): number {
  return logs.reduce((sum, { size }) => sum + size, 0);
}

function withProgress(source: RecoverySource, progress: Progress): RecoverySource {
  let done = 0;
  return {
    ...source,
    readLog: (name, onChunk) =>
      source.readLog(name, (bytes) => {
        onChunk(bytes);
        done += bytes.length;
        progress.at(done);
      }),
  };
}

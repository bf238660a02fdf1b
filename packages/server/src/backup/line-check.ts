import { Database } from '../core/database.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import { RecoveredState } from '../core/recovered-state.ts';
import type { CoreSettings } from '../core/settings.ts';
import { BackupError } from './backup-error.ts';
import type { FullEntry } from './catalogue.ts';
import type { ChainPart } from './chain.ts';
import type { HistoryLine } from './history-lines.ts';
import type { OverlapCheck } from './overlap-check.ts';
import { applyTxn, loadFull, type ReadProgress, readLog } from './replay.ts';
import type { BackupRepository } from './repository.ts';
import { digestText } from './snapshot-check.ts';

/**
 * Walks along a line of history: from its oldest full backup through all of its log, and wherever another full backup stands
 * the tree must be the one that this holds. Behind damage it goes on from the next full backup.
 */
export class LineCheck {
  readonly #repository: BackupRepository;
  readonly #settings: CoreSettings;
  readonly #overlaps: OverlapCheck;
  readonly #signal: AbortSignal;
  readonly #progress: ReadProgress;
  readonly #problems: BackupError[] = [];
  /** The state as the walk has it; null where none is known. */
  #state: RecoveredState | null = null;
  #atZxid = -1;
  /** Digests of the walk's tree at the zxids of full backups. */
  readonly #digests: Map<number, string> = new Map();
  txns = 0;
  digestsCompared = 0;

  constructor(
    repository: BackupRepository,
    settings: CoreSettings,
    overlaps: OverlapCheck,
    signal: AbortSignal,
    progress: ReadProgress,
  ) {
    this.#repository = repository;
    this.#settings = settings;
    this.#overlaps = overlaps;
    this.#signal = signal;
    this.#progress = progress;
  }

  /** Returns what is wrong. Adds the manifests of the pieces of log that it read to `read`. */
  async run(line: HistoryLine, read: Set<string>): Promise<readonly BackupError[]> {
    const fulls = [...line.fulls];
    for (const part of line.parts) {
      while (fulls[0] !== undefined && fulls[0].zxid <= part.afterZxid) await this.#full(fulls.shift());
      if (this.#state === null && fulls[0] !== undefined && fulls[0].zxid <= part.toZxid)
        await this.#full(fulls.shift());
      read.add(part.log.manifest);
      await this.#log(part, new Set(fulls.map(({ zxid }) => zxid)));
      while (fulls[0] !== undefined && fulls[0].zxid <= part.toZxid) await this.#full(fulls.shift());
    }
    for (const full of fulls) await this.#full(full);
    return this.#problems;
  }

  /** Builds the tree of a full backup, and compares it with the one that the log has led to. */
  async #full(full: FullEntry | undefined): Promise<void> {
    if (full === undefined) return;
    const state = new RecoveredState(new Database(this.#settings));
    await this.#guarded(async () => {
      await loadFull(this.#repository, full, state, this.#signal, this.#progress);
      const { digest, file } = await this.#repository.fullManifest(full, this.#signal);
      const { tree } = state.database;
      tree.checkLoaded(Number.POSITIVE_INFINITY);
      if (tree.loadedWrongly) throw wrong(file.object, 'its tree has another digest than it states');
      if (digest !== null) this.digestsCompared++;
      const built = digestOf(state);
      const walked = this.#digests.get(full.zxid) ?? (full.zxid === this.#atZxid ? this.#walkedDigest() : null);
      if (walked !== null && walked !== built) {
        this.#state = null;
        throw wrong(file.object, `the log leads to another tree at ${zxidText(full.zxid)} than it holds`);
      }
      if (this.#state === null) {
        this.#state = state;
        this.#atZxid = full.zxid;
      }
    });
  }

  async #log(part: ChainPart, fullsAt: ReadonlySet<number>): Promise<void> {
    const { log } = part;
    const compare = this.#overlaps.onTxn(log);
    if (!this.#goesOn(part)) this.#state = null;
    const state = this.#state;
    const mismatches = state?.mismatchCount ?? 0;
    const isDone = await this.#guarded(async () => {
      await readLog(
        this.#repository,
        log,
        (bytes, view, start, end, zxid) => {
          compare(bytes, view, start, end, zxid);
          this.txns++;
          if (state === null || zxid <= this.#atZxid || zxid <= part.afterZxid || zxid > part.toZxid) return;
          applyTxn(state, log, bytes, view, start, end);
          this.#atZxid = zxid;
          if (fullsAt.has(zxid)) this.#digests.set(zxid, digestOf(state));
        },
        this.#signal,
        this.#progress,
      );
      if (state !== null && state.mismatchCount > mismatches)
        throw wrong(log.manifest, state.digestMismatches.join('; '));
    });
    if (!isDone) this.#state = null;
  }

  /** Whether the state is the one that the part's first txn belongs behind, or one inside the part. */
  #goesOn({ afterZxid, toZxid, log }: ChainPart): boolean {
    const at = this.#atZxid;
    return at === afterZxid || at === log.firstZxid - 1 || (at >= log.firstZxid && at <= toZxid);
  }

  #walkedDigest(): string | null {
    return this.#state === null ? null : digestOf(this.#state);
  }

  async #guarded(look: () => Promise<void>): Promise<boolean> {
    try {
      await look();
      return true;
    } catch (error) {
      if (!(error instanceof BackupError) || error.object === null) throw error;
      this.#problems.push(error);
      return false;
    }
  }
}

function digestOf(state: RecoveredState): string {
  const { tree } = state.database;
  tree.settleDigest();
  const { digest } = tree;
  return digestText(digest.high, digest.low);
}

function wrong(object: string, what: string): BackupError {
  return new BackupError('damaged', object, `${object} is damaged: ${what}.`);
}

import { zxidText } from '../core/log/recovery-refused.ts';
import type { CoreSettings } from '../core/settings.ts';
import { BackupError } from './backup-error.ts';
import type { Catalogue, Entry } from './catalogue.ts';
import { planChain } from './chain.ts';
import { gapsBetween, type HistoryLine, historyLines } from './history-lines.ts';
import { inParallel } from './in-parallel.ts';
import { LineCheck } from './line-check.ts';
import { manifestObject, parseObjectName } from './naming.ts';
import { OverlapCheck } from './overlap-check.ts';
import { readLog } from './replay.ts';
import type { BackupRepository } from './repository.ts';

/** Something that is wrong with a backup. */
export interface VerifyProblem {
  /** `damaged`: an object; `gap`: txns are missing; `contradiction`: two objects do not agree. */
  readonly kind: 'damaged' | 'gap' | 'contradiction';
  /** The object at fault; null when it is not a single one. */
  readonly object: string | null;
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
}

export interface VerifyProgress {
  readonly object: string;
  /** Plain bytes read, and all that there are to be read. */
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface VerifyOptions {
  readonly settings: CoreSettings;
  readonly signal: AbortSignal;
  readonly progress?: (progress: VerifyProgress) => void;
}

export interface VerifyReport {
  /** No problem was found. */
  readonly sound: boolean;
  readonly problems: readonly VerifyProblem[];
  readonly fulls: number;
  readonly logs: number;
  /** Txns whose checksums were compared. */
  readonly txns: number;
  /** Plain bytes that were read. */
  readonly bytes: number;
  /** Full backups whose tree was built and compared with its digest; those without a digest could only be built. */
  readonly digestsCompared: number;
  /** The lines of history that were found, the newest first. */
  readonly lines: readonly HistoryLine[];
  /** The greatest zxid that can be restored with what was found to be sound; null when none can. */
  readonly newestRestorableZxid: number | null;
  readonly catalogue: Catalogue;
}

const MANIFESTS_AT_ONCE = 16;

/**
 * Looks at everything that is published in a backup: every checksum, every txn, the tree of every full backup and its digest;
 * and whether the log leads from each full backup to exactly the next. Goes on behind a problem. Throws only what keeps it from
 * looking: TargetError, or the signal's reason.
 */
export async function verifyBackup(repository: BackupRepository, options: VerifyOptions): Promise<VerifyReport> {
  return new Verification(repository, options).run();
}

class Verification {
  readonly #repository: BackupRepository;
  readonly #options: VerifyOptions;
  readonly #problems: VerifyProblem[] = [];
  /** Manifests of what cannot be used. */
  readonly #unusable: Set<string> = new Set();
  #bytes = 0;
  #totalBytes = 0;
  #txns = 0;
  #digestsCompared = 0;

  constructor(repository: BackupRepository, options: VerifyOptions) {
    this.#repository = repository;
    this.#options = options;
  }

  async run(): Promise<VerifyReport> {
    const { signal, settings } = this.#options;
    const catalogue = await this.#repository.catalogue(signal);
    await this.#manifests(catalogue);
    const published = catalogue.without(this.#unusable);
    const lines = historyLines(published);
    const overlaps = new OverlapCheck(published.logs);
    const read = new Set<string>();
    for (const line of lines) {
      const check = new LineCheck(this.#repository, settings, overlaps, signal, (object, count) => {
        this.#advance(object, count);
      });
      for (const problem of await check.run(line, read)) this.#damaged(problem);
      this.#txns += check.txns;
      this.#digestsCompared += check.digestsCompared;
    }
    for (const log of published.logs) {
      if (read.has(log.manifest)) continue;
      await this.#guarded(async () => {
        const onTxn = overlaps.onTxn(log);
        await readLog(this.#repository, log, onTxn, signal, (object, count) => this.#advance(object, count));
        this.#txns += log.lastZxid - log.firstZxid + 1;
      });
    }
    for (const { message, object } of overlaps.contradictions) {
      const advice = 'Two histories have used the same zxids. Take a full backup now, to an empty target.';
      this.#problems.push({ kind: 'contradiction', object, message, advice });
    }
    // What was removed properly meanwhile, by a prune or by whoever ships, is no damage.
    const now = await this.#repository.catalogue(signal);
    const listed = new Set([...now.fulls, ...now.logs].map(({ manifest }) => manifest));
    const problems = this.#problems.filter(({ kind, object }) => {
      return kind !== 'damaged' || listed.has(manifestOf(object) ?? '');
    });
    const usable = now.without(this.#unusable);
    problems.push(...gapProblems(historyLines(now), historyLines(usable)));
    return {
      sound: problems.length === 0,
      problems,
      fulls: catalogue.fulls.length,
      logs: catalogue.logs.length,
      txns: this.#txns,
      bytes: this.#bytes,
      digestsCompared: this.#digestsCompared,
      lines,
      newestRestorableZxid: newestRestorable(usable),
      catalogue,
    };
  }

  async #manifests(catalogue: Catalogue): Promise<void> {
    const entries: readonly Entry[] = [...catalogue.fulls, ...catalogue.logs];
    await inParallel(entries, MANIFESTS_AT_ONCE, async (entry) => {
      await this.#guarded(async () => {
        const { file } = await this.#repository.manifest(entry, this.#options.signal);
        this.#totalBytes += file.plainBytes;
      });
    });
  }

  async #guarded(look: () => Promise<void>): Promise<void> {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof BackupError) || error.object === null) throw error;
      this.#damaged(error);
    }
  }

  #damaged(error: BackupError): void {
    const manifest = manifestOf(error.object);
    if (manifest !== null) this.#unusable.add(manifest);
    this.#problems.push({
      kind: 'damaged',
      object: error.object,
      message: error.message,
      advice:
        error.problem === 'newer-format'
          ? 'Verify with the release that made it, or a newer one.'
          : 'Put the object back from a copy of the target if there is one, and take a full backup now.',
    });
  }

  #advance(object: string, bytes: number): void {
    this.#bytes += bytes;
    this.#options.progress?.({ object, bytes: this.#bytes, totalBytes: this.#totalBytes });
  }
}

/** Holes that were there before, and those that damage has made. */
function gapProblems(listed: readonly HistoryLine[], usable: readonly HistoryLine[]): VerifyProblem[] {
  const before = new Set(gapsBetween(listed).map((gap) => gap.toZxid));
  return gapsBetween(usable).map((gap) => {
    const from = gap.afterZxid === null ? 'Everything' : `The txns behind ${zxidText(gap.afterZxid)}`;
    const are = before.has(gap.toZxid) ? 'are missing' : 'are lost by the damage';
    return {
      kind: 'gap',
      object: null,
      message: `${from} up to ${zxidText(gap.toZxid)} ${are}.`,
      advice: 'Nothing between them can be restored; what lies before and behind can.',
    };
  });
}

function manifestOf(object: string | null): string | null {
  const parsed = object === null ? null : parseObjectName(object);
  return parsed === null ? null : manifestObject(parsed.name);
}

function newestRestorable(usable: Catalogue): number | null {
  const lines = historyLines(usable).toSorted((a, b) => b.toZxid - a.toZxid);
  return lines.find(({ toZxid }) => planChain(usable, toZxid).kind === 'chain')?.toZxid ?? null;
}

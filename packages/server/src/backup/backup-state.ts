import { Database } from '../core/database.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import type { StateSink } from '../core/log/state-sink.ts';
import { RecoveredState } from '../core/recovered-state.ts';
import type { CoreSettings } from '../core/settings.ts';
import { BackupError } from './backup-error.ts';
import type { Catalogue } from './catalogue.ts';
import { type Chain, gapError, planChain } from './chain.ts';
import { manifestObject, parseObjectName } from './naming.ts';
import { type ReplayOptions, type ReplaySummary, replayChain } from './replay.ts';
import type { BackupRepository } from './repository.ts';
import { withSoundEnd } from './sound-end.ts';

export interface BackupStateOptions extends ReplayOptions {
  /** Null: the newest one that is published. */
  readonly toZxid: number | null;
  /** No full backup beyond this zxid is begun with, so that every txn from there on passes the sink; by default any is. */
  readonly baseUpToZxid?: number;
  readonly settings: CoreSettings;
  /** Wraps the sink, to look at the txns on their way; called for every attempt, which begins anew. */
  readonly wrap?: (state: RecoveredState) => StateSink;
  /** Told of every object that turned out to be unusable, before the next attempt. */
  readonly warn?: (message: string) => void;
}

export interface BackupState {
  readonly database: Database;
  readonly chain: Chain;
  readonly summary: ReplaySummary;
  /** What was unusable and went round: one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Restores the state at a zxid into memory. An object that turns out to be damaged is gone round if the backup holds another
 * way to the very same state (an older full backup, or pieces of log that overlap); else BackupError says what is damaged.
 * A manifest that is half written counts as not published. Digests are compared wherever the backup holds some.
 */
export async function restoreState(
  repository: BackupRepository,
  catalogue: Catalogue,
  options: BackupStateOptions,
): Promise<BackupState> {
  const unusable = new Set<string>();
  const warnings: string[] = [];
  let first: BackupError | null = null;
  const settled = async (found: Catalogue): Promise<Catalogue> => {
    if (options.toZxid !== null) return found;
    const end = await withSoundEnd(repository, found, options.signal);
    for (const warning of end.warnings) if (!warnings.includes(warning)) warnings.push(warning);
    return end.catalogue;
  };
  let listed = await settled(catalogue);
  for (;;) {
    const usable = withBases(listed, options.baseUpToZxid).without(unusable);
    const chain = chainTo(usable, newestOf(repository, listed, unusable, options.toZxid), first);
    try {
      return { ...(await attempt(repository, chain, options)), chain, warnings };
    } catch (error) {
      if (!(error instanceof BackupError) || error.problem !== 'damaged') throw error;
      const manifest = manifestAtFault(chain, error.object);
      if (manifest === null) throw error;
      first ??= error;
      unusable.add(manifest);
      // Whoever ships may have replaced small pieces of log by a larger one meanwhile.
      listed = await settled(await repository.catalogue(options.signal));
      warnings.push(error.message);
      options.warn?.(error.message);
    }
  }
}

async function attempt(
  repository: BackupRepository,
  chain: Chain,
  options: BackupStateOptions,
): Promise<Pick<BackupState, 'database' | 'summary'>> {
  const state = new RecoveredState(new Database(options.settings));
  const sink = options.wrap?.(state) ?? state;
  const summary = await replayChain(repository, chain, sink, options);
  const { tree } = state.database;
  tree.checkLoaded(Number.POSITIVE_INFINITY);
  const object = chain.full.data?.name ?? chain.full.manifest;
  if (tree.loadedWrongly)
    throw new BackupError('damaged', object, `${object} holds a tree with another digest than it states.`);
  if (state.mismatchCount > 0) {
    throw new BackupError('damaged', null, `The backup contradicts itself: ${state.digestMismatches.join('; ')}.`);
  }
  return { database: state.database, summary };
}

function withBases(catalogue: Catalogue, upToZxid = Number.POSITIVE_INFINITY): Catalogue {
  return catalogue.without(
    new Set(catalogue.fulls.filter(({ zxid }) => zxid > upToZxid).map(({ manifest }) => manifest)),
  );
}

/**
 * By default the newest zxid. One that only a half-written manifest promises was never published; but if the data of something
 * published is damaged, less than it is not what was asked for.
 */
function newestOf(
  repository: BackupRepository,
  catalogue: Catalogue,
  unusable: ReadonlySet<string>,
  toZxid: number | null,
): number {
  if (toZxid !== null) return toZxid;
  const unpublished = new Set([...unusable].filter((manifest) => !repository.isPublished(manifest)));
  const newest = catalogue.without(unpublished).newestZxid;
  if (newest !== null) return newest;
  throw new BackupError(
    'not-covered',
    null,
    `The backup in ${repository.target.description} is empty: nothing has been published in it yet.`,
  );
}

function chainTo(usable: Catalogue, zxid: number, first: BackupError | null): Chain {
  const plan = planChain(usable, zxid);
  if (plan.kind === 'chain') return plan;
  if (first === null) throw gapError(usable, plan);
  const { afterZxid } = plan;
  const rest = afterZxid === null ? '' : ` What can be restored ends at ${zxidText(afterZxid)} or before.`;
  throw new BackupError(
    'damaged',
    first.object,
    `${first.message} There is no other way to zxid ${zxidText(zxid)}.${rest}`,
    first,
  );
}

function manifestAtFault(chain: Chain, object: string | null): string | null {
  const parsed = object === null ? null : parseObjectName(object);
  if (parsed === null) return null;
  const manifest = manifestObject(parsed.name);
  const isOfChain = [chain.full, ...chain.parts.map(({ log }) => log)].some((entry) => entry.manifest === manifest);
  return isOfChain ? manifest : null;
}

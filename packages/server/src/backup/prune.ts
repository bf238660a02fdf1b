import { BackupError } from './backup-error.ts';
import type { Catalogue, Entry } from './catalogue.ts';
import { inParallel } from './in-parallel.ts';
import type { FullManifest } from './manifest.ts';
import type { BackupRepository } from './repository.ts';
import { planRetention, type RetentionPlan, type RetentionRules } from './retention.ts';

export interface PruneOptions {
  readonly rules: RetentionRules;
  /** Only says what would go. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** Told of each entry or leftover that has gone. */
  readonly removed?: (object: string, done: number, total: number) => void;
}

export interface PruneResult extends RetentionPlan {
  /** Bytes of data that went, or would go. */
  readonly bytes: number;
  /** Full backups that do not count, one sentence each; they were left alone. */
  readonly warnings: readonly string[];
}

const AT_ONCE = 8;

/**
 * Removes what the rules no longer keep. A listing that lags behind makes this remove less, never more: what it does not show
 * is not touched, and what it shows although it has gone can be removed again. It may be stopped at any point and called again.
 */
export async function pruneBackup(repository: BackupRepository, options: PruneOptions): Promise<PruneResult> {
  const { rules, dryRun, signal } = options;
  const catalogue = await repository.catalogue(signal);
  const { manifests, warnings } = await soundFulls(repository, catalogue, signal);
  const plan = planRetention(catalogue, manifests, rules);
  if (!dryRun) await remove(repository, plan, options);
  const data = [...plan.remove.map((entry) => entry.data?.size ?? 0), ...plan.removeLeftovers.map(({ size }) => size)];
  return { ...plan, bytes: data.reduce((sum, size) => sum + size, 0), warnings };
}

/** The manifests of the full backups whose data is there in full size, so far as a listing can tell. */
async function soundFulls(
  repository: BackupRepository,
  catalogue: Catalogue,
  signal: AbortSignal,
): Promise<{ readonly manifests: Map<string, FullManifest>; readonly warnings: string[] }> {
  const manifests = new Map<string, FullManifest>();
  const warnings: string[] = [];
  await inParallel(catalogue.fulls, AT_ONCE, async (full) => {
    try {
      const manifest = await repository.fullManifest(full, signal);
      const { object, storedBytes } = manifest.file;
      if (full.data?.size === storedBytes) manifests.set(full.manifest, manifest);
      else warnings.push(`${object} is not there in its full size of ${storedBytes} bytes; it does not count.`);
    } catch (error) {
      if (!(error instanceof BackupError) || error.problem !== 'damaged') throw error;
      warnings.push(error.message);
    }
  });
  return { manifests, warnings };
}

async function remove(repository: BackupRepository, plan: RetentionPlan, options: PruneOptions): Promise<void> {
  const { signal, removed } = options;
  const total = plan.remove.length + plan.removeLeftovers.length;
  let done = 0;
  const gone = (object: string): void => removed?.(object, ++done, total);
  // The oldest first, so that stopping half way leaves a shorter history and no hole.
  const oldestFirst = [...plan.remove].sort((a, b) => endOf(a) - endOf(b));
  for (const entry of oldestFirst) {
    await repository.remove(entry, signal);
    gone(entry.manifest);
  }
  for (const { name } of plan.removeLeftovers) {
    await repository.target.remove(name, signal);
    gone(name);
  }
}

function endOf(entry: Entry): number {
  return entry.kind === 'full' ? entry.zxid : entry.lastZxid;
}

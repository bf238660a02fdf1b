import { BackupError } from './backup-error.ts';
import type { Catalogue, Entry } from './catalogue.ts';
import type { BackupRepository } from './repository.ts';

/** A catalogue whose newest zxid something sound stands for. */
export interface SoundEnd {
  readonly catalogue: Catalogue;
  /** What was left out: one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Leaves out what lies at the newest end and has no sound manifest: it was never published, whatever its name says. So a name that
 * somebody has put there, or half a manifest, is not taken for the newest state.
 */
export async function withSoundEnd(
  repository: BackupRepository,
  catalogue: Catalogue,
  signal: AbortSignal,
): Promise<SoundEnd> {
  const unsound = new Set<string>();
  const warnings: string[] = [];
  const newestFirst = [...catalogue.fulls, ...catalogue.logs].sort((a, b) => endOf(b) - endOf(a));
  for (const entry of newestFirst) {
    try {
      await repository.manifest(entry, signal);
      break;
    } catch (error) {
      if (!(error instanceof BackupError) || error.problem !== 'damaged') throw error;
      unsound.add(entry.manifest);
      warnings.push(error.message);
    }
  }
  return { catalogue: catalogue.without(unsound), warnings };
}

function endOf(entry: Entry): number {
  return entry.kind === 'full' ? entry.zxid : entry.lastZxid;
}

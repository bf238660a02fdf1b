import { epochOf, zxidIn } from '@headkeeper/protocol';
import { unguessableBytes } from '../adapters/system/unguessable.ts';
import { BackupError } from './backup-error.ts';
import type { Catalogue } from './catalogue.ts';
import { restoreMarkObject } from './naming.ts';
import type { BackupRepository } from './repository.ts';
import { EPOCH_JUMP, epochBeyond } from './restore-write.ts';
import { TargetError } from './target.ts';

/**
 * A name with an epoch so far above all that is sound in the backup, and nothing sound behind it, is garbage: it would take so
 * many restores, with no trace of any of them left, to get there.
 */
const BELIEVABLE_JUMP = 16 * EPOCH_JUMP;

/** Distances that are drawn from when the target cannot be marked. */
const RANDOM_EPOCHS = 256;

/** The greatest epoch that a backup knows of. */
export interface KnownEpoch {
  readonly epoch: number;
  /** Names that do not count: a sentence each. */
  readonly warnings: readonly string[];
}

/** The epoch in which a restored history goes on. */
export interface RaisedEpoch {
  readonly epoch: number;
  /** Sentences for people. */
  readonly notes: readonly string[];
}

interface Named {
  readonly object: string;
  readonly epoch: number;
  readonly read: () => Promise<unknown>;
}

/**
 * The greatest epoch that anything in the backup is of, restores that were made from it included. An object that is not sound
 * counts by its name, for it may be the last trace of a history; but not one whose epoch is beyond belief.
 */
export async function greatestEpoch(
  repository: BackupRepository,
  catalogue: Catalogue,
  signal: AbortSignal,
): Promise<KnownEpoch> {
  const named: Named[] = [
    ...catalogue.fulls.map((full) => ({
      object: full.manifest,
      epoch: epochOf(full.zxid),
      read: () => repository.fullManifest(full, signal),
    })),
    ...catalogue.logs.map((log) => ({
      object: log.manifest,
      epoch: epochOf(log.lastZxid),
      read: () => repository.logManifest(log, signal),
    })),
    ...catalogue.restoredEpochs.map((epoch) => ({
      object: restoreMarkObject(epoch),
      epoch,
      read: () => repository.restoreMark(epoch, signal),
    })),
  ].sort((a, b) => b.epoch - a.epoch);
  const unsound: Named[] = [];
  let sound = 0;
  for (const each of named) {
    if (await isSound(each)) {
      sound = each.epoch;
      break;
    }
    unsound.push(each);
  }
  const isBelieved = ({ epoch }: Named): boolean => epoch <= sound + BELIEVABLE_JUMP;
  return {
    epoch: unsound.find(isBelieved)?.epoch ?? sound,
    warnings: unsound
      .filter((each) => !isBelieved(each))
      .map(({ object, epoch }) => `${object} does not count: nothing sound in the backup is near its epoch ${epoch}.`),
  };
}

/** Damage is no reason; anything else that keeps it from being read is thrown. */
async function isSound({ read }: Named): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    if (error instanceof BackupError && error.problem === 'damaged') return false;
    throw error;
  }
}

/**
 * Takes an epoch for a restored history: `jump` (by default 256) above the greatest one that the backup knows of, and leaves a
 * mark in the target, so that no other restore from it takes the same: the zxids of two histories would not tell them apart.
 * When the target cannot be marked the epoch is drawn from 256 ones, unless `jump` is given, and a note says so.
 *
 * @throws RestoreRefused when zxids cannot hold the epoch; BackupError; TargetError when the target cannot be listed.
 */
export async function raiseEpoch(
  repository: BackupRepository,
  jump: number | null,
  restoredZxid: number,
  nowMs: number,
  signal: AbortSignal,
): Promise<RaisedEpoch> {
  const id = unguessableBytes(16).toString('hex');
  // A listing may lag behind, and not show what is there.
  let taken = 0;
  for (;;) {
    const { epoch: known, warnings } = await greatestEpoch(repository, await repository.catalogue(signal), signal);
    const greatest = Math.max(known, taken);
    const epoch = epochBeyond(zxidIn(greatest, 0), jump ?? EPOCH_JUMP);
    try {
      const mark = { epoch, zxid: restoredZxid, restoredMs: nowMs, id };
      if (await repository.markRestore(mark, signal)) return { epoch, notes: warnings };
      taken = epoch;
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      const drawn = (unguessableBytes(1)[0] ?? 0) % RANDOM_EPOCHS;
      const note =
        `NOTE: the restore could not be marked in the backup (${error.message}). A second restore from it does not know of this ` +
        'one: never let the servers of the two meet, and give each a backup of its own.';
      const chosen = jump === null ? epochBeyond(zxidIn(greatest, 0), EPOCH_JUMP + drawn) : epoch;
      return { epoch: chosen, notes: [...warnings, note] };
    }
  }
}

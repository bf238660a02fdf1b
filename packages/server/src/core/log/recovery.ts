import { counterOf } from '@headkeeper/protocol';
import { type LogRange, LogReplay, type ReplayedLogs } from './log-replay.ts';
import type { RecoveryOptions } from './recovery-options.ts';
import { RecoveryRefused, zxidText } from './recovery-refused.ts';
import type { RecoverySource, SnapshotFile } from './recovery-source.ts';
import { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary } from './snapshot-decoder.ts';
import { earlierThanNamed } from './snapshot-name.ts';
import type { StateSink, TreeDigest } from './state-sink.ts';

export interface Recovery<S extends StateSink> {
  /** Holds the recovered state. */
  readonly state: S;
  /** The directory held no state: this is the initial tree, and `snapshot.0` is to be written. */
  readonly fresh: boolean;
  readonly lastZxid: number;
  /** Zxid of the snapshot that was loaded; -1 when none was. */
  readonly snapshotZxid: number;
  /** Txns applied from the logs. */
  readonly replayed: number;
  /** Log files without any record that Apache could not start on. */
  readonly filesToRemove: readonly string[];
  /** Log files to be cut to `length` bytes, so that nothing but whole records is left in them. */
  readonly filesToTruncate: readonly { readonly name: string; readonly length: number }[];
  /** Where the logs hold txns after `provenZxid`. */
  readonly unproven: readonly LogRange[];
  /**
   * The snapshot's txn, if the log is seen to lack it: a snapshot can be durable before the txns that it holds, and then no log ever
   * leads from before to what comes behind. Else 0.
   */
  readonly logGapZxid: number;
  readonly warnings: readonly string[];
}

/** Snapshots that pass the quick check and are tried, newest first. */
const MAX_CANDIDATES = 100;

/**
 * Recovers the state of a data directory: the newest snapshot that loads, and the txns after it (storage-formats
 * reference, sections 7 and 10). Stricter than Apache in that no txn may be missing: it falls back to an older snapshot
 * only if the logs lead from there past the damaged one, and refuses gaps and silent ends inside a log. Epoch files are
 * neither read nor written.
 *
 * `newState` makes an empty sink; it is called again when a snapshot turns out to be damaged half way. Throws
 * RecoveryRefused; errors of the source pass through.
 */
export function recover<S extends StateSink>(
  source: RecoverySource,
  newState: () => S,
  options: RecoveryOptions,
): Recovery<S> {
  const warnings: string[] = [];
  const snapshots = [...source.snapshots()].sort((a, b) => b.zxid - a.zxid);
  const logs = [...source.logs()].sort((a, b) => a.zxid - b.zxid);
  const chosen = loadNewest(source, newState, snapshots, options, warnings);
  const replay = new LogReplay(source, logs, chosen.damaged, options, warnings);

  if (chosen.snapshot !== null) {
    const { state, snapshot } = chosen;
    state.loaded(snapshot.zxid, digestThatCounts(chosen.summary, snapshot.zxid));
    const replayed = replay.run(state, snapshot.zxid);
    if (chosen.skipped !== null) requireReach(chosen.skipped, snapshot, replayed.lastZxid);
    return outcome(state, false, snapshot.zxid, replayed, warnings);
  }

  if (chosen.candidates > 0) {
    throw new RecoveryRefused(
      'snapshots-damaged',
      `None of the ${chosen.candidates} snapshots can be loaded (${warnings.join('; ')}). ` +
        'Restore one of them from a backup; to begin with an empty tree, move all files out of the data directory.',
      { file: snapshots[0]?.name ?? null },
    );
  }

  const state = chosen.state;
  if (!options.trustEmptySnapshot) refuseEntriesWithoutSnapshot(replay);
  state.loaded(0, null);
  const replayed = replay.run(state, 0);
  if (chosen.skipped !== null) requireReach(chosen.skipped, null, replayed.lastZxid);
  return outcome(state, replayed.lastZxid === 0, -1, replayed, warnings);
}

interface Chosen<S> {
  readonly state: S;
  readonly snapshot: SnapshotFile | null;
  readonly summary: SnapshotSummary | null;
  /** The newest snapshot that was passed over. */
  readonly skipped: SnapshotFile | null;
  /** All that were passed over as damaged. */
  readonly damaged: readonly SnapshotFile[];
  readonly candidates: number;
}

function loadNewest<S extends StateSink>(
  source: RecoverySource,
  newState: () => S,
  snapshots: readonly SnapshotFile[],
  options: RecoveryOptions,
  warnings: string[],
): Chosen<S> {
  let state = newState();
  let skipped: SnapshotFile | null = null;
  const damaged: SnapshotFile[] = [];
  let candidates = 0;
  for (const snapshot of snapshots) {
    if (candidates === MAX_CANDIDATES) break;
    if (!source.quickCheck(snapshot.name)) {
      warnings.push(`${snapshot.name} is incomplete and was passed over`);
      skipped ??= snapshot;
      damaged.push(snapshot);
      continue;
    }
    candidates++;
    const decoder = new SnapshotDecoder(state, options.maxRecordBytes);
    try {
      source.readSnapshot(snapshot.name, (bytes) => decoder.push(bytes));
      const summary = decoder.finish();
      const holds = earlierThanNamed(summary, snapshot.zxid);
      if (holds === null) return { state, snapshot, summary, skipped, damaged, candidates };
      warnings.push(
        `${snapshot.name} was passed over: its name is wrong, for it holds the state of ${zxidText(holds)} (a copy of ` +
          `snapshot.${holds.toString(16)}?)`,
      );
      skipped ??= snapshot;
      state = newState();
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      warnings.push(`${snapshot.name} is damaged and was passed over: ${error.message}`);
      skipped ??= snapshot;
      damaged.push(snapshot);
      state = newState();
    }
  }
  return { state, snapshot: null, summary: null, skipped, damaged, candidates };
}

/** A digest record of zxid 0 says that nothing was applied yet; one below the name's zxid is stale. */
function digestThatCounts(summary: SnapshotSummary | null, zxid: number): TreeDigest | null {
  const digest = summary?.digest ?? null;
  return digest !== null && digest.zxid > 0 && digest.zxid >= zxid ? digest : null;
}

/**
 * A snapshot that was passed over proves that its zxid existed: what is recovered without it must lead there. The zxid
 * before the first of an epoch is not in any log.
 */
function requireReach(skipped: SnapshotFile, loaded: SnapshotFile | null, lastZxid: number): void {
  if (lastZxid >= skipped.zxid || counterOf(skipped.zxid) === 0) return;
  const basis = loaded === null ? 'The logs' : `${loaded.name} and the logs after it`;
  throw new RecoveryRefused(
    'snapshot-ahead-of-log',
    `${skipped.name} cannot be loaded, or holds not what its name says. ${basis} lead only to ${zxidText(lastZxid)}: the txns from ` +
      `${zxidText(lastZxid + 1)} to ${zxidText(skipped.zxid)} would be lost. Restore ${skipped.name} or the missing ` +
      'logs from a backup or another server; to accept the loss, move that snapshot out of the directory.',
    { file: skipped.name, missingFrom: lastZxid + 1, missingTo: skipped.zxid },
  );
}

function refuseEntriesWithoutSnapshot(replay: LogReplay): void {
  const file = replay.firstFileWithRecords();
  if (file === null) return;
  throw new RecoveryRefused(
    'no-snapshot',
    `No snapshot found, but there are log entries (${file}). Restore the newest snapshot from a backup or another ` +
      'server; if the logs are complete from the first txn on, start once with snapshot.trust.empty=true.',
    { file },
  );
}

function outcome<S extends StateSink>(
  state: S,
  fresh: boolean,
  snapshotZxid: number,
  logs: ReplayedLogs,
  warnings: readonly string[],
): Recovery<S> {
  return {
    state,
    fresh,
    lastZxid: logs.lastZxid,
    snapshotZxid,
    replayed: logs.replayed,
    filesToRemove: logs.filesToRemove,
    filesToTruncate: logs.filesToTruncate,
    unproven: logs.unproven,
    logGapZxid: logs.gapZxid,
    warnings,
  };
}

import { zxidText } from '../core/log/recovery-refused.ts';
import { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary } from '../core/log/snapshot-decoder.ts';
import type { RecoveredState } from '../core/recovered-state.ts';
import { BackupError } from './backup-error.ts';
import type { Compression } from './compression.ts';
import { exactSnapshot } from './exact-snapshot.ts';
import type { FullManifest } from './manifest.ts';
import type { BackupRepository } from './repository.ts';
import { MOST_RECORD_BYTES } from './snapshot-check.ts';

export interface SnapshotBackupOptions {
  readonly repository: BackupRepository;
  /** The uncompressed file that a server sends. */
  readonly snapshot: AsyncIterable<Uint8Array>;
  /** What the server calls it. */
  readonly namedZxid: number;
  /** An empty state to load it into. */
  readonly newState: () => RecoveredState;
  /** Who takes it, for manifests. */
  readonly by: string;
  readonly compression: Compression;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Told of the bytes received. */
  readonly received?: (bytes: number) => void;
}

/** A full backup of what a running server has sent. */
export interface SnapshotBackup {
  /** Null when the backup has had this zxid already. */
  readonly full: FullManifest | null;
  readonly zxid: number;
}

/**
 * Backs up the snapshot that a running server sends. Apache ZooKeeper writes it while the tree changes: it is kept only if
 * nothing changed meanwhile, or its digest proves that it is of one zxid all the same.
 *
 * @throws BackupError 'unfit' when it is damaged or not of one zxid.
 */
export async function backUpSnapshot(options: SnapshotBackupOptions): Promise<SnapshotBackup> {
  const { repository, nowMs, by, compression, signal } = options;
  const state = options.newState();
  const summary = await load(options, state);
  const zxid = exactZxid(summary, state, options.namedZxid);
  const catalogue = await repository.catalogue(signal);
  if (catalogue.fulls.some((full) => full.zxid === zxid)) return { full: null, zxid };
  const snapshot = exactSnapshot(state.database, summary.digest !== null);
  const facts = { zxid, txnTimeMs: null, takenMs: nowMs(), by, compression };
  return { full: await repository.putFull(snapshot, facts, signal), zxid };
}

async function load(options: SnapshotBackupOptions, state: RecoveredState): Promise<SnapshotSummary> {
  const decoder = new SnapshotDecoder(state, MOST_RECORD_BYTES);
  let bytes = 0;
  try {
    for await (const chunk of options.snapshot) {
      decoder.push(chunk);
      bytes += chunk.length;
      options.received?.(bytes);
      options.signal.throwIfAborted();
    }
    return decoder.finish();
  } catch (error) {
    if (!(error instanceof SnapshotDamaged)) throw error;
    throw new BackupError('unfit', null, `What the server sent is no whole snapshot: ${error.message}.`, error);
  }
}

/** The zxid of which the snapshot is exactly. */
function exactZxid(summary: SnapshotSummary, state: RecoveredState, namedZxid: number): number {
  const { digest, lastProcessedZxid } = summary;
  const counts = digest !== null && digest.zxid >= namedZxid && digest.zxid > 0;
  const zxid = Math.max(namedZxid, counts ? digest.zxid : (lastProcessedZxid ?? namedZxid));
  state.loaded(zxid, counts ? digest : null);
  if (zxid === namedZxid && (counts || lastProcessedZxid !== null)) return zxid;
  const { tree } = state.database;
  tree.checkLoaded(Number.POSITIVE_INFINITY);
  if (counts && !tree.loadedWrongly && state.mismatchCount === 0) return zxid;
  throw new BackupError(
    'unfit',
    null,
    `The tree changed while the server wrote the snapshot (from ${zxidText(namedZxid)} to ${zxidText(zxid)}), so that it is ` +
      'the state of no zxid. Try again in a quieter moment, or back up the data directory, whose log tells the rest: ' +
      'headkeeper backup now --data-dir.',
  );
}

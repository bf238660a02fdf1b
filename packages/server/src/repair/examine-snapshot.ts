import { Database } from '../core/database.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import type { RecoverySource, SnapshotFile } from '../core/log/recovery-source.ts';
import { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary } from '../core/log/snapshot-decoder.ts';
import { earlierThanNamed } from '../core/log/snapshot-name.ts';
import { RecoveredState } from '../core/recovered-state.ts';
import type { CoreSettings } from '../core/settings.ts';

/** What became of reading a snapshot file. */
export interface SnapshotReport {
  readonly name: string;
  readonly zxid: number;
  /**
   * - `valid`: it loads, and its znodes have the digest that it gives.
   * - `incomplete`: it fails the quick check; Apache's reader passes it over as well.
   * - `damaged`: it cannot be loaded.
   * - `wrong`: it loads, seals included, and what it says of itself does not fit its znodes or its name.
   */
  readonly state: 'valid' | 'incomplete' | 'damaged' | 'wrong';
  /** What is wrong; '' when valid. */
  readonly reason: string;
  /** Where, in the uncompressed file; null when that is not known. */
  readonly position: number | null;
  readonly summary: SnapshotSummary | null;
}

/** Reads a whole snapshot into memory and lets it go again. Throws what the disk throws. */
export function examineSnapshot(source: RecoverySource, file: SnapshotFile, settings: CoreSettings): SnapshotReport {
  const { name, zxid } = file;
  if (!source.quickCheck(name)) {
    return { name, zxid, state: 'incomplete', reason: 'the file ends too early', position: null, summary: null };
  }
  const state = new RecoveredState(new Database(settings));
  const decoder = new SnapshotDecoder(state, settings.juteMaxBuffer + settings.juteMaxBufferExtra);
  try {
    source.readSnapshot(name, (bytes) => decoder.push(bytes));
    const summary = decoder.finish();
    const digest = summary.digest !== null && summary.digest.zxid > 0 && summary.digest.zxid === zxid;
    state.loaded(zxid, digest ? summary.digest : null);
    const { tree } = state.database;
    tree.checkLoaded(Number.POSITIVE_INFINITY);
    const reason = whatIsWrong(zxid, summary, state.mismatchCount > 0 || tree.loadedWrongly);
    return { name, zxid, state: reason === '' ? 'valid' : 'wrong', reason, position: null, summary };
  } catch (error) {
    if (!(error instanceof SnapshotDamaged)) throw error;
    return { name, zxid, state: 'damaged', reason: error.message, position: error.position, summary: null };
  }
}

function whatIsWrong(zxid: number, summary: SnapshotSummary, hasWrongDigest: boolean): string {
  if (hasWrongDigest) return 'its digest is not that of its znodes';
  const holds = earlierThanNamed(summary, zxid);
  return holds === null ? '' : `its name is wrong: it holds the state of ${zxidText(holds)}`;
}

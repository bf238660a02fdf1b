import { epochOf, zxidIn } from '@headkeeper/protocol';
import type { Database } from '../core/database.ts';
import { SnapshotWriter } from '../core/tree/snapshot-writer.ts';
import { limits } from '../limits.ts';
import { endSessions } from './restore-closing.ts';
import { RestoreDraft, type RestoreFolder, type RestoreWorld } from './restore-folder.ts';
import { RestoreRefused } from './restore-refused.ts';

const ZNODES_PER_STEP = 16_384;

/**
 * How many epochs a restored history is above the greatest one that the backup knows of. More than one: the ensemble may have
 * held elections, and even committed txns, that never reached the backup, and none of its servers may come out ahead.
 * `raiseEpoch` keeps two restores apart.
 */
export const EPOCH_JUMP = 256;

/** A state out of a backup, and how it is to be put down. */
export interface RestoredData {
  /** It is used up: its sessions end. */
  readonly database: Database;
  /** The zxid whose state it is. */
  readonly zxid: number;
  /** Time of the last txn in it, milliseconds since 1970; 0 when it is not known. */
  readonly timeMs: number;
  /** Whether the backup has digests; a server that is configured without them cannot read files that have them. */
  readonly withDigest: boolean;
  /** The epoch in which the history goes on; null: it goes on at `zxid`, with its sessions, as if nothing had happened. */
  readonly newEpoch: number | null;
}

export interface WrittenData {
  /** Zxid in the name of the snapshot. */
  readonly snapshotZxid: number;
  /** Zxid of the last txn of the directory. */
  readonly lastZxid: number;
  /** What both epoch files say. */
  readonly epoch: number;
  readonly snapshotBytes: number;
  readonly znodes: number;
  readonly sessionsEnded: number;
  readonly ephemeralsRemoved: number;
}

/**
 * The epoch of a restored history: `jump` above the greatest one of the backup.
 *
 * @throws RestoreRefused when that is more than zxids can hold.
 */
export function epochBeyond(newestZxid: number, jump: number): number {
  const epoch = epochOf(newestZxid) + jump;
  if (jump >= 1 && epoch < limits.largestEpoch) return epoch;
  throw new RestoreRefused(
    'epoch',
    `the epoch ${epoch} is not between ${epochOf(newestZxid) + 1}, above all that the backup knows of, and ` +
      `${limits.largestEpoch - 1}, the greatest that zxids can hold: choose another distance.`,
  );
}

/**
 * Writes the same data into every directory: a snapshot of exactly this state, the log in which its sessions end, and the
 * epoch files. Either all directories are complete and in their place when it returns, or it throws and all are as they were,
 * as far as the disk lets us.
 *
 * @throws RestoreRefused.
 */
export function writeRestored(
  world: RestoreWorld,
  folders: readonly RestoreFolder[],
  data: RestoredData,
  progress: (znodes: number, total: number) => void = () => {},
): WrittenData {
  const drafts = takeFolders(world, folders);
  try {
    return fill(drafts, data, progress);
  } catch (error) {
    for (const draft of drafts) draft.abandon();
    throw error;
  } finally {
    for (const draft of drafts) draft.release();
  }
}

/** Takes all directories or none. */
function takeFolders(world: RestoreWorld, folders: readonly RestoreFolder[]): RestoreDraft[] {
  const drafts: RestoreDraft[] = [];
  try {
    for (const folder of folders) drafts.push(new RestoreDraft(world, folder));
    return drafts;
  } catch (error) {
    for (const draft of drafts) draft.abandon();
    throw error;
  }
}

function fill(
  drafts: readonly RestoreDraft[],
  data: RestoredData,
  progress: (znodes: number, total: number) => void,
): WrittenData {
  const { database, newEpoch } = data;
  const snapshotZxid = newEpoch === null ? data.zxid : zxidIn(newEpoch, 0);
  const epoch = epochOf(snapshotZxid);
  const znodes = database.tree.store.size;
  const snapshotBytes = writeSnapshot(drafts, data, snapshotZxid, progress);
  let lastZxid = snapshotZxid;
  let sessionsEnded = 0;
  let ephemeralsRemoved = 0;
  if (newEpoch !== null) {
    const log = endSessions(database, snapshotZxid, data.timeMs, data.withDigest);
    if (log.sessions > 0) for (const draft of drafts) draft.writeLog(log.firstZxid, log.bytes);
    lastZxid = log.lastZxid;
    sessionsEnded = log.sessions;
    ephemeralsRemoved = log.ephemerals;
  }
  for (const draft of drafts) draft.writeEpoch(epoch);
  for (const draft of drafts) draft.commit();
  return { snapshotZxid, lastZxid, epoch, snapshotBytes, znodes, sessionsEnded, ephemeralsRemoved };
}

function writeSnapshot(
  drafts: readonly RestoreDraft[],
  data: RestoredData,
  zxid: number,
  progress: (znodes: number, total: number) => void,
): number {
  const { tree, sessions } = data.database;
  const options = { digest: data.withDigest, lastProcessedZxid: true, forLearner: false };
  const writer = new SnapshotWriter(tree, sessions, zxid, 1, options);
  for (const draft of drafts) draft.beginSnapshot(zxid);
  let bytes = 0;
  let looked = 0;
  const total = tree.store.slotLimit;
  const take = (): void => {
    for (let chunk = writer.takeChunk(); chunk !== null; chunk = writer.takeChunk()) {
      for (const draft of drafts) draft.write(chunk);
      bytes += chunk.length;
    }
  };
  while (writer.advance(ZNODES_PER_STEP)) {
    take();
    looked = Math.min(total, looked + ZNODES_PER_STEP);
    progress(looked, total);
  }
  take();
  for (const draft of drafts) draft.endSnapshot();
  return bytes;
}

import { counterOf, JuteError } from '@headkeeper/protocol';
import { snapshotName } from '../adapters/disk/file-names.ts';
import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { LOGGED_NAME, readLogged } from '../adapters/disk/logged-mark.ts';
import { createRecoverySource, listSnapshots } from '../adapters/disk/recovery-files.ts';
import { Database } from '../core/database.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import type { SnapshotFile } from '../core/log/recovery-source.ts';
import { SnapshotDamaged, SnapshotDecoder } from '../core/log/snapshot-decoder.ts';
import { earlierThanNamed } from '../core/log/snapshot-name.ts';
import { RecoveredState } from '../core/recovered-state.ts';
import type { CoreSettings } from '../core/settings.ts';
import { SnapshotWriter } from '../core/tree/snapshot-writer.ts';
import { HistoryUnreachable } from '../ports.ts';
import type { Change, RepairPlan } from './changes.ts';
import { ENSEMBLE_WARNING, lowerMark, type PlanOptions, rangeText } from './check-plan.ts';
import { walkFrom } from './last-good.ts';
import { RepairRefused } from './repair-refused.ts';
import { repairSettings } from './repair-settings.ts';

const STEP_BYTES = 1 << 20;
const ZNODES_PER_SLICE = 65_536;

/** A state, and how it came about. */
interface Rebuilt {
  readonly state: RecoveredState;
  readonly txns: number;
  /** The last txn after which the tree was compared with a digest, and was right; null when there was none. */
  readonly comparedAt: number | null;
}

interface Base {
  readonly state: RecoveredState;
  readonly file: SnapshotFile | null;
  /** From this txn on digests can be compared; null when nothing tells. */
  readonly comparableFrom: number | null;
  /** Snapshots that were tried and cannot be loaded, by ascending zxid. */
  readonly damaged: readonly SnapshotFile[];
}

/**
 * Plans to write a snapshot of exactly the state at `at`, by default the last txn that the logs lead to, from an older
 * snapshot and the logs behind it; damaged snapshots that it makes useless go. Throws RepairRefused, or what the disk
 * throws.
 */
export function planRebuildSnapshot(folders: HistoryFolders, at: number | null, options: PlanOptions): RepairPlan {
  const { disk, snapshotFolder, logFolder } = folders;
  const settings = repairSettings(options.juteMaxBuffer);
  const base = loadBase(folders, at, settings);
  const { damaged, file: basis } = base;
  const rebuilt = replayTo(folders, base, at);
  const { state, comparedAt } = rebuilt;
  const zxid = state.database.lastZxid;
  if (state.mismatchCount > 0 || state.database.tree.loadedWrongly) {
    throw new RepairRefused(
      `What the files give is not the tree that was: ${state.digestMismatches[0] ?? 'the older snapshot has not its digest'}.`,
    );
  }
  if (basis === null && comparedAt === null) {
    throw new RepairRefused(
      'No snapshot can be loaded, and the logs have no digests that would prove that they begin with the first txn.',
    );
  }
  const beyond = at === null ? damaged.filter((file) => file.zxid > zxid && counterOf(file.zxid) !== 0) : [];
  const newest = beyond.at(-1);
  const marked = at === null ? readLogged(disk, logFolder).provenZxid : 0;
  const losses: string[] = [];
  if (newest !== undefined) losses.push(`${rangeText(zxid + 1, newest.zxid)}, which ${newest.name} held`);
  if (marked > zxid) losses.push(`${rangeText(zxid + 1, marked)}, which the log held, as ${LOGGED_NAME} says`);
  if (losses.length > 0 && !options.acceptLoss) {
    const unloadable = newest === undefined ? '' : `, and ${newest.name} cannot be loaded`;
    throw new RepairRefused(
      `The logs lead only to ${zxidText(zxid)}${unloadable}: ${losses.join(', and ')}, would be lost. Get the missing logs, ` +
        'or say --accept-loss.',
    );
  }
  const name = snapshotName(zxid);
  const lowered = marked > zxid ? lowerMark(folders, zxid) : { steps: [], changes: [] };
  const steps = [...lowered.steps];
  const changes: Change[] = [...lowered.changes];
  if (basis === null || rebuilt.txns > 0) {
    const verb = disk.existsSync(`${snapshotFolder}/${name}`) ? 'replaces' : 'writes';
    const from = basis === null ? 'an empty tree' : basis.name;
    steps.push(`${verb} ${name}: ${from} and ${rebuilt.txns} txns, ${state.database.tree.store.size} znodes`);
    let number = 0;
    changes.push({ kind: 'write', folder: snapshotFolder, name, pieces: () => snapshotChunks(state, ++number) });
  }
  for (const file of damaged) {
    if (file.name === name || (file.zxid > zxid && losses.length === 0)) continue;
    steps.push(`moves out ${file.name}, which cannot be loaded`);
    changes.push({ kind: 'remove', folder: snapshotFolder, name: file.name });
  }
  const notes = [
    comparedAt === null
      ? 'No digest in the logs or the snapshot tells whether the tree is right.'
      : `The digest of the tree was compared after every txn up to ${zxidText(comparedAt)}, and is right.`,
  ];
  if (losses.length > 0) notes.push(ENSEMBLE_WARNING);
  return { steps, losses, notes: changes.length > 0 ? notes : [], changes };
}

/** Loads the newest snapshot that is not beyond `at` and holds nothing from beyond it. */
function loadBase(folders: HistoryFolders, at: number | null, settings: CoreSettings): Base {
  const { disk, snapshotFolder, logFolder } = folders;
  const source = createRecoverySource(disk, snapshotFolder, logFolder);
  const damaged: SnapshotFile[] = [];
  for (const file of listSnapshots(disk, snapshotFolder).reverse()) {
    if (at !== null && file.zxid > at) continue;
    const state = new RecoveredState(new Database(settings));
    const decoder = new SnapshotDecoder(state, settings.juteMaxBuffer + settings.juteMaxBufferExtra);
    try {
      if (!source.quickCheck(file.name)) throw new SnapshotDamaged(0, 'incomplete');
      source.readSnapshot(file.name, (bytes) => decoder.push(bytes));
      const summary = decoder.finish();
      if (earlierThanNamed(summary, file.zxid) !== null) throw new SnapshotDamaged(0, 'its name is wrong');
      const { digest } = summary;
      const counts = digest !== null && digest.zxid > 0 && digest.zxid >= file.zxid ? digest : null;
      // Apache writes a snapshot while txns are applied: it may hold some up to the zxid of its digest.
      if (at !== null && counts !== null && counts.zxid > at) continue;
      state.loaded(file.zxid, counts);
      state.database.tree.checkLoaded(Number.POSITIVE_INFINITY);
      const comparableFrom = file.zxid === 0 ? 0 : (counts?.zxid ?? null);
      return { state, file, comparableFrom, damaged: damaged.reverse() };
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      damaged.push(file);
    }
  }
  const state = new RecoveredState(new Database(settings));
  state.loaded(0, null);
  return { state, file: null, comparableFrom: 0, damaged: damaged.reverse() };
}

function replayTo(folders: HistoryFolders, base: Base, at: number | null): Rebuilt {
  const { state, comparableFrom } = base;
  const { applier } = state.database;
  const from = state.database.lastZxid;
  let comparedAt = comparableFrom !== null && comparableFrom === from && from > 0 ? from : null;
  let txns = 0;
  let problem = '';
  try {
    const walk = walkFrom(folders, from);
    for (let records = walk?.next(STEP_BYTES, at ?? Number.MAX_SAFE_INTEGER); records; ) {
      const view = new DataView(records.memory.buffer);
      for (let i = 0; i < records.count; i++) {
        state.applyTxn(records.memory, view, records.starts[i] as number, records.ends[i] as number);
        txns++;
        if (applier.hasDigest && comparableFrom !== null && applier.zxid >= comparableFrom) comparedAt = applier.zxid;
      }
      records = walk?.next(STEP_BYTES, at ?? Number.MAX_SAFE_INTEGER);
    }
    walk?.close();
  } catch (error) {
    if (error instanceof JuteError) problem = `txn ${zxidText(applier.zxid)} cannot be decoded: ${error.message}`;
    else if (error instanceof HistoryUnreachable) problem = error.message;
    else throw error;
    if (at === null) {
      throw new RepairRefused(
        `The logs lead to ${zxidText(state.database.lastZxid)} and no further: ${problem}. Mend them first, or say ` +
          `--at ${zxidText(state.database.lastZxid)}.`,
      );
    }
  }
  const { lastZxid } = state.database;
  if (at !== null && lastZxid !== at) {
    const why = problem === '' ? 'no log holds it' : problem;
    throw new RepairRefused(
      `From ${base.file?.name ?? 'an empty tree'} the logs lead to ${zxidText(lastZxid)}, not to ${zxidText(at)}: ${why}.`,
    );
  }
  return { state, txns, comparedAt };
}

/** `number`: of this snapshot among those of the tree. */
function* snapshotChunks(state: RecoveredState, number: number): Generator<Uint8Array> {
  const { tree, sessions, lastZxid } = state.database;
  const options = { digest: true, lastProcessedZxid: true, forLearner: false };
  const writer = new SnapshotWriter(tree, sessions, lastZxid, number, options);
  for (let more = true; more; ) {
    more = writer.advance(ZNODES_PER_SLICE);
    for (let chunk = writer.takeChunk(); chunk !== null; chunk = writer.takeChunk()) yield chunk;
  }
}

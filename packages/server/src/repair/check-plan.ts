import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { LOGGED_NAME, loggedMarkWithout, loweredLoggedMark, type ZxidRange } from '../adapters/disk/logged-mark.ts';
import { listLogs } from '../adapters/disk/recovery-files.ts';
import { invariant } from '../core/invariants.ts';
import { type RecoveryRefused, zxidText } from '../core/log/recovery-refused.ts';
import type { Change, RepairPlan } from './changes.ts';
import { RepairRefused } from './repair-refused.ts';
import { repairSettings } from './repair-settings.ts';
import { plannedFiles, type TrialStart, tryStart } from './trial-start.ts';

export interface PlanOptions {
  /** `jute.maxbuffer` of the server, bytes. */
  readonly juteMaxBuffer: number;
  /** Whether the operator accepts that txns are lost. */
  readonly acceptLoss: boolean;
}

/**
 * Makes sure that what a plan leaves leads a start at least as far as it came before. When it would leave a gap, the plan is
 * refused; if the loss is accepted, the later logs go, too, the newest first, and every snapshot that cannot be loaded and is
 * beyond what is left; and `headkeeper.logged` no longer remembers what is lost.
 */
export function checkPlan(
  folders: HistoryFolders,
  plan: RepairPlan,
  behindLog: string,
  options: PlanOptions,
): RepairPlan {
  const { logFolder, snapshotFolder, disk } = folders;
  const start = startAfter(folders, plan.changes, options);
  if (start.refusal === null) return withStart(plan, start);
  if (options.acceptLoss && start.refusal.reason === 'log-cut') return withMarkLowered(folders, plan, start, options);
  // What the plan itself gives up takes the later logs with it.
  if (options.acceptLoss && plan.losses.length === 0) {
    const kept = withEndsForgotten(folders, plan, start, options);
    if (kept !== null) return kept;
  }
  if (start.refusal.message === startAfter(folders, [], options).refusal?.message) return withStart(plan, start);
  if (!options.acceptLoss) {
    throw new RepairRefused(
      `No start would accept what that leaves: ${start.refusal.message} With --accept-loss the later logs are moved out as ` +
        'well, and every txn in them is lost.',
    );
  }
  const names = listLogs(disk, logFolder).map(({ name }) => name);
  const later = names.slice(names.indexOf(behindLog) + 1);
  const newestFirst = [...later].reverse().map((name): Change => ({ kind: 'remove', folder: logFolder, name }));
  let changes: readonly Change[] = [...newestFirst, ...plan.changes];
  const steps = [...plan.steps];
  if (later.length > 0) steps.push(`moves out every later log: ${later.join(', ')}`);
  let after = startAfter(folders, changes, options);
  while (after.refusal?.reason === 'snapshot-ahead-of-log' && after.refusal.place.file !== null) {
    const name = after.refusal.place.file;
    steps.push(`moves out ${name}, which cannot be loaded and is beyond what is left`);
    changes = [...changes, { kind: 'remove', folder: snapshotFolder, name }];
    after = startAfter(folders, changes, options);
  }
  const losses = [...plan.losses];
  if (later.length > 0) losses.push(`every txn in ${later.join(', ')} that no snapshot holds`);
  const shortened = { ...plan, steps, losses, changes };
  if (after.refusal?.reason === 'log-cut') return withMarkLowered(folders, shortened, after, options);
  return withStart(shortened, after);
}

/**
 * The plan of a log that has lost the ends of epochs, and goes on with others: `headkeeper.logged` forgets them, files of which nothing
 * is left are moved out, and the later logs stay. null when that is not what a start refuses first.
 */
function withEndsForgotten(
  folders: HistoryFolders,
  plan: RepairPlan,
  { refusal }: TrialStart,
  options: PlanOptions,
): RepairPlan | null {
  const { disk, logFolder } = folders;
  const lacked: ZxidRange[] = [];
  const emptied: string[] = [];
  let changes = plan.changes;
  for (let next = refusal; next !== null; next = startAfter(folders, changes, options).refusal) {
    const range = forgettable(folders, next);
    const file = emptiedBy(folders, next, lacked);
    if (range !== null && !lacked.some(({ from }) => from === range.from)) lacked.push(range);
    else if (file !== null && !emptied.includes(file)) emptied.push(file);
    else break;
    const bytes = loggedMarkWithout(disk, logFolder, lacked);
    invariant(bytes !== null, 'what can be forgotten is known');
    const removals = emptied.map((name): Change => ({ kind: 'remove', folder: logFolder, name }));
    changes = [
      { kind: 'write', folder: logFolder, name: LOGGED_NAME, pieces: () => [bytes] },
      ...removals,
      ...plan.changes,
    ];
  }
  if (lacked.length === 0) return null;
  const texts = lacked.map(({ from, to }) => rangeText(from, to));
  const steps = [...plan.steps, `lets ${LOGGED_NAME} forget ${texts.join(' and ')}; the later logs stay`];
  if (emptied.length > 0) steps.push(`moves out what holds none of them any more: ${emptied.join(', ')}`);
  const losses = texts.map((text) => `${text}, which the log held, as ${LOGGED_NAME} says`);
  const notes = [...plan.notes, ENSEMBLE_WARNING];
  return tellStart(folders, { steps, losses, notes, changes }, options);
}

/** The txns that a start misses, when `headkeeper.logged` is what knows of them. */
function forgettable({ disk, logFolder }: HistoryFolders, { reason, place }: RecoveryRefused): ZxidRange | null {
  const { missingFrom: from, missingTo: to } = place;
  if (reason !== 'missing-txns' || from === null || to === null) return null;
  return loggedMarkWithout(disk, logFolder, [{ from, to }]) === null ? null : { from, to };
}

/** The file that a start refuses because it holds nothing of what has been given up. */
function emptiedBy(
  { disk, logFolder }: HistoryFolders,
  { reason, place }: RecoveryRefused,
  lacked: readonly ZxidRange[],
): string | null {
  const log = listLogs(disk, logFolder).find(({ name }) => name === place.file);
  if (reason !== 'log-damaged' || log === undefined) return null;
  return lacked.some(({ from, to }) => from <= log.zxid && log.zxid <= to) ? log.name : null;
}

/** The plan of a log that ends before `headkeeper.logged`, which a start would not accept, with that set back first. */
function withMarkLowered(
  folders: HistoryFolders,
  plan: RepairPlan,
  { refusal }: TrialStart,
  options: PlanOptions,
): RepairPlan {
  const { missingFrom, missingTo } = refusal?.place ?? {};
  invariant(missingFrom != null && missingTo != null, 'a log that is cut lacks what is named');
  const lowered = lowerMark(folders, missingFrom - 1);
  const losses = [...plan.losses, `${rangeText(missingFrom, missingTo)}, which the log held, as ${LOGGED_NAME} says`];
  const changes = [...lowered.changes, ...plan.changes];
  const start = startAfter(folders, changes, options);
  return withStart({ ...plan, steps: [...lowered.steps, ...plan.steps], losses, changes }, start);
}

/** What lets `headkeeper.logged` remember nothing behind `zxid`, the last txn that is left. */
export function lowerMark({ disk, logFolder }: HistoryFolders, zxid: number): Pick<RepairPlan, 'steps' | 'changes'> {
  const bytes = loweredLoggedMark(disk, logFolder, zxid);
  if (bytes === null) return { steps: [], changes: [] };
  return {
    steps: [`sets ${LOGGED_NAME}, which remembers how far the log was on the disk, back to txn ${zxidText(zxid)}`],
    changes: [{ kind: 'write', folder: logFolder, name: LOGGED_NAME, pieces: () => [bytes] }],
  };
}

/** The plan with a note of what a start makes of what it leaves. */
export function tellStart(folders: HistoryFolders, plan: RepairPlan, options: PlanOptions): RepairPlan {
  return withStart(plan, startAfter(folders, plan.changes, options));
}

function startAfter(folders: HistoryFolders, changes: readonly Change[], options: PlanOptions): TrialStart {
  return tryStart(plannedFiles(folders, changes), repairSettings(options.juteMaxBuffer));
}

function withStart(plan: RepairPlan, { recovery, refusal }: TrialStart): RepairPlan {
  if (recovery === null) return { ...plan, notes: [...plan.notes, `A start still refuses then: ${refusal.message}`] };
  const { lastZxid, snapshotZxid, state } = recovery;
  const notes = [...plan.notes];
  notes.push(`A start then begins with snapshot ${zxidText(snapshotZxid)} and ends at txn ${zxidText(lastZxid)}.`);
  if (state.mismatchCount > 0) {
    notes.push(`The tree is then not the one that was: ${state.digestMismatches[0]} (${state.mismatchCount} places).`);
  }
  return { ...plan, notes };
}

/** What an operator of an ensemble must know before txns are given up. */
export const ENSEMBLE_WARNING: string =
  'If other members of an ensemble have the whole history, do not do this. A Headkeeper member that finds its own damaged ' +
  'fetches theirs when it starts; for Apache ZooKeeper, move version-2 out of this data directory and start it.';

/** A range of zxids in words. */
export function rangeText(from: number, to: number): string {
  return from === to ? `txn ${zxidText(from)}` : `the txns from ${zxidText(from)} to ${zxidText(to)}`;
}

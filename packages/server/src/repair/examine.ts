import { epochOf } from '@headkeeper/protocol';
import { awaitsSetAside, rebuildingReason } from '../adapters/disk/damage.ts';
import { DRAFT_SUFFIX } from '../adapters/disk/durable-file.ts';
import {
  ACCEPTED_NAME,
  CURRENT_NAME,
  decideEpochs,
  type EpochDecision,
  type EpochTexts,
  readEpochTexts,
} from '../adapters/disk/epoch-files.ts';
import { zxidOfName } from '../adapters/disk/file-names.ts';
import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { installedZxid, zxidInPlace } from '../adapters/disk/install-mark.ts';
import { listLogs, listSnapshots } from '../adapters/disk/recovery-files.ts';
import type { RefusalReason } from '../core/log/recovery-refused.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import { earlierThanNamed } from '../core/log/snapshot-name.ts';
import { type ApacheStart, followApacheStart } from './apache-start.ts';
import { rangeText } from './check-plan.ts';
import { examineSnapshot, type SnapshotReport } from './examine-snapshot.ts';
import { findGaps, type HistoryGap } from './history-gaps.ts';
import { listRepairs } from './keeping.ts';
import { type LastGood, lastGoodTxn } from './last-good.ts';
import { type LogScan, scanLog } from './log-scan.ts';
import { repairSettings } from './repair-settings.ts';
import { plannedFiles, type TrialFiles, tryStart } from './trial-start.ts';

/** What a Headkeeper start makes of a directory. */
export interface HeadkeeperStart {
  readonly refusal: { readonly reason: RefusalReason | 'misplaced-files'; readonly message: string } | null;
  /** The rest is null or empty when it refuses. Snapshot -1: it begins with an empty tree. */
  readonly snapshotZxid: number | null;
  readonly lastZxid: number | null;
  readonly replayed: number;
  /** What it passes over or mends: one sentence each. */
  readonly warnings: readonly string[];
  /** Places where the tree has not the digest that the history gives it. */
  readonly digestMismatches: readonly string[];
}

export interface EpochsReport {
  readonly files: EpochTexts;
  /** Names of drafts, for whose number Apache might take the epoch. */
  readonly drafts: readonly string[];
  /** What a start makes of them. */
  readonly decision: EpochDecision;
  /** Why Apache ZooKeeper does not start on them as a member of an ensemble; null when it does. */
  readonly apacheRefusal: string | null;
}

export interface Examination {
  readonly dataDir: string;
  readonly dataLogDir: string;
  readonly snapshots: readonly SnapshotReport[];
  readonly logs: readonly LogScan[];
  readonly gaps: readonly HistoryGap[];
  /** Null when no snapshot can be loaded. */
  readonly lastGood: LastGood | null;
  readonly epochs: EpochsReport;
  readonly headkeeper: HeadkeeperStart;
  readonly apache: ApacheStart;
  /** Repairs that were interrupted: names of their folders. */
  readonly unfinishedRepairs: readonly string[];
  /** What the next start does before it reads: one sentence each. */
  readonly marks: readonly string[];
  /** Everything that is wrong: one sentence each. */
  readonly problems: readonly string[];
  /**
   * - `whole`: nothing is wrong.
   * - `serves`: something is wrong, and a Headkeeper start copes with it without losing a txn.
   * - `damaged`: a Headkeeper start refuses, or loads a state that is not the one that was.
   */
  readonly state: 'whole' | 'serves' | 'damaged';
}

export interface ExamineOptions {
  /** `jute.maxbuffer` of the server, bytes. */
  readonly juteMaxBuffer: number;
  /** Bytes read so far and, roughly, in all. */
  readonly progress: (done: number, total: number) => void;
}

/** Looks at a data directory, and changes nothing. Throws what the disk throws. */
export function examine(folders: HistoryFolders, options: ExamineOptions): Examination {
  const { disk, dataDir, dataLogDir, snapshotFolder, logFolder } = folders;
  const settings = repairSettings(options.juteMaxBuffer);
  const maxRecordBytes = settings.juteMaxBuffer + settings.juteMaxBufferExtra;
  const passed = counter(folders, options.progress);
  const all = plannedFiles(folders, [], passed);
  const source = afterInstall(folders, all);
  const snapshots = [...all.snapshots()].map((file) => examineSnapshot(all, file, settings));
  const logs = listLogs(disk, logFolder).map((log) => scanLog(disk, logFolder, log, maxRecordBytes, passed));
  const loadable = snapshots.filter(loads);
  const newest = loadable.findLast(isNamedRightly)?.zxid ?? null;
  const lastGood = lastGoodTxn(folders, newest);
  const gaps = findGaps(logs, newest);
  const misplaced = misplacedFiles(folders);
  const headkeeper = headkeeperStart(source, settings, misplaced);
  const apache = followApacheStart(
    source,
    (name) => loadable.some((snapshot) => snapshot.name === name),
    maxRecordBytes,
  );
  const epochs = examineEpochs(folders, headkeeper.lastZxid ?? lastGood?.zxid ?? 0);
  const unfinishedRepairs = listRepairs(disk, dataDir)
    .filter(({ note }) => note !== null && note.finished === undefined)
    .map(({ name }) => name);
  const problems = [
    ...misplaced,
    ...snapshots.filter(({ state }) => state !== 'valid').map(({ name, reason }) => `${name}: ${reason}`),
    ...logs.flatMap(problemsOfLog),
    ...gaps.map(gapText),
    ...headkeeper.digestMismatches,
    ...(epochs.decision.damage === null ? [] : [epochs.decision.damage]),
    ...unfinishedRepairs.map((name) => `${name}: the repair was interrupted`),
  ];
  if (headkeeper.refusal !== null && problems.length === 0) problems.push(headkeeper.refusal.message);
  let state: Examination['state'] = problems.length > 0 ? 'serves' : 'whole';
  const loadsWrong = snapshots.some(({ zxid, state: found }) => zxid === headkeeper.snapshotZxid && found === 'wrong');
  if (headkeeper.refusal !== null || headkeeper.digestMismatches.length > 0 || loadsWrong) state = 'damaged';
  const marks = describeMarks(folders);
  return {
    dataDir,
    dataLogDir,
    snapshots,
    logs,
    gaps,
    lastGood,
    epochs,
    headkeeper,
    apache,
    unfinishedRepairs,
    marks,
    problems,
    state,
  };

  function loads({ state: found }: SnapshotReport): boolean {
    return found === 'valid' || found === 'wrong';
  }

  function isNamedRightly({ zxid, summary }: SnapshotReport): boolean {
    return summary !== null && earlierThanNamed(summary, zxid) === null;
  }

  function misplacedFiles({ dataDir: data, dataLogDir: log }: HistoryFolders): string[] {
    if (data === log) return [];
    const found: string[] = [];
    for (const [folder, kind] of [
      [snapshotFolder, 'log'],
      [logFolder, 'snapshot'],
    ] as const) {
      for (const name of disk.listSync(folder)) {
        if (zxidOfName(kind, name) !== null) found.push(`${folder}/${name}: a ${kind} lies in the wrong folder`);
      }
    }
    return found;
  }
}

function counter(
  { disk, snapshotFolder, logFolder }: HistoryFolders,
  progress: ExamineOptions['progress'],
): (bytes: number) => void {
  const logBytes = listLogs(disk, logFolder).reduce((sum, { size }) => sum + size, 0);
  let snapshotBytes = 0;
  let newest = 0;
  for (const { name } of listSnapshots(disk, snapshotFolder)) {
    const source = disk.openReadSync(`${snapshotFolder}/${name}`);
    newest = source.size;
    snapshotBytes += newest;
    source.closeSync();
  }
  // All are read once; then the starts of Headkeeper and Apache are gone through.
  const total = snapshotBytes + newest + 3 * logBytes;
  let done = 0;
  return (bytes) => {
    done += bytes;
    progress(Math.min(done, total), total);
  };
}

/** What a start sees once it has finished the install of a leader's snapshot that was interrupted. */
function afterInstall(folders: HistoryFolders, files: TrialFiles): TrialFiles {
  const zxid = zxidInPlace(folders);
  if (zxid === null) return files;
  return {
    ...files,
    snapshots: () => files.snapshots().filter((file) => file.zxid === zxid),
    logs: () => [],
    logged: () => ({ provenZxid: 0, epochEnds: [] }),
  };
}

function headkeeperStart(
  files: TrialFiles,
  settings: ReturnType<typeof repairSettings>,
  misplaced: readonly string[],
): HeadkeeperStart {
  const nothing = { snapshotZxid: null, lastZxid: null, replayed: 0, warnings: [], digestMismatches: [] };
  if (misplaced.length > 0) {
    return { ...nothing, refusal: { reason: 'misplaced-files', message: misplaced.join('; ') } };
  }
  const { recovery, refusal } = tryStart(files, settings);
  if (recovery === null) return { ...nothing, refusal: { reason: refusal.reason, message: refusal.message } };
  const { state } = recovery;
  const { tree } = state.database;
  tree.checkLoaded(Number.POSITIVE_INFINITY);
  const mismatches = [...state.digestMismatches];
  if (tree.loadedWrongly) mismatches.push('the snapshot that is loaded has not the digest that it gives');
  return {
    refusal: null,
    snapshotZxid: recovery.snapshotZxid,
    lastZxid: recovery.lastZxid,
    replayed: recovery.replayed,
    warnings: recovery.warnings,
    digestMismatches: mismatches,
  };
}

function examineEpochs({ disk, snapshotFolder }: HistoryFolders, lastZxid: number): EpochsReport {
  const files = readEpochTexts(disk, snapshotFolder);
  const drafts = [ACCEPTED_NAME, CURRENT_NAME]
    .map((name) => `${name}${DRAFT_SUFFIX}`)
    .filter((name) => disk.existsSync(`${snapshotFolder}/${name}`));
  return {
    files,
    drafts,
    decision: decideEpochs(files, lastZxid),
    apacheRefusal: apacheOnEpochs(files, drafts, lastZxid),
  };
}

/** Source of the rule: storage-formats reference, section 10. */
function apacheOnEpochs({ accepted, current }: EpochTexts, drafts: readonly string[], lastZxid: number): string | null {
  const reached = epochOf(lastZxid);
  for (const [name, text] of [
    [CURRENT_NAME, current],
    [ACCEPTED_NAME, accepted],
  ] as const) {
    if (text !== null && !/^[+-]?[0-9]+$/.test(text.split('\n', 1)[0] ?? '')) return `${name} holds no number`;
  }
  const started = current === null ? reached : Number(current);
  if (reached > started && !drafts.includes(`${CURRENT_NAME}${DRAFT_SUFFIX}`)) {
    return `${CURRENT_NAME} is ${started}, and the history is of epoch ${reached}`;
  }
  if (accepted !== null && Number(accepted) < started) return `${ACCEPTED_NAME} is less than ${CURRENT_NAME}`;
  return null;
}

function problemsOfLog(log: LogScan): string[] {
  const problems = log.breaks.map(({ offset, reason, resumesAt }) => {
    const goesOn = resumesAt === null ? '' : `; whole records go on at byte ${resumesAt}`;
    return `${log.name} at byte ${offset}: ${reason === '' ? 'the file holds no record' : reason}${goesOn}`;
  });
  const first = log.stretches[0]?.firstZxid;
  if (first !== undefined && first !== log.zxid) {
    problems.push(`${log.name} begins with ${zxidText(first)}: its name is wrong`);
  }
  return problems;
}

/** A gap in words. */
export function gapText(gap: HistoryGap): string {
  const where = gap.before === gap.after ? `in ${gap.before}` : `between ${gap.before} and ${gap.after}`;
  const missing = gap.from === gap.to ? 'is' : 'are';
  return `${rangeText(gap.from, gap.to)} ${missing} missing ${where}${gap.needed ? '' : ', where no start needs them'}`;
}

function describeMarks(folders: HistoryFolders): string[] {
  const marks: string[] = [];
  const installed = installedZxid(folders.disk, folders.dataDir);
  if (installed !== null) {
    const done = zxidInPlace(folders) !== null;
    marks.push(
      `A leader's snapshot ${zxidText(installed)} was being taken over: a start ` +
        (done ? 'finishes that and removes all other snapshots and logs.' : 'gives that up and keeps what was there.'),
    );
  }
  const reason = rebuildingReason(folders);
  if (reason !== null) marks.push(`This server must not vote until a leader has brought it up to date: ${reason}.`);
  if (awaitsSetAside(folders)) marks.push('A start moves version-2 aside and begins with an empty history.');
  return marks;
}

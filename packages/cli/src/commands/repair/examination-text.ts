import {
  type Examination,
  type FolderUsers,
  gapText,
  type LogScan,
  type SnapshotReport,
} from '@headkeeper/server/internal';
import { hex } from '../inspect/format.ts';

/** An examination for people. `myid`: what the file of that name says; null for a standalone server. */
export function examinationText(found: Examination, users: FolderUsers, myid: string | null): string {
  const { dataDir, dataLogDir, snapshots, logs, gaps, lastGood, headkeeper, apache, problems } = found;
  const lines = [`Data directory ${dataDir}${dataLogDir === dataDir ? '' : `, logs in ${dataLogDir}`}`];
  lines.push(...users.users.map(({ pid, sign }) => `In use: process ${pid} ${sign}.`));
  if (users.users.length === 0) lines.push('Not in use, as far as can be seen.');
  if (users.unknown !== null) lines.push(users.unknown);
  lines.push(...found.marks, '', 'Snapshots');
  lines.push(...(snapshots.length === 0 ? ['  none'] : snapshots.map((snapshot) => `  ${snapshotLine(snapshot)}`)));
  lines.push('', 'Logs');
  lines.push(...(logs.length === 0 ? ['  none'] : logs.flatMap((log) => logLines(log).map((line) => `  ${line}`))));
  lines.push(...gaps.map((gap) => `  Gap: ${gapText(gap)}.`), '');
  if (lastGood === null) lines.push('Last good txn: none, as no snapshot can be loaded.');
  else {
    const end = lastGood.file === null ? '' : `, at byte ${lastGood.offset} of ${lastGood.file}`;
    lines.push(`Last good txn: ${hex(lastGood.zxid)}${end}.`);
  }
  lines.push(epochLine(found, myid), '', `Headkeeper ${headkeeperLine(found)}`);
  lines.push(...headkeeper.warnings.map((warning) => `  ${warning}`));
  lines.push(`Apache ZooKeeper ${apacheLine(found)}`);
  if (myid !== null && found.epochs.apacheRefusal !== null) {
    lines.push(`  As a member of an ensemble it fails to start: ${found.epochs.apacheRefusal}.`);
  }
  lines.push(...apache.silentLosses.map((loss) => `  Without a word, ${loss}.`), '');
  if (problems.length === 0) lines.push('Nothing is wrong.');
  else lines.push('What is wrong', ...problems.map((problem) => `  - ${problem}`));
  return `${lines.join('\n')}\n`;
}

/** The same for JSON: zxids as text. */
export function examinationFacts(found: Examination, users: FolderUsers, myid: string | null): object {
  const { epochs, headkeeper, apache, lastGood } = found;
  return {
    state: found.state,
    dataDir: found.dataDir,
    dataLogDir: found.dataLogDir,
    myid,
    inUseBy: users.users,
    unknownUsers: users.unknown,
    problems: found.problems,
    marks: found.marks,
    snapshots: found.snapshots.map(({ name, zxid, state, reason, position, summary }) => ({
      name,
      zxid: hex(zxid),
      state,
      reason,
      position,
      znodes: summary?.nodes ?? null,
      sessions: summary?.sessions ?? null,
      digestZxid: zxidOrNull(summary?.digest?.zxid ?? null),
    })),
    logs: found.logs.map((log) => ({
      name: log.name,
      bytes: log.size,
      records: recordsOf(log),
      firstZxid: zxidOrNull(log.stretches[0]?.firstZxid ?? null),
      lastZxid: zxidOrNull(log.stretches.at(-1)?.lastZxid ?? null),
      repeated: log.repeated,
      damages: log.breaks,
    })),
    gaps: found.gaps.map((gap) => ({ ...gap, from: hex(gap.from), to: hex(gap.to) })),
    lastGood: lastGood && { ...lastGood, zxid: hex(lastGood.zxid), snapshotZxid: hex(lastGood.snapshotZxid) },
    epochs: {
      apacheRefusal: epochs.apacheRefusal,
      ...epochs.files,
      drafts: epochs.drafts,
      damage: epochs.decision.damage,
      startsWith: epochs.decision.epochs,
    },
    headkeeper: {
      ...headkeeper,
      snapshotZxid: zxidOrNull(headkeeper.snapshotZxid),
      lastZxid: zxidOrNull(headkeeper.lastZxid),
    },
    apache: { ...apache, snapshotZxid: zxidOrNull(apache.snapshotZxid), lastZxid: zxidOrNull(apache.lastZxid) },
    unfinishedRepairs: found.unfinishedRepairs,
  };
}

function zxidOrNull(zxid: number | null): string | null {
  return zxid === null || zxid < 0 ? null : hex(zxid);
}

function recordsOf(log: LogScan): number {
  return log.stretches.reduce((sum, { records }) => sum + records, 0);
}

function snapshotLine({ name, state, reason, summary }: SnapshotReport): string {
  if (summary === null) return `${name}  ${state.toUpperCase()}: ${reason}`;
  const facts = `${summary.nodes} znodes, ${summary.sessions} sessions`;
  return state === 'valid' ? `${name}  valid, ${facts}` : `${name}  WRONG: ${reason}; ${facts}`;
}

function logLines(log: LogScan): string[] {
  const first = log.stretches[0];
  const last = log.stretches.at(-1);
  const range = first && last ? `, ${hex(first.firstZxid)} to ${hex(last.lastZxid)}` : '';
  const repeated = log.repeated === 0 ? '' : `, ${log.repeated} of them repeated`;
  const lines = [`${log.name}  ${log.size} bytes, ${recordsOf(log)} records${range}${repeated}`];
  for (const { offset, kind, reason, resumesAt, unwritten } of log.breaks) {
    const behind = resumesAt === null ? '' : `; whole records go on at byte ${resumesAt}`;
    const never = unwritten ? '; this was never acknowledged' : '';
    lines.push(`  ${kind.toUpperCase()} at byte ${offset}: ${reason === '' ? 'no record' : reason}${behind}${never}`);
  }
  return lines;
}

function epochLine({ epochs }: Examination, myid: string | null): string {
  const { files, decision, apacheRefusal } = epochs;
  if (files.accepted === null && files.current === null && myid === null)
    return 'Epoch files: none, as on a standalone server.';
  const texts = `acceptedEpoch ${files.accepted ?? 'missing'}, currentEpoch ${files.current ?? 'missing'}`;
  if (decision.damage !== null) return `Epochs: ${texts}: ${decision.damage}.`;
  if (apacheRefusal !== null) return `Epochs: ${texts}: ${apacheRefusal}; a Headkeeper start raises it.`;
  return `Epochs: ${texts}: they fit the history.`;
}

function headkeeperLine({ headkeeper }: Examination): string {
  const { refusal, snapshotZxid, lastZxid, replayed } = headkeeper;
  if (refusal !== null) return `refuses to start: ${refusal.message}`;
  if (snapshotZxid === -1) return 'starts with an empty tree.';
  return `starts: snapshot ${hex(snapshotZxid ?? 0)}, then ${replayed} txns, up to ${hex(lastZxid ?? 0)}.`;
}

function apacheLine({ apache }: Examination): string {
  if (apache.refusal !== null) return `(3.9.4 and later) fails to start: ${apache.refusal}.`;
  if (apache.snapshotZxid === null) return 'starts with an empty tree.';
  return `(3.9.4 and later) starts: snapshot ${hex(apache.snapshotZxid)}, up to ${hex(apache.lastZxid ?? 0)}.`;
}

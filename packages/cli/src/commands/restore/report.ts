import { zxidIn } from '@headkeeper/protocol';
import type { RestoreFolder, WrittenData } from '@headkeeper/server/internal';
import { zxidText } from '../../history/moment.ts';
import { bytesText, plural } from '../../progress.ts';

/** What a restore did, or would do. */
export interface RestoreReport {
  /** The backup. */
  readonly from: string;
  readonly zxid: number;
  /** Time of the last txn in the state, milliseconds since 1970; null when it is not known. */
  readonly timeMs: number | null;
  readonly fullZxid: number;
  /** Pieces of log behind the full backup, and the txns used of them. */
  readonly pieces: number;
  readonly txns: number;
  readonly znodes: number;
  readonly sessions: number;
  readonly ephemerals: number;
  readonly folders: readonly RestoreFolder[];
  readonly newEpoch: number | null;
  /** Sentences for people. */
  readonly notes: readonly string[];
  /** Null: nothing was written. */
  readonly written: WrittenData | null;
}

export function reportText(report: RestoreReport): string {
  const { written, timeMs, newEpoch } = report;
  const when = timeMs === null ? '' : `, the state of ${new Date(timeMs).toISOString()}`;
  const log =
    report.pieces === 0 ? '' : ` and ${plural(report.txns, 'txn')} from ${plural(report.pieces, 'piece')} of log`;
  const lines = [
    `${written === null ? 'Would restore' : 'Restored'} zxid ${zxidText(report.zxid)}${when}`,
    `  from ${report.from}: the full backup ${zxidText(report.fullZxid)}${log}, every checksum and digest right`,
    `  ${plural(report.znodes, 'znode')}${written === null ? '' : `, ${bytesText(written.snapshotBytes)}`}`,
    ...report.notes.map((note) => `  ${note}`),
  ];
  for (const { dataDir, dataLogDir, myid } of report.folders) {
    const logs = dataLogDir === dataDir ? '' : ` and ${dataLogDir}`;
    lines.push(`  into ${dataDir}${logs}${myid === null ? '' : ` for server ${myid}`}`);
  }
  if (newEpoch === null) {
    lines.push(
      'The history goes on at the very zxid, with the old sessions: do not let clients of the old servers reach it.',
    );
  } else {
    const sessions = `${plural(report.sessions, 'session')} ${written === null ? 'would end' : 'ended'}`;
    lines.push(
      `The history goes on in epoch ${newEpoch}, at ${zxidText(written?.lastZxid ?? zxidIn(newEpoch, report.sessions))}; ` +
        `${sessions}, and ${plural(report.ephemerals, 'ephemeral')} with ${report.sessions === 1 ? 'it' : 'them'}.`,
    );
  }
  if (written === null) lines.push('Nothing was written (--dry-run).');
  return `${lines.join('\n')}\n`;
}

export function reportJson(report: RestoreReport): string {
  const { written, newEpoch } = report;
  return JSON.stringify({
    from: report.from,
    zxid: zxidText(report.zxid),
    time: report.timeMs === null ? null : new Date(report.timeMs).toISOString(),
    full: zxidText(report.fullZxid),
    pieces: report.pieces,
    txns: report.txns,
    znodes: report.znodes,
    sessions: report.sessions,
    ephemerals: report.ephemerals,
    folders: report.folders,
    newEpoch,
    notes: report.notes,
    written:
      written === null
        ? null
        : {
            snapshotZxid: zxidText(written.snapshotZxid),
            lastZxid: zxidText(written.lastZxid),
            epoch: written.epoch,
            bytes: written.snapshotBytes,
            sessionsEnded: written.sessionsEnded,
            ephemeralsRemoved: written.ephemeralsRemoved,
          },
  });
}

import { counterOf, epochOf } from '@headkeeper/protocol';
import { LogFileReader } from '../core/log/log-reader.ts';
import { zxidOfBody } from '../core/log/record-codec.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import type { LogFile, RecoverySource } from '../core/log/recovery-source.ts';

/** What Apache ZooKeeper 3.9.4 and later makes of a directory. */
export interface ApacheStart {
  /** Why it does not start; null when it does. */
  readonly refusal: string | null;
  /** Where it begins and ends; null when it does not start, or on nothing. */
  readonly snapshotZxid: number | null;
  readonly lastZxid: number | null;
  /** What it leaves out without a word: one sentence each. */
  readonly silentLosses: readonly string[];
}

/** The start failed; the message says at what. */
class Fails extends Error {}

/**
 * Follows Apache's start: the newest snapshot that loads, then the logs, each to the place where its reader takes the file
 * for ended. It notices gaps between the txns that it replays, but neither one behind the snapshot nor one that ends an
 * epoch, nor that a newer snapshot could not be loaded.
 *
 * `loads`: whether a snapshot of this name loads. Source of the rules: storage-formats reference, sections 7, 10 and 16.
 */
export function followApacheStart(
  source: RecoverySource,
  loads: (name: string) => boolean,
  maxRecordBytes: number,
): ApacheStart {
  const snapshots = [...source.snapshots()].sort((a, b) => b.zxid - a.zxid);
  const logs = [...source.logs()].sort((a, b) => a.zxid - b.zxid);
  const losses: string[] = [];
  const candidates = snapshots.filter(({ name }) => source.quickCheck(name));
  const chosen = candidates.find(({ name }) => loads(name)) ?? null;
  if (chosen === null) {
    let refusal: string | null = null;
    if (candidates.length > 0) refusal = 'none of the snapshots can be loaded';
    else if (logs.length > 0) refusal = 'there are logs and no snapshot';
    return { refusal, snapshotZxid: null, lastZxid: null, silentLosses: [] };
  }
  let last = chosen.zxid;
  try {
    last = replay(source, logs, chosen.zxid, maxRecordBytes, losses);
  } catch (error) {
    if (!(error instanceof Fails)) throw error;
    return { refusal: error.message, snapshotZxid: chosen.zxid, lastZxid: null, silentLosses: losses };
  }
  const newest = snapshots[0];
  if (newest !== undefined && newest.zxid > last && counterOf(newest.zxid) !== 0) {
    losses.push(
      `the txns from ${zxidText(last + 1)} to ${zxidText(newest.zxid)}, which ${newest.name} held, are given up`,
    );
  }
  return { refusal: null, snapshotZxid: chosen.zxid, lastZxid: last, silentLosses: losses };
}

function replay(
  source: RecoverySource,
  logs: readonly LogFile[],
  snapshotZxid: number,
  maxRecordBytes: number,
  losses: string[],
): number {
  let last = snapshotZxid;
  let replayed = false;
  const first = Math.max(
    0,
    logs.findLastIndex((log) => log.zxid <= snapshotZxid),
  );
  for (let i = first; i < logs.length; i++) {
    const log = logs[i] as LogFile;
    if (log.size === 0 && i === logs.length - 1) break;
    const reader = new LogFileReader(maxRecordBytes, (_bytes, view, start) => {
      const zxid = zxidOfBody(view, start);
      if (zxid <= last) return;
      if (epochOf(zxid) === epochOf(last) && zxid !== last + 1) {
        const range = `${zxidText(last + 1)} to ${zxidText(zxid - 1)}`;
        if (replayed) throw new Fails(`${log.name} has a gap: the txns from ${range} are missing`);
        losses.push(`the txns from ${range}, between the snapshot and ${log.name}, are given up`);
      }
      last = zxid;
      replayed = true;
    });
    source.readLog(log.name, (bytes) => reader.push(bytes));
    const end = reader.finish();
    if (end.kind === 'empty' || end.kind === 'not-a-log') throw new Fails(`${log.name} does not begin like a log`);
    if (!end.endsForApache) throw new Fails(`${log.name} at byte ${end.offset}: ${end.reason}`);
    if (end.kind === 'damaged') {
      losses.push(`what ${log.name} holds from byte ${end.offset} on is passed over (${end.reason})`);
    }
  }
  return last;
}

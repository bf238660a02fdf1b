import { decodeUtf8, encodeTxn, OpCode, Writer } from '@headkeeper/protocol';
import type { Session } from '../core/connection.ts';
import type { Database } from '../core/database.ts';
import { beginRecord, endRecord, LOG_HEADER_BYTES, writeLogFileHeader } from '../core/log/record-codec.ts';
import { DIGEST_VERSION } from '../core/tree/digest.ts';

/** The log in which the sessions of a restored state end. */
export interface ClosingLog {
  /** A whole log file; empty when there was no session. */
  readonly bytes: Uint8Array;
  /** Zxids of its first and last txn; equal to the one before when there is none. */
  readonly firstZxid: number;
  readonly lastZxid: number;
  readonly sessions: number;
  /** Znodes that go with them. */
  readonly ephemerals: number;
}

/** Bytes of paths that one txn lists; what it does not list goes all the same, for its owner is gone. */
const LISTED_BYTES = 256 * 1024;

/**
 * Ends every session of the state by txns behind `zxid`, as a leader ends those that expire, and applies them. They are the
 * same wherever and whenever they are made of the same state. `timeMs` is the time that they bear; `withDigest` says whether
 * they carry the digest of the tree, as those of the backup do.
 */
export function endSessions(database: Database, zxid: number, timeMs: number, withDigest: boolean): ClosingLog {
  const sessions: Session[] = [];
  database.sessions.forEach((session) => {
    sessions.push(session);
  });
  sessions.sort((a, b) => a.idHigh - b.idHigh || (a.idLow >>> 0) - (b.idLow >>> 0));

  const log = new Writer(1 << 16);
  writeLogFileHeader(log.bytes);
  log.length = LOG_HEADER_BYTES;
  const txn = new Writer();
  let last = zxid;
  let ephemerals = 0;
  for (const session of sessions) {
    const paths = ephemeralsOf(database, session);
    ephemerals += paths.length;
    last++;
    const header = {
      clientId: (BigInt(session.idHigh) << 32n) | BigInt(session.idLow >>> 0),
      cxid: 0,
      zxid: last,
      time: timeMs,
      type: OpCode.closeSession,
    };
    const body = { paths2Delete: listed(paths) };
    txn.length = 0;
    encodeTxn(txn, { header, op: 'closeSession', body, digest: null });
    database.applier.apply(txn.bytes, txn.view, 0, txn.length);
    database.lastZxid = last;
    const at = beginRecord(log);
    encodeTxn(log, { header, op: 'closeSession', body, digest: withDigest ? digestOf(database) : null });
    endRecord(log, at);
  }
  const bytes = sessions.length === 0 ? new Uint8Array(0) : log.bytes.subarray(0, log.length);
  return { bytes, firstZxid: Math.min(zxid + 1, last), lastZxid: last, sessions: sessions.length, ephemerals };
}

function ephemeralsOf(database: Database, session: Session): string[] {
  const paths = [...(session.ephemerals ?? [])].map((slot) => {
    const path = database.applier.pathOf(slot);
    return decodeUtf8(path, 0, path.length);
  });
  return paths.sort();
}

function listed(paths: readonly string[]): string[] {
  let bytes = 0;
  return paths.filter((path) => {
    bytes += 4 + 3 * path.length;
    return bytes <= LISTED_BYTES;
  });
}

function digestOf(database: Database): { version: number; treeDigest: bigint } {
  database.tree.settleDigest();
  const { high, low } = database.tree.digest;
  return { version: DIGEST_VERSION, treeDigest: BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0)) };
}

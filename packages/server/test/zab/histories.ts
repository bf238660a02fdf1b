import { Writer } from '@headkeeper/protocol';
import { captureOf, type LoggedTxn, txnsOf } from './captures.ts';

/** Epoch 1 of all captures. */
export const EPOCH_1 = 4294967296;
const CREATE_SESSION = -10;
const CREATE = 1;
const SET_DATA = 5;

/** The requests, and the txns behind them, of one run of servers: several captures are parts of it. */
export function commonRun(upTo: number): LoggedTxn[] {
  const connections = ['steady/requests', 'sync/diff-with-txns', 'sync/diff-one-txn-ack-order'].flatMap(captureOf);
  const txns = [...txnsOf(...connections).values()];
  return txns.filter(({ zxid }) => zxid <= EPOCH_1 + upTo);
}

/** All txns of `steady/all-transaction-types`, which are the log of `datadir-alltypes`. */
export function allTypes(upTo: number): LoggedTxn[] {
  const txns = [...txnsOf(...captureOf('steady/all-transaction-types')).values()];
  return txns.filter(({ zxid }) => zxid <= EPOCH_1 + upTo);
}

/** A run under load: one session, one znode, whose data counts its changes. */
export interface LoadRun {
  readonly sessionHigh: number;
  readonly sessionLow: number;
  readonly timeoutMs: number;
  /** Time of the txn that made `/load`, for the digests of all later ones. */
  readonly createdMs: number;
}

/**
 * The log of a run under load up to a counter: the captured txns, and in place of those that were not captured others of
 * the same shape, without digests, since their times are not known.
 */
export function loadHistory(run: LoadRun, captured: ReadonlyMap<number, LoggedTxn>, upTo: number): LoggedTxn[] {
  return Array.from({ length: upTo }, (_, i) => captured.get(EPOCH_1 + i + 1) ?? loadTxn(run, i + 1));
}

/** `timeMs`: of the txn, where it is known. */
export function loadTxn(
  run: LoadRun,
  counter: number,
  timeMs: number = run.createdMs + (counter > 2 ? counter : 0),
): LoggedTxn {
  const zxid = EPOCH_1 + counter;
  const out = new Writer(128);
  out.longHalves(run.sessionHigh, run.sessionLow);
  out.int(counter - 1);
  out.long(zxid);
  out.long(timeMs);
  if (counter === 1) {
    out.int(CREATE_SESSION);
    out.int(run.timeoutMs);
  } else if (counter === 2) {
    out.int(CREATE);
    out.string('/load');
    out.buffer(new TextEncoder().encode('0'));
    out.int(1);
    out.int(31);
    out.string('world');
    out.string('anyone');
    out.boolean(false);
    out.int(1);
  } else {
    out.int(SET_DATA);
    out.string('/load');
    out.buffer(new TextEncoder().encode(String(counter - 2)));
    out.int(counter - 2);
  }
  return { zxid, body: out.toBytes() };
}

/** Txns of nobody: made up where a capture has none. Each makes a znode. */
export function madeUpTxn(zxid: number, path: string): LoggedTxn {
  const out = new Writer(128);
  out.longHalves(0, 1);
  out.int(0);
  out.long(zxid);
  out.long(1_795_291_000_000);
  out.int(CREATE);
  out.string(path);
  out.buffer(new Uint8Array(1));
  out.int(1);
  out.int(31);
  out.string('world');
  out.string('anyone');
  out.boolean(false);
  out.int(-1);
  return { zxid, body: out.toBytes() };
}

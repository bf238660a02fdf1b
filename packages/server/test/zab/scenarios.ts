import { QuorumPacketType, Writer, writePacket } from '@headkeeper/protocol';
import type { Epochs } from '../../src/ports.ts';
import {
  type CapturedConnection,
  type CapturedMessage,
  captureOf,
  type LoggedTxn,
  toHex,
  txnsOf,
  zxidOf,
} from './captures.ts';
import { commonRun, EPOCH_1, type LoadRun, loadHistory, loadTxn, madeUpTxn } from './histories.ts';

/** The membership of most captures. */
export const THREE = [1, 2, 3]
  .map((sid) => `server.${sid}=127.0.0.1:2328${sid}:2338${sid}:participant`)
  .join('\n')
  .concat('\nversion=0');

/** With client addresses, as reconfiguration wants them; the version as in the epoch's first configuration. */
export function withClients(sids: readonly number[], version: string, roles: Record<number, string> = {}): string {
  const lines = sids.map(
    (sid) => `server.${sid}=127.0.0.1:2328${sid}:2338${sid}:${roles[sid] ?? 'participant'};127.0.0.1:2318${sid}`,
  );
  return `${lines.join('\n')}\nversion=${version}`;
}

/** Times at which `/load` was made: the only ones with which the digests of the captured txns come out. */
export const LOAD_RUNS: Readonly<Record<'first' | 'early' | 'later', LoadRun>> = {
  first: { sessionHigh: 0x0300001f, sessionLow: 0x84070000, timeoutMs: 20_000, createdMs: 1_795_292_036_473 },
  early: { sessionHigh: 0x03000017, sessionLow: 0x8e3e0000, timeoutMs: 20_000, createdMs: 1_795_291_515_017 },
  later: { sessionHigh: 0x03000023, sessionLow: 0x55770000, timeoutMs: 20_000, createdMs: 1_795_292_288_721 },
};

/** How a learner joined a leader in a capture of `sync/`. */
export interface JoinScenario {
  readonly name: string;
  readonly connection: CapturedConnection;
  readonly membership: string;
  readonly reconfigEnabled: boolean;
  /** What the learner had. */
  readonly epochs: Epochs;
  readonly log: readonly LoggedTxn[];
  /** Whether the leader led already when the learner looked for one. */
  readonly established: boolean;
}

const FRESH: Epochs = { accepted: 0, current: 0 };
const IN_EPOCH_1: Epochs = { accepted: 1, current: 1 };

function join(
  name: string,
  index: number,
  log: readonly LoggedTxn[],
  epochs: Epochs,
  established: boolean,
  membership: string = THREE,
  reconfigEnabled = false,
): JoinScenario {
  const connection = captureOf(`sync/${name}`)[index] as CapturedConnection;
  return { name: `${name} (connection ${index})`, connection, membership, reconfigEnabled, epochs, log, established };
}

function load(name: string, run: LoadRun): (upTo: number) => LoggedTxn[] {
  const captured = txnsOf(...captureOf(`sync/${name}`));
  return (upTo) => loadHistory(run, captured, upTo);
}

/** What the log of server 3 in `sync/trunc` held is not captured. */
export function truncatedLog(upTo: number): LoggedTxn[] {
  return Array.from({ length: upTo }, (_, i) => madeUpTxn(EPOCH_1 + i + 1, `/t${i + 1}`));
}

/** Every captured join. */
export function joins(): JoinScenario[] {
  const { first, early, later } = LOAD_RUNS;
  const initial = withClients([1, 2, 3], '0');
  return [
    join('diff-empty-fresh-leader', 0, [], FRESH, false),
    join('diff-empty-fresh-leader', 1, [], FRESH, false),
    join('diff-with-txns', 0, commonRun(0xa), IN_EPOCH_1, true),
    join('diff-one-txn-ack-order', 0, commonRun(0xe), IN_EPOCH_1, true),
    join('snap', 0, [], FRESH, true),
    join('trunc', 0, truncatedLog(0x12), IN_EPOCH_1, true),
    join('first-epoch-with-reconfig', 0, [], FRESH, false, initial, true),
    join('first-epoch-with-reconfig', 1, [], FRESH, true, initial, true),
    join('diff-under-load', 0, load('diff-under-load', first)(0x13), IN_EPOCH_1, true),
    join('diff-under-load-early-ack', 0, load('diff-under-load-early-ack', early)(0x79), IN_EPOCH_1, true),
    join(
      'diff-under-load-3.8.0-follower-fails',
      0,
      load('diff-under-load-3.8.0-follower-fails', first)(0x7d),
      IN_EPOCH_1,
      true,
    ),
    join(
      'diff-under-load-3.8.0-follower-fails',
      1,
      load('diff-under-load-3.8.0-follower-fails', first)(0x7d),
      IN_EPOCH_1,
      true,
    ),
    join('3.9.5-follower-under-load', 0, load('3.9.5-follower-under-load', later)(2), IN_EPOCH_1, true),
    join('snap-under-load', 0, [], FRESH, true),
  ];
}

/** The run under load that a join belongs to, or null. */
export function loadRunOf(name: string): LoadRun | null {
  if (name.startsWith('diff-under-load-early')) return LOAD_RUNS.early;
  if (name.startsWith('3.9.5')) return LOAD_RUNS.later;
  return name.includes('under-load') ? LOAD_RUNS.first : null;
}

/** A connection's messages with those that were left out of the capture put back: PROPOSAL and COMMIT of made-up txns. */
export function completed(name: string, connection: CapturedConnection): CapturedConnection {
  const { omitted, messages } = connection;
  const run = loadRunOf(name);
  if (omitted === undefined || run === null) return connection;
  const head = messages.slice(0, omitted.afterIndex + 1);
  const tail = messages.slice(omitted.afterIndex + 1);
  const made = madeUp(run, omitted.count, zxidOf(head.at(-1) as CapturedMessage));
  return { ...connection, messages: [...head, ...made, ...tail] };
}

/** As many messages as were left out: pairs of PROPOSAL and COMMIT, the last one perhaps alone. */
function madeUp(run: LoadRun, count: number, lastZxid: number): CapturedMessage[] {
  return Array.from({ length: count }, (_, i) => {
    const zxid = lastZxid + 1 + Math.floor(i / 2);
    const out = new Writer(128);
    if (i % 2 === 0) writePacket(out, QuorumPacketType.proposal, zxid, loadTxn(run, zxid - EPOCH_1).body);
    else writePacket(out, QuorumPacketType.commit, zxid);
    return {
      t: 0,
      dir: '<',
      kind: i % 2 === 0 ? 'PROPOSAL' : 'COMMIT',
      hex: toHex(out.toBytes()),
      decoded: { zxid: `0x${zxid.toString(16)}` },
    };
  });
}

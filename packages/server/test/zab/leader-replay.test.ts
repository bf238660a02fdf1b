/**
 * The captures of `vectors/sync` in the leader's part: our leader has the captured history, made by the same requests at the
 * same times of day; what the captured learners sent is played to it, and what it sends them must be what Apache's leader
 * sent, packet for packet and txn for txn. Differences are counted by name (leader-replay.ts).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpCode } from '@headkeeper/protocol';
import { Field } from '../../src/core/tree/node-store.ts';
import type { KnownRequest } from './captured-requests.ts';
import { type CapturedConnection, captureOf, epochOf, fromHex, type LoggedTxn, txnsOf, zxidOf } from './captures.ts';
import { capturedState, contentOf } from './content.ts';
import { BYTEWISE, type Cutting, WHOLE } from './cutting.ts';
import { commonRun, EPOCH_1, type LoadRun, loadHistory, loadTxn } from './histories.ts';
import { type Differences, LeaderReplay, NO_DIFFERENCES } from './leader-replay.ts';
import { startOf } from './learner-replay.ts';
import { MemberHarness, type MemberOptions } from './member-harness.ts';
import { completed, loadRunOf, THREE, truncatedLog, withClients } from './scenarios.ts';
import { StandIn } from './stand-in.ts';

const CUTS: readonly [string, Cutting][] = [
  ['whole', WHOLE],
  ['byte by byte', BYTEWISE],
];

/** setData of /a at a version that it does not have: txn 7 is an error. */
const COMMON_REQUESTS: ReadonlyMap<number, KnownRequest> = new Map([
  [EPOCH_1 + 7, { opcode: OpCode.setData, body: fromHex('000000022f61000000027a7a0000004d') }],
]);

/** With so short a memory, and without the log, whoever is behind gets the state. */
const SNAP_ONLY: Pick<MemberOptions, 'core' | 'ensemble'> = {
  core: { commitLogCount: 4 },
  ensemble: { snapshotSizeFactor: -1 },
};

function byZxid(txns: readonly LoggedTxn[]): Map<number, LoggedTxn> {
  return new Map(txns.map((txn) => [txn.zxid, txn]));
}

/** A leader in a new epoch, established by the servers named. */
function leader(options: MemberOptions, followers: readonly number[]): { member: MemberHarness; standIns: StandIn[] } {
  const member = new MemberHarness(options);
  member.elect(options.sid);
  const { accepted: epoch } = options.epochs ?? { accepted: 0 };
  const lastZxid = member.disk.lastZxid;
  const standIns = followers.map((sid) => new StandIn(member, { sid, epoch, lastZxid }));
  if (followers.length > 0) {
    assert.equal(member.stage, 'broadcast');
    assert.ok(standIns.every(({ isUpToDate }) => isUpToDate));
  }
  return { member, standIns };
}

function assertStates(replay: LeaderReplay, connection: CapturedConnection): void {
  const captured = capturedState(connection.messages, replay.member.core);
  const ours = replay.states(connection);
  assert.equal(ours.length, captured === null ? 0 : 1);
  if (captured === null) return;
  assert.equal(ours[0]?.zxid, zxidOf(connection.messages.find(({ kind }) => kind === 'SNAP') as never));
  assert.deepEqual(contentOf(ours[0]?.state as never), contentOf(captured.database));
}

function assertDifferences(replay: LeaderReplay, expected: Partial<Differences>): void {
  assert.deepEqual(replay.differences, { ...NO_DIFFERENCES, ...expected });
}

/** A run under load: the captured txns, and made-up ones in place of those that are not in the capture. */
function loadTxns(run: LoadRun, connection: CapturedConnection): { txns: Map<number, LoggedTxn>; madeUp: Set<number> } {
  const captured = txnsOf(connection);
  const last = Math.max(...captured.keys()) - EPOCH_1;
  const txns = byZxid(loadHistory(run, captured, last));
  return { txns, madeUp: new Set([...txns.keys()].filter((zxid) => !captured.has(zxid))) };
}

for (const [how, cut] of CUTS) {
  test(`sync/diff-empty-fresh-leader, ${how}`, () => {
    const connections = captureOf('sync/diff-empty-fresh-leader');
    const { member } = leader({ sid: 3, membership: THREE }, []);
    const replay = new LeaderReplay(member, new Map(), [], { cut });
    replay.run(connections);
    assert.equal(member.stage, 'broadcast');
    assert.deepEqual(member.epochs, { accepted: 1, current: 1 });
    assertDifferences(replay, { pingsBeforeFirstTxn: 2 });
  });

  for (const [name, upTo, options, differences] of [
    ['diff-with-txns', 0xe, {}, {}],
    ['diff-one-txn-ack-order', 0xf, {}, {}],
    ['snap', 0xe, SNAP_ONLY, {}],
  ] as const) {
    test(`sync/${name}, ${how}`, () => {
      const [connection] = captureOf(`sync/${name}`) as [CapturedConnection];
      const wallMs = startOf('0x30000121bad0000');
      const { member, standIns } = leader({ sid: 3, membership: THREE, wallMs, ...options }, [1, 2]);
      const replay = new LeaderReplay(member, byZxid(commonRun(0xf)), standIns, { requests: COMMON_REQUESTS, cut });
      replay.play(EPOCH_1 + Math.min(upTo, 0xe));
      // The captured learner was away meanwhile.
      member.cut((standIns[0] as StandIn).link);
      replay.play(EPOCH_1 + upTo);
      replay.run([connection]);
      assertStates(replay, connection);
      assertDifferences(replay, differences);
    });
  }

  test(`sync/trunc, ${how}`, () => {
    const [connection] = captureOf('sync/trunc') as [CapturedConnection];
    const log = truncatedLog(0x11);
    const { member, standIns } = leader({ sid: 2, membership: THREE, epochs: { accepted: 1, current: 1 }, log }, [1]);
    const replay = new LeaderReplay(member, new Map(), standIns, { cut });
    replay.run([connection]);
    assert.equal(member.epochs.current, 2);
    assertDifferences(replay, { pingsBeforeFirstTxn: 4 });
  });

  test(`sync/first-epoch-with-reconfig, ${how}`, () => {
    const [early, late] = captureOf('sync/first-epoch-with-reconfig') as [CapturedConnection, CapturedConnection];
    const options = { sid: 3, membership: withClients([1, 2, 3], '0') };
    const { member } = leader({ ...options, ensemble: { reconfigEnabled: true } }, []);
    const replay = new LeaderReplay(member, new Map(), [], { emptyDiffFor: [late], cut });
    replay.run([early, late]);
    assert.equal(member.committed.version, EPOCH_1);
    assertDifferences(replay, { pingsBeforeFirstTxn: 2, emptyDiffs: 1 });

    // The state that it would be sent is what Apache's leader sends.
    const forced = leader({ ...options, ensemble: { reconfigEnabled: true, forceSnapshotSync: true } }, []);
    const another = new StandIn(forced.member, { sid: 1, epoch: 0, lastZxid: 0 });
    const state = another.received.find((sent) => sent.state !== null)?.state;
    const captured = capturedState(late.messages, member.core);
    assert.deepEqual(contentOf(state as never), contentOf(captured?.database as never));
  });

  for (const [name, index, differences] of [
    ['diff-under-load', 0, {}],
    ['diff-under-load-early-ack', 0, {}],
    ['diff-under-load-3.8.0-follower-fails', 0, { outstandingMovedBehind: 1 }],
    ['diff-under-load-3.8.0-follower-fails', 1, {}],
    ['3.9.5-follower-under-load', 0, { outstandingMovedBehind: 1 }],
    ['snap-under-load', 0, {}],
  ] as const) {
    test(`sync/${name} (connection ${index}), ${how}`, () => {
      const connection = completed(name, captureOf(`sync/${name}`)[index] as CapturedConnection);
      const run = loadRunOf(name) as LoadRun;
      const isSnap = name === 'snap-under-load';
      const { txns, madeUp } = loadTxns(run, connection);
      const options = isSnap ? SNAP_ONLY : {};
      const idText = `0x${((BigInt(run.sessionHigh) << 32n) | BigInt(run.sessionLow)).toString(16)}`;
      const learner = connection.fromServer;
      const other = [1, 2].find((sid) => sid !== learner) as number;
      const { member, standIns } = leader({ sid: 3, membership: THREE, wallMs: startOf(idText), ...options }, [other]);
      const captured = capturedState(connection.messages, member.core);
      if (captured !== null) {
        // The last change before the state is in it, with its time.
        const { tree } = captured.database;
        const path = new TextEncoder().encode('/load');
        const slot = tree.find(path, 0, path.length);
        const last = captured.database.lastZxid;
        txns.set(last, loadTxn(run, last - EPOCH_1, tree.longOf(slot, Field.mtime)));
      }
      const replay = new LeaderReplay(member, txns, standIns, { madeUp, cut });
      replay.run([connection]);
      assertStates(replay, connection);
      assertDifferences(replay, differences);
      assert.equal(epochOf(member.lastApplied), 1);
    });
  }
}

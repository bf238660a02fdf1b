/**
 * The captures of `vectors/steady` in the leader's part: requests that Apache's learners forwarded become the same txns, and
 * what our leader sends back is what Apache's sent (see leader-replay.ts). A sync is answered one round of pings later, which
 * the streams do not show: pings are compared apart.
 *
 * `observer-master` shows a follower that serves an observer. To the observer a leader looks the same, but for the zxids of
 * its pings; so our leader is in the follower's place here; observer-master.test.ts has the follower itself.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apacheSessionPassword, OpCode, QuorumPacketType, SESSION_PASSWORD_BYTES } from '@headkeeper/protocol';
import { goldenJson } from '../log/golden.ts';
import type { KnownRequest } from './captured-requests.ts';
import { type CapturedConnection, captureOf, fromHex, type LoggedTxn, toHex, txnsOf } from './captures.ts';
import { capturedState, contentOf } from './content.ts';
import { EPOCH_1, madeUpTxn } from './histories.ts';
import { LeaderReplay, NO_DIFFERENCES } from './leader-replay.ts';
import { LearnerReplay, startOf } from './learner-replay.ts';
import { MemberHarness, type MemberOptions } from './member-harness.ts';
import { THREE, withClients } from './scenarios.ts';
import { StandIn } from './stand-in.ts';
import type { TestLink } from './test-link.ts';

function connectionsOf(name: string): CapturedConnection[] {
  return captureOf(`steady/${name}`);
}

/** Server 3 leads since before the capture; `followers` are those that it was established by. */
function leader(options: MemberOptions, followers: readonly number[]): { member: MemberHarness; standIns: StandIn[] } {
  const member = new MemberHarness(options);
  member.elect(options.sid);
  const standIns = followers.map((sid) => new StandIn(member, { sid, epoch: 0, lastZxid: 0 }));
  assert.equal(member.stage, 'broadcast');
  assert.ok(standIns.every(({ isUpToDate }) => isUpToDate));
  return { member, standIns };
}

/** The links of learners that go on as captured. */
function handedOver(
  standIns: readonly StandIn[],
  connections: readonly CapturedConnection[],
): Map<CapturedConnection, TestLink> {
  return new Map(
    connections.map((connection) => {
      const standIn = standIns.find(({ sid }) => sid === connection.fromServer) as StandIn;
      return [connection, standIn.link];
    }),
  );
}

function logOf(member: MemberHarness): string[] {
  return member.disk.log.map(({ body }) => toHex(body));
}

test('steady/requests', () => {
  const connections = connectionsOf('requests');
  const { member, standIns } = leader({ sid: 3, membership: THREE, wallMs: startOf('0x30000121bad0000') }, [1, 2]);
  const txns = txnsOf(...connections);
  const replay = new LeaderReplay(member, txns, []);
  replay.run(connections, handedOver(standIns, connections));
  assert.deepEqual(replay.differences, NO_DIFFERENCES);
  assert.deepEqual(
    logOf(member),
    [...txns.values()].map(({ body }) => toHex(body)),
  );
  assert.equal(member.lastApplied, EPOCH_1 + 0xa);
});

/** Requests of servers 2 and 3, and of nobody, whose txns do not say how they were asked for. */
function otherRequests(): Map<number, KnownRequest> {
  const sequential = '000000062f702f65732d000000026573000000010000001f00000005776f726c6400000006616e796f6e6500000003';
  const multi =
    '0000000100ffffffff000000062f6d2f6570680000000165000000010000001f00000005776f726c6400000006616e796f6e6500000001' +
    'ffffffff01ffffffff';
  return new Map([
    [EPOCH_1 + 0xc, { opcode: OpCode.create, body: fromHex(sequential) }],
    [EPOCH_1 + 0x26, { opcode: OpCode.multi, body: fromHex(multi) }],
  ]);
}

test('steady/all-transaction-types', () => {
  const connections = connectionsOf('all-transaction-types');
  const [one, joins] = connections as [CapturedConnection, CapturedConnection];
  const { member, standIns } = leader(
    {
      sid: 3,
      membership: withClients([1, 2, 3], '0'),
      wallMs: startOf('0x30000158d820000'),
      // Who has nothing gets the state; containers and TTL znodes go at the first ping after their time.
      core: { commitLogCount: 4, containerCheckIntervalMs: 10, enforceQuota: false },
      ensemble: { reconfigEnabled: true, snapshotSizeFactor: -1 },
    },
    [1, 2],
  );
  assert.equal(member.committed.version, EPOCH_1);
  const txns = txnsOf(...connections);
  const second = standIns.filter(({ sid }) => sid === 2);
  const replay = new LeaderReplay(member, txns, second, { requests: otherRequests() });
  replay.run(connections, handedOver(standIns, [one]));
  assert.deepEqual(replay.differences, NO_DIFFERENCES);
  const golden = goldenJson<{ records: { hex: string }[] }>('datadir-alltypes/txnlog.json').records;
  assert.deepEqual(
    logOf(member),
    golden.map(({ hex }) => hex),
  );
  const [state] = replay.states(joins);
  assert.equal(state?.zxid, EPOCH_1 + 0x38);
  const captured = capturedState(joins.messages, member.core);
  assert.deepEqual(contentOf(state?.state as never), contentOf(captured?.database as never));
});

test('steady/observer-master', () => {
  const [connection] = connectionsOf('observer-master') as [CapturedConnection];
  const membership = connection.messages.find(({ kind }) => kind === 'NEWLEADER')?.decoded.config as string;
  const { member, standIns } = leader({ sid: 3, membership }, [1, 2]);
  const txns = txnsOf(connection);
  const replay = new LeaderReplay(member, txns, standIns);
  replay.run([connection]);
  assert.deepEqual(replay.differences, NO_DIFFERENCES);
  assert.deepEqual(
    logOf(member),
    [...txns.values()].map(({ body }) => toHex(body)),
  );
});

/** The capture begins behind two txns; the first made the session that asks, the second is not known. */
function beforeReconfig(reconfig: LoggedTxn): LoggedTxn[] {
  const view = new DataView(reconfig.body.buffer, reconfig.body.byteOffset, reconfig.body.byteLength);
  const first = new Uint8Array(36);
  const out = new DataView(first.buffer);
  out.setInt32(0, view.getInt32(0));
  out.setInt32(4, view.getInt32(4));
  out.setBigInt64(12, BigInt(EPOCH_1 + 1));
  out.setBigInt64(20, view.getBigInt64(20));
  out.setInt32(28, OpCode.createSession);
  out.setInt32(32, 30_000);
  return [{ zxid: EPOCH_1 + 1, body: first }, madeUpTxn(EPOCH_1 + 2, '/unknown')];
}

test('steady/reconfig-removes-leader: server 3 leads until another one is designated', () => {
  const connections = connectionsOf('reconfig-removes-leader').slice(0, 2);
  const { member, standIns } = leader(
    { sid: 3, membership: withClients([1, 2, 3], '0'), ensemble: { reconfigEnabled: true } },
    [1, 2],
  );
  const captured = txnsOf(...connections);
  const reconfig = captured.get(EPOCH_1 + 3) as LoggedTxn;
  const txns = new Map([...beforeReconfig(reconfig), reconfig].map((txn) => [txn.zxid, txn]));
  // The digest rests on the second txn, which is not known: it makes a znode here.
  const replay = new LeaderReplay(member, txns, standIns, { madeUp: new Set(txns.keys()), nobodys: 1 });
  replay.play(EPOCH_1 + 2);
  const links = handedOver(standIns, connections);
  const handed = new LeaderReplay(member, txns, [], { madeUp: new Set(txns.keys()) });
  handed.run(connections, links);
  assert.deepEqual(handed.differences, NO_DIFFERENCES);
  assert.equal(member.committed.version, EPOCH_1 + 3);
  assert.equal(member.role, 'following', 'it is not listed any more, and follows the designated leader');
  assert.deepEqual(member.connect?.endpoints, [{ host: '127.0.0.1', port: 23281 }]);
});

test('steady/reconfig-removes-leader: server 1 is designated and leads at once', () => {
  const [before, , two, three] = connectionsOf('reconfig-removes-leader') as CapturedConnection[];
  const reconfig = txnsOf(before as CapturedConnection).get(EPOCH_1 + 3) as LoggedTxn;
  const log = beforeReconfig(reconfig);
  const member = new MemberHarness({
    sid: 1,
    membership: withClients([1, 2, 3], '100000000'),
    epochs: { accepted: 1, current: 1 },
    log,
    ensemble: { reconfigEnabled: true },
  });
  member.elect(3, true);
  const learner = new LearnerReplay(member);
  learner.handshake(1, withClients([1, 2, 3], '100000000'));
  learner.attach('0x1000028c48f0000');
  learner.run(before as CapturedConnection);
  assert.equal(learner.link.closed, true);
  assert.equal(member.role, 'leading');
  const replay = new LeaderReplay(member, new Map(), []);
  replay.run([two, three] as CapturedConnection[]);
  assert.equal(member.stage, 'broadcast');
  assert.deepEqual(member.epochs, { accepted: 2, current: 2 });
  assert.deepEqual(replay.differences, { ...NO_DIFFERENCES, pingsBeforeFirstTxn: 6 });
});

test('a sync is answered once voters have shown, by answering a ping, that this server still leads', () => {
  const [connection] = connectionsOf('requests') as [CapturedConnection];
  const sync = connection.messages.find(({ decoded }) => decoded.opCode === OpCode.sync)?.hex as string;
  const { member, standIns } = leader({ sid: 3, membership: THREE }, [1, 2]);
  const [one, two] = standIns as [StandIn, StandIn];
  const types = (link: TestLink): number[] => link.take().map(({ type }) => type);
  member.feed(one.link, fromHex(sync));
  const { ping, sync: answer } = QuorumPacketType;
  assert.deepEqual([types(one.link), types(two.link)], [[ping], [ping]]);
  const pong = '00000005000000010000000000000000ffffffff';
  member.feed(two.link, fromHex(pong));
  assert.deepEqual(types(one.link), [answer]);
  assert.deepEqual(types(two.link), []);
});

test('that a session is gone is said once voters have shown that this server still leads', () => {
  const { member, standIns } = leader({ sid: 3, membership: THREE }, [1, 2]);
  const [one] = standIns as [StandIn];
  const passwd = new Uint8Array(SESSION_PASSWORD_BYTES);
  apacheSessionPassword(0x1000001, 1, passwd, 0);
  const client = member.open();
  client.handshake({ sessionId: 0x100000100000001n, passwd, timeOut: 10_000 });
  assert.deepEqual(client.take(), [], 'the word of a leader that may be one no more');
  one.pump();
  const [answer] = client.take();
  assert.equal(answer?.kind === 'handshake' && answer.sessionId, 0n);
  assert.equal(client.closed, true);
});

test('what only a leader may say is asked of a learner that was not ready when the question came, once it is', () => {
  const { member, standIns } = leader({ sid: 3, membership: THREE }, [1]);
  const [one] = standIns as [StandIn];
  const client = member.open();
  client.handshake();
  one.acknowledge(member.disk.lastZxid);
  client.take();
  const two = new StandIn(member, { sid: 2, epoch: 1, lastZxid: 0, slow: true });
  member.cut(one.link);
  assert.equal(member.role, 'leading', 'the one that is being brought up to date may yet make a quorum');
  client.ask('sync', { path: '/' });
  const passwd = new Uint8Array(SESSION_PASSWORD_BYTES);
  apacheSessionPassword(0x1000001, 1, passwd, 0);
  const stranger = member.open();
  stranger.handshake({ sessionId: 0x100000100000001n, passwd, timeOut: 10_000 });
  two.pump();
  assert.deepEqual([client.take(), stranger.take()], [[], []]);
  two.acknowledgeLeader();
  assert.equal(two.isUpToDate, true);
  const [synced] = client.take();
  assert.equal(synced?.kind === 'reply' && synced.xid, 1);
  const [refused] = stranger.take();
  assert.equal(refused?.kind === 'handshake' && refused.sessionId, 0n);
  client.ask('sync', { path: '/' });
  two.pump();
  assert.equal(client.take().length, 1, 'nor does it hold up the next one');
});

test('a learner is answered its sync before the commit of what was proposed later', () => {
  const [connection] = connectionsOf('requests') as [CapturedConnection];
  const sync = connection.messages.find(({ decoded }) => decoded.opCode === OpCode.sync)?.hex as string;
  const { member, standIns } = leader({ sid: 3, membership: THREE }, [1, 2]);
  const [one, two] = standIns as [StandIn, StandIn];
  one.link.take();
  two.link.take();
  member.feed(one.link, fromHex(sync));
  one.request(0x1000000, 1, 0, OpCode.createSession, fromHex('00002710'), false);
  const { ping, proposal, commit, sync: answer } = QuorumPacketType;
  const [first, proposed] = one.link.take();
  assert.deepEqual([first?.type, proposed?.type], [ping, proposal]);
  member.durable();
  // It has heard the ping, but its answer to that is still to come.
  const zxid = (proposed?.zxid ?? 0).toString(16).padStart(16, '0');
  member.feed(two.link, fromHex(`00000003${zxid}ffffffffffffffff`));
  assert.deepEqual(
    one.link.take().map(({ type }) => type),
    [answer, commit],
  );
  assert.ok(!two.link.take().some(({ type }) => type === answer));
  member.feed(two.link, fromHex('00000005000000010000000000000000ffffffff'));
  assert.deepEqual(one.link.take(), [], 'it is answered once');
});

test('an ACK of a txn before that of NEWLEADER makes no learner up to date', () => {
  const connection = captureOf('sync/diff-under-load-early-ack')[0] as CapturedConnection;
  const acks = connection.messages.filter(({ dir, kind }) => dir === '>' && kind === 'ACK').slice(0, 2);
  assert.deepEqual(
    acks.map(({ decoded }) => decoded.zxid),
    ['0x10000007a', '0x100000000'],
  );
  const { member } = leader({ sid: 3, membership: THREE }, [2]);
  const link = member.learner();
  for (const { hex } of connection.messages.filter(({ dir }) => dir === '>').slice(0, 2))
    member.feed(link, fromHex(hex));
  link.take();
  member.feed(link, fromHex(acks[0]?.hex as string));
  assert.deepEqual(link.take(), []);
  member.feed(link, fromHex(acks[1]?.hex as string));
  assert.deepEqual(
    link.take().map(({ type }) => type),
    [QuorumPacketType.upToDate],
  );
});

test('a designated leader whose last txns are on their way to the disk waits for them', () => {
  const [before, , two] = connectionsOf('reconfig-removes-leader') as CapturedConnection[];
  const reconfig = txnsOf(before as CapturedConnection).get(EPOCH_1 + 3) as LoggedTxn;
  const membership = withClients([1, 2, 3], '100000000');
  const member = new MemberHarness({
    sid: 1,
    membership,
    epochs: { accepted: 1, current: 1 },
    log: beforeReconfig(reconfig),
    ensemble: { reconfigEnabled: true },
  });
  member.elect(3, true);
  const learner = new LearnerReplay(member);
  learner.handshake(1, membership);
  const proposal = (before as CapturedConnection).messages.find(({ kind }) => kind === 'PROPOSAL');
  const commit = (before as CapturedConnection).messages.find(({ kind }) => kind === 'COMMITANDACTIVATE');
  member.feed(learner.link, fromHex(proposal?.hex as string));
  member.durable();
  const next = madeUpTxn(EPOCH_1 + 4, '/later');
  const length = next.body.length.toString(16).padStart(8, '0');
  member.feed(learner.link, fromHex(`000000020000000100000004${length}${toHex(next.body)}ffffffff`));
  member.feed(learner.link, fromHex(commit?.hex as string));
  assert.equal(member.role, 'leading');
  const follower = member.learner();
  const messages = (two as CapturedConnection).messages.filter(({ dir }) => dir === '>').slice(0, 2);
  for (const { hex } of messages) member.feed(follower, fromHex(hex));
  const types = (): number[] => follower.take().map(({ type }) => type);
  assert.deepEqual(types(), [QuorumPacketType.leaderInfo], 'it has not entered its epoch');
  assert.equal(member.epochs.current, 1);
  member.durable();
  const { diff, proposal: txn, commit: committed, newLeader } = QuorumPacketType;
  assert.deepEqual(types(), [diff, txn, committed, newLeader]);
  assert.equal(member.epochs.current, 2);
});

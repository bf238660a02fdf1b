/** The planned end of a leader: what its learners see of it, and whom it votes for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNotification, OpCode, QuorumPacketType, ServerState, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import type { RawClient } from '@headkeeper/testkit';
import { EPOCH_1 } from './histories.ts';
import { MemberHarness, type MemberOptions } from './member-harness.ts';
import { THREE } from './scenarios.ts';
import { StandIn } from './stand-in.ts';

const TXN_TYPE_AT = 28;

interface Trio {
  readonly member: MemberHarness;
  readonly one: StandIn;
  readonly two: StandIn;
  readonly client: RawClient;
}

/** Server 3 leads 1 and 2, which have everything: a session, txn 1, is the first. */
function trio(options: Partial<MemberOptions> = {}): Trio {
  const member = new MemberHarness({ sid: 3, membership: THREE, ...options });
  member.elect(3);
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  const client = member.open();
  client.handshake();
  one.acknowledge(EPOCH_1 + 1);
  two.acknowledge(EPOCH_1 + 1);
  client.take();
  return { member, one, two, client };
}

function create(client: RawClient, path: string): void {
  client.ask('create', { path, data: new Uint8Array(1), acl: WORLD_ANYONE_ALL, flags: 0 });
}

function proposalsTo(learner: StandIn): number[] {
  learner.pump();
  return learner.received.filter(({ type }) => type === QuorumPacketType.proposal).map(({ zxid }) => zxid);
}

function lastVote(member: MemberHarness, to: number): ReturnType<typeof decodeNotification> {
  const sent = member.votes.findLast((vote) => vote.to === to);
  return sent === undefined ? null : decodeNotification(sent.payload);
}

test('the successor alone gets a last txn, which changes nothing and is never committed; the leader votes for it', () => {
  const { member, one, two, client } = trio();
  member.step({ kind: 'transfer', to: 1 });
  assert.deepEqual(proposalsTo(one), [EPOCH_1 + 1, EPOCH_1 + 2]);
  assert.deepEqual(proposalsTo(two), [EPOCH_1 + 1]);
  const [, last] = one.received.filter(({ type }) => type === QuorumPacketType.proposal);
  assert.equal(Buffer.from(last?.data ?? []).readInt32BE(TXN_TYPE_AT), OpCode.error);
  assert.equal(member.role, 'leading', 'the successor has not acknowledged');
  one.acknowledge(EPOCH_1 + 2);
  assert.equal(member.role, 'looking');
  assert.equal(member.disk.lastZxid, EPOCH_1 + 2, 'it has that txn, too');
  assert.deepEqual(
    [...one.received, ...two.received].filter(
      ({ type, zxid }) => type === QuorumPacketType.commit && zxid > EPOCH_1 + 1,
    ),
    [],
  );
  for (const to of [1, 2]) {
    const vote = lastVote(member, to);
    assert.equal(vote?.state, ServerState.looking);
    assert.equal(vote?.leader, 1);
    assert.equal(vote?.zxid, EPOCH_1 + 2);
    assert.equal(vote?.peerEpoch, 1);
  }
  assert.equal(client.closed, false, 'a client that waits for nothing is kept');
});

test('the leader waits for its own disk before it goes', () => {
  const { member, one } = trio();
  member.autoDurable = false;
  member.step({ kind: 'transfer', to: 1 });
  one.acknowledge(EPOCH_1 + 2);
  assert.equal(member.role, 'leading');
  member.durable();
  assert.equal(member.role, 'looking');
});

test('what is under way is committed and answered first; what comes behind it waits for the next leader', () => {
  const { member, one, two, client } = trio();
  member.autoDurable = false;
  create(client, '/before');
  member.step({ kind: 'transfer', to: 2 });
  create(client, '/behind');
  member.durable();
  assert.deepEqual(proposalsTo(two), [EPOCH_1 + 1, EPOCH_1 + 2], 'nothing new, and no last txn yet');
  one.acknowledge(EPOCH_1 + 2);
  assert.equal(client.take().length, 1, 'the answer to /before');
  assert.deepEqual(proposalsTo(two), [EPOCH_1 + 1, EPOCH_1 + 2], 'the successor lacks it');
  two.acknowledge(EPOCH_1 + 2);
  assert.deepEqual(proposalsTo(two), [EPOCH_1 + 1, EPOCH_1 + 2, EPOCH_1 + 3]);
  assert.deepEqual(proposalsTo(one), [EPOCH_1 + 1, EPOCH_1 + 2]);
  member.durable();
  two.acknowledge(EPOCH_1 + 3);
  assert.equal(member.role, 'looking');
  assert.equal(client.closed, false);
  assert.equal(client.take().length, 0);
});

test('requests of learners find no leader any more', () => {
  const { member, one, two } = trio();
  member.step({ kind: 'transfer', to: 1 });
  two.request(1, 2, 3, OpCode.createSession, new Uint8Array([0, 0, 0x27, 0x10]), true);
  assert.deepEqual(proposalsTo(one), [EPOCH_1 + 1, EPOCH_1 + 2]);
  assert.equal(member.disk.lastZxid, EPOCH_1 + 2);
});

test('without a wish, the voter that has acknowledged most is the successor; the greatest number among equals', () => {
  const equal = trio();
  equal.member.step({ kind: 'transfer', to: null });
  assert.deepEqual(proposalsTo(equal.two), [EPOCH_1 + 1, EPOCH_1 + 2]);
  const { member, one, two, client } = trio();
  create(client, '/a');
  one.acknowledge(EPOCH_1 + 2);
  member.step({ kind: 'transfer', to: null });
  assert.deepEqual(proposalsTo(one), [EPOCH_1 + 1, EPOCH_1 + 2, EPOCH_1 + 3]);
  assert.deepEqual(proposalsTo(two), [EPOCH_1 + 1, EPOCH_1 + 2]);
});

test('nobody takes over who is no voter, or not there: the leader goes on as if nothing had been asked', () => {
  const { member, one, two, client } = trio();
  const observer = new StandIn(member, { sid: 9, epoch: 0, lastZxid: 0, observer: true });
  assert.equal(observer.isUpToDate, true);
  member.cut(two.link);
  for (const to of [2, 3, 9]) member.step({ kind: 'transfer', to });
  create(client, '/a');
  one.acknowledge(EPOCH_1 + 2);
  assert.equal(client.take().length, 1);
  assert.equal(member.role, 'leading');
});

test('a successor that is lost, or does not get ready, ends in an ordinary election', () => {
  for (const trouble of ['gone', 'silent'] as const) {
    const { member, one } = trio();
    member.step({ kind: 'transfer', to: 1 });
    if (trouble === 'gone') member.cut(one.link);
    else member.pass(500);
    assert.equal(member.role, 'looking');
    assert.equal(lastVote(member, 2)?.leader, 3, 'its own vote');
    assert.equal(lastVote(member, 2)?.zxid, EPOCH_1 + 2);
  }
});

test('a successor that is not elected in time is not voted for any longer', () => {
  const { member, one } = trio();
  member.step({ kind: 'transfer', to: 1 });
  one.acknowledge(EPOCH_1 + 2);
  assert.equal(lastVote(member, 2)?.leader, 1);
  const round = lastVote(member, 2)?.electionEpoch ?? 0;
  member.pass(500);
  assert.equal(lastVote(member, 2)?.leader, 3);
  assert.equal(lastVote(member, 2)?.electionEpoch, round + 1);
  member.elect(3);
  assert.equal(member.role, 'leading', 'ordinary rules hold again');
});

test('a server that does not lead says so', () => {
  const member = new MemberHarness({ sid: 3, membership: THREE });
  member.step({ kind: 'transfer', to: 1 });
  assert.match(member.notes.join('\n'), /does not lead/);
  assert.equal(member.role, 'looking');
});

test('a new leader keeps its role when the former one stops before the next follower is up to date, for a while', () => {
  const member = new MemberHarness({ sid: 3, membership: THREE });
  member.elect(3);
  const former = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  const late = new StandIn(member, { sid: 1, epoch: 1, lastZxid: 0, slow: true });
  assert.equal(member.stage, 'broadcast');
  member.cut(former.link);
  assert.equal(member.role, 'leading');
  late.acknowledgeLeader();
  member.pass(4000);
  assert.equal(late.link.closed, false);
  assert.equal(member.role, 'leading');

  const other = new MemberHarness({ sid: 3, membership: THREE });
  other.elect(3);
  const gone = new StandIn(other, { sid: 2, epoch: 0, lastZxid: 0 });
  new StandIn(other, { sid: 1, epoch: 1, lastZxid: 0, slow: true });
  other.cut(gone.link);
  other.pass(4000);
  assert.equal(other.role, 'looking', 'whoever does not get ready is no follower');
});

test('a leader that finds out, as another state is to take the place of its own, that it was stopped too long keeps its own', () => {
  const { member } = trio();
  // Another server may have led since, and committed what the new state does not have.
  member.nowMs += 60_000;
  member.step({ kind: 'replaceState', zxid: EPOCH_1 + 1000 });
  assert.equal(member.role, 'looking');
  assert.equal(member.disk.lastZxid, EPOCH_1 + 1);
});

/** Voters that have promised a later epoch than their leader's: what a leader does about them, and for whom it does nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeNotification, OpCode, QuorumPacketType, ServerState, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { limits } from '../../src/limits.ts';
import { EPOCH_1 } from './histories.ts';
import { feed, leaderInfoOf, newLeaderOf } from './leader-packets.ts';
import { MemberHarness } from './member-harness.ts';
import { THREE } from './scenarios.ts';
import { StandIn } from './stand-in.ts';

const { diff, upToDate } = QuorumPacketType;
const TXN_TYPE_AT = 28;
const RESTS_MS = 30_000;

/** Server 3 leads in epoch 1; server 1 follows it, and server 2 has not come. */
function leading(): { member: MemberHarness; one: StandIn } {
  const member = new MemberHarness({ sid: 3, membership: THREE });
  member.elect(3);
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  assert.equal(member.stage, 'broadcast');
  return { member, one };
}

/** Server 3 is elected again, and server 1 follows it as before. */
function again(member: MemberHarness, epoch: number): StandIn {
  member.elect(3);
  const one = new StandIn(member, { sid: 1, epoch, lastZxid: member.disk.lastZxid });
  assert.equal(member.stage, 'broadcast');
  return one;
}

function passWith(member: MemberHarness, one: StandIn, ms: number): void {
  for (let passed = 0; passed < ms; passed += 500) {
    member.pass(500);
    one.pump();
  }
}

test('a leader that hears of a later epoch from a voter leads again beyond it, and has that voter then', () => {
  const { member, one } = leading();
  const client = member.open();
  client.handshake();
  one.acknowledge(EPOCH_1 + 1);
  client.take();
  new StandIn(member, { sid: 2, epoch: 7, lastZxid: 0, currentEpoch: 0 });
  assert.equal(member.role, 'looking');
  assert.equal(member.disk.lastZxid, EPOCH_1 + 2, 'a last txn, by which it wins the election');
  assert.equal(Buffer.from(member.disk.log.at(-1)?.body ?? []).readInt32BE(TXN_TYPE_AT), OpCode.error);
  assert.deepEqual(member.epochs, { accepted: 1, current: 1 }, 'it promises nothing before it is elected');
  again(member, 1);
  assert.deepEqual(member.epochs, { accepted: 8, current: 8 });
  const two = new StandIn(member, { sid: 2, epoch: 7, lastZxid: 0, currentEpoch: 0 });
  assert.equal(two.isUpToDate, true);
  assert.equal(client.closed, false, 'no client has lost anything');
});

test('a write that is under way is answered before the leader leads again', () => {
  const { member, one } = leading();
  const client = member.open();
  client.handshake();
  one.acknowledge(EPOCH_1 + 1);
  client.take();
  client.ask('create', { path: '/a', data: null, acl: WORLD_ANYONE_ALL, flags: 0 });
  new StandIn(member, { sid: 2, epoch: 7, lastZxid: 0, currentEpoch: 0 });
  assert.equal(member.role, 'leading');
  one.acknowledge(EPOCH_1 + 2);
  assert.equal(client.take().length, 1);
  assert.equal(member.role, 'looking');
});

test('an observer, or a server that is not listed, makes nobody lead again', () => {
  for (const options of [{ sid: 2, observer: true }, { sid: 9 }, { sid: 9, observer: true }]) {
    const { member } = leading();
    new StandIn(member, { epoch: 7, lastZxid: 0, ...options });
    assert.equal(member.role, 'leading');
    assert.equal(member.disk.lastZxid, 0);
  }
});

test('nor does a server that is as far as its leader', () => {
  const { member } = leading();
  const two = new StandIn(member, { sid: 2, epoch: 1, lastZxid: 0 });
  assert.equal(two.isUpToDate, true);
  assert.equal(member.role, 'leading');
});

test('no voter can make the ensemble elect more often than once in thirty seconds', () => {
  const { member } = leading();
  new StandIn(member, { sid: 2, epoch: 7, lastZxid: 0 });
  assert.equal(member.role, 'looking');
  const one = again(member, 1);
  const insist = (): void => void new StandIn(member, { sid: 2, epoch: member.epochs.accepted + 1, lastZxid: 0 });
  for (let passed = 0; passed < RESTS_MS - 1500; passed += 1000) {
    insist();
    assert.equal(member.role, 'leading', `after ${passed} ms`);
    passWith(member, one, 1000);
  }
  passWith(member, one, 2000);
  insist();
  assert.equal(member.role, 'looking');
  again(member, 8);
  assert.deepEqual(member.epochs, { accepted: 10, current: 10 });
});

test('no claim of a voter takes more than half of all epochs', () => {
  const half = Math.floor(limits.largestEpoch / 2);
  for (const epoch of [half + 1, limits.largestEpoch - 1, limits.largestEpoch, 0x7fffffff, 0xffffffff]) {
    const { member } = leading();
    new StandIn(member, { sid: 2, epoch, lastZxid: 0 });
    assert.equal(member.role, 'leading');
  }
  const { member } = leading();
  new StandIn(member, { sid: 2, epoch: half, lastZxid: 0 });
  again(member, 1);
  assert.equal(member.epochs.current, half + 1);
});

test('nobody leads again for a server with a later history: it would be elected, and its history taken by all', () => {
  const { member } = leading();
  const config = member.committed.toText();
  const vote = { state: ServerState.looking, leader: 2, zxid: 0, electionEpoch: 1, peerEpoch: 7, version: 2, config };
  member.step({ kind: 'notification', from: 2, bytes: encodeNotification(vote) });
  new StandIn(member, { sid: 2, epoch: 7, lastZxid: 0 });
  assert.equal(member.role, 'leading');
});

test('an observer, whose promises count for nothing, follows a leader of an earlier epoch than it has accepted, not than it was in', () => {
  const membership = THREE.replace('23381:participant', '23381:observer');
  for (const [epochs, reached] of [
    [
      { accepted: 9, current: 1 },
      { accepted: 9, current: 2 },
    ],
    [{ accepted: 9, current: 3 }, null],
  ] as const) {
    const member = new MemberHarness({ sid: 1, membership, epochs });
    member.elect(3, true);
    assert.equal(member.role, 'observing');
    const link = member.accept();
    feed(member, link, leaderInfoOf(2));
    if (reached !== null) feed(member, link, [diff, 0], newLeaderOf(2), [upToDate, -1]);
    assert.equal(member.stage, reached === null ? 'election' : 'broadcast');
    assert.deepEqual(member.epochs, reached ?? epochs);
  }
});

/** One ACK or COMMIT for many txns, between servers that have told each other so (docs/internals/divergence.md). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuorumPacketType, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { fromHex, toHex } from './captures.ts';
import { EPOCH_1, madeUpTxn } from './histories.ts';
import { feed, newLeaderOf, proposed } from './leader-packets.ts';
import { MemberHarness } from './member-harness.ts';
import { THREE } from './scenarios.ts';
import { GROUPING_MARK, StandIn } from './stand-in.ts';
import type { TestLink } from './test-link.ts';

const { leaderInfo, diff, upToDate, commit, inform, ack } = QuorumPacketType;
const PLAIN_INFO = '00010000';
const FIVE = THREE.replace(/^version/m, 'server.4=h4:2888:3888\nserver.5=h5:2888:3888\nversion');
const MARK = GROUPING_MARK.toString(16);

/** A follower that serves, and has three txns proposed and none durable; `info` is what LEADERINFO holds. */
function follower(info: string): { member: MemberHarness; link: TestLink } {
  const member = new MemberHarness({ sid: 1, membership: THREE, epochs: { accepted: 1, current: 1 } });
  member.elect(3, true);
  const link = member.accept();
  const txns = [1, 2, 3].map((counter) => madeUpTxn(2 * EPOCH_1 + counter, `/t${counter}`));
  feed(member, link, [leaderInfo, 2 * EPOCH_1, fromHex(info)], [diff, 0], newLeaderOf(2), [upToDate, -1]);
  link.take();
  member.autoDurable = false;
  feed(member, link, ...proposed(...txns));
  return { member, link };
}

/** Counters of the ACKs that have been sent. */
function acks(link: TestLink): number[] {
  return link
    .take()
    .filter(({ type }) => type === ack)
    .map(({ zxid }) => zxid % EPOCH_1);
}

test('a follower acknowledges txn by txn, and takes commits so, where its leader has not said that it groups', () => {
  const { member, link } = follower(PLAIN_INFO);
  member.durable();
  assert.deepEqual(acks(link), [1, 2, 3]);
  feed(member, link, [commit, 2 * EPOCH_1 + 2]);
  assert.equal(link.closed, true);
});

test('a follower of a leader that groups acknowledges what its disk has in one word, and takes commits so', () => {
  const { member, link } = follower(PLAIN_INFO + MARK);
  member.durable(2 * EPOCH_1 + 2);
  assert.deepEqual(acks(link), [2]);
  feed(member, link, [commit, 2 * EPOCH_1 + 2]);
  assert.equal(member.lastApplied, 2 * EPOCH_1 + 2);
  member.durable();
  assert.deepEqual(acks(link), [3]);
  feed(member, link, [commit, 2 * EPOCH_1 + 2], [commit, 2 * EPOCH_1 + 3]);
  assert.equal(member.lastApplied, 2 * EPOCH_1 + 3);
  assert.equal(link.closed, false);
});

test('another mark than the one that is known means nothing', () => {
  const { member, link } = follower(`${PLAIN_INFO}484b0002`);
  member.durable();
  assert.deepEqual(acks(link), [1, 2, 3]);
});

test('a leader groups for those who have asked for it, and for nobody else', () => {
  const leader = new MemberHarness({ sid: 3, membership: FIVE });
  leader.elect(3);
  const grouping = new StandIn(leader, { sid: 1, epoch: 0, lastZxid: 0, grouping: true });
  const plain = new StandIn(leader, { sid: 2, epoch: 0, lastZxid: 0 });
  const observer = new StandIn(leader, { sid: 9, epoch: 0, lastZxid: 0, observer: true });
  const everybody = [grouping, plain, observer];
  for (let turn = 0; turn < 3; turn++) for (const learner of everybody) learner.pump();
  const infoOf = (learner: StandIn): string => toHex(learner.received[0]?.data as Uint8Array);
  assert.deepEqual(everybody.map(infoOf), [PLAIN_INFO + MARK, PLAIN_INFO, PLAIN_INFO]);

  const client = leader.open();
  client.handshake();
  for (const learner of [grouping, plain]) learner.acknowledge(leader.disk.lastZxid);
  for (const learner of everybody) learner.pump();
  for (const learner of everybody) learner.received.length = 0;
  const first = leader.disk.lastZxid + 1;
  for (const path of ['/a', '/b', '/c']) {
    client.ask('create', { path, data: new Uint8Array(1), acl: WORLD_ANYONE_ALL, flags: 0 });
  }
  plain.acknowledge(first + 2);
  assert.equal(leader.lastApplied, first - 1, 'one follower is no quorum of five');
  grouping.acknowledge(first + 2);
  for (const learner of everybody) learner.pump();
  assert.equal(leader.lastApplied, first + 2);
  const commitsOf = (learner: StandIn): number[] =>
    learner.received.filter(({ type }) => type === commit || type === inform).map(({ zxid }) => zxid - first);
  assert.deepEqual(everybody.map(commitsOf), [[2], [0, 1, 2], [0, 1, 2]]);
});

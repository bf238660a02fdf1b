/** Peers that break the rules, and roles that end at bad moments: what must not come of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNotification, OpCode, QuorumPacketType, WORLD_ANYONE_ALL, Writer } from '@headkeeper/protocol';
import { limits } from '../../src/limits.ts';
import { fromHex, type LoggedTxn, toHex } from './captures.ts';
import { contentOf } from './content.ts';
import { EPOCH_1, madeUpTxn } from './histories.ts';
import { feed, IN_EPOCH_1, leaderInfoOf, newLeaderOf, type Packet, proposed, txns } from './leader-packets.ts';
import { MemberHarness, type MemberOptions } from './member-harness.ts';
import { THREE } from './scenarios.ts';
import { StandIn } from './stand-in.ts';
import type { SentPacket, TestLink } from './test-link.ts';

const { followerInfo, ackEpoch, diff, trunc, upToDate, proposal, commit } = QuorumPacketType;
const TICK_MS = 2000;
/** A leader that remembers next to nothing to send instead of its state. */
const STATES_ONLY = { core: { commitLogCount: 2 }, ensemble: { snapshotSizeFactor: -1 } };

/** Txns of the same zxids with another content. */
function otherTxns(from: number, to: number): LoggedTxn[] {
  return txns(from, to).map(({ zxid }) => madeUpTxn(zxid, `/other${zxid - EPOCH_1}`));
}

function packetsOf(committed: readonly LoggedTxn[]): Packet[] {
  return committed.flatMap(({ zxid, body }): Packet[] => [
    [proposal, zxid, body],
    [commit, zxid],
  ]);
}

function follower(options: Partial<MemberOptions> = {}): { member: MemberHarness; link: TestLink } {
  const member = new MemberHarness({ sid: 1, membership: THREE, ...options });
  member.elect(3, true);
  return { member, link: member.accept() };
}

/** A follower in epoch 1 that has found out that it cannot cut its log, and has elected its leader once more. */
function uncut(): MemberHarness {
  const { member, link } = follower({ epochs: IN_EPOCH_1, log: txns(1, 3) });
  member.disk.carryOut = ({ kind }) => kind === 'reload';
  feed(member, link, leaderInfoOf(2), [trunc, EPOCH_1 + 2]);
  assert.equal(member.role, 'looking');
  Reflect.deleteProperty(member.disk, 'carryOut');
  member.elect(3, true);
  return member;
}

function leading(options: Partial<MemberOptions> = {}): MemberHarness {
  const member = new MemberHarness({ sid: 3, membership: THREE, ...options });
  member.elect(3);
  return member;
}

test('behind a gap nothing of the leader counts any more, though it came in the same piece (D4)', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1, log: txns(1, 1) });
  feed(member, link, leaderInfoOf(2), [diff, EPOCH_1 + 4], ...proposed(...txns(3, 4)), newLeaderOf(2), [upToDate, -1]);
  assert.equal(member.role, 'looking');
  assert.deepEqual(member.epochs, { accepted: 2, current: 1 });
});

test('an epoch that no server can reach is not believed', () => {
  const leader = leading();
  const two = new StandIn(leader, { sid: 2, epoch: 0x7fffff00, lastZxid: 0 });
  assert.equal(two.link.closed, true);
  new StandIn(leader, { sid: 1, epoch: 0, lastZxid: 0 });
  assert.deepEqual(leader.epochs, { accepted: 1, current: 1 });

  const { member, link } = follower();
  feed(member, link, leaderInfoOf(0x7fffff00));
  assert.equal(member.role, 'looking');
  assert.deepEqual(member.epochs, { accepted: 0, current: 0 });
});

test('a learner that has the number of its leader is sent away: it must not acknowledge in the name of that', () => {
  const member = leading();
  const same = new StandIn(member, { sid: 3, epoch: 0, lastZxid: 0 });
  assert.equal(same.link.closed, true);
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  assert.equal(one.isUpToDate, true);
});

test('learners that do not say who they are keep nobody out', () => {
  const member = leading();
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const silent = Array.from({ length: limits.learners }, () => member.learner());
  assert.equal(silent[0]?.closed, true, 'the oldest has to go');
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  assert.equal(two.isUpToDate, true);
  assert.equal(one.link.closed, false);
  assert.equal(silent.filter((link) => link.closed).length, 2);
});

test('a session whose creation a learner asks for in words that cannot be read is none', () => {
  const member = leading();
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  const settle = (): void => {
    for (const learner of [one, two]) learner.pump();
    for (const learner of [one, two]) learner.acknowledge(member.disk.lastZxid);
  };
  settle();
  one.request(0x1000000, 1, 0, OpCode.createSession, new Uint8Array(2), true);
  settle();
  const create = new Writer(64);
  for (const part of ['/of-nobody', -1, 1, 31, 'world', 'anyone', 1])
    typeof part === 'number' ? create.int(part) : create.string(part);
  one.request(0x1000000, 1, 1, OpCode.create, create.toBytes(), true);
  settle();
  assert.equal(JSON.stringify(contentOf(member.replica.serving.database)).includes('/of-nobody'), false);
});

test('a watch set off by a txn that is cut off again is never told', () => {
  const member = leading();
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const watcher = member.open();
  watcher.handshake();
  two.acknowledge(EPOCH_1 + 1);
  watcher.ask('exists', { path: '/x', watch: true });
  const writer = member.open();
  writer.handshake();
  two.acknowledge(EPOCH_1 + 2);
  writer.ask('create', { path: '/x', data: null, acl: WORLD_ANYONE_ALL, flags: 0 });
  assert.equal(member.disk.lastZxid, EPOCH_1 + 3);
  member.cut(one.link);
  member.cut(two.link);
  // It leads again, over its own log, without a quorum; then another server leads that has no such txn.
  member.elect(3);
  assert.equal(member.lastApplied, EPOCH_1 + 3);
  assert.equal(watcher.closed, false);
  member.pass(10 * TICK_MS);
  assert.equal(member.role, 'looking');
  member.pass(2 * TICK_MS);
  assert.equal(watcher.closed, true);
  assert.deepEqual(
    watcher.received.filter(({ kind }) => kind === 'event'),
    [],
  );
});

test('a role that ends before its order to the disk has failed leaves the disk to be read again', () => {
  for (const unapplied of [false, true]) {
    const { member, link } = follower({ epochs: IN_EPOCH_1, log: unapplied ? [] : txns(1, 3) });
    member.autoStorage = false;
    if (unapplied) {
      // Logged and not committed.
      feed(member, link, leaderInfoOf(2), [diff, 0], ...proposed(...txns(1, 3)));
      member.cut(link);
      member.elect(3, true);
    }
    const again = unapplied ? member.accept() : link;
    // The log begins behind the place at which the leader wants it to end.
    feed(member, again, leaderInfoOf(3), [trunc, EPOCH_1 + 2]);
    member.disk.log.splice(1, 1);
    member.cut(again);
    assert.equal(member.role, 'looking');
    member.disk.carryOut = ({ kind }) => kind === 'reload';
    member.disk.log.splice(1, 0, ...txns(2, 2));
    member.runStorage();
    assert.equal(member.replica.pipeline.appendedZxid, EPOCH_1 + 3, 'what the disk says');
    assert.equal(member.replica.pipeline.durableZxid, EPOCH_1 + 3);
    member.elect(3, true);
  }
});

test('a learner that waits for the state gets it, though the one that it was being sent to is gone', () => {
  const log = txns(1, 20);
  const member = leading({
    log,
    epochs: IN_EPOCH_1,
    ...STATES_ONLY,
  });
  member.autoFeed = false;
  new StandIn(member, { sid: 1, epoch: 1, lastZxid: EPOCH_1 + 20 });
  const two = new StandIn(member, { sid: 2, epoch: 2, lastZxid: 0 });
  member.feedState(1);
  const four = new StandIn(member, { sid: 4, epoch: 2, lastZxid: 0, observer: true });
  member.cut(two.link);
  for (let i = 0; i < 100 && member.isFeeding; i++) member.feedState(2);
  four.pump();
  assert.equal(four.isUpToDate, true);
});

test('a follower that was sending a state to an observer can send one as a leader', () => {
  const { member, link } = follower({
    epochs: IN_EPOCH_1,
    log: txns(1, 20),
    core: { commitLogCount: 2 },
    ensemble: { observerMasterPort: 2191, snapshotSizeFactor: -1 },
  });
  member.autoFeed = false;
  feed(member, link, leaderInfoOf(2), [diff, EPOCH_1 + 20], newLeaderOf(2), [upToDate, -1]);
  new StandIn(member, { sid: 4, epoch: 0, lastZxid: 0, observer: true });
  assert.equal(member.isFeeding, true);
  member.cut(link);
  member.elect(1);
  member.autoFeed = true;
  new StandIn(member, { sid: 2, epoch: 2, lastZxid: EPOCH_1 + 20 });
  const three = new StandIn(member, { sid: 3, epoch: 3, lastZxid: 0 });
  assert.equal(three.isUpToDate, true);
});

test('a learner whose log cannot be cut asks for everything; txns from the first on do not meet what it had', () => {
  const member = uncut();
  const again = member.accept();
  feed(member, again, leaderInfoOf(2));
  assert.equal(again.take().at(-1)?.zxid, 0);
  const others = otherTxns(1, 2);
  feed(member, again, [diff, EPOCH_1 + 2], ...packetsOf(others), newLeaderOf(2));
  feed(member, again, [upToDate, -1]);
  assert.equal(member.stage, 'broadcast');
  assert.equal(member.lastApplied, EPOCH_1 + 2);
  const recovered = member.disk.recover(member.core);
  assert.deepEqual(contentOf(recovered), contentOf(member.replica.serving.database));
  assert.deepEqual(
    member.disk.log.map(({ body }) => body),
    others.map(({ body }) => body),
  );
});

test('a learner whose log cannot be cut tells later leaders first what it has, and then asks them for everything', () => {
  const member = uncut();
  const told = (at: TestLink, epoch: number): unknown => {
    feed(member, at, leaderInfoOf(epoch));
    const { type, zxid, data } = at.take().at(-1) as SentPacket;
    return [type, zxid, toHex(data as Uint8Array)];
  };
  const asked = (epoch: number): TestLink => {
    const first = member.accept();
    // By this the leader finds out whether it lacks what was committed.
    assert.deepEqual(told(first, epoch), [ackEpoch, EPOCH_1 + 3, '00000001']);
    feed(member, first, [trunc, EPOCH_1 + 2], newLeaderOf(epoch));
    assert.equal(first.closed, true);
    assert.equal(member.role, 'following');
    member.pass(20);
    const second = member.accept();
    assert.deepEqual(told(second, epoch), [ackEpoch, 0, 'ffffffff']);
    return second;
  };
  member.cut(asked(3));
  member.elect(3, true);
  const at = asked(4);
  feed(member, at, [diff, EPOCH_1 + 2], ...packetsOf(otherTxns(1, 2)), newLeaderOf(4));
  feed(member, at, [upToDate, -1]);
  assert.equal(member.stage, 'broadcast');
  member.cut(at);
  member.elect(3, true);
  assert.deepEqual(told(member.accept(), 5), [ackEpoch, EPOCH_1 + 2, '00000004']);
});

test('a learner whose log could not be cut takes only what it lacks from a leader that has its history', () => {
  const member = uncut();
  const link = member.accept();
  feed(member, link, leaderInfoOf(3), [diff, EPOCH_1 + 4], ...packetsOf(txns(4, 4)), newLeaderOf(3));
  feed(member, link, [upToDate, -1]);
  assert.equal(member.stage, 'broadcast');
  assert.equal(member.disk.log.length, 4);
});

test('a leader that was asked for everything, and wants the log to be cut, is left', () => {
  const member = uncut();
  feed(member, member.accept(), leaderInfoOf(2), [trunc, EPOCH_1 + 2]);
  assert.equal(member.role, 'looking');
});

test('a leader that was stopped for less than its followers wait ends no session before it has read what came meanwhile (X08)', () => {
  const member = leading();
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const client = member.open();
  client.handshake({ timeOut: 2 * TICK_MS });
  one.acknowledge(EPOCH_1 + 1);
  assert.equal(client.received.length, 1);
  const asleep = (ms: number): void => {
    member.nowMs += ms;
    member.step({ kind: 'wake' });
  };
  asleep(4 * TICK_MS);
  assert.equal(member.role, 'leading');
  one.pump();
  client.ask('ping', null);
  for (let i = 0; i < 4; i++) {
    member.pass(TICK_MS / 2);
    one.pump();
  }
  assert.equal(member.disk.lastZxid, EPOCH_1 + 1, 'its ping had come');
  for (let i = 0; i < 12; i++) {
    member.pass(TICK_MS / 2);
    one.pump();
  }
  assert.equal(member.disk.lastZxid, EPOCH_1 + 2, 'now it is silent');
});

test('a learner that is gone when a stopped leader goes on takes with it whom it has heard: sessions get their full timeout (X08)', () => {
  const member = leading();
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  const client = member.open();
  client.handshake({ timeOut: 4 * TICK_MS });
  one.acknowledge(EPOCH_1 + 1);
  two.pump();
  assert.equal(client.received.length, 1);
  const pass = (ticks: number): void => {
    for (let i = 0; i < 2 * ticks; i++) {
      member.pass(TICK_MS / 2);
      one.pump();
    }
  };
  member.nowMs += 4 * TICK_MS;
  member.step({ kind: 'wake' });
  assert.equal(member.role, 'leading');
  member.cut(two.link);
  pass(4);
  assert.equal(member.disk.lastZxid, EPOCH_1 + 1, 'the client may have been at the other server a moment ago');
  pass(2);
  assert.equal(member.disk.lastZxid, EPOCH_1 + 2, 'now nobody has heard of it for its timeout');
});

test('a state that takes longer than initLimit to send is sent to its end, as long as it is taken (O10)', () => {
  const log = txns(1, 100);
  const member = leading({
    log,
    epochs: IN_EPOCH_1,
    ...STATES_ONLY,
  });
  member.autoFeed = false;
  const one = new StandIn(member, { sid: 1, epoch: 1, lastZxid: EPOCH_1 + 100 });
  const two = new StandIn(member, { sid: 2, epoch: 2, lastZxid: 0 });
  for (let ticks = 0; ticks < 3 * member.settings.initLimitTicks; ticks++) {
    member.pass(TICK_MS / 2);
    one.pump();
    member.pass(TICK_MS / 2);
    one.pump();
    assert.equal(two.link.closed, false, `after ${ticks} ticks`);
    assert.equal(member.isFeeding, true);
    member.feedState(1);
  }
  while (member.isFeeding) member.feedState(100);
  two.pump();
  assert.equal(two.isUpToDate, true);
  const three = new StandIn(member, { sid: 4, epoch: 2, lastZxid: 0 });
  member.feedState(1);
  for (let ticks = 0; ticks < 12; ticks++) {
    member.pass(TICK_MS);
    one.pump();
    two.pump();
  }
  assert.equal(three.link.closed, true, 'it takes nothing any more');
});

test('a leader with an older membership than a voter has votes for that voter, for three seconds at most', () => {
  const leader = leading();
  leader.elect(leader.sid);
  const newer = fromHex('0000000000000001000100000000000000000009');
  feed(leader, leader.learner(), [followerInfo, EPOCH_1, newer]);
  const votedFor = (): number | undefined => {
    const last = leader.votes.at(-1);
    return last === undefined ? undefined : decodeNotification(last.payload)?.leader;
  };
  assert.equal(leader.role, 'looking');
  assert.equal(votedFor(), 1);
  leader.pass(2900);
  assert.equal(votedFor(), 1);
  leader.pass(200);
  assert.equal(votedFor(), leader.sid);
});

test('a snapshot of before that is complete only now is not taken for the one of the state received (D14)', () => {
  const log = txns(1, 20);
  const leader = leading({
    log,
    epochs: IN_EPOCH_1,
    ...STATES_ONLY,
  });
  new StandIn(leader, { sid: 2, epoch: 1, lastZxid: EPOCH_1 + 20 });
  const toLearner = leader.learner();
  feed(leader, toLearner, [followerInfo, EPOCH_1, fromHex('0000000000000001000100000000000000000000')]);
  feed(leader, toLearner, [ackEpoch, 0, fromHex('00000001')]);

  const { member, link } = follower({ epochs: IN_EPOCH_1 });
  member.autoStorage = false;
  const orders: string[] = [];
  const carryOut = member.disk.carryOut.bind(member.disk);
  member.disk.carryOut = (order) => {
    orders.push(order.kind);
    return carryOut(order);
  };
  member.feed(link, toLearner.takeBytes());
  member.step({ kind: 'snapshotWritten', zxid: EPOCH_1 + 20 });
  member.runStorage();
  assert.deepEqual(orders, ['beginInstall', 'finishInstall']);
  assert.deepEqual(contentOf(member.disk.recover(member.core)), contentOf(leader.replica.serving.database));
});

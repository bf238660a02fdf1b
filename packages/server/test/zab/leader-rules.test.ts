/** What a leader grants its learners, and when (quorum-protocol reference, 4.2, 5.3, 7 and 8.1). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuorumPacketType, WORLD_ANYONE_ALL, Writer, writePacket } from '@headkeeper/protocol';
import type { RawClient } from '@headkeeper/testkit';
import { contentOf } from './content.ts';
import { EPOCH_1, madeUpTxn } from './histories.ts';
import type { Sent } from './leader-stream.ts';
import { MemberHarness, type MemberOptions } from './member-harness.ts';
import { THREE } from './scenarios.ts';
import { StandIn } from './stand-in.ts';

const TICK_MS = 2000;
const { newLeader, upToDate, leaderInfo, proposal, commit, inform, trunc, diff, snap } = QuorumPacketType;

function leading(options: Partial<MemberOptions> = {}): MemberHarness {
  const member = new MemberHarness({ sid: 3, membership: THREE, ...options });
  member.elect(3);
  return member;
}

function typesOf(received: readonly Sent[]): number[] {
  return received.map(({ type }) => type);
}

function create(client: RawClient, path: string, data = 'x'): void {
  client.ask('create', { path, data: new TextEncoder().encode(data), acl: WORLD_ANYONE_ALL, flags: 0 });
}

/** Lets time pass; these learners answer pings meanwhile. */
function pass(member: MemberHarness, ms: number, ...learners: readonly StandIn[]): void {
  for (let left = ms; left > 0; left -= 500) {
    member.pass(Math.min(500, left));
    for (const learner of learners) learner.pump();
  }
}

test('the epoch is one more than any that a quorum has accepted; who comes later gets it, too', () => {
  const member = leading({ epochs: { accepted: 2, current: 2 } });
  const two = new StandIn(member, { sid: 2, epoch: 5, currentEpoch: 2, lastZxid: 0 });
  assert.deepEqual(member.epochs, { accepted: 6, current: 6 });
  assert.equal(two.received[0]?.zxid, 6 * EPOCH_1);
  const one = new StandIn(member, { sid: 1, epoch: 4, currentEpoch: 2, lastZxid: 0 });
  assert.equal(one.received[0]?.zxid, 6 * EPOCH_1);
  const four = new StandIn(member, { sid: 4, epoch: 9, currentEpoch: 2, lastZxid: 0, observer: true });
  assert.equal(four.received[0]?.zxid, 6 * EPOCH_1, 'it will refuse that itself');
});

test('before the gate opens nobody is let in who knows more than the leader; afterwards it is cut back', () => {
  const log = [1, 2, 3].map((counter) => madeUpTxn(EPOCH_1 + counter, `/t${counter}`));
  const epochs = { accepted: 1, current: 1 };
  for (const more of [
    { epoch: 1, lastZxid: EPOCH_1 + 4 },
    { epoch: 2, lastZxid: EPOCH_1 + 1 },
  ]) {
    const member = leading({ log, epochs });
    const two = new StandIn(member, { sid: 2, ...more });
    assert.equal(two.link.closed, true);
    assert.deepEqual(typesOf(two.received), [leaderInfo]);
    assert.equal(member.epochs.current, 1, 'the gate is shut');
    const one = new StandIn(member, { sid: 1, epoch: 1, lastZxid: EPOCH_1 + 3 });
    assert.equal(one.isUpToDate, true);
    const again = new StandIn(member, { sid: 2, ...more, epoch: member.epochs.accepted });
    assert.equal(again.isUpToDate, true);
    assert.deepEqual(typesOf(again.received).slice(1), [
      ...(more.lastZxid > EPOCH_1 + 3 ? [trunc] : [diff, proposal, commit, proposal, commit]),
      newLeader,
      upToDate,
    ]);
  }
});

test('a promise made before, and a server that is not listed, open no gate', () => {
  const member = leading({ epochs: { accepted: 1, current: 1 } });
  // It has accepted the epoch that comes, from a leader that it has lost.
  const nine = new StandIn(member, { sid: 9, epoch: 1, lastZxid: 0 });
  assert.deepEqual(typesOf(nine.received), [], 'no epoch without a quorum');
  const two = new StandIn(member, { sid: 2, epoch: 1, lastZxid: 0, currentEpoch: -1 });
  assert.deepEqual(typesOf(nine.received), []);
  nine.pump();
  assert.deepEqual(typesOf(nine.received), [leaderInfo]);
  assert.deepEqual(typesOf(two.received), [leaderInfo], 'neither counts');
  const one = new StandIn(member, { sid: 1, epoch: 1, lastZxid: 0 });
  two.pump();
  nine.pump();
  assert.ok(one.isUpToDate && two.isUpToDate && nine.isUpToDate);
});

test('a server that is not listed acknowledges, and commits nothing', () => {
  const member = leading();
  member.autoDurable = false;
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const nine = new StandIn(member, { sid: 9, epoch: 0, lastZxid: 0 });
  const client = member.open();
  client.handshake();
  member.durable();
  nine.acknowledge(EPOCH_1 + 1);
  assert.equal(member.lastApplied, 0);
  one.acknowledge(EPOCH_1 + 1);
  assert.equal(member.lastApplied, EPOCH_1 + 1);
});

test('nothing is committed on the word of the leader’s memory: its own disk counts like any other', () => {
  const member = leading();
  member.autoDurable = false;
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  member.open().handshake();
  one.acknowledge(EPOCH_1 + 1);
  assert.equal(member.lastApplied, 0, 'one of three');
  two.acknowledge(EPOCH_1 + 1);
  assert.equal(member.lastApplied, EPOCH_1 + 1, 'the two others suffice');
  assert.equal(member.disk.durableZxid, 0);
});

test('acknowledgements of what was never proposed count for nothing', () => {
  const member = leading();
  member.autoDurable = false;
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const out = new Writer(64);
  writePacket(out, QuorumPacketType.ack, EPOCH_1 + 50);
  writePacket(out, QuorumPacketType.ack, 7 * EPOCH_1 + 1);
  writePacket(out, QuorumPacketType.ack, 7 * EPOCH_1);
  member.feed(one.link, out.toBytes());
  member.open().handshake();
  member.durable();
  assert.equal(member.lastApplied, 0);
});

test('a server that connects again takes the place of its former connection', () => {
  const member = leading();
  new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  const first = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const second = new StandIn(member, { sid: 1, epoch: 1, lastZxid: 0 });
  assert.equal(first.link.closed, true);
  assert.equal(second.isUpToDate, true);
});

test('without a quorum in time, and without the one it had, a leader is none any more', () => {
  const alone = leading();
  pass(alone, 10 * TICK_MS);
  assert.equal(alone.role, 'looking');

  const left = leading();
  const one = new StandIn(left, { sid: 1, epoch: 0, lastZxid: 0 });
  assert.equal(left.stage, 'broadcast');
  left.cut(one.link);
  assert.equal(left.role, 'looking');
});

test('a silent learner is closed after syncLimit, one that answers pings is not', () => {
  const member = leading();
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  pass(member, 6 * TICK_MS, one);
  assert.equal(one.link.closed, false);
  assert.equal(two.link.closed, true);
});

test('a learner is not blamed for the time that its initial history took, but for proposals that it leaves lying', () => {
  const member = leading();
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0, slow: true });
  member.open().handshake();
  one.acknowledge(EPOCH_1 + 1);
  assert.equal(member.lastApplied, EPOCH_1 + 1);
  // Longer than syncLimit, shorter than initLimit.
  pass(member, 7 * TICK_MS, one, two);
  two.acknowledgeLeader();
  assert.equal(two.isUpToDate, true);
  pass(member, TICK_MS, one, two);
  assert.equal(two.link.closed, false, 'its ACK of the proposal is not due yet');
  pass(member, 5 * TICK_MS, one, two);
  assert.equal(two.link.closed, true, 'it answers pings and acknowledges nothing');
});

test('what is committed while a state is being sent follows it; the learner ends with the leader’s state', () => {
  for (const observer of [false, true]) {
    const member = leading({ core: { commitLogCount: 2 }, ensemble: { snapshotSizeFactor: -1 } });
    member.autoFeed = false;
    const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
    const client = member.open();
    client.handshake();
    const commitAll = (): void => one.acknowledge(member.disk.lastZxid);
    commitAll();
    for (let i = 0; i < 20; i++) create(client, `/n${i}`);
    commitAll();
    const two = new StandIn(member, { sid: 2, epoch: 1, lastZxid: 0, observer });
    assert.equal(member.isFeeding, true);
    for (let i = 0; member.isFeeding; i++) {
      member.feedState(2);
      create(client, `/during${i}`);
      client.ask('setData', { path: `/n${19 - i}`, data: new TextEncoder().encode(`changed ${i}`), version: -1 });
      if (i % 2 === 0) commitAll();
      two.pump();
    }
    commitAll();
    two.pump();
    assert.equal(two.isUpToDate, true);
    const state = two.received.find((sent) => sent.state !== null)?.state;
    assert.ok(state !== null && state !== undefined);
    const end = two.received.findIndex(({ type }) => type === newLeader);
    assert.ok(typesOf(two.received.slice(0, end)).includes(proposal), 'txns were committed meanwhile');
    const bodies = two.received.filter(({ type }) => type === proposal || type === inform);
    let last = state.lastZxid;
    for (const { data, zxid } of bodies) {
      assert.equal(zxid, last + 1, 'no gap');
      last = zxid;
      const body = data as Uint8Array;
      state.applier.apply(body, new DataView(body.buffer, body.byteOffset, body.byteLength), 0, body.length);
    }
    assert.equal(last, member.lastApplied);
    assert.deepEqual(contentOf(state), contentOf(member.replica.serving.database));
    const live = typesOf(two.received.slice(end));
    assert.equal(live.includes(inform), observer);
    assert.equal(live.includes(commit), !observer);
  }
});

test('a learner that is far behind gets the log from the disk, then the window, without a gap', () => {
  const log = Array.from({ length: 40 }, (_, i) => madeUpTxn(EPOCH_1 + i + 1, `/t${i + 1}`));
  const member = leading({ log, epochs: { accepted: 1, current: 1 }, core: { commitLogCount: 7 } });
  const one = new StandIn(member, { sid: 1, epoch: 1, lastZxid: EPOCH_1 + 40 });
  assert.equal(one.isUpToDate, true);
  const two = new StandIn(member, { sid: 2, epoch: 2, lastZxid: EPOCH_1 + 3 });
  assert.equal(two.isUpToDate, true);
  const expected = Array.from({ length: 37 }, (_, i) => EPOCH_1 + i + 4);
  for (const kind of [proposal, commit]) {
    assert.deepEqual(
      two.received.filter(({ type }) => type === kind).map(({ zxid }) => zxid),
      expected,
    );
  }
  assert.equal(typesOf(two.received)[1], diff);
});

test('a learner waits for the disk of a leader whose log lags behind its window', () => {
  const log = Array.from({ length: 10 }, (_, i) => madeUpTxn(EPOCH_1 + i + 1, `/t${i + 1}`));
  const member = leading({ log, epochs: { accepted: 1, current: 1 }, core: { commitLogCount: 2 } });
  const one = new StandIn(member, { sid: 1, epoch: 1, lastZxid: EPOCH_1 + 10 });
  const two = new StandIn(member, { sid: 2, epoch: 1, lastZxid: EPOCH_1 + 10 });
  const client = member.open();
  client.handshake();
  one.acknowledge(member.disk.lastZxid);
  member.autoDurable = false;
  for (let i = 0; i < 9; i++) create(client, `/n${i}`);
  for (const learner of [one, two]) learner.acknowledge(member.disk.lastZxid);
  assert.equal(member.lastApplied, member.disk.lastZxid, 'committed by the disks of the others');
  member.cut(two.link);
  const again = new StandIn(member, { sid: 2, epoch: 2, lastZxid: EPOCH_1 + 8 });
  assert.equal(again.link.closed, false);
  assert.equal(typesOf(again.received).includes(newLeader), false, 'the disk has not reached the window');
  member.durable(member.disk.lastZxid - 4);
  again.pump();
  assert.equal(typesOf(again.received).includes(newLeader), false);
  member.durable();
  again.pump();
  assert.equal(again.isUpToDate, true);
  const proposed = again.received.filter(({ type }) => type === proposal).map(({ zxid }) => zxid);
  const behind = log.map(({ zxid }) => zxid).filter((zxid) => zxid > EPOCH_1 + 8);
  const since = Array.from({ length: 10 }, (_, i) => 2 * EPOCH_1 + i + 1);
  assert.deepEqual(proposed, [...behind, ...since]);
});

test('a leader whose log has decayed under it gives a learner the whole state the next time', () => {
  const log = Array.from({ length: 10 }, (_, i) => madeUpTxn(EPOCH_1 + i + 1, `/t${i + 1}`));
  const member = leading({ log, epochs: { accepted: 1, current: 1 }, core: { commitLogCount: 2 } });
  const one = new StandIn(member, { sid: 1, epoch: 1, lastZxid: EPOCH_1 + 10 });
  assert.equal(one.isUpToDate, true);
  member.disk.log.splice(5);
  const two = new StandIn(member, { sid: 2, epoch: 1, lastZxid: EPOCH_1 + 2 });
  assert.equal(two.link.closed, true, 'what was sent leads nowhere');
  const again = new StandIn(member, { sid: 2, epoch: 1, lastZxid: EPOCH_1 + 5 });
  assert.equal(typesOf(again.received)[1], snap);
  assert.equal(again.isUpToDate, true);
});

test('a leader that knows of a gap in its log leads nobody to it by that log, and gives the whole state at once', () => {
  const log = Array.from({ length: 10 }, (_, i) => madeUpTxn(EPOCH_1 + i + 1, `/t${i + 1}`));
  for (const [gap, from, first] of [
    [5, 2, snap],
    [5, 4, snap],
    [5, 5, diff],
    [5, 6, diff],
    [0, 2, diff],
  ] as const) {
    const member = leading({ log, epochs: { accepted: 1, current: 1 }, core: { commitLogCount: 2 } });
    member.replica.serving.database.logGapZxid = gap === 0 ? 0 : EPOCH_1 + gap;
    if (gap > 0) member.disk.log.splice(gap - 1, 1);
    const one = new StandIn(member, { sid: 1, epoch: 1, lastZxid: EPOCH_1 + 10 });
    assert.equal(one.isUpToDate, true);
    const two = new StandIn(member, { sid: 2, epoch: 1, lastZxid: EPOCH_1 + from });
    assert.equal(typesOf(two.received)[1], first, `from ${from}`);
    assert.equal(two.isUpToDate, true);
  }
});

test('long before the counter of an epoch is used up the leader gives way, and the next epoch begins at 1 (E11)', () => {
  const member = leading();
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  // As after four thousand million txns.
  const { pipeline, serving } = member.replica;
  const late = EPOCH_1 + 0xfffffff0 - 64;
  member.disk.log.push({ zxid: late, body: new Uint8Array(0) });
  member.disk.durableZxid = late;
  pipeline.proposals.start(late);
  serving.database.startAt(late);
  serving.setLastZxid(late);
  one.ackedZxid = late;
  const client = member.open();
  client.handshake();
  one.acknowledge(late + 1);
  for (let i = 0; i < 64; i++) create(client, `/n${i}`);
  one.acknowledge(member.disk.lastZxid);
  assert.equal(member.lastApplied, late + 65, 'nobody is refused');
  pass(member, TICK_MS, one);
  assert.equal(member.role, 'looking');
  member.disk.log.shift();
  member.elect(3);
  new StandIn(member, { sid: 1, epoch: 1, lastZxid: late + 65 });
  pass(member, TICK_MS);
  assert.equal(member.role, 'leading', 'a new epoch has all its numbers');
  const next = member.open();
  next.handshake();
  assert.equal(member.disk.lastZxid, 2 * EPOCH_1 + 1);
});

test('a stream that was opened while the election ran is read once it is over, and closed if it is no learner’s', () => {
  const member = new MemberHarness({ sid: 3, membership: THREE });
  const garbage = member.learner();
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  member.feed(garbage, new TextEncoder().encode('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'));
  assert.equal(garbage.closed, false, 'it waits');
  member.elect(3);
  one.pump();
  assert.equal(garbage.closed, true);
  assert.equal(one.isUpToDate, true);
});

/** What a learner accepts of its leader, and what it does otherwise (quorum-protocol reference, 4.1, 6 and 8.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeTxn, QuorumPacketType, Writer } from '@headkeeper/protocol';
import { type CapturedConnection, captureOf, fromHex, type LoggedTxn, zxidOf } from './captures.ts';
import { contentOf } from './content.ts';
import { EPOCH_1, madeUpTxn } from './histories.ts';
import { feed, IN_EPOCH_1, leaderInfoOf, newLeaderOf, type Packet, proposed, txns } from './leader-packets.ts';
import { MemberHarness, type MemberOptions } from './member-harness.ts';
import { THREE } from './scenarios.ts';
import type { TestLink } from './test-link.ts';

const { ackEpoch, followerInfo, diff, trunc, upToDate, proposal, commit, ack, ping, request, revalidate } =
  QuorumPacketType;

/** A follower of server 3 whose connection is open; its disk works when the test says so. */
function follower(options: Partial<MemberOptions> = {}): { member: MemberHarness; link: TestLink } {
  const member = new MemberHarness({ sid: 1, membership: THREE, ...options });
  member.elect(3, true);
  member.autoDurable = false;
  const link = member.accept();
  assert.deepEqual(
    link.take().map(({ type }) => type),
    [followerInfo],
  );
  return { member, link };
}

/** Type and counter of what was sent. */
function sentOn(link: TestLink): string[] {
  return link.take().map(({ type, zxid }) => `${type}:${zxid % EPOCH_1}`);
}

test('an epoch below the accepted one is refused, and never accepted', () => {
  const { member, link } = follower({ epochs: { accepted: 4, current: 2 } });
  feed(member, link, leaderInfoOf(3));
  assert.equal(member.role, 'looking');
  assert.deepEqual(member.epochs, { accepted: 4, current: 2 });
  assert.equal(link.closed, true);
});

test('an epoch promised before is promised no second time', () => {
  const { member, link } = follower({ epochs: { accepted: 4, current: 2 }, log: txns(1, 3) });
  feed(member, link, leaderInfoOf(4));
  const [answer] = link.take();
  assert.equal(answer?.type, ackEpoch);
  assert.equal(answer?.zxid, EPOCH_1 + 3);
  assert.deepEqual(answer?.data, fromHex('ffffffff'));
});

test('the epoch is entered, and NEWLEADER acknowledged, only with all of the history on the disk (D4, D5)', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1, log: txns(1, 2) });
  feed(member, link, leaderInfoOf(2), [diff, EPOCH_1 + 5], ...proposed(...txns(3, 5)), [commit, EPOCH_1 + 3]);
  feed(member, link, [commit, EPOCH_1 + 4], newLeaderOf(2));
  assert.deepEqual(sentOn(link), [`${ackEpoch}:2`]);
  assert.deepEqual(member.epochs, { accepted: 2, current: 1 });
  member.durable(EPOCH_1 + 4);
  assert.deepEqual(sentOn(link), []);
  assert.deepEqual(member.epochs, { accepted: 2, current: 1 });
  member.durable(EPOCH_1 + 5);
  // The last txn was not committed when NEWLEADER came: it is acknowledged by itself.
  assert.deepEqual(sentOn(link), [`${ack}:0`, `${ack}:5`]);
  assert.deepEqual(member.epochs, { accepted: 2, current: 2 });
});

test('what is committed while the history is on its way to the disk is acknowledged txn by txn all the same', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1 });
  feed(member, link, leaderInfoOf(2), [diff, 0], ...proposed(...txns(1, 1)), [commit, EPOCH_1 + 1], newLeaderOf(2));
  const [later] = txns(2, 2);
  feed(member, link, ...proposed(later as LoggedTxn), [commit, EPOCH_1 + 2]);
  link.take();
  member.durable();
  feed(member, link, [upToDate, -1]);
  assert.deepEqual(sentOn(link), [`${ack}:0`, `${ack}:2`, `${ack}:0`]);
});

test('pings before UPTODATE are not answered, those behind it are, before the disk has anything to say', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1 });
  feed(member, link, leaderInfoOf(2), [diff, 0], newLeaderOf(2), [ping, 7]);
  link.take();
  feed(member, link, [upToDate, -1], ...proposed(...txns(1, 1)), [ping, EPOCH_1 + 1]);
  assert.deepEqual(sentOn(link), [`${ack}:0`, `${ping}:1`]);
});

for (const [what, packets] of [
  ['NEWLEADER of another epoch', [[diff, 0], newLeaderOf(3)]],
  ['a proposal behind a gap', [[diff, 0], ...proposed(...txns(1, 1)), ...proposed(...txns(3, 3))]],
  ['a proposal that begins an epoch in the middle', [[diff, 0], ...proposed(madeUpTxn(2 * EPOCH_1 + 2, '/x'))]],
  ['a COMMIT of what was not proposed', [[diff, 0], ...proposed(...txns(1, 1)), [commit, EPOCH_1 + 2]]],
  [
    'UPTODATE without NEWLEADER',
    [
      [diff, 0],
      [upToDate, -1],
    ],
  ],
  ['something else than a way to synchronise', [[commit, EPOCH_1 + 1]]],
  ['TRUNC to beyond the log', [[trunc, EPOCH_1 + 9]]],
  [
    'a proposal that is no txn',
    [
      [diff, 0],
      [proposal, EPOCH_1 + 1, new Uint8Array(31)],
    ],
  ],
] as readonly (readonly [string, readonly Packet[]])[]) {
  test(`${what} ends the role`, () => {
    const { member, link } = follower({ epochs: IN_EPOCH_1 });
    feed(member, link, leaderInfoOf(2), ...packets);
    assert.equal(link.closed, true);
    member.durable();
    assert.equal(member.role, 'looking');
    assert.equal(member.epochs.current, 1, 'the epoch was not entered');
    assert.ok(member.disk.lastZxid <= EPOCH_1 + 1);
  });
}

test('a COMMIT out of order ends the role of one who serves', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1 });
  feed(member, link, leaderInfoOf(2), [diff, 0], newLeaderOf(2), [upToDate, -1], ...proposed(...txns(1, 2)));
  feed(member, link, [commit, EPOCH_1 + 2]);
  assert.equal(link.closed, true);
});

test('repeated proposals and commits change nothing', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1, log: txns(1, 2) });
  feed(member, link, leaderInfoOf(2), [diff, 0], ...proposed(...txns(1, 3)), ...proposed(...txns(2, 3)));
  feed(member, link, [commit, EPOCH_1 + 1], [commit, EPOCH_1 + 3], [commit, EPOCH_1 + 3], newLeaderOf(2));
  member.durable();
  feed(member, link, [upToDate, -1]);
  assert.equal(member.lastApplied, EPOCH_1 + 3);
  assert.deepEqual(
    member.disk.log.map(({ zxid }) => zxid - EPOCH_1),
    [1, 2, 3],
  );
});

test('TRUNC cuts what was logged and not applied without reading the disk again', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1 });
  // Two txns that the leader before did not commit.
  feed(member, link, leaderInfoOf(2), [diff, 0], newLeaderOf(2), [upToDate, -1], ...proposed(...txns(1, 3)));
  feed(member, link, [commit, EPOCH_1 + 1]);
  member.cut(link);
  assert.equal(member.role, 'looking');
  member.durable();
  member.elect(3, true);
  const again = member.accept();
  feed(member, again, leaderInfoOf(3), [trunc, EPOCH_1 + 1], newLeaderOf(3), [upToDate, -1]);
  assert.deepEqual(sentOn(again), [`${followerInfo}:0`, `${ackEpoch}:3`, `${ack}:0`, `${ack}:0`]);
  assert.equal(member.disk.lastZxid, EPOCH_1 + 1);
  assert.equal(member.lastApplied, EPOCH_1 + 1);
  feed(member, again, ...proposed(madeUpTxn(3 * EPOCH_1 + 1, '/new')), [commit, 3 * EPOCH_1 + 1]);
  member.durable();
  assert.deepEqual(contentOf(member.disk.recover(member.core)), contentOf(member.replica.serving.database));
});

test('txns that were durable, cut off and proposed again stay in their memory until they are durable again', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1 });
  feed(member, link, leaderInfoOf(1), [diff, 0], newLeaderOf(1), [upToDate, -1], ...proposed(...txns(1, 5)));
  feed(member, link, [commit, EPOCH_1 + 1]);
  member.durable();
  member.cut(link);
  member.elect(3, true);
  const again = member.accept();
  feed(member, again, leaderInfoOf(1), [trunc, EPOCH_1 + 1], newLeaderOf(1), [upToDate, -1]);
  again.take();
  const cutOff = txns(2, 5);
  feed(member, again, ...proposed(...cutOff));
  feed(member, again, ...cutOff.map(({ zxid }): Packet => [commit, zxid]));
  assert.deepEqual(sentOn(again), [], 'nothing is on the disk');
  feed(member, again, ...proposed(...txns(6, 9)));
  member.durable();
  assert.deepEqual(
    sentOn(again),
    [2, 3, 4, 5, 6, 7, 8, 9].map((counter) => `${ack}:${counter}`),
  );
  feed(member, again, ...txns(6, 9).map(({ zxid }): Packet => [commit, zxid]));
  assert.deepEqual(contentOf(member.disk.recover(member.core)), contentOf(member.replica.serving.database));
});

test('TRUNC to a place that the log does not have: the next time the whole state is asked for', () => {
  const [snap] = captureOf('sync/snap') as [CapturedConnection];
  const state = snap.messages.filter(({ kind }) => kind === 'SNAP' || kind === 'SNAPSHOT_STREAM');
  // The log begins behind what the leader wants it cut to.
  const log = txns(1, 0);
  const { member, link } = follower({ epochs: IN_EPOCH_1, log: [...log, madeUpTxn(EPOCH_1 + 1, '/a')] });
  member.disk.log[0] = { ...(member.disk.log[0] as LoggedTxn), zxid: EPOCH_1 + 1 };
  feed(member, link, leaderInfoOf(2), [trunc, EPOCH_1 / 2 + 7]);
  assert.equal(member.role, 'looking');
  member.durable();
  member.elect(3, true);
  const again = member.accept();
  feed(member, again, leaderInfoOf(2));
  const answer = again.take().at(-1);
  assert.equal(answer?.zxid, 0, 'as if it had nothing');
  for (const { hex } of state) member.feed(again, fromHex(hex));
  feed(member, again, newLeaderOf(2), [upToDate, -1]);
  assert.equal(member.lastApplied, zxidOf(state[0] as never));
  assert.equal(member.stage, 'broadcast');
});

test('a state of which only a part has come is forgotten, and what the disk has is there again', () => {
  const [snap] = captureOf('sync/snap-under-load') as [CapturedConnection];
  const log = txns(1, 4);
  for (const part of [0, 1, 300, 677]) {
    const { member, link } = follower({ epochs: IN_EPOCH_1, log });
    const before = contentOf(member.replica.serving.database);
    feed(member, link, leaderInfoOf(2));
    for (const { kind, hex } of snap.messages) {
      if (kind === 'SNAP') member.feed(link, fromHex(hex));
      if (kind === 'SNAPSHOT_STREAM') member.feed(link, fromHex(hex).subarray(0, part));
    }
    member.cut(link);
    assert.equal(member.role, 'looking');
    assert.equal(member.lastApplied, EPOCH_1 + 4);
    assert.deepEqual(contentOf(member.replica.serving.database), before);
    assert.deepEqual(contentOf(member.disk.recover(member.core)), before);
  }
});

test('a state that has come, but is not on the disk yet, is forgotten when the leader goes', () => {
  const [snap] = captureOf('sync/snap') as [CapturedConnection];
  const { member, link } = follower({ epochs: IN_EPOCH_1, log: txns(1, 4) });
  const before = contentOf(member.replica.serving.database);
  member.autoStorage = false;
  feed(member, link, leaderInfoOf(2));
  for (const { kind, hex } of snap.messages) if (kind.startsWith('SNAP')) member.feed(link, fromHex(hex));
  feed(member, link, newLeaderOf(2));
  assert.deepEqual(sentOn(link).at(-1), `${ackEpoch}:4`, 'NEWLEADER is not acknowledged yet');
  member.cut(link);
  member.runStorage();
  assert.deepEqual(contentOf(member.replica.serving.database), before);
  assert.equal(member.epochs.current, 1);
  assert.deepEqual(contentOf(member.disk.recover(member.core)), before);
});

test('a damaged state ends the role', () => {
  const { member, link } = follower();
  feed(member, link, leaderInfoOf(1), [QuorumPacketType.snap, EPOCH_1 + 5]);
  member.feed(link, fromHex('ffffffff'));
  assert.equal(link.closed, true);
  assert.equal(member.role, 'looking');
});

test('a leader that is silent for syncLimit is left; before that it has initLimit', () => {
  const { member, link } = follower();
  feed(member, link, leaderInfoOf(1), [diff, 0]);
  member.pass(19_999);
  assert.equal(link.closed, false);
  feed(member, link, newLeaderOf(1));
  member.pass(9_999);
  assert.equal(link.closed, false);
  feed(member, link, [upToDate, -1]);
  member.pass(10_000);
  assert.equal(link.closed, true);
});

test('a client that comes back on a new connection has left the one before: nothing of that is forwarded any more', () => {
  const { member, link } = follower({ epochs: IN_EPOCH_1 });
  feed(member, link, leaderInfoOf(1), [diff, 0], newLeaderOf(1), [upToDate, -1]);
  const before = member.open();
  before.handshake({ timeOut: 10_000 });
  const asked = link.take().find(({ type }) => type === request) as { data: Uint8Array };
  const clientId = new DataView(asked.data.buffer, asked.data.byteOffset).getBigInt64(0);
  const out = new Writer(64);
  const header = { clientId, cxid: 0, zxid: EPOCH_1 + 1, time: 1_795_291_000_000, type: -10 };
  encodeTxn(out, { op: 'createSession', header, body: { timeOut: 10_000 }, digest: null });
  feed(member, link, [proposal, EPOCH_1 + 1, out.toBytes()], [commit, EPOCH_1 + 1]);
  member.durable();
  assert.equal(before.sessionId, clientId);
  const again = member.open();
  again.handshake({ timeOut: 10_000, sessionId: clientId, passwd: before.passwd });
  const sent = link.take().map(({ type }) => type);
  assert.equal(sent.at(-1), revalidate);
  assert.equal(before.closed, true);
  // It had lain in the socket while this server stood still.
  before.ask('delete', { path: '/a', version: -1 });
  assert.deepEqual(link.take(), []);
});

/**
 * The captures of `vectors/steady` in the learner's part: requests of clients go out as Apache's learner forwards them, and
 * what comes back is logged, acknowledged, applied and answered (see learner-replay.ts).
 *
 * `requests` and `all-transaction-types` begin in the middle of a connection: its handshake is an ordinary empty DIFF here.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '@headkeeper/testkit';
import { goldenJson } from '../log/golden.ts';
import {
  type CapturedConnection,
  captureOf,
  epochOf,
  fromHex,
  type LoggedTxn,
  toHex,
  txnsOf,
  zxidOf,
} from './captures.ts';
import { BYTEWISE, type Cutting, WHOLE } from './cutting.ts';
import { allTypes, EPOCH_1, madeUpTxn } from './histories.ts';
import { LearnerReplay, NO_DIFFERENCES, startOf } from './learner-replay.ts';
import { MemberHarness, type MemberOptions } from './member-harness.ts';
import { THREE, withClients } from './scenarios.ts';

const CUTS: readonly [string, Cutting][] = [
  ['whole', WHOLE],
  ['byte by byte', BYTEWISE],
];

function connectionsOf(name: string): CapturedConnection[] {
  return captureOf(`steady/${name}`);
}

function connectionOf(name: string, index: number): CapturedConnection {
  return connectionsOf(name)[index] as CapturedConnection;
}

/** A learner in epoch 1 that follows server 3 since before the capture. */
function follower(options: MemberOptions, cut: Cutting): LearnerReplay {
  const member = new MemberHarness({ epochs: { accepted: 1, current: 1 }, ...options });
  member.elect(3, true);
  const replay = new LearnerReplay(member, cut);
  replay.handshake(1, options.membership);
  return replay;
}

/** The tree's digest is the one that the last captured txn with a digest gives, and so was each one before. */
function assertDigests(member: MemberHarness): void {
  assert.equal(member.replica.serving.statistics.digestMismatches, 0);
}

function logOf(member: MemberHarness): string[] {
  return member.disk.log.map(({ body }) => toHex(body));
}

function bodiesOf(txns: Iterable<LoggedTxn>): string[] {
  return [...txns].map(({ body }) => toHex(body));
}

for (const [how, cut] of CUTS) {
  test(`steady/requests as server 1, ${how}`, () => {
    const connection = connectionOf('requests', 0);
    const wallMs = startOf('0x10000121b8e0000');
    const replay = follower({ sid: 1, membership: THREE, wallMs }, cut);
    const { member } = replay;
    replay.run(connection);
    assert.deepEqual(replay.rest(), []);
    assert.deepEqual(replay.differences, NO_DIFFERENCES);
    assert.deepEqual(logOf(member), bodiesOf(txnsOf(connection).values()));
    assert.equal(member.lastApplied, EPOCH_1 + 0xa);
    assertDigests(member);
    const client = replay.client('0x10000121b8e0000');
    assert.equal(client.sessionId, 0x10000121b8e0000n);
    const replies = client.take().filter((frame): frame is Reply => frame.kind === 'reply' && frame.op !== 'ping');
    assert.deepEqual(
      replies.map(({ op, err, zxid }) => [op, err, zxid - EPOCH_1]),
      [
        ['create', 0, 3],
        ['setData', 0, 4],
        ['create', 0, 6],
        ['setData', -103, 7],
        ['sync', 0, 7],
      ],
    );
    // Its session went on with another server, which closed it.
    assert.equal(client.closed, true);
    const unknown = replay.client('0x100001234567890');
    assert.equal(unknown.sessionId, 0n, 'the leader does not know the session');
    assert.equal(unknown.closed, true);
  });

  test(`steady/requests as server 2, ${how}`, () => {
    const connection = connectionOf('requests', 1);
    const replay = follower({ sid: 2, membership: THREE }, cut);
    const { member } = replay;
    replay.run(connection);
    assert.deepEqual(replay.rest(), []);
    assert.deepEqual(replay.differences, NO_DIFFERENCES);
    assert.deepEqual(logOf(member), bodiesOf(txnsOf(connection).values()));
    assertDigests(member);
    const client = replay.client('0x10000121b8e0000');
    assert.equal(client.sessionId, 0x10000121b8e0000n, 'the session has moved here');
    const replies = client.take().filter((frame): frame is Reply => frame.kind === 'reply');
    assert.deepEqual(
      replies.map(({ op, err, zxid }) => [op, err, zxid - EPOCH_1]),
      [
        ['create', 0, 8],
        ['closeSession', 0, 9],
      ],
    );
    assert.equal(client.closed, true);
  });

  test(`steady/all-transaction-types as server 1, ${how}`, () => {
    const connection = connectionOf('all-transaction-types', 0);
    const membership = withClients([1, 2, 3], '100000000');
    const wallMs = startOf('0x10000158d680000');
    const replay = follower({ sid: 1, membership, wallMs, ensemble: { reconfigEnabled: true } }, cut);
    const { member } = replay;
    replay.run(connection);
    assert.deepEqual(replay.rest(), []);
    assert.deepEqual(replay.differences, NO_DIFFERENCES);
    assertDigests(member);
    const golden = goldenJson<{ records: { hex: string }[] }>('datadir-alltypes/txnlog.json').records;
    assert.deepEqual(
      logOf(member),
      golden.map(({ hex }) => hex),
    );
    assert.equal(member.committed.version, EPOCH_1 + 0x3e);
    const client = replay.client('0x10000158d680000');
    const replies = client.take().filter((frame): frame is Reply => frame.kind === 'reply' && frame.op !== 'ping');
    // The error of each request is that of its txn; a multi that failed has its errors inside.
    const errors = replies.filter(({ err }) => err !== 0).map(({ zxid, err }) => [zxid - EPOCH_1, err]);
    assert.deepEqual(errors, [
      [0x27, -110],
      [0x28, -111],
      [0x29, -101],
      [0x2b, -103],
      [0x2c, -101],
      [0x2d, -108],
    ]);
  });

  test(`steady/all-transaction-types as server 4: it joins, observes, and follows, ${how}`, () => {
    const [, joins, observes, follows] = connectionsOf('all-transaction-types') as CapturedConnection[];
    const membership = withClients([1, 2, 3], '100000000');
    const wallMs = startOf('0x4000015b11e0000');
    const member = new MemberHarness({ sid: 4, membership, wallMs, ensemble: { reconfigEnabled: true } });
    member.elect(3, true);
    const replay = new LearnerReplay(member, cut);

    replay.run(joins as CapturedConnection);
    assert.equal(member.lastApplied, EPOCH_1 + 0x39);
    assert.equal(replay.link.closed, true, 'its part has changed: it connects anew');
    assert.equal(member.committed.version, EPOCH_1 + 0x39);
    assert.equal(member.role, 'observing');

    replay.run(observes as CapturedConnection);
    assert.equal(member.lastApplied, EPOCH_1 + 0x3d);
    assert.equal(replay.link.closed, true);
    assert.equal(member.role, 'following');
    const client = replay.client('0x4000015b11e0000');
    const replies = client.take().filter((frame): frame is Reply => frame.kind === 'reply');
    assert.deepEqual(
      replies.map(({ op, err }) => [op, err]),
      [
        ['create', 0],
        ['sync', 0],
        ['closeSession', 0],
      ],
    );

    replay.run(follows as CapturedConnection);
    assert.equal(member.lastApplied, EPOCH_1 + 0x3f);
    assert.equal(replay.link.closed, false, 'who is not listed follows on');
    assert.equal(member.committed.members.has(4), false);
    assert.deepEqual(replay.rest(), []);
    // 4.1: a joiner without history is not to be counted. Nothing else differs.
    assert.deepEqual(replay.differences, { ...NO_DIFFERENCES, blankNotCounted: 1 });
    assertDigests(member);
    const expected = allTypes(0x3f);
    assert.deepEqual(logOf(member), bodiesOf(expected.slice(0x38)));
  });

  test(`steady/observer-master as the observer, ${how}`, () => {
    const [connection] = connectionsOf('observer-master') as [CapturedConnection];
    const membership = connection.messages.find(({ kind }) => kind === 'NEWLEADER')?.decoded.config as string;
    const wallMs = startOf('0x400001eafd60000');
    const member = new MemberHarness({ sid: 4, membership, wallMs });
    member.elect(3, true);
    const replay = new LearnerReplay(member, cut);
    replay.run(connection);
    assert.deepEqual(replay.rest(), []);
    assert.deepEqual(replay.differences, { ...NO_DIFFERENCES, blankNotCounted: 1 });
    assert.equal(member.role, 'observing');
    assertDigests(member);
    assert.deepEqual(logOf(member), bodiesOf(txnsOf(connection).values()));
  });

  test(`steady/reconfig-removes-leader: servers 2 and 3 follow the designated leader, ${how}`, () => {
    const [, before, two, three] = connectionsOf('reconfig-removes-leader') as CapturedConnection[];
    const log = [madeUpTxn(EPOCH_1 + 1, '/one'), madeUpTxn(EPOCH_1 + 2, '/two')];
    const membership = withClients([1, 2, 3], '100000000');
    // The two txns before the captured one are made up, so its digest cannot come out: with digests the tree would be given up.
    const core = { digestEnabled: false };
    const replay = follower({ sid: 2, membership, log, core, ensemble: { reconfigEnabled: true } }, cut);
    const { member } = replay;
    const round = member.replica.member?.stage.election.round;
    replay.run(before as CapturedConnection);
    assert.equal(replay.link.closed, true);
    assert.equal(member.role, 'following');
    replay.run(two as CapturedConnection);
    assert.equal(member.replica.member?.stage.election.round, round, 'nobody was elected');
    assert.equal(member.epochs.current, 2);
    assert.deepEqual(replay.rest(), []);
    assert.deepEqual(replay.differences, NO_DIFFERENCES);

    // The removed leader goes on without a vote.
    const reconfig = txnsOf(before as CapturedConnection).get(EPOCH_1 + 3) as LoggedTxn;
    const removed = new MemberHarness({
      sid: 3,
      membership: withClients([1, 2], '100000003'),
      epochs: { accepted: 1, current: 1 },
      log: [...log, reconfig],
      ensemble: { reconfigEnabled: true },
    });
    removed.elect(1, true);
    const third = new LearnerReplay(removed, cut);
    third.run(three as CapturedConnection);
    assert.deepEqual(third.rest(), []);
    assert.equal(removed.role, 'following');
    assert.equal(removed.epochs.current, epochOf(zxidOf((three as CapturedConnection).messages[1] as never)));
  });
}

test('a reconfiguration without the word of its designated leader is no packet that can be read', () => {
  const replay = follower({ sid: 1, membership: THREE }, WHOLE);
  // COMMITANDACTIVATE with 4 bytes of data.
  replay.member.feed(replay.link, fromHex('0000000900000001000000010000000400000003ffffffff'));
  assert.equal(replay.link.closed, true);
  assert.equal(replay.member.role, 'looking');
});

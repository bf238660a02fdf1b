/** Sessions, and what is held for learners, where a leader and its learners have to agree on them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beginPacket,
  CreateMode,
  ErrorCode,
  encodeTxn,
  endPacket,
  OpCode,
  QuorumPacketType,
  Writer,
} from '@headkeeper/protocol';
import { limits } from '../../src/limits.ts';
import { creation, setting, version } from '../core/requests.ts';
import { contentOf } from './content.ts';
import { EPOCH_1, madeUpTxn } from './histories.ts';
import { feed, IN_EPOCH_1, leaderInfoOf, newLeaderOf } from './leader-packets.ts';
import { MemberHarness, type MemberOptions } from './member-harness.ts';
import { THREE } from './scenarios.ts';
import { StandIn } from './stand-in.ts';
import type { TestLink } from './test-link.ts';

const { diff, upToDate, proposal, commit, ping, request, revalidate } = QuorumPacketType;
const TIMEOUT_MS = 10_000;

/** A follower of server 3 that serves. */
function serving(options: Partial<MemberOptions> = {}): { member: MemberHarness; link: TestLink } {
  const member = new MemberHarness({ sid: 1, membership: THREE, epochs: IN_EPOCH_1, ...options });
  member.elect(3, true);
  const link = member.accept();
  feed(member, link, leaderInfoOf(1), [diff, 0], newLeaderOf(1), [upToDate, -1]);
  link.take();
  return { member, link };
}

/** A leader with both followers. */
function led(): { member: MemberHarness; one: StandIn; two: StandIn; settle: () => void } {
  const member = new MemberHarness({ sid: 3, membership: THREE });
  member.elect(3);
  const one = new StandIn(member, { sid: 1, epoch: 0, lastZxid: 0 });
  const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
  const settle = (): void => {
    for (const learner of [one, two]) learner.pump();
    for (const learner of [one, two]) learner.acknowledge(member.disk.lastZxid);
  };
  settle();
  return { member, one, two, settle };
}

function createBody(path: string, flags = 0): Uint8Array {
  const out = new Writer(64);
  for (const part of [path, -1, 1, 31, 'world', 'anyone', flags])
    typeof part === 'number' ? out.int(part) : out.string(part);
  return out.toBytes();
}

test('what a former server forwards of a session that has moved is refused', () => {
  const { member, one, two, settle } = led();
  const has = (path: string): boolean =>
    JSON.stringify(contentOf(member.replica.serving.database)).includes(`"${path}"`);
  one.request(0x1000000, 1, 0, OpCode.createSession, new Uint8Array([0, 0, 0x27, 0x10]), true);
  settle();
  one.request(0x1000000, 1, 1, OpCode.create, createBody('/before'), true);
  settle();
  const moves = new Writer(64);
  const at = beginPacket(moves, revalidate, -1);
  moves.longHalves(0x1000000, 1);
  moves.int(TIMEOUT_MS);
  endPacket(moves, at);
  member.feed(two.link, moves.toBytes());
  for (let late = 2; late < 5; late++)
    one.request(0x1000000, 1, late, OpCode.create, createBody(`/late-${late}`), true);
  two.request(0x1000000, 1, 9, OpCode.create, createBody('/moved'), true);
  settle();
  assert.deepEqual(['/before', '/late-2', '/late-3', '/late-4', '/moved'].map(has), [true, false, false, false, true]);
});

test('an ephemeral that a learner forwards behind the end of its session is refused', () => {
  const { member, one, two, settle } = led();
  const has = (path: string): boolean =>
    JSON.stringify(contentOf(member.replica.serving.database)).includes(`"${path}"`);
  one.request(0x1000000, 1, 0, OpCode.createSession, new Uint8Array([0, 0, 0x27, 0x10]), true);
  settle();
  one.request(0x1000000, 1, 1, OpCode.create, createBody('/before', CreateMode.ephemeral), true);
  settle();
  assert.equal(has('/before'), true);
  const proposed = member.disk.lastZxid;
  // The leader has not heard of it in time; its end is proposed, and not committed yet.
  while (member.disk.lastZxid === proposed) {
    member.pass(500);
    for (const learner of [one, two]) learner.pump();
  }
  one.request(0x1000000, 1, 2, OpCode.create, createBody('/behind', CreateMode.ephemeral), true);
  settle();
  assert.deepEqual(['/before', '/behind'].map(has), [false, false]);
  assert.equal(member.replica.serving.sessions.size, 0);
});

test('a client that waits for its session when the leader goes is let go at once', () => {
  for (const isReturn of [false, true]) {
    const { member, link } = serving();
    const client = member.open();
    client.handshake({ timeOut: TIMEOUT_MS, ...(isReturn ? { sessionId: 77n } : {}) });
    if (!isReturn)
      assert.deepEqual(
        link.take().map(({ type }) => type),
        [request],
      );
    member.cut(link);
    assert.equal(member.role, 'looking');
    assert.equal(client.closed, true);
  }
});

test('a server without a quorum that serves readers takes no write, whatever it is', () => {
  const member = new MemberHarness({
    sid: 1,
    membership: THREE,
    epochs: IN_EPOCH_1,
    log: [madeUpTxn(EPOCH_1 + 1, '/there')],
    ensemble: { readOnlyMode: true },
  });
  member.pass(2 * TIMEOUT_MS);
  const stranger = member.open();
  stranger.handshake({ timeOut: TIMEOUT_MS });
  assert.equal(stranger.closed, true, 'who has not said that it bears such a server');
  const client = member.open();
  client.handshake({ timeOut: TIMEOUT_MS, readOnly: true });
  const [answer] = client.take();
  assert.equal(answer?.kind, 'handshake');
  const before = contentOf(member.replica.serving.database);
  const refused = [
    client.call('create', creation('/x')),
    client.call('create', creation('/x', CreateMode.ephemeral)),
    client.call('create2', creation('/x')),
    client.call('setData', setting('/there', 'x')),
    client.call('delete', version('/there')),
    client.call('multi', { ops: [{ type: OpCode.create, body: creation('/x') }] }),
    client.call('sync', { path: '/' }),
  ];
  assert.deepEqual(new Set(refused.map(({ err }) => err)), new Set([ErrorCode.notReadOnly]));
  assert.equal(client.call('exists', { path: '/there', watch: false }).err, 0);
  assert.deepEqual(contentOf(member.replica.serving.database), before);
});

/** Clients of a follower whose sessions the leader makes, with zxids from 1 on; returns their ids. */
function connect(member: MemberHarness, link: TestLink, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => {
    member.open().handshake({ timeOut: TIMEOUT_MS });
    const asked = link.take().find(({ type }) => type === request) as { data: Uint8Array };
    const clientId = new DataView(asked.data.buffer, asked.data.byteOffset).getBigInt64(0);
    const header = { clientId, cxid: 0, zxid: EPOCH_1 + i + 1, time: 1_795_291_000_000, type: OpCode.createSession };
    const out = new Writer(64);
    encodeTxn(out, { op: 'createSession', header, body: { timeOut: TIMEOUT_MS }, digest: null });
    feed(member, link, [proposal, header.zxid, out.toBytes()], [commit, header.zxid]);
    return clientId;
  });
}

test('a follower with very many sessions names them in packets that a leader takes', () => {
  const core = { juteMaxBuffer: 60 };
  const { member, link } = serving({ core });
  const clients = connect(member, link, 12).length;
  link.take();
  feed(member, link, [ping, EPOCH_1 + clients]);
  const said = link.take().filter(({ type }) => type === ping);
  assert.ok(said.every(({ data }) => (data?.length ?? 0) <= core.juteMaxBuffer));
  assert.equal(said.reduce((sum, { data }) => sum + (data?.length ?? 0), 0) / 12, clients);
  assert.deepEqual(
    said.map(({ zxid }) => zxid),
    [-1, -1, EPOCH_1 + clients],
    'only the last one is the answer',
  );
});

test('a ping is answered, though of many sessions that were heard of some have ended since', () => {
  const { member, link } = serving({ core: { juteMaxBuffer: 60 } });
  const [clientId = 0n, ...others] = connect(member, link, 6);
  const zxid = EPOCH_1 + 7;
  const out = new Writer(64);
  const header = { clientId, cxid: 1, zxid, time: 1_795_291_000_000, type: OpCode.closeSession };
  encodeTxn(out, { op: 'closeSession', header, body: { paths2Delete: [] }, digest: null });
  feed(member, link, [proposal, zxid, out.toBytes()], [commit, zxid]);
  link.take();
  feed(member, link, [ping, zxid]);
  const said = link.take().filter(({ type }) => type === ping);
  assert.deepEqual(
    said.map((packet) => [packet.zxid, packet.data?.length]),
    [[zxid, 12 * others.length]],
  );
});

test('sessions that a learner names before its answer to a ping are no answer', () => {
  const { member, one, two } = led();
  const client = member.open();
  client.handshake({ timeOut: TIMEOUT_MS });
  for (const learner of [one, two]) learner.acknowledge(member.disk.lastZxid);
  client.take();
  one.link.takeBytes();
  two.link.takeBytes();
  client.ask('sync', { path: '/' });
  feed(member, one.link, [ping, -1, new Uint8Array(12)]);
  assert.deepEqual(client.take(), []);
  feed(member, one.link, [ping, EPOCH_1, new Uint8Array(0)]);
  assert.equal(client.take().length, 1);
});

test('a learner that does not take its state is dropped when too much waits behind it', () => {
  const { learnerQueueBytes } = limits;
  Object.assign(limits, { learnerQueueBytes: 2000 });
  try {
    const log = Array.from({ length: 100 }, (_, i) => madeUpTxn(EPOCH_1 + 1 + i, `/t${i}`));
    const member = new MemberHarness({
      ...{ sid: 3, membership: THREE, log, epochs: IN_EPOCH_1, core: { commitLogCount: 2 } },
      ensemble: { snapshotSizeFactor: -1 },
    });
    member.elect(3);
    member.autoFeed = false;
    const one = new StandIn(member, { sid: 1, epoch: 1, lastZxid: EPOCH_1 + 100 });
    const two = new StandIn(member, { sid: 2, epoch: 1, lastZxid: 0 });
    const client = member.open();
    client.handshake({ timeOut: TIMEOUT_MS });
    one.acknowledge(member.disk.lastZxid);
    let writes = 0;
    while (!two.link.closed && writes < 100) {
      client.ask('create', creation(`/w${writes++}`));
      one.acknowledge(member.disk.lastZxid);
    }
    assert.ok(writes > 5 && writes < 100, `${writes} writes`);
    assert.equal(one.link.closed, false);
  } finally {
    Object.assign(limits, { learnerQueueBytes });
  }
});

/** With limits so small that a test comes up against them. */
function withLimits(
  small: Partial<Record<'forwardedTxns' | 'forwardedBytes' | 'learnerQuestions', number>>,
  run: () => void,
): void {
  const { forwardedTxns, forwardedBytes, learnerQuestions } = limits;
  Object.assign(limits, small);
  try {
    run();
  } finally {
    Object.assign(limits, { forwardedTxns, forwardedBytes, learnerQuestions });
  }
}

test('a learner that forwards without end is dropped, and no other', () => {
  for (const small of [{ forwardedTxns: 50 }, { forwardedBytes: 5000 }]) {
    withLimits(small, () => {
      const { member, one, two } = led();
      member.autoDurable = false;
      let sent = 0;
      while (!one.link.closed && sent < 200) one.request(0x1000000, 1, sent++, OpCode.create, createBody('/x'), true);
      assert.ok(sent > 20 && sent < 200, `${sent} requests`);
      assert.equal(two.link.closed, false);
      assert.equal(member.stage, 'broadcast');
    });
  }
});

test('a learner that asks without end is dropped, and no other', () => {
  for (const opcode of [OpCode.sync, null]) {
    withLimits({ learnerQuestions: 50 }, () => {
      const { member, one, two } = led();
      const moves = new Writer(64);
      const at = beginPacket(moves, revalidate, -1);
      moves.longHalves(0x1000000, 7);
      moves.int(TIMEOUT_MS);
      endPacket(moves, at);
      let sent = 0;
      // Nobody answers the pings that would prove that this server still leads.
      for (; !one.link.closed && sent < 200; sent++) {
        if (opcode === null) member.feed(one.link, moves.toBytes());
        else one.request(0x1000000, 1, sent, opcode, createBody('/'), true);
      }
      assert.ok(sent > 40 && sent < 200, `${sent} questions`);
      assert.equal(two.link.closed, false);
    });
  }
});

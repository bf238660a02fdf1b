/**
 * The capture `vectors/steady/observer-master` in the part of the follower that serves an observer: Apache's observer is
 * played to our follower, whose leader is played by the test. What the observer is sent must be what Apache's follower sent,
 * pings included; what it asks for must reach the leader unchanged (quorum-protocol reference, 12).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpCode, QuorumPacketType, Writer, writePacket } from '@headkeeper/protocol';
import { type CapturedConnection, captureOf, fromHex, type LoggedTxn, toHex, txnsOf, zxidOf } from './captures.ts';
import { BYTEWISE, type Cutting, WHOLE } from './cutting.ts';
import { EPOCH_1 } from './histories.ts';
import { LeaderStream } from './leader-stream.ts';
import { LearnerReplay } from './learner-replay.ts';
import { MemberHarness } from './member-harness.ts';
import type { TestLink } from './test-link.ts';

const { request, revalidate, ping, ack, proposal, commit, sync } = QuorumPacketType;
/** Offset of the operation in the data of a request. */
const OPCODE_AT = 12;

/** The leader: it makes the captured txns of the requests that reach it, one after the other. */
class ScriptedLeader {
  readonly asked: string[] = [];
  readonly #member: MemberHarness;
  readonly #link: TestLink;
  readonly #txns: LoggedTxn[];

  constructor(member: MemberHarness, link: TestLink, txns: Iterable<LoggedTxn>) {
    this.#member = member;
    this.#link = link;
    this.#txns = [...txns];
  }

  pump(): void {
    for (const { type, data, bytes, zxid } of this.#link.take()) {
      if (type === ack || type === ping) continue;
      this.asked.push(toHex(bytes));
      const body = data as Uint8Array;
      if (type === revalidate) {
        const valid = new Uint8Array([...body.subarray(0, 8), 1]);
        this.#send((out) => writePacket(out, revalidate, zxid, valid));
        continue;
      }
      assert.equal(type, request);
      const opcode = new DataView(body.buffer, body.byteOffset).getInt32(OPCODE_AT);
      if (opcode === OpCode.sync) {
        this.#send((out) => writePacket(out, sync, 0));
        continue;
      }
      const txn = this.#txns.shift() as LoggedTxn;
      this.#send((out) => writePacket(out, proposal, txn.zxid, txn.body));
      this.#member.durable();
      this.#send((out) => writePacket(out, commit, txn.zxid));
    }
  }

  /** A ping of the leader; returns the sessions that the follower has heard of. */
  ping(): string[] {
    this.#send((out) => writePacket(out, ping, 0));
    const answer = this.#link.take().find(({ type }) => type === ping);
    assert.ok(answer !== undefined && answer.data !== null);
    const touches: string[] = [];
    for (let at = 0; at < answer.data.length; at += 12) touches.push(toHex(answer.data.subarray(at, at + 8)));
    return touches;
  }

  #send(write: (out: Writer) => void): void {
    const out = new Writer(256);
    write(out);
    this.#member.feed(this.#link, out.toBytes());
  }
}

function follower(membership: string): { member: MemberHarness; link: TestLink } {
  const member = new MemberHarness({
    sid: 1,
    membership,
    epochs: { accepted: 1, current: 1 },
    ensemble: { observerMasterPort: 2191 },
  });
  member.elect(3, true);
  const replay = new LearnerReplay(member);
  replay.handshake(1, membership);
  return { member, link: replay.link };
}

for (const [how, cut] of [
  ['whole', WHOLE],
  ['byte by byte', BYTEWISE],
] as readonly (readonly [string, Cutting])[]) {
  test(`steady/observer-master as the follower, ${how}`, () => {
    const [connection] = captureOf('steady/observer-master') as [CapturedConnection];
    const membership = connection.messages.find(({ kind }) => kind === 'NEWLEADER')?.decoded.config as string;
    const { member, link } = follower(membership);
    const leader = new ScriptedLeader(member, link, txnsOf(connection).values());
    const observer = member.learner();
    const stream = new LeaderStream(member.core);
    const sent: string[] = [];
    const take = (): void => {
      leader.pump();
      for (const { bytes } of stream.push(observer.takeBytes())) sent.push(toHex(bytes));
    };
    for (const { dir, kind, hex } of connection.messages) {
      if (dir === '>') for (const piece of cut(fromHex(hex))) member.feed(observer, piece);
      else if (kind === 'PING') member.pass(1000);
      take();
    }
    const from = (wanted: string): { hex: string; kind: string }[] =>
      connection.messages.filter(({ dir }) => dir === wanted);
    assert.deepEqual(
      sent,
      from('<').map(({ hex }) => hex),
    );
    const isForTheLeader = ({ kind }: { kind: string }): boolean => kind === 'REQUEST' || kind === 'REVALIDATE';
    assert.deepEqual(
      leader.asked,
      from('>')
        .filter(isForTheLeader)
        .map(({ hex }) => hex),
    );
    assert.equal(member.lastApplied, EPOCH_1 + 3);
    assert.equal(member.role, 'following');
  });
}

test('sessions that an observer has heard of reach the leader with the follower’s own', () => {
  const [connection] = captureOf('steady/observer-master') as [CapturedConnection];
  const membership = connection.messages.find(({ kind }) => kind === 'NEWLEADER')?.decoded.config as string;
  const { member, link } = follower(membership);
  const leader = new ScriptedLeader(member, link, txnsOf(connection).values());
  const observer = member.learner();
  const upTo = connection.messages.findIndex((message) => message.kind === 'INFORM' && zxidOf(message) === EPOCH_1 + 2);
  for (const { dir, hex } of connection.messages.slice(0, upTo)) {
    if (dir === '>') member.feed(observer, fromHex(hex));
    leader.pump();
  }
  assert.deepEqual(leader.ping(), ['0400001eafd60000'], 'its txn has come by');
  assert.deepEqual(leader.ping(), []);
  const touching = connection.messages.find(({ dir, decoded }) => dir === '>' && (decoded.touches?.length ?? 0) > 0);
  member.feed(observer, fromHex(touching?.hex as string));
  assert.deepEqual(leader.ping(), ['0400001eafd60000']);
});

test('an observer’s master takes nobody else, and no acknowledgements of txns', () => {
  const [connection] = captureOf('steady/observer-master') as [CapturedConnection];
  const membership = connection.messages.find(({ kind }) => kind === 'NEWLEADER')?.decoded.config as string;
  const { member } = follower(membership);
  const voter = member.learner();
  member.feed(voter, fromHex('0000000b0000000000000000000000140000000000000002000100000000000000000000ffffffff'));
  assert.equal(voter.closed, true);
  const observer = member.learner();
  const hexes = connection.messages.filter(({ dir }) => dir === '>').map(({ hex }) => hex);
  for (const hex of hexes.slice(0, 3)) member.feed(observer, fromHex(hex));
  assert.equal(observer.closed, false);
  member.feed(observer, fromHex('000000030000000100000001ffffffffffffffff'));
  assert.equal(observer.closed, true);
  assert.equal(member.role, 'following');
});

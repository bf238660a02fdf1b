import assert from 'node:assert/strict';
import { OpCode, QuorumPacketType, type RequestName, Writer, writePacket } from '@headkeeper/protocol';
import { type RawClient, rawRequest } from '@headkeeper/testkit';
import { headerOf, type KnownRequest, lengthWithoutDigest, OP_NAMES, requestOf } from './captured-requests.ts';
import {
  type CapturedConnection,
  type CapturedMessage,
  fromHex,
  isTxnZxid,
  type LoggedTxn,
  toHex,
  zxidOf,
} from './captures.ts';
import { type Cutting, WHOLE } from './cutting.ts';
import { LeaderStream, type Sent } from './leader-stream.ts';
import type { MemberHarness } from './member-harness.ts';
import type { StandIn } from './stand-in.ts';
import type { TestLink } from './test-link.ts';

const HEADER_BYTES = 32;
/** What our leader may do otherwise than the captured one, and how often it did. */
export interface Differences {
  /**
   * Proposals that are not committed when a learner joins follow behind NEWLEADER, since releases before 3.8.7 and 3.9.3
   * forget those that come before it (15.1.2); Apache's leader sends them before it.
   */
  outstandingMovedBehind: number;
  /** Before the first txn of an epoch Apache's pings carry (epoch, 0), ours the last txn of the history. Nobody looks. */
  pingsBeforeFirstTxn: number;
  /** A fresh learner of a leader without history gets DIFF; Apache's leader sends SNAP once it has been established. */
  emptyDiffs: number;
}

export const NO_DIFFERENCES: Differences = { outstandingMovedBehind: 0, pingsBeforeFirstTxn: 0, emptyDiffs: 0 };

export interface ReplayOptions {
  readonly requests?: ReadonlyMap<number, KnownRequest>;
  readonly madeUp?: ReadonlySet<number>;
  /** The server that asks for the txns whose session is nobody's. */
  readonly nobodys?: number;
  /** How what the learners send is cut into pieces. */
  readonly cut?: Cutting;
  /** Learners that our leader sends an empty DIFF instead of a state. */
  readonly emptyDiffFor?: readonly CapturedConnection[];
}

interface Learner {
  readonly connection: CapturedConnection;
  link: TestLink | null;
  readonly stream: LeaderStream;
  /** Sent and not yet compared, in order; pings apart. */
  readonly sent: Sent[];
  pings: Sent[];
  next: number;
}

/**
 * Plays captured learners to our leader, and makes the clients of the captured leader, and the servers that were not captured,
 * do what they did: at the same times of day, so that the txns come out byte for byte. What our leader sends each learner must
 * be what Apache's leader sent.
 *
 * Our leader syncs, proposes and commits in the step that makes it possible; so what a message of the leader rests on is done
 * before it, and the streams are compared as wholes.
 */
export class LeaderReplay {
  readonly member: MemberHarness;
  readonly differences: Differences = { ...NO_DIFFERENCES };
  /** The txns, by zxid, that clients and servers bring about. */
  readonly #txns: ReadonlyMap<number, LoggedTxn>;
  readonly #requests: ReadonlyMap<number, KnownRequest>;
  readonly #standIns: readonly StandIn[];
  readonly #learners: Learner[] = [];
  readonly #clients: Map<string, RawClient> = new Map();
  /** Zxids of made-up txns: ours have other digests. */
  readonly #madeUp: ReadonlySet<number>;
  readonly #cut: Cutting;
  readonly #nobodys: number;
  readonly #emptyDiffFor: readonly CapturedConnection[];

  constructor(
    member: MemberHarness,
    txns: ReadonlyMap<number, LoggedTxn>,
    standIns: readonly StandIn[],
    options: ReplayOptions = {},
  ) {
    this.member = member;
    this.#txns = txns;
    this.#standIns = standIns;
    this.#requests = options.requests ?? new Map();
    this.#madeUp = options.madeUp ?? new Set();
    this.#cut = options.cut ?? WHOLE;
    this.#nobodys = options.nobodys ?? 0;
    this.#emptyDiffFor = options.emptyDiffFor ?? [];
    member.autoDurable = false;
    member.wallRuns = false;
  }

  /** Replays connections together, in the order of their times. `links`: those that were open before the capture. */
  run(connections: readonly CapturedConnection[], links: ReadonlyMap<CapturedConnection, TestLink> = new Map()): void {
    const learners = connections.map(
      (connection): Learner => ({
        connection,
        link: links.get(connection) ?? null,
        stream: new LeaderStream(this.member.core),
        sent: [],
        pings: [],
        next: 0,
      }),
    );
    this.#learners.push(...learners);
    for (;;) {
      let first: Learner | null = null;
      for (const learner of learners) {
        const message = learner.connection.messages[learner.next];
        if (message === undefined) continue;
        const other = first?.connection.messages[first.next];
        if (other === undefined || message.t < other.t) first = learner;
      }
      if (first === null) break;
      this.#message(first, first.connection.messages[first.next++] as CapturedMessage);
    }
    for (const learner of learners) this.#compare(learner);
  }

  /** Brings the history to `zxid`, all of it committed. */
  play(zxid: number): void {
    for (let next = this.#nextZxid; next <= zxid; next++) {
      this.#produce(next);
      this.#commit(next);
    }
  }

  get #nextZxid(): number {
    return Math.max(this.member.disk.lastZxid, this.member.epochs.current * 4294967296) + 1;
  }

  #message(learner: Learner, message: CapturedMessage): void {
    if (message.kind === 'FIN') {
      if (message.dir === '>' && learner.link !== null && !learner.link.closed) this.member.cut(learner.link);
      return;
    }
    if (message.dir === '>') {
      learner.link ??= this.member.learner();
      if (message.kind === 'ACKEPOCH') this.#beforeSync(learner);
      if (message.kind === 'ACK' && !isTxnZxid(zxidOf(message))) this.#beforeUpToDate(learner);
      if (message.kind === 'REQUEST') this.#setTime(message);
      this.#feed(learner, fromHex(message.hex));
      return;
    }
    const zxid = zxidOf(message);
    switch (message.kind) {
      case 'PROPOSAL':
        this.#produce(zxid);
        break;
      case 'COMMIT':
      case 'COMMITANDACTIVATE':
      case 'INFORM':
      case 'INFORMANDACTIVATE':
        this.#produce(zxid);
        this.#commit(zxid);
        break;
      case 'PING':
        this.#ping(learner, message);
        break;
      case 'SYNC':
      case 'REVALIDATE':
        this.#confirm();
        break;
      default:
        break;
    }
    this.#pump();
  }

  #feed(learner: Learner, bytes: Uint8Array): void {
    for (const piece of this.#cut(bytes)) this.member.feed(learner.link as TestLink, piece);
    this.#pump();
  }

  #pump(): void {
    for (const standIn of this.#standIns) if (!standIn.link.closed) standIn.pump();
    for (const learner of this.#learners) {
      if (learner.link === null) continue;
      for (const packet of learner.stream.push(learner.link.takeBytes())) {
        if (packet.type !== QuorumPacketType.ping) learner.sent.push(packet);
        else {
          assert.ok(packet.zxid >= (learner.pings.at(-1)?.zxid ?? 0), 'pings carry the last proposal');
          learner.pings.push(packet);
        }
      }
    }
  }

  /** What the captured leader had when it chose how to bring the learner up to date: what it sent before NEWLEADER. */
  #beforeSync({ connection }: Learner): void {
    const { messages } = connection;
    const before = messages.slice(
      0,
      messages.findIndex(({ kind }) => kind === 'NEWLEADER'),
    );
    const last = (...kinds: string[]): number =>
      Math.max(0, ...before.filter(({ kind, dir }) => dir === '<' && kinds.includes(kind)).map(zxidOf));
    const committed = last('COMMIT', 'SNAP', 'TRUNC', 'DIFF');
    if (isTxnZxid(committed)) this.play(committed);
    this.#produce(last('PROPOSAL'));
  }

  /** Our UPTODATE follows NEWLEADER's ACK in the same step: what was sent between the two comes first. */
  #beforeUpToDate(learner: Learner): void {
    const { messages } = learner.connection;
    const end = messages.findIndex(({ kind }, index) => index >= learner.next && kind === 'UPTODATE');
    if (end < 0) return;
    for (const message of messages.slice(learner.next, end)) {
      if (message.dir === '<') this.#message(learner, message);
    }
  }

  /** A request becomes a txn at once: at the time that the captured one has. */
  #setTime(message: CapturedMessage): void {
    const { sessionId, cxid, opCode } = message.decoded;
    if (opCode === OpCode.sync) return;
    const id = BigInt(sessionId as string);
    for (const txn of this.#txns.values()) {
      const { idHigh, idLow, cxid: theirs, timeMs } = headerOf(txn);
      if (txn.zxid <= this.member.disk.lastZxid || theirs !== cxid) continue;
      if (BigInt.asUintN(64, (BigInt(idHigh) << 32n) | BigInt(idLow >>> 0)) !== id) continue;
      this.member.wallMs = timeMs;
      return;
    }
    assert.fail(`request ${cxid} of ${sessionId} has a txn`);
  }

  // Txns.

  /** Has the leader propose everything up to `zxid`. */
  #produce(zxid: number): void {
    const { member } = this;
    for (let next = this.#nextZxid; next <= zxid; next++) {
      const txn = this.#txns.get(next);
      assert.ok(txn !== undefined, `there is a txn 0x${next.toString(16)}`);
      this.#cause(txn);
      this.#pump();
      assert.equal(member.disk.lastZxid, next, `0x${next.toString(16)} has been proposed`);
    }
  }

  #cause(txn: LoggedTxn): void {
    const { member } = this;
    const { idHigh, idLow, cxid, timeMs, type } = headerOf(txn);
    member.wallMs = timeMs;
    if (type === OpCode.deleteContainer || (type === OpCode.closeSession && cxid === 0)) {
      this.#waitFor(txn.zxid);
      return;
    }
    const { opcode, body } = this.#requests.get(txn.zxid) ?? requestOf(txn);
    const server = idHigh >>> 24 === 0 ? this.#nobodys : idHigh >>> 24;
    if (server !== member.sid) {
      const standIn = this.#standIns.find(({ sid }) => sid === server);
      assert.ok(standIn !== undefined, `0x${txn.zxid.toString(16)} was asked for by server ${server}`);
      standIn.request(idHigh, idLow, cxid, opcode, body, opcode !== OpCode.createSession);
      return;
    }
    const key = `${idHigh}:${idLow}`;
    if (opcode === OpCode.createSession) {
      const client = member.open();
      this.#clients.set(key, client);
      client.handshake({ timeOut: new DataView(body.buffer, body.byteOffset).getInt32(0) });
      return;
    }
    const client = this.#clients.get(key);
    assert.ok(client !== undefined, `the leader has a client with session ${key}`);
    client.expect(OP_NAMES.get(opcode) as RequestName, cxid);
    client.send(rawRequest(cxid, opcode, body));
  }

  /** Something that the leader does of its own accord: a session expires, a container has had its time. */
  #waitFor(zxid: number): void {
    for (let turns = 0; turns < 60 && this.member.disk.lastZxid < zxid; turns++) {
      this.member.pass(1000);
      this.#pump();
    }
  }

  /** A quorum has everything up to `zxid` on its disks: this server and all that were not captured. */
  #commit(zxid: number): void {
    this.member.durable(zxid);
    for (const standIn of this.#standIns) if (!standIn.link.closed) standIn.acknowledge(zxid);
    this.#pump();
  }

  /** The next ping is due. */
  #ping(learner: Learner, message: CapturedMessage): void {
    if (learner.pings.length === 0) {
      this.member.pass(1000);
      this.#pump();
    }
    // Ours go at other times; the newest one is compared.
    const ours = learner.pings.splice(0).at(-1);
    assert.ok(ours !== undefined, 'our leader pings');
    const zxid = zxidOf(message);
    if (!isTxnZxid(zxid) && zxid > 0) {
      assert.ok(ours.zxid < zxid);
      this.differences.pingsBeforeFirstTxn++;
    } else assert.ok(ours.zxid <= zxid, 'pings carry the last proposal');
  }

  /** Our leader answers a sync, and says that a session is gone, when its voters have answered a ping: they do, beside what was captured. */
  #confirm(): void {
    this.#pump();
    for (const learner of this.#learners) {
      for (const { zxid } of learner.pings.splice(0)) {
        const out = new Writer(32);
        writePacket(out, QuorumPacketType.ping, zxid, new Uint8Array(0));
        this.#feed(learner, out.toBytes());
      }
    }
  }

  // Comparing.

  #compare(learner: Learner): void {
    assert.ok(learner.stream.isWhole, 'nothing is half sent');
    const expected = this.#expected(learner.connection);
    if (this.#emptyDiffFor.includes(learner.connection)) {
      const diff = learner.sent.findIndex(({ type }) => type === QuorumPacketType.diff);
      assert.equal(learner.sent[diff]?.zxid, 0);
      learner.sent.splice(diff, 1);
      this.differences.emptyDiffs++;
    }
    assertCommitsBehindProposals(learner.sent);
    const ours = learner.sent.filter(({ state }) => state === null).map(({ bytes, zxid }) => this.#shape(bytes, zxid));
    assert.deepEqual(
      ours.filter((text) => text !== ''),
      expected,
    );
  }

  /** The captured stream, pings and states apart, with outstanding proposals behind NEWLEADER. */
  #expected(connection: CapturedConnection): string[] {
    const messages = connection.messages.filter(
      ({ dir, kind }) => dir === '<' && !['PING', 'FIN', 'SNAP', 'SNAPSHOT_STREAM'].includes(kind),
    );
    const end = messages.findIndex(({ kind }) => kind === 'NEWLEADER');
    if (end > 0) {
      const committed = new Set(
        messages
          .slice(0, end)
          .filter(({ kind }) => kind === 'COMMIT')
          .map(zxidOf),
      );
      const moved = messages
        .slice(0, end)
        .filter((message) => message.kind === 'PROPOSAL' && !committed.has(zxidOf(message)));
      this.differences.outstandingMovedBehind += moved.length;
      const kept = messages.filter((message) => !moved.includes(message));
      kept.splice(kept.findIndex(({ kind }) => kind === 'NEWLEADER') + 1, 0, ...moved);
      return kept.map((message) => this.#shape(fromHex(message.hex), zxidOf(message)));
    }
    return messages.map((message) => this.#shape(fromHex(message.hex), zxidOf(message)));
  }

  /** A packet as text; of made-up txns only what the capture can know: that it is this txn, without a digest. */
  #shape(bytes: Uint8Array, zxid: number): string {
    const isTxn = bytes.length > HEADER_BYTES && isTxnZxid(zxid);
    if (!isTxn || !this.#madeUp.has(zxid)) return toHex(bytes);
    const txn = this.#txns.get(zxid) as LoggedTxn;
    const at = bytes[3] === QuorumPacketType.informAndActivate ? 24 : 16;
    const length = lengthWithoutDigest(txn);
    return `${bytes[3]} ${toHex(bytes.subarray(at, at + length))}`;
  }

  /** The states that a learner was sent. */
  states(connection: CapturedConnection): Sent[] {
    const learner = this.#learners.find((one) => one.connection === connection) as Learner;
    return learner.sent.filter(({ state }) => state !== null);
  }
}

/** 3.8.0 throws on a COMMIT behind NEWLEADER whose PROPOSAL came before it (15.1.2): ours never sends such a thing. */
function assertCommitsBehindProposals(sent: readonly Sent[]): void {
  const end = sent.findIndex(({ type }) => type === QuorumPacketType.newLeader);
  if (end < 0) return;
  const proposed = new Set<number>();
  for (const { type, zxid } of sent.slice(end)) {
    if (type === QuorumPacketType.proposal) proposed.add(zxid);
    else if (type === QuorumPacketType.commit) assert.ok(proposed.has(zxid), `COMMIT ${zxid} behind its PROPOSAL`);
  }
}

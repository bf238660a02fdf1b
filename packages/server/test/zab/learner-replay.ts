import assert from 'node:assert/strict';
import {
  apacheSessionPassword,
  OpCode,
  QuorumPacketType,
  type RequestName,
  SESSION_PASSWORD_BYTES,
  Writer,
  writePacket,
} from '@headkeeper/protocol';
import { type RawClient, rawRequest } from '@headkeeper/testkit';
import {
  type CapturedConnection,
  type CapturedMessage,
  epochOf,
  fromHex,
  isTxnZxid,
  toHex,
  zxidOf,
} from './captures.ts';
import { type Cutting, WHOLE } from './cutting.ts';
import type { MemberHarness } from './member-harness.ts';
import type { SentPacket, TestLink } from './test-link.ts';

const CLIENT_PING_XID = -2;
/** Epoch 0, and no promise, of a server whose log is empty. */
const BLANK_ACK_EPOCH = '0000001200000000000000000000000400000000ffffffff';
const NOT_COUNTED_ACK_EPOCH = '00000012000000000000000000000004ffffffffffffffff';
/** Credentials of the captured client. */
const SUPER_AUTH = { type: 0, scheme: 'digest', auth: new TextEncoder().encode('super:secret') };
const ALICE_AUTH = { type: 0, scheme: 'digest', auth: new TextEncoder().encode('alice:pw') };

/** Where our learner may answer otherwise than the captured one, and how often it did. */
export interface Differences {
  /**
   * Releases before 3.9.3 acknowledge the txns of the initial history one by one behind UPTODATE (15.1.4); ours, as later
   * ones, acknowledges them by its ACK of NEWLEADER, and logs them before that.
   */
  initialAcksLeftOut: number;
  /**
   * A txn proposed before NEWLEADER and committed behind it is on our disk before NEWLEADER is acknowledged, and its own ACK
   * follows at once: 3.9.5 keeps such txns until UPTODATE (6.3).
   */
  earlyAcks: number;
  /**
   * A server without any history that comes to others who have some may have lost its own: it says in ACKEPOCH that it is not
   * to be counted, where Apache's says epoch 0.
   */
  blankNotCounted: number;
  /**
   * Releases that apply the initial history only behind UPTODATE take the sessions made in it for sessions just heard of. The
   * leader, which made them, knows better.
   */
  initialSessionsNotTouched: number;
}

export const NO_DIFFERENCES: Differences = {
  initialAcksLeftOut: 0,
  earlyAcks: 0,
  blankNotCounted: 0,
  initialSessionsNotTouched: 0,
};

/**
 * Plays a captured leader to our learner, byte for byte and in the captured order, and checks each answer where it was
 * captured. Clients, and the disk, do what makes the captured learner's packets: so each of ours must come at the same place.
 */
export class LearnerReplay {
  readonly member: MemberHarness;
  readonly differences: Differences = { ...NO_DIFFERENCES };
  readonly #cut: Cutting;
  readonly #clients: Map<string, RawClient> = new Map();
  #link: TestLink | null = null;
  #connection: CapturedConnection | null = null;
  #got: SentPacket[] = [];
  #early: Set<number> = new Set();
  /** Last zxid committed before NEWLEADER. */
  #initialZxid = 0;
  #newLeaderSeen = false;
  #acksOfEpoch = 0;

  constructor(member: MemberHarness, cut: Cutting = WHOLE) {
    this.member = member;
    this.#cut = cut;
    member.autoDurable = false;
    member.autoStorage = false;
  }

  /** A client of the replayed server, by the id of its session in the capture. */
  client(sessionId: string): RawClient {
    const client = this.#clients.get(sessionId);
    assert.ok(client !== undefined, `there is a client with session ${sessionId}`);
    return client;
  }

  get link(): TestLink {
    return this.#link as TestLink;
  }

  /** Brings a learner to serve whose handshake is not in the capture: an empty DIFF in the epoch of its txns. */
  handshake(epoch: number, config: string): void {
    const link = this.member.accept();
    this.#link = link;
    const out = new Writer(256);
    const packets: [number, number, Uint8Array | null][] = [
      [QuorumPacketType.leaderInfo, epoch * 2 ** 32, fromHex('00010000')],
      [QuorumPacketType.diff, this.member.disk.lastZxid, null],
      [QuorumPacketType.newLeader, epoch * 2 ** 32, new TextEncoder().encode(config)],
      [QuorumPacketType.upToDate, -1, null],
    ];
    for (const [type, zxid, data] of packets) writePacket(out, type, zxid, data);
    this.member.feed(link, out.toBytes());
    const types = link.take().map(({ type }) => type);
    const { followerInfo, ackEpoch, ack } = QuorumPacketType;
    assert.deepEqual(types, [followerInfo, ackEpoch, ack, ack]);
    this.#newLeaderSeen = true;
    this.#acksOfEpoch = 2;
  }

  /** A client comes with a session that it had before the capture; the leader knows it. */
  attach(sessionId: string, timeoutMs = 30_000): void {
    this.#revalidateSession(sessionId, timeoutMs);
    const [question] = this.link.take();
    assert.equal(question?.type, QuorumPacketType.revalidate);
    const out = new Writer(64);
    const valid = new Uint8Array(Buffer.concat([(question.data as Uint8Array).subarray(0, 8), fromHex('01')]));
    writePacket(out, QuorumPacketType.revalidate, question.zxid, valid);
    this.member.feed(this.link, out.toBytes());
  }

  /** Replays the messages of a connection. */
  run(connection: CapturedConnection): void {
    this.#connection = connection;
    if (connection.begunBeforeCapture !== true) {
      // Who was told of another part connects once its log is on the disk.
      this.member.durable();
      this.#link = this.member.accept();
      this.#newLeaderSeen = false;
      this.#acksOfEpoch = 0;
      this.#early.clear();
      this.#initialZxid = this.member.disk.lastZxid;
    }
    const { messages } = connection;
    let stream: Uint8Array[] = [];
    const flush = (): void => {
      if (stream.length > 0) this.#feed(new Uint8Array(Buffer.concat(stream)));
      stream = [];
    };
    messages.forEach((message, index) => {
      if (message.kind === 'FIN') return;
      if (message.dir === '>') {
        flush();
        this.#answered(message, index);
        return;
      }
      // What clients do before a ping is told by the answer to it.
      if (message.kind === 'PING') {
        flush();
        this.#touch(messages.slice(index).find(({ dir, kind }) => dir === '>' && kind === 'PING'));
      }
      this.#note(message);
      stream.push(fromHex(message.hex));
    });
    flush();
    this.#collect();
  }

  /** What was sent beyond what the capture has; the captured learner may have gone earlier. */
  rest(): SentPacket[] {
    return this.#got.splice(0);
  }

  /** What of the leader's packets the checks need to know. */
  #note(message: CapturedMessage): void {
    const zxid = zxidOf(message);
    switch (message.kind) {
      case 'COMMIT':
      case 'INFORM':
        if (!this.#newLeaderSeen) this.#initialZxid = zxid;
        return;
      case 'SNAP':
      case 'TRUNC':
        this.#initialZxid = zxid;
        return;
      case 'NEWLEADER':
        this.#newLeaderSeen = true;
        return;
      default:
        return;
    }
  }

  #feed(bytes: Uint8Array): void {
    for (const piece of this.#cut(bytes)) {
      if (this.link.closed) return;
      this.member.feed(this.link, piece);
    }
  }

  #collect(): void {
    this.#got.push(...this.link.take());
  }

  #next(what: string): SentPacket {
    this.#collect();
    const packet = this.#got.shift();
    assert.ok(packet !== undefined, `our learner sends ${what}; notes: ${this.member.notes.slice(-3).join(' | ')}`);
    return packet;
  }

  #answered(message: CapturedMessage, index: number): void {
    switch (message.kind) {
      case 'ACK':
        this.#ack(message, index);
        return;
      case 'REQUEST':
        this.#request(message);
        break;
      case 'REVALIDATE':
        this.#revalidate(message);
        break;
      default:
        break;
    }
    const packet = this.#next(`${message.kind} (message ${index})`);
    if (message.kind === 'REQUEST') this.#sameRequest(packet, message);
    else if (message.kind === 'PING') this.#samePing(packet, message);
    else if (message.kind === 'ACKEPOCH') this.#sameAckEpoch(packet, message);
    else if (message.kind === 'FOLLOWERINFO') assert.equal(toHex(packet.bytes), marked(message.hex));
    else assert.equal(toHex(packet.bytes), message.hex, `${message.kind} (message ${index})`);
  }

  #ack(message: CapturedMessage, index: number): void {
    const zxid = zxidOf(message);
    if (isTxnZxid(zxid)) {
      if (this.#early.delete(zxid)) return;
      if (zxid <= this.#initialZxid) {
        this.differences.initialAcksLeftOut++;
        return;
      }
      this.member.durable(zxid);
    } else if (this.#acksOfEpoch++ === 0) {
      const history = this.#appendedBeforeNewLeader(index);
      this.#collect();
      const isWaiting = this.member.isStorageBusy || history > this.member.disk.durableZxid;
      assert.equal(this.#got.length, isWaiting ? 0 : 1, 'NEWLEADER is acknowledged once the disk has its history');
      this.member.runStorage();
      this.member.durable(history);
    }
    for (;;) {
      const packet = this.#next(`${message.kind} of 0x${zxid.toString(16)} (message ${index})`);
      if (toHex(packet.bytes) === message.hex) return;
      this.#admitEarly(packet, `message ${index}`);
    }
  }

  #admitEarly(packet: SentPacket, where: string): void {
    const isEarly = packet.type === QuorumPacketType.ack && isTxnZxid(packet.zxid) && packet.zxid > this.#initialZxid;
    assert.ok(isEarly && packet.zxid <= this.member.disk.durableZxid, `${toHex(packet.bytes)} at ${where}`);
    this.#early.add(packet.zxid);
    this.differences.earlyAcks++;
  }

  /** The last txn that came before NEWLEADER in front of message `index`. */
  #appendedBeforeNewLeader(index: number): number {
    const { messages } = this.#connection as CapturedConnection;
    const end = messages.findIndex(({ kind }) => kind === 'NEWLEADER');
    assert.ok(end >= 0 && end < index);
    const proposed = messages.slice(0, end).filter(({ kind }) => kind === 'PROPOSAL' || kind === 'INFORM');
    return proposed.length === 0 ? 0 : zxidOf(proposed.at(-1) as CapturedMessage);
  }

  // Clients.

  #touch(answer: CapturedMessage | undefined): void {
    for (const { sessionId } of answer?.decoded.touches ?? []) {
      const client = this.#clients.get(sessionId);
      if (client === undefined || client.closed) continue;
      client.expect('ping', CLIENT_PING_XID);
      client.send(rawRequest(CLIENT_PING_XID, OpCode.ping));
    }
  }

  #request(message: CapturedMessage): void {
    const { sessionId, opCode, cxid, op, requestHex, authinfo } = message.decoded;
    const id = sessionId as string;
    const body = fromHex(requestHex as string);
    if (opCode === OpCode.createSession) {
      const client = this.member.open();
      this.#clients.set(id, client);
      client.handshake({ timeOut: new DataView(body.buffer).getInt32(0) });
      return;
    }
    const client = this.client(id);
    for (const { scheme, id: who } of authinfo ?? []) {
      const auth = scheme === 'super' ? SUPER_AUTH : who.startsWith('alice:') ? ALICE_AUTH : null;
      if (auth === null || this.#authenticated.has(`${id} ${scheme}`)) continue;
      this.#authenticated.add(`${id} ${scheme}`);
      client.must('auth', auth);
    }
    client.expect(op as RequestName, cxid as number);
    client.send(rawRequest(cxid as number, opCode as number, body));
  }

  /** Sessions and schemes for which a client has given its credentials. */
  readonly #authenticated: Set<string> = new Set();

  /** A client comes with a session that it has had on another server, or that nobody knows. */
  #revalidate(message: CapturedMessage): void {
    const { sessionId, timeout } = message.decoded;
    this.#revalidateSession(sessionId as string, timeout as number);
  }

  #revalidateSession(sessionId: string, timeoutMs: number): void {
    const id = BigInt(sessionId);
    const client = this.member.open();
    this.#clients.set(sessionId, client);
    const passwd = new Uint8Array(SESSION_PASSWORD_BYTES);
    apacheSessionPassword(Number(id >> 32n), Number(id & 0xffffffffn), passwd, 0);
    client.handshake({ sessionId: id, passwd, timeOut: timeoutMs });
  }

  // Comparing.

  #sameAckEpoch(packet: SentPacket, message: CapturedMessage): void {
    const isBlank = message.hex === BLANK_ACK_EPOCH && toHex(packet.bytes) === NOT_COUNTED_ACK_EPOCH;
    if (isBlank) this.differences.blankNotCounted++;
    else assert.equal(toHex(packet.bytes), message.hex, 'ACKEPOCH');
    assert.equal(this.member.epochs.accepted, epochOf(this.#leadersEpoch()), 'the epoch is promised before ACKEPOCH');
  }

  #leadersEpoch(): number {
    const { messages } = this.#connection as CapturedConnection;
    return zxidOf(messages.find(({ kind }) => kind === 'LEADERINFO') as CapturedMessage);
  }

  #isOfInitialHistory(sessionId: string): boolean {
    const { messages } = this.#connection as CapturedConnection;
    const created = messages.find(
      ({ decoded }) => decoded.txn?.header.type === OpCode.createSession && decoded.txn.header.clientId === sessionId,
    );
    const end = messages.find(({ kind }) => kind === 'NEWLEADER');
    return created !== undefined && end !== undefined && messages.indexOf(created) < messages.indexOf(end);
  }

  /** The order of identities and of touched sessions says nothing. */
  #sameRequest(packet: SentPacket, message: CapturedMessage): void {
    assert.equal(packet.type, QuorumPacketType.request);
    assert.equal(packet.zxid, -1);
    const { authinfo } = message.decoded;
    const dataLength = new DataView(fromHex(message.hex).buffer).getInt32(12);
    assert.equal(toHex(packet.data as Uint8Array), message.hex.slice(32, 32 + dataLength * 2));
    const listed = (list: readonly { scheme: string; id: string }[] | null | undefined): string[] | null =>
      list === null || list === undefined ? null : list.map(({ scheme, id }) => `${scheme}:${id}`).sort();
    assert.deepEqual(listed(packet.identities), listed(authinfo));
  }

  #samePing(packet: SentPacket, message: CapturedMessage): void {
    assert.equal(packet.type, QuorumPacketType.ping);
    assert.equal(packet.zxid, zxidOf(message));
    assert.ok(packet.data !== null, 'an answer to a ping has data');
    const view = new DataView(packet.data.buffer, packet.data.byteOffset, packet.data.byteLength);
    const touches: string[] = [];
    for (let at = 0; at < view.byteLength; at += 12) touches.push(`${view.getBigInt64(at)} ${view.getInt32(at + 8)}`);
    const captured = message.decoded.touches ?? [];
    const expected = captured
      .filter(({ sessionId }) => !this.#isOfInitialHistory(sessionId))
      .map(({ sessionId, timeout }) => `${BigInt(sessionId)} ${timeout}`);
    this.differences.initialSessionsNotTouched += captured.length - expected.length;
    assert.deepEqual(touches.sort(), expected.sort(), 'the sessions heard of since the last ping');
  }
}

/** Wall time at which a server must start so that its first session has this id. */
export function startOf(sessionId: string, near = 1_795_000_000_000): number {
  const wanted = Number((BigInt(sessionId) >> 16n) & 0xffffffffffn);
  const round = 2 ** 40;
  const base = Math.floor(near / round) * round + wanted;
  return base > near ? base : base + round;
}

/** A captured greeting as ours is: its data ends with the mark of a follower that takes ACKs and COMMITs in groups. */
function marked(hex: string): string {
  const mark = '484b0001';
  const lengthAt = 24;
  const length = Number.parseInt(hex.slice(lengthAt, lengthAt + 8), 16);
  const dataAt = lengthAt + 8;
  const dataEnd = dataAt + 2 * length;
  const longer = (length + mark.length / 2).toString(16).padStart(8, '0');
  return hex.slice(0, lengthAt) + longer + hex.slice(dataAt, dataEnd) + mark + hex.slice(dataEnd);
}

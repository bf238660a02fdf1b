import { beginPacket, endPacket, QuorumPacketType, Writer, writePacket } from '@headkeeper/protocol';
import { LeaderStream, type Sent } from './leader-stream.ts';
import type { MemberHarness } from './member-harness.ts';
import type { TestLink } from './test-link.ts';

const TWO_32 = 4294967296;
const PROTOCOL_VERSION = 0x10000;
/** At the end of a greeting, and of LEADERINFO. */
export const GROUPING_MARK = 0x484b0001;

export interface StandInOptions {
  readonly sid: number;
  /** What it has accepted, and what its log ends with. */
  readonly epoch: number;
  readonly lastZxid: number;
  readonly configVersion?: number;
  /** The epoch that its history is of, if it is not the one that it has accepted. */
  readonly currentEpoch?: number;
  readonly observer?: boolean;
  /** Whether it says that one ACK or COMMIT stands for many txns, and acknowledges so. */
  readonly grouping?: boolean;
  /** Whether it waits with its ACK of NEWLEADER until `acknowledgeLeader`. */
  readonly slow?: boolean;
}

/** A learner made of nothing but the rules: it brings a leader to lead, and acknowledges when a test says so. */
export class StandIn {
  readonly sid: number;
  readonly link: TestLink;
  /** What the leader has sent it, but for pings. */
  readonly received: Sent[] = [];
  readonly #member: MemberHarness;
  readonly #stream: LeaderStream;
  readonly #options: StandInOptions;
  ackedZxid: number;
  isUpToDate = false;

  constructor(member: MemberHarness, options: StandInOptions) {
    this.sid = options.sid;
    this.#member = member;
    this.#options = options;
    this.#stream = new LeaderStream(member.core);
    this.ackedZxid = options.lastZxid;
    this.link = member.learner();
    const out = new Writer(64);
    const at = beginPacket(
      out,
      options.observer ? QuorumPacketType.observerInfo : QuorumPacketType.followerInfo,
      options.epoch * TWO_32,
    );
    out.long(options.sid);
    out.int(PROTOCOL_VERSION);
    out.long(options.configVersion ?? 0);
    if (options.grouping === true) out.int(GROUPING_MARK);
    endPacket(out, at);
    this.#send(out);
    this.pump();
  }

  /** Answers what the leader has sent, as far as it needs no disk. */
  pump(): void {
    if (this.link.closed) return;
    for (let news = this.#take(); news.length > 0; news = this.#take()) {
      for (const packet of news) if (!this.link.closed) this.#answer(packet);
    }
  }

  /** The leader's history is on its disk. */
  acknowledgeLeader(): void {
    this.#packet(QuorumPacketType.ack, this.#epochZxid);
    this.pump();
  }

  /** Everything up to `zxid` is on its disk. */
  acknowledge(zxid: number): void {
    this.pump();
    const first = this.#options.grouping === true ? Math.max(zxid, this.ackedZxid + 1) : this.ackedZxid + 1;
    for (let next = first; next <= zxid; next++) this.#packet(QuorumPacketType.ack, next);
    this.ackedZxid = Math.max(this.ackedZxid, zxid);
    this.pump();
  }

  /** A client of this server asks for something; null identities for what the server asks for itself. */
  request(idHigh: number, idLow: number, cxid: number, opcode: number, body: Uint8Array, isClients: boolean): void {
    const out = new Writer(256);
    const at = beginPacket(out, QuorumPacketType.request, -1);
    out.longHalves(idHigh, idLow);
    out.int(cxid);
    out.int(opcode);
    out.raw(body, 0, body.length);
    endPacket(out, at, isClients ? [{ scheme: 'ip', id: '127.0.0.1' }] : null);
    this.#send(out);
  }

  #take(): Sent[] {
    return this.#stream.push(this.link.takeBytes());
  }

  #answer(packet: Sent): void {
    const { type, zxid } = packet;
    if (type !== QuorumPacketType.ping) this.received.push(packet);
    switch (type) {
      case QuorumPacketType.leaderInfo: {
        const out = new Writer(32);
        const { epoch, lastZxid, currentEpoch } = this.#options;
        const at = beginPacket(out, QuorumPacketType.ackEpoch, lastZxid);
        out.int(zxid > epoch * TWO_32 ? (currentEpoch ?? epoch) : -1);
        endPacket(out, at);
        this.#send(out);
        return;
      }
      case QuorumPacketType.upToDate:
        this.isUpToDate = true;
        this.#packet(QuorumPacketType.ack, this.#epochZxid);
        return;
      case QuorumPacketType.newLeader:
        this.#epochZxid = zxid;
        // Its history up to here is on its disk with this.
        this.ackedZxid = Math.max(
          zxid,
          ...this.received.filter((p) => p.type === QuorumPacketType.proposal).map((p) => p.zxid),
        );
        if (this.#options.slow !== true) this.acknowledgeLeader();
        return;
      case QuorumPacketType.ping:
        this.#packet(QuorumPacketType.ping, zxid, new Uint8Array(0));
        return;
      default:
        return;
    }
  }

  #epochZxid = 0;

  #packet(type: number, zxid: number, data: Uint8Array | null = null): void {
    const out = new Writer(32);
    writePacket(out, type, zxid, data);
    this.#send(out);
  }

  #send(out: Writer): void {
    this.#member.feed(this.link, out.toBytes());
  }
}

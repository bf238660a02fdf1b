import {
  beginPacket,
  encodeUtf8,
  endPacket,
  QuorumPacketType,
  Writer,
  writePacket,
  zxidIn,
} from '@headkeeper/protocol';
import type { LearnerStatistics } from '../ensemble-statistics.ts';
import type { Membership } from '../membership/membership.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Proposal } from '../proposals.ts';
import type { CommittedLog } from './committed-log.ts';
import { writeGrouping } from './grouping.ts';

/**
 * - `info`: its FOLLOWERINFO or OBSERVERINFO is awaited. `epoch`: it waits for LEADERINFO, or its ACKEPOCH is awaited.
 * - `gate`: its history is known; a quorum of such is awaited.
 * - `disk`, `state`: it is being sent txns from the disk, or the whole state. `waiting`: for the state's turn.
 * - `newLeader`: everything was sent, its ACK of NEWLEADER is awaited; live packets follow behind.
 * - `synced`: it has everything; the leader is to be established. `live`: UPTODATE was sent.
 */
export type LearnerStage = 'info' | 'epoch' | 'gate' | 'disk' | 'waiting' | 'state' | 'newLeader' | 'synced' | 'live';

/**
 * Zxid of what a learner says before its answer to a ping, when it has heard of more sessions than one packet holds (known
 * failure X17). It is no answer; to Apache's leader, which looks at no zxid here, it is one more.
 */
export const MORE_SESSIONS = -1;

/** What a leader knows of one connected learner, and how it talks to it. */
export class LearnerHandler {
  readonly link: PeerLink;
  stage: LearnerStage = 'info';
  sid = -1;
  isObserver = false;
  /** Whether LEADERINFO has been sent. */
  informed = false;
  /** The last zxid in its log, from ACKEPOCH. */
  peerZxid = 0;
  /** The last txn that it has acknowledged, all before it included. */
  ackedZxid = 0;
  /** Oldest proposal that it has been sent and has not acknowledged, and since when; 0 for none. */
  unackedZxid = 0;
  unackedMs = 0;
  /** The last proposal that it has been sent. */
  sentZxid = 0;
  /** Pings sent and answered, for those who must know that this server still leads. */
  pings = 0;
  pongs = 0;
  /** Whether one ACK or COMMIT stands for many txns. */
  isGrouping = false;
  /** Committed txns that came while the state was being sent. */
  readonly queue: Writer = new Writer(256);
  /** Null until it has said who it is. */
  statistics: LearnerStatistics | null = null;
  /** Zxid behind which the txns from the disk go on. */
  diskZxid = 0;

  constructor(link: PeerLink) {
    this.link = link;
  }

  /** Whether it gets proposals and commits as they come. */
  get isForwarding(): boolean {
    return this.stage === 'newLeader' || this.stage === 'synced' || this.stage === 'live';
  }

  get name(): string {
    return `${this.isObserver ? 'observer' : 'follower'} ${this.sid}`;
  }

  proposal({ zxid, buffer, start, end }: Proposal, nowMs: number): void {
    const { bytes } = (buffer as NonNullable<Proposal['buffer']>).writer;
    writePacket(this.link.out, QuorumPacketType.proposal, zxid, bytes, start, end);
    this.proposed(zxid, zxid, nowMs);
  }

  /** The proposals `first` to `last` have been written. */
  proposed(first: number, last: number, nowMs: number): void {
    this.sentZxid = last;
    if (this.unackedZxid === 0) {
      this.unackedZxid = first;
      this.unackedMs = nowMs;
    }
    this.statistics?.unacknowledged.add(last - this.unackedZxid + 1);
  }

  /** It has said who it is. */
  know(sid: number, statistics: LearnerStatistics): void {
    this.sid = sid;
    this.statistics = statistics;
    this.link.sendDelay = statistics.sendDelay;
  }

  /** `proposal`: what it acknowledges, unless that is applied here already. */
  acknowledged(zxid: number, nowMs: number, proposal: Proposal | null): void {
    if (proposal !== null) this.statistics?.ackLatency.add(nowMs - proposal.arrivedMs);
    if (zxid > this.ackedZxid) this.ackedZxid = zxid;
    if (this.unackedZxid === 0 || zxid < this.unackedZxid) return;
    this.unackedZxid = zxid < this.sentZxid ? zxid + 1 : 0;
    this.unackedMs = nowMs;
  }

  /** A txn of the committed history, as a learner gets it while it is brought up to date. */
  committed(out: Writer, zxid: number, bytes: Uint8Array, start: number, end: number): void {
    writePacket(out, QuorumPacketType.proposal, zxid, bytes, start, end);
    writePacket(out, QuorumPacketType.commit, zxid);
  }

  /** The txns of the window behind `zxid`. */
  history(out: Writer, window: CommittedLog, zxid: number): void {
    for (let i = window.indexAfter(zxid); i < window.size; i++) {
      this.committed(out, window.zxidAt(i), window.bytes, window.startAt(i), window.endAt(i));
    }
  }

  ping(zxid: number): void {
    this.pings++;
    writePacket(this.link.out, QuorumPacketType.ping, zxid);
  }

  leaderInfo(epoch: number, version: number): void {
    const { out } = this.link;
    const at = beginPacket(out, QuorumPacketType.leaderInfo, zxidIn(epoch, 0));
    out.int(version);
    if (this.isGrouping) writeGrouping(out);
    endPacket(out, at);
    this.link.needsAcceptedEpoch = epoch;
    this.informed = true;
  }

  /** A committed txn goes out: with it to observers, without it to followers, who have it. `designated`: it is a reconfig. */
  commit(proposal: Proposal, designated: number | null): void {
    const { bytes } = (proposal.buffer as NonNullable<Proposal['buffer']>).writer;
    const { zxid, start, end } = proposal;
    if (this.stage === 'state') this.committed(this.queue, zxid, bytes, start, end);
    if (!this.isForwarding) return;
    const { out } = this.link;
    if (designated !== null) {
      const { commitAndActivate, informAndActivate } = QuorumPacketType;
      const at = beginPacket(out, this.isObserver ? informAndActivate : commitAndActivate, zxid);
      out.long(designated);
      if (this.isObserver) out.raw(bytes, start, end);
      endPacket(out, at);
    } else if (this.isObserver) writePacket(out, QuorumPacketType.inform, zxid, bytes, start, end);
    else writePacket(out, QuorumPacketType.commit, zxid);
  }

  /** The end of the history, with the membership in force. */
  newLeader(epoch: number, membership: Membership): void {
    const { out } = this.link;
    const at = beginPacket(out, QuorumPacketType.newLeader, zxidIn(epoch, 0));
    out.raw(encodeUtf8(membership.toText()));
    endPacket(out, at);
    this.link.needsCurrentEpoch = epoch;
    this.stage = 'newLeader';
  }

  /** Why it has to be given up, or null: it is silent, or does not acknowledge. Before UPTODATE it owes no answer to pings. */
  overdue(nowMs: number, initialMs: number, silentMs: number): string | null {
    const silence = nowMs - this.link.lastHeardMs;
    if (silence > (this.stage === 'live' ? silentMs : initialMs)) return `nothing was heard for ${silence} ms`;
    const waits = this.stage === 'live' && this.unackedZxid > 0 && nowMs - this.unackedMs > silentMs;
    return waits ? 'it does not acknowledge proposals' : null;
  }
}

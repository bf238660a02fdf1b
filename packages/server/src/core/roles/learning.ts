import {
  beginPacket,
  counterOf,
  endPacket,
  epochOf,
  JuteError,
  QuorumPacketType,
  writePacket,
  zxidIn,
} from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { LogRecords } from '../../ports.ts';
import type { Database } from '../database.ts';
import { TXN_HEADER_BYTES, timeOfBody, zxidOfBody } from '../log/record-codec.ts';
import { longAt, type PeerLink } from '../peer-link.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Stage } from '../stage.ts';
import { readsGrouping } from '../zab/grouping.ts';
import { writeGreeting } from '../zab/learner-greeting.ts';
import { Forwarding } from './forwarding.ts';
import { LearnedMembership } from './learned-membership.ts';
import { ObserverHost } from './observer-host.ts';
import type { Role } from './role.ts';
import { StateInstall } from './state-install.ts';

/** Offset of the txn's type in its header. */
const TXN_TYPE_AT = 28;
const RECONFIG = 16;
/** A promise made before is not a new one (quorum-protocol reference, 4.1), and neither counts one that has forgotten. */
const NOT_COUNTED = -1;
/** Pauses before a leader is tried again that does not listen yet, and one that was designated and does not know it yet. */
const RETRY_MS = 10;
/** How long a leader that votes do not reach any more, and that has not said anything yet, is waited for. */
const LOST_MS = 100;
const RECONNECT_MS = 20;

/**
 * - `connecting`, `discovery`: until the leader's epoch is accepted.
 * - `opening`: waits for DIFF, TRUNC or SNAP.
 * - `state`: a snapshot is coming in. `storage`: the disk is being brought to where the leader wants it.
 * - `syncing`: the leader's history is coming in.
 * - `persisting`: NEWLEADER has come; everything before it is on its way to the disk. `acknowledged`: it is there.
 * - `serving`: UPTODATE has come.
 */
type Phase =
  | 'connecting'
  | 'discovery'
  | 'opening'
  | 'state'
  | 'storage'
  | 'syncing'
  | 'persisting'
  | 'acknowledged'
  | 'serving';

/**
 * Learns from a leader: accepts its epoch, takes over its history, then logs what it proposes and applies what it commits
 * (quorum-protocol reference, 4.1, 6, 8.2 and 8.3). Followers and observers; the difference is in what they acknowledge.
 */
export class Learning implements Role {
  readonly name: 'following' | 'observing';
  readonly #stage: Stage;
  readonly #pipeline: Pipeline;
  readonly #leader: number;
  readonly #learned: LearnedMembership;
  #phase: Phase = 'connecting';
  #link: PeerLink | null = null;
  #forwarding: Forwarding | null = null;
  #epoch = 0;
  /** Whether one ACK or COMMIT stands for many txns. */
  #isGrouping = false;
  /** Whether the leader was asked for the whole state. */
  #asksForWhole = false;
  /** Everything up to here is the leader's history, and so committed once the leader is established. */
  #initialZxid = 0;
  /** The last txn that the leader has said to be committed. */
  #committedZxid = 0;
  /** NEWLEADER is acknowledged once everything up to here is durable. */
  #newLeaderZxid = 0;
  /** The last txn acknowledged. */
  #ackedZxid = 0;
  /** The state that takes the place of this server's own, until it has. */
  #install: StateInstall | null = null;
  #deadlineMs = 0;
  /** Whether memory and disk have parted over an order that could not be carried out. */
  #isLost = false;
  #waitsForDisk = false;
  #host: ObserverHost | null = null;
  #connectedMs = 0;
  /** A leader may not listen or not know yet that it leads, and close what comes; so long it is tried again. */
  #persistsUntilMs = 0;
  #reconnectAtMs: number = Number.POSITIVE_INFINITY;

  constructor(stage: Stage, leader: number) {
    this.#stage = stage;
    this.#pipeline = stage.pipeline;
    this.#leader = leader;
    this.#persistsUntilMs = stage.nowMs + stage.settings.tickTimeMs;
    this.name = stage.isObserver ? 'observing' : 'following';
    this.#learned = new LearnedMembership(stage, leader, stage.isObserver);
  }

  get leader(): number {
    return this.#leader;
  }

  get stage(): Role['stage'] {
    if (this.#phase === 'serving') return 'broadcast';
    return this.#phase === 'connecting' || this.#phase === 'discovery' ? 'discovery' : 'synchronization';
  }

  get wakeAtMs(): number {
    return Math.min(this.#deadlineMs, this.#reconnectAtMs, this.#host?.wakeAtMs ?? Number.POSITIVE_INFINITY);
  }

  get isBehind(): boolean {
    return this.#forwarding?.isBehind ?? false;
  }

  get feeding(): readonly number[] {
    return this.#host?.feeding ?? [];
  }

  /** Observers that this follower serves in place of the leader; null when it serves none. */
  get hostedObservers(): number | null {
    return this.#host?.hosted ?? null;
  }

  get takesRaw(): boolean {
    return this.#phase === 'state';
  }

  start(): void {
    const { settings } = this.#stage;
    const endpoints = this.#learned.leaderEndpoints();
    if (endpoints.length === 0) {
      this.#stage.look(`the leader, server ${this.#leader}, is not in the membership`);
      return;
    }
    const timeoutMs = Math.min(1, settings.connectLimitTicks) * settings.tickTimeMs;
    this.#deadlineMs = this.#stage.nowMs + timeoutMs;
    // A designated leader is not waited for as an election is: what ACKEPOCH tells of may still be on its way to the disk.
    this.#waitsForDisk = this.#pipeline.durableZxid < this.#pipeline.appendedZxid;
    if (this.#waitsForDisk) return;
    this.#stage.connect = { endpoints, timeoutMs, retryMs: Math.min(RETRY_MS, settings.connectRetryDelayMs) };
  }

  wake(): void {
    this.#host?.wake();
    if (this.#stage.nowMs >= this.#reconnectAtMs) {
      this.#reconnectAtMs = Number.POSITIVE_INFINITY;
      this.start();
      return;
    }
    if (this.#stage.nowMs < this.#deadlineMs) return;
    // While the disk works the leader is not listened to.
    if (this.#phase === 'storage') this.#hear(this.#stage.settings.initLimitTicks);
    else this.#stage.look(`nothing was heard from the leader, server ${this.#leader}, in time (${this.#phase})`);
  }

  opened(link: PeerLink): void {
    if (link.kind !== 'leader' || this.#link !== null) {
      if (link.kind === 'learner' && this.#host !== null) this.#host.opened(link);
      else this.#stage.close(link);
      return;
    }
    const { epochs, committed, sid } = this.#stage;
    this.#link = link;
    this.#connectedMs = this.#stage.nowMs;
    this.#phase = 'discovery';
    writeGreeting(link.out, this.name === 'observing', epochs.accepted, sid, committed.version);
    this.#stage.send(link);
    this.#hear(this.#stage.settings.initLimitTicks);
  }

  disconnected(link: PeerLink): void {
    this.#host?.disconnected(link);
    if (link !== this.#link) return;
    const { nowMs } = this.#stage;
    if (this.#phase !== 'discovery' || nowMs >= this.#persistsUntilMs) {
      this.#stage.look(`the connection to the leader, server ${this.#leader}, broke`);
      return;
    }
    this.#connectAgain();
  }

  /**
   * The connection for votes with a server broke. If that is a leader that has not been reached yet, it may be gone; but
   * connections for votes are also replaced when both sides open one, so it gets a moment to answer (scenario E08).
   */
  voterLost(sid: number): void {
    const isReached = this.#phase !== 'connecting' && this.#phase !== 'discovery';
    if (sid === this.#leader && !isReached) this.#deadlineMs = Math.min(this.#deadlineMs, this.#stage.nowMs + LOST_MS);
  }

  unreachable(): void {
    if (this.#link === null) this.#stage.look(`the leader, server ${this.#leader}, cannot be reached`);
  }

  packet(link: PeerLink): void {
    if (link !== this.#link) {
      this.#host?.packet(link);
      return;
    }
    // What comes behind the packet over which the role ends, in the same piece, may rest on what was not taken in.
    if (this.#stage.lookReason !== null) return;
    const { packet } = link;
    const { syncLimitTicks, initLimitTicks } = this.#stage.settings;
    this.#hear(this.#phase === 'acknowledged' || this.#phase === 'serving' ? syncLimitTicks : initLimitTicks);
    switch (this.#phase) {
      case 'discovery':
        if (packet.type === QuorumPacketType.leaderInfo) {
          this.#isGrouping = readsGrouping(link.view, packet.dataStart + 4, packet.dataEnd);
          this.#accept(link, epochOf(packet.zxid));
        } else this.#unexpected(packet.type);
        return;
      case 'opening':
        this.#open(link);
        return;
      case 'syncing':
      case 'persisting':
      case 'acknowledged':
      case 'serving':
        this.#broadcast(link);
        return;
      default:
        this.#unexpected(packet.type);
    }
  }

  raw(bytes: Uint8Array): number {
    const install = this.#install as StateInstall;
    this.#hear(this.#stage.settings.initLimitTicks);
    const consumed = install.push(bytes);
    if (install.damage !== null) this.#stage.look(`the state that the leader sends is damaged: ${install.damage}`);
    else if (install.isWhole) this.#hold(this.#link as PeerLink);
    return consumed;
  }

  durable(): void {
    this.#host?.durable();
    if (this.#waitsForDisk) this.start();
    if (this.#phase === 'persisting') this.#acknowledgeLeader();
    if (this.#phase === 'acknowledged' || this.#phase === 'serving') this.#acknowledgeTxns();
  }

  flush(): void {
    this.#host?.flush();
    if (this.#phase === 'serving') this.#pipeline.clients.resumeStalled();
  }

  feedSlice(znodes: number): void {
    this.#host?.feedSlice(znodes);
  }

  logChunk(link: PeerLink, chunk: LogRecords | null): void {
    this.#host?.logChunk(link, chunk);
  }

  snapshotWritten(zxid: number): void {
    this.#host?.snapshotWritten();
    this.#install?.snapshotWritten(zxid);
  }

  storageDone(database: Database | null, unreachable: boolean): void {
    const link = this.#link;
    if (this.#phase !== 'storage' || link === null) return;
    if (unreachable) {
      this.#isLost = true;
      this.#stage.wholeWantedIn = this.#stage.epochs.current;
      this.#stage.look('the log cannot be cut to where the leader wants it: the whole state is needed');
      return;
    }
    if (this.#install !== null) {
      const next = this.#install.storageDone();
      if (next === 'nothing') this.#installed(link);
      else if (next === 'state') {
        this.#phase = 'state';
        this.#release(link);
      }
      return;
    }
    if (database !== null) this.#stage.adopt(database);
    this.#sync(link);
  }

  leave(): void {
    this.#forwarding?.end();
    this.#pipeline.snapshots.endFeed();
    this.#pipeline.claimer = null;
    this.#pipeline.onSessionCreated = () => {};
    // Memory and disk may have parted; the disk knows how to go back.
    if (this.#install !== null || this.#isLost || this.#stage.doubt.isTreeWrong) {
      this.#pipeline.snapshots.abandon();
      this.#stage.order('reload', 0, true);
    }
  }

  #hear(ticks: number): void {
    this.#deadlineMs = this.#stage.nowMs + ticks * this.#stage.settings.tickTimeMs;
  }

  #unexpected(type: number): void {
    this.#stage.look(`the leader sent a packet of type ${type} in phase ${this.#phase}`);
  }

  #accept(link: PeerLink, epoch: number): void {
    const { epochs, leastToFollow: least } = this.#stage;
    const { out } = link;
    if (epoch < least) {
      this.#stage.look(`the leader's epoch ${epoch} is older than ${least}, which this server has accepted`);
      return;
    }
    if (epoch > limits.largestEpoch) {
      this.#stage.look(`the leader's epoch ${epoch} is none that a server can reach`);
      return;
    }
    const isNew = epoch > epochs.accepted;
    if (isNew) this.#stage.acceptEpoch(epoch);
    this.#epoch = epoch;
    this.#phase = 'opening';
    // Who leads is measured by what voters have when they accept its epoch: only in one that is accepted may less be said.
    this.#asksForWhole = this.#stage.wantsWhole && !isNew;
    const lastZxid = this.#asksForWhole ? 0 : this.#pipeline.appendedZxid;
    const at = beginPacket(out, QuorumPacketType.ackEpoch, lastZxid);
    out.int(isNew && !this.#stage.mayHaveForgotten ? epochs.current : NOT_COUNTED);
    endPacket(out, at);
    link.needsAcceptedEpoch = epoch;
    link.needsZxid = Math.max(link.needsZxid, lastZxid);
    this.#stage.send(link);
  }

  #open(link: PeerLink): void {
    const { type, zxid } = link.packet;
    const { appendedZxid } = this.#pipeline;
    if (type === QuorumPacketType.diff) {
      this.#stage.note(`synchronising by DIFF from 0x${appendedZxid.toString(16)}`);
      // Who has asked for everything may be sent all txns there are: they are not to meet the history that was given up.
      if (this.#asksForWhole) this.#replace(link, 0, true);
      else if (this.#stage.doubt.isTreeWrong) this.#askForWhole(link);
      else this.#sync(link);
    } else if (type === QuorumPacketType.trunc) {
      this.#stage.note(`synchronising by TRUNC to 0x${zxid.toString(16)} from 0x${appendedZxid.toString(16)}`);
      this.#truncate(link, zxid);
    } else if (type === QuorumPacketType.snap) {
      this.#stage.note('synchronising by SNAP');
      this.#replace(link, zxid, false);
    } else this.#unexpected(type);
  }

  #truncate(link: PeerLink, zxid: number): void {
    const { appendedZxid, serving, proposals } = this.#pipeline;
    if (zxid > appendedZxid) {
      this.#stage.look(`the leader says TRUNC to 0x${zxid.toString(16)}, which lies beyond this server's log`);
      return;
    }
    this.#stage.clients.suspend(false);
    if (zxid === appendedZxid) {
      this.#sync(link);
      return;
    }
    if (this.#stage.wantsWhole) {
      this.#askForWhole(link);
      return;
    }
    // What is applied can only be taken back by reading the disk again.
    const reload = zxid < serving.lastZxid;
    if (reload) this.#pipeline.snapshots.abandon();
    else proposals.dropAfter(zxid);
    this.#pipeline.durableZxid = Math.min(this.#pipeline.durableZxid, zxid);
    // What ACKEPOCH told of the longer log has left.
    link.needsZxid = Math.min(link.needsZxid, zxid);
    this.#hold(link);
    this.#stage.order('truncate', zxid, reload);
  }

  /** The log cannot be cut, or the tree is wrong: by another connection to this leader, whose epoch is accepted now, it is asked for everything. */
  #askForWhole(link: PeerLink): void {
    if (this.#asksForWhole) this.#unexpected(QuorumPacketType.trunc);
    else {
      this.#stage.note('the whole state is asked for');
      this.#stage.close(link);
      this.#connectAgain();
    }
  }

  #connectAgain(): void {
    this.#link = null;
    this.#phase = 'connecting';
    this.#reconnectAtMs = this.#stage.nowMs + RECONNECT_MS;
  }

  #hold(link: PeerLink): void {
    link.held = true;
    this.#phase = 'storage';
  }

  /** The history up to the log's end is the leader's; what is missing follows. */
  #sync(link: PeerLink): void {
    this.#initialZxid = this.#pipeline.appendedZxid;
    this.#committedZxid = 0;
    this.#phase = 'syncing';
    this.#hear(this.#stage.settings.initLimitTicks);
    this.#release(link);
  }

  #release(link: PeerLink): void {
    if (!link.held) return;
    link.held = false;
    try {
      link.resume(this);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#stage.look(`the leader sent what cannot be read: ${error.message}`);
    }
  }

  /** A whole state takes the place of this server's. It counts once it is on the disk. */
  #replace(link: PeerLink, zxid: number, isEmpty: boolean): void {
    this.#hold(link);
    this.#install = new StateInstall(this.#stage, zxid, isEmpty);
  }

  #installed(link: PeerLink): void {
    this.#install = null;
    this.#stage.replaced();
    // Until NEWLEADER txns may meet their own effects.
    this.#pipeline.fuzzyUntil = Number.POSITIVE_INFINITY;
    this.#sync(link);
  }

  /** The leader's history, then its live stream: both arrive as proposals and commits. */
  #broadcast(link: PeerLink): void {
    const { packet } = link;
    switch (packet.type) {
      case QuorumPacketType.proposal:
        this.#propose(link, packet.dataStart, packet.dataEnd);
        return;
      case QuorumPacketType.commit:
        this.#commit(packet.zxid);
        return;
      case QuorumPacketType.inform:
        if (this.#propose(link, packet.dataStart, packet.dataEnd)) this.#commit(packet.zxid);
        return;
      case QuorumPacketType.commitAndActivate:
        if (packet.dataEnd - packet.dataStart < 8) this.#unexpected(packet.type);
        else this.#activate(packet.zxid, longAt(link.view, packet.dataStart));
        return;
      case QuorumPacketType.informAndActivate: {
        const { zxid } = packet;
        if (packet.dataEnd - packet.dataStart < 8) {
          this.#unexpected(packet.type);
          return;
        }
        const designated = longAt(link.view, packet.dataStart);
        if (this.#propose(link, packet.dataStart + 8, packet.dataEnd)) this.#activate(zxid, designated);
        return;
      }
      case QuorumPacketType.newLeader:
        this.#newLeader(link);
        return;
      case QuorumPacketType.upToDate:
        if (this.#phase === 'acknowledged') this.#upToDate(link);
        else this.#unexpected(packet.type);
        return;
      case QuorumPacketType.ping:
        this.#forwarding?.pong(packet.zxid);
        return;
      case QuorumPacketType.sync:
        this.#forwarding?.synced();
        return;
      case QuorumPacketType.revalidate:
        if (this.#forwarding?.revalidated() === false) this.#unexpected(packet.type);
        return;
      // Unknown packets are passed over in the steady state (quorum-protocol reference, 2).
      default:
    }
  }

  /** Takes a proposed txn in; false when the role ends over it. */
  #propose(link: PeerLink, start: number, end: number): boolean {
    const { proposals, appendedZxid } = this.#pipeline;
    const { view, bytes } = link;
    if (end - start < TXN_HEADER_BYTES) {
      this.#stage.look('the leader proposed something that is no txn');
      return false;
    }
    const zxid = zxidOfBody(view, start);
    // Repeated txns are in the log already.
    if (zxid <= appendedZxid) return true;
    const follows = zxid === appendedZxid + 1 || (counterOf(zxid) === 1 && epochOf(zxid) > epochOf(appendedZxid));
    if (!follows) {
      this.#stage.look(`the leader proposed 0x${zxid.toString(16)} behind 0x${appendedZxid.toString(16)}: a gap`);
      return false;
    }
    if (view.getInt32(start + TXN_TYPE_AT) === RECONFIG) this.#learned.propose(link, start, end);
    proposals.accept(bytes, view, start, end);
    this.#stage.statistics.proposalCame(this.#pipeline.serving.wallMs, timeOfBody(view, start));
    return true;
  }

  #commit(zxid: number, designated: number | null = null): void {
    const { proposals, serving } = this.#pipeline;
    if (zxid <= serving.lastZxid) return;
    if (zxid > proposals.lastZxid) {
      this.#stage.look(`the leader committed 0x${zxid.toString(16)}, which it has not proposed here`);
      return;
    }
    const next = proposals.oldest?.zxid ?? 0;
    if (this.#phase === 'serving' && (this.#isGrouping ? next > zxid : next !== zxid)) {
      this.#stage.look(`the leader committed 0x${zxid.toString(16)} out of order`);
      return;
    }
    this.#committedZxid = zxid;
    const count = proposals.indexAfter(zxid);
    this.#stage.statistics.commitsCame(proposals, count);
    for (let i = 0; this.#host !== null && i < count; i++) {
      this.#host.commit(proposals.at(i), i === count - 1 ? designated : null);
    }
    if (this.#phase === 'serving') this.#pipeline.applyInSlicesUpTo(zxid);
    else this.#pipeline.applyUpTo(zxid);
    if (this.#pipeline.isApplying) (this.#link as PeerLink).held = true;
  }

  /** What took long to apply is applied: what has come behind it goes on. */
  applied(): void {
    if (this.#phase === 'serving') this.#release(this.#link as PeerLink);
  }

  #newLeader(link: PeerLink): void {
    const { packet } = link;
    if (this.#phase !== 'syncing' || packet.zxid !== zxidIn(this.#epoch, 0)) {
      this.#unexpected(packet.type);
      return;
    }
    this.#learned.newLeader(link.bytes.subarray(packet.dataStart, packet.dataEnd));
    if (this.#pipeline.fuzzyUntil === Number.POSITIVE_INFINITY) this.#pipeline.fuzzyUntil = this.#pipeline.appendedZxid;
    this.#newLeaderZxid = this.#pipeline.appendedZxid;
    // What was not committed by now is acknowledged txn by txn: the leader waits for that, even if it commits it meanwhile.
    this.#ackedZxid = Math.max(this.#initialZxid, this.#committedZxid);
    this.#phase = 'persisting';
    this.#acknowledgeLeader();
  }

  /** The initial history first, then the epoch, then the word to the leader: any other order has lost data (S01, S02). */
  #acknowledgeLeader(): void {
    if (this.#pipeline.durableZxid < this.#newLeaderZxid) return;
    const link = this.#link as PeerLink;
    this.#stage.enterEpoch(this.#epoch);
    link.needsCurrentEpoch = this.#epoch;
    link.needsZxid = Math.max(link.needsZxid, this.#newLeaderZxid);
    writePacket(link.out, QuorumPacketType.ack, zxidIn(this.#epoch, 0));
    this.#stage.send(link);
    this.#phase = 'acknowledged';
    this.#hear(this.#stage.settings.syncLimitTicks);
    this.#stage.synced = true;
    this.#stage.rebuilding = false;
  }

  #upToDate(link: PeerLink): void {
    const { clients, serving } = this.#pipeline;
    if (this.#learned.upToDate()) return;
    writePacket(link.out, QuorumPacketType.ack, zxidIn(this.#epoch, 0));
    this.#stage.send(link);
    this.#pipeline.applyUpTo(Math.max(this.#initialZxid, this.#committedZxid));
    this.#stage.election.established(this.#epoch);
    serving.refreshConfig(this.#stage.committed);
    const forwarding = new Forwarding(this.#stage, link);
    this.#forwarding = forwarding;
    this.#pipeline.claimer = forwarding;
    this.#pipeline.onSessionCreated = (session) => forwarding.touch(session, session.timeoutMs);
    if (this.#stage.settings.observerMasterPort !== null && this.name === 'following') {
      this.#host = new ObserverHost(this.#stage, forwarding, this.#epoch);
    }
    this.#phase = 'serving';
    const { statistics, nowMs } = this.#stage;
    const time = this.name === 'observing' ? statistics.observerSyncTime : statistics.followerSyncTime;
    time.add(nowMs - this.#connectedMs);
    statistics.serves(nowMs);
    this.#stage.note(`${this.name} server ${this.#leader} in epoch ${this.#epoch}`);
    clients.serve(forwarding);
  }

  /** One ACK for each txn, in order, once it is durable, or for all that are; observers acknowledge none. */
  #acknowledgeTxns(): void {
    const link = this.#link as PeerLink;
    if (this.name === 'observing') return;
    const { durableZxid } = this.#pipeline;
    if (durableZxid <= this.#ackedZxid) return;
    const first = this.#isGrouping ? durableZxid : Math.max(this.#ackedZxid + 1, zxidIn(epochOf(durableZxid), 1));
    for (let zxid = first; zxid <= durableZxid; zxid++) writePacket(link.out, QuorumPacketType.ack, zxid);
    link.needsZxid = Math.max(link.needsZxid, durableZxid);
    this.#ackedZxid = durableZxid;
    this.#stage.send(link);
  }

  #activate(zxid: number, designated: number): void {
    this.#learned.activate(zxid, designated, () => this.#commit(zxid, designated));
  }
}

import { counterOf, epochOf, OpCode, QuorumPacketType, writePacket, zxidIn } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { LogRecords } from '../../ports.ts';
import type { Database } from '../database.ts';
import { invariant } from '../invariants.ts';
import type { Membership } from '../membership/membership.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Proposal } from '../proposals.ts';
import type { Stage } from '../stage.ts';
import { countAcks, sendCommits, sendProposals, sendReconfigCommit } from '../zab/broadcast.ts';
import { CommitRule } from '../zab/commit-rule.ts';
import { designatedLeader } from '../zab/designated-leader.ts';
import { NEWER_MEMBERSHIP, PROTOCOL_VERSION, readGreeting } from '../zab/learner-greeting.ts';
import { LearnerHandler } from '../zab/learner-handler.ts';
import { firstUnnamed, presentServers, upToDateServers } from '../zab/presence.ts';
import { LeaderTransfer, mustGoBeyond, yieldTo } from './leader-transfer.ts';
import { LearnerRequests } from './learner-requests.ts';
import { LearnerSync } from './learner-sync.ts';
import { QuorumWrites } from './quorum-writes.ts';
import type { Role } from './role.ts';

/** A leader that its voters have left waits no longer than this for their return. */
const UNWANTED_MS = 500;

/**
 * - `discovery`: a quorum of voters is to come, so that the epoch can be chosen.
 * - `gate`: a quorum is to say what history it has.
 * - `sync`: a quorum is to have this leader's history on its disks.
 * - `broadcast`: this server leads.
 */
type Phase = 'discovery' | 'gate' | 'sync' | 'broadcast';

/** Leads: chooses an epoch, brings learners to its history, then proposes and commits (quorum-protocol reference, 4.2 to 8.1). */
export class Leading implements Role {
  readonly name = 'leading';
  readonly takesRaw = false;
  readonly #stage: Stage;
  readonly #pipeline: Pipeline;
  readonly #writes: QuorumWrites;
  readonly #rule: CommitRule = new CommitRule();
  readonly #handlers: Map<PeerLink, LearnerHandler> = new Map();
  readonly #sync: LearnerSync;
  readonly #requests: LearnerRequests;
  #phase: Phase = 'discovery';
  #phaseEndsMs = 0;
  #startedMs = 0;
  #epoch = 0;
  #maxAccepted = 0;
  /** This server's own standing, which no learner may surpass. */
  readonly #ownEpoch: number;
  readonly #ownZxid: number;
  /**
   * Servers that have come, that have said what they have, and that have this leader's history, whatever they take themselves
   * for: the memberships in force tell who counts, and one of them may make a voter of a server that does not know it yet.
   */
  readonly #arrived: Set<number> = new Set();
  readonly #known: Set<number> = new Set();
  readonly #synced: Set<number> = new Set();
  /** Proposals up to here have been sent to the followers; those up to `#committed` are committed. */
  #announced = 0;
  #committed = 0;
  /** Whether followers have acknowledged txns that `#rule` does not know of. */
  #hasAcks = false;
  #nextPingMs = 0;
  #pingsSent = 0;
  /** No session ends before that: this server was stopped, and asks its learners once more whom they have heard. */
  #expiryRestsUntilMs = 0;
  #leaving = false;
  /** The end of this role that is under way, or null. */
  #transfer: LeaderTransfer | null = null;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#pipeline = stage.pipeline;
    this.#sync = new LearnerSync(stage, {
      handlers: () => this.#handlers.values(),
      committed: () => this.#committed,
      newLeader: (handler) => this.#newLeader(handler),
      drop: (handler, reason) => this.#drop(handler, reason),
    });
    this.#ownEpoch = stage.epochs.current;
    this.#ownZxid = stage.pipeline.appendedZxid;
    this.#writes = new QuorumWrites(
      stage.pipeline,
      stage,
      () => this.#committed,
      () => upToDateServers(this.#handlers.values(), stage.sid, stage.committed),
    );
    this.#requests = new LearnerRequests(stage, this.#writes, {
      isEstablished: () => this.#phase === 'broadcast',
      isHandingOver: () => this.isHandingOver,
      announce: () => this.#announce(),
      drop: (handler, reason) => this.#drop(handler, reason),
    });
  }

  get stage(): Role['stage'] {
    if (this.#phase === 'broadcast') return 'broadcast';
    return this.#phase === 'sync' ? 'synchronization' : 'discovery';
  }

  get pendingSyncs(): number {
    return this.#writes.pendingSyncs;
  }

  get wakeAtMs(): number {
    if (this.#transfer !== null) return Math.min(this.#nextPingMs, this.#transfer.endsMs);
    return this.#phase === 'broadcast' ? this.#nextPingMs : Math.min(this.#nextPingMs, this.#phaseEndsMs);
  }

  get isBehind(): boolean {
    return this.#writes.isBehind;
  }

  get feeding(): readonly number[] {
    return this.#sync.feeding;
  }

  raw(bytes: Uint8Array): number {
    return bytes.length;
  }

  /** Learners that have this leader's history, and all that are connected; for the operators. */
  get learners(): Iterable<LearnerHandler> {
    return this.#handlers.values();
  }

  get epoch(): number {
    return this.#epoch;
  }

  start(): void {
    const { epochs, nowMs, sid, settings } = this.#stage;
    this.#startedMs = nowMs;
    this.#maxAccepted = epochs.accepted;
    this.#nextPingMs = nowMs + Math.floor(settings.tickTimeMs / 2);
    // Everything logged is history from now on (7.1).
    this.#pipeline.applyUpTo(this.#pipeline.appendedZxid);
    this.#announced = this.#pipeline.appendedZxid;
    this.#committed = this.#pipeline.appendedZxid;
    this.#enter('discovery');
    this.#arrived.add(sid);
    this.#chooseEpoch();
  }

  leave(): void {
    this.#leaving = true;
    this.#pipeline.snapshots.endFeed();
    this.#pipeline.onSessionCreated = () => {};
    this.#pipeline.serving.reconfigurator = null;
    this.#pipeline.proposals.forgetConnections();
    // Whether the ends that it proposed come about is the next leader's to say.
    this.#pipeline.serving.sessions.forEach((session) => {
      session.closing = false;
      session.whenClosed = null;
    });
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#phaseEndsMs = this.#stage.nowMs + this.#stage.settings.initLimitTicks * this.#stage.settings.tickTimeMs;
  }

  opened(link: PeerLink): void {
    // Who has not said who it is keeps nobody out.
    const silent = this.#handlers.size < limits.learners ? null : firstUnnamed(this.#handlers.values());
    if (silent !== null) this.#drop(silent, 'it has not said who it is, and is one too many');
    const hasRoom = link.kind === 'learner' && this.#handlers.size < limits.learners;
    if (hasRoom) this.#handlers.set(link, new LearnerHandler(link));
    else this.#stage.close(link);
  }

  disconnected(link: PeerLink): void {
    const handler = this.#handlers.get(link);
    if (handler === undefined) return;
    this.#handlers.delete(link);
    this.#sync.gone(handler);
    if (this.#leaving) return;
    if (this.#transfer !== null && this.#transfer.successor === handler)
      this.#stage.look('the server that was to lead is gone');
    this.#writes.askAgain();
    // Whom it has heard while this server stood still it can tell no more: as under a new leader (known failure X08).
    if (handler.stage === 'live' && this.#stage.nowMs < this.#expiryRestsUntilMs) this.#writes.prolong();
    if (![...this.#handlers.values()].some((other) => other.sid === handler.sid && other.isForwarding)) {
      this.#synced.delete(handler.sid);
    }
    if (handler.sid >= 0) this.#stage.noteOfPeer(`${handler.name} is gone`);
    if (this.#phase === 'broadcast') this.#requireQuorum(true);
  }

  unreachable(): void {}

  #drop(handler: LearnerHandler, reason: string): void {
    this.#stage.noteOfPeer(`${handler.name} at ${handler.link.address} is dropped: ${reason}`);
    this.#stage.close(handler.link);
    this.disconnected(handler.link);
  }

  wake(): void {
    const { nowMs, settings, election } = this.#stage;
    if (this.#phase !== 'broadcast') {
      if (nowMs >= this.#phaseEndsMs) this.#stage.look(`no quorum in time (${this.#phase})`);
      const patience = settings.maxTimeToWaitForEpochMs ?? UNWANTED_MS;
      if (election.unwanted && nowMs - this.#startedMs >= patience) {
        this.#stage.statistics.disloyalVoters++;
        this.#stage.look('its voters look for another leader');
      }
    }
    if (this.#transfer !== null && nowMs >= this.#transfer.endsMs) {
      this.#stage.look('the server that is to lead does not get ready in time');
      return;
    }
    if (nowMs < this.#nextPingMs) return;
    this.#nextPingMs = nowMs + Math.floor(settings.tickTimeMs / 2);
    const silentMs = settings.syncLimitTicks * settings.tickTimeMs;
    const initialMs = settings.initLimitTicks * settings.tickTimeMs;
    for (const handler of [...this.#handlers.values()]) {
      const overdue = handler.overdue(nowMs, initialMs, silentMs);
      if (overdue !== null) this.#drop(handler, overdue);
      else if (handler.isForwarding) {
        handler.ping(this.#announced);
        this.#stage.send(handler.link);
      }
    }
    this.#pingsSent++;
    if (this.#phase === 'broadcast' && this.#pingsSent % 2 === 0) this.#requireQuorum(false);
    if (this.#phase === 'broadcast') {
      if (this.#transfer === null && nowMs >= this.#expiryRestsUntilMs) this.#writes.tick();
      if (this.#pipeline.proposals.isExhausted) this.#stage.look('the counter of the epoch is used up');
    }
  }

  /**
   * Called before anything else in a step: a leader that has been stopped for longer than its followers wait may not be one
   * any more (known failure E14).
   */
  checkLease(): void {
    if (this.#phase !== 'broadcast') return;
    const { nowMs, settings } = this.#stage;
    const silentMs = settings.syncLimitTicks * settings.tickTimeMs;
    // Clients and learners may have been heard of meanwhile, in what has not been read yet (known failure X08).
    if (nowMs - this.#nextPingMs > settings.tickTimeMs / 2) this.#expiryRestsUntilMs = nowMs + settings.tickTimeMs;
    if (nowMs - this.#nextPingMs <= silentMs) return;
    if (!this.#stage.memberships.every((membership) => membership.voters.size === 1)) {
      this.#stage.look(`it was stopped for ${nowMs - this.#nextPingMs} ms`);
    }
  }

  /** `arriving`: whether those count that are being brought up to date. Not when time after time nothing comes of it. */
  #requireQuorum(arriving: boolean): void {
    const present = presentServers(this.#handlers.values(), this.#stage.sid, this.#synced, arriving);
    if (!this.#isQuorum(present)) this.#stage.look('the quorum of followers is lost');
  }

  // Packets of learners.

  packet(link: PeerLink): void {
    const handler = this.#handlers.get(link);
    if (handler === undefined) return;
    const { packet } = link;
    switch (handler.stage) {
      case 'info':
        this.#info(handler);
        return;
      case 'epoch':
        if (packet.type === QuorumPacketType.ackEpoch && handler.informed) this.#ackEpoch(handler);
        else this.#drop(handler, `packet of type ${packet.type} instead of its epoch`);
        return;
      default:
        this.#steady(handler);
    }
  }

  #steady(handler: LearnerHandler): void {
    const { packet } = handler.link;
    switch (packet.type) {
      case QuorumPacketType.ack:
        this.#ack(handler, packet.zxid);
        return;
      case QuorumPacketType.ping:
        this.#requests.pong(handler);
        return;
      case QuorumPacketType.request:
        this.#requests.request(handler);
        return;
      case QuorumPacketType.revalidate:
        this.#requests.revalidate(handler);
        return;
      default:
        // Unknown packets are passed over in the steady state (quorum-protocol reference, 2).
        return;
    }
  }

  #info(handler: LearnerHandler): void {
    const { link } = handler;
    const problem = readGreeting(handler, this.#stage.sid, this.#stage.committed.version);
    if (problem !== null) {
      this.#drop(handler, problem);
      if (problem === NEWER_MEMBERSHIP && this.#phase === 'discovery') yieldTo(this.#stage, handler);
      return;
    }
    const accepted = epochOf(link.packet.zxid);
    handler.know(handler.sid, this.#stage.statistics.learner(handler.sid));
    this.#stage.election.followedBy(handler.sid);
    // A server that connects again has given its former connection up.
    for (const other of [...this.#handlers.values()]) {
      if (other !== handler && other.sid === handler.sid) this.#drop(other, 'it has connected again');
    }
    handler.stage = 'epoch';
    if (this.#phase !== 'discovery') {
      this.#inform(handler);
      const isSettled = this.#phase === 'broadcast' && this.#transfer === null && this.#isCounted(handler);
      if (isSettled && mustGoBeyond(this.#stage, handler.sid, accepted, this.#epoch)) this.leadAgain();
      return;
    }
    this.#maxAccepted = Math.max(this.#maxAccepted, accepted);
    if (this.#stage.election.counts(handler.sid, accepted, this.#ownEpoch)) this.#arrived.add(handler.sid);
    this.#chooseEpoch();
  }

  /** Whether the learner is a voter; who is not listed is served and counts nowhere. */
  readonly #isCounted = (handler: LearnerHandler): boolean =>
    !handler.isObserver && this.#stage.memberships.some((membership) => membership.isVoter(handler.sid));

  /** Once a quorum has come its greatest accepted epoch is known, and the next one is new (law 26). */
  #chooseEpoch(): void {
    if (this.#phase !== 'discovery' || !this.#isQuorum(this.#arrived)) return;
    this.#epoch = Math.max(this.#maxAccepted + 1, this.#stage.leastEpoch);
    this.#stage.acceptEpoch(this.#epoch);
    this.#enter('gate');
    this.#known.add(this.#stage.sid);
    for (const handler of this.#handlers.values()) if (handler.stage === 'epoch') this.#inform(handler);
    this.#openGate();
  }

  #inform(handler: LearnerHandler): void {
    handler.leaderInfo(this.#epoch, PROTOCOL_VERSION);
    this.#stage.send(handler.link);
  }

  #ackEpoch(handler: LearnerHandler): void {
    const { link } = handler;
    const { packet } = link;
    if (packet.dataEnd - packet.dataStart < 4) {
      this.#drop(handler, 'its ACKEPOCH has no epoch');
      return;
    }
    const currentEpoch = link.view.getInt32(packet.dataStart);
    handler.peerZxid = packet.zxid;
    if (this.#phase === 'gate') {
      handler.stage = 'gate';
      if (currentEpoch === -1) return;
      if (currentEpoch > this.#ownEpoch || (currentEpoch === this.#ownEpoch && packet.zxid > this.#ownZxid)) {
        this.#drop(handler, 'it has more history than this leader');
        return;
      }
      if (this.#stage.election.counts(handler.sid, currentEpoch, this.#ownEpoch)) this.#known.add(handler.sid);
      this.#openGate();
      return;
    }
    // What it acknowledged on an earlier connection it may be told to cut off now.
    this.#rule.forget(handler.sid);
    this.#sync.synchronise(handler);
  }

  #openGate(): void {
    if (this.#phase !== 'gate' || !this.#isQuorum(this.#known)) return;
    // A designated leader may have txns on their way to the disk: until they are there it has no history to give (law 28).
    if (this.#pipeline.durableZxid < this.#ownZxid) return;
    const { settings, lastSeen, committed, sid } = this.#stage;
    if (settings.reconfigEnabled && committed.version === 0 && lastSeen.version === 0) {
      this.#stage.see(lastSeen.withVersion(zxidIn(this.#epoch, 0)));
    }
    this.#stage.enterEpoch(this.#epoch);
    this.#enter('sync');
    this.#synced.add(sid);
    for (const handler of [...this.#handlers.values()]) if (handler.stage === 'gate') this.#sync.synchronise(handler);
    this.#establish();
  }

  /** The end of the history. Outstanding proposals follow behind it, which every release of Apache's follower accepts (15.1). */
  #newLeader(handler: LearnerHandler): void {
    // What is established makes the membership in force; one that is proposed later follows as a proposal.
    const { committed, lastSeen } = this.#stage;
    const membership = this.#phase === 'broadcast' ? committed : lastSeen;
    handler.newLeader(this.#epoch, membership);
    handler.ackedZxid = 0;
    if (!handler.isObserver) {
      const { proposals } = this.#pipeline;
      for (let i = proposals.indexAfter(this.#committed); i < proposals.indexAfter(this.#announced); i++) {
        handler.proposal(proposals.at(i), this.#stage.nowMs);
      }
    }
    this.#stage.send(handler.link);
  }

  #ack(handler: LearnerHandler, zxid: number): void {
    if (counterOf(zxid) !== 0) {
      if (zxid === this.#transfer?.zxid && handler === this.#transfer.successor) this.#transfer.isAcknowledged = true;
      if (handler.isObserver || zxid > this.#announced) return;
      handler.acknowledged(zxid, this.#stage.nowMs, this.#pipeline.proposals.find(zxid));
      // Before its NEWLEADER is acknowledged a learner may lack what comes before (known failures S03, S23).
      if (handler.stage === 'synced' || handler.stage === 'live') this.#hasAcks = true;
      return;
    }
    if (handler.stage !== 'newLeader' || zxid !== zxidIn(this.#epoch, 0)) return;
    handler.stage = 'synced';
    this.#synced.add(handler.sid);
    this.#stage.election.remembered.says(handler.sid, this.#epoch);
    if (handler.ackedZxid > 0) this.#rule.acknowledged(handler.sid, handler.ackedZxid);
    if (this.#phase === 'sync') this.#establish();
    else if (this.#phase === 'broadcast') this.#upToDate(handler);
  }

  #upToDate(handler: LearnerHandler): void {
    handler.stage = 'live';
    // What it was sent since NEWLEADER had to wait for its initial history.
    handler.unackedMs = this.#stage.nowMs;
    handler.pings = 0;
    handler.pongs = 0;
    writePacket(handler.link.out, QuorumPacketType.upToDate, -1);
    this.#stage.send(handler.link);
    this.#stage.noteOfPeer(`${handler.name} is up to date`);
  }

  /** A quorum of every membership in force has this leader's history: it is committed, and the epoch is this server's. */
  #establish(): void {
    if (this.#phase !== 'sync' || !this.#isQuorum(this.#synced)) return;
    const { settings, lastSeen, election, sid } = this.#stage;
    const { proposals, serving, clients } = this.#pipeline;
    invariant(proposals.outstanding === 0, 'the history is applied before anything is proposed');
    this.#phase = 'broadcast';
    if (settings.reconfigEnabled) this.#stage.commit(lastSeen);
    proposals.beginEpoch(this.#epoch);
    this.#rule.acknowledged(sid, this.#pipeline.durableZxid);
    election.established(this.#epoch);
    serving.refreshConfig(this.#stage.committed);
    this.#pipeline.onSessionCreated = (session) => this.#writes.sessionCreated(session);
    serving.reconfigurator = this.#writes;
    this.#writes.start();
    this.#stage.synced = true;
    this.#stage.rebuilding = false;
    const { statistics, nowMs } = this.#stage;
    statistics.leaderUnavailableTime.add(nowMs - this.#startedMs);
    statistics.serves(nowMs);
    this.#stage.note(`leading in epoch ${this.#epoch}`);
    for (const handler of this.#handlers.values()) if (handler.stage === 'synced') this.#upToDate(handler);
    if (!this.#stage.isVoter) {
      this.#stage.handOver('the membership that was under way has other voters', null);
      return;
    }
    if (settings.leaderServes || this.#stage.committed.voters.size === 1) clients.serve(this.#writes);
  }

  // The steady state.

  durable(): void {
    this.#openGate();
    this.#sync.durable();
    if (this.#phase === 'broadcast') this.#rule.acknowledged(this.#stage.sid, this.#pipeline.durableZxid);
  }

  flush(): void {
    if (this.#phase === 'broadcast') {
      this.#announce();
      while (this.#commit()) this.#announce();
      if (!this.#pipeline.isApplying) this.#answerSyncs();
      this.#announce();
      this.#transfer?.advance(this.#stage, this.#writes.pendingSyncs);
    }
    this.#sync.flush();
    for (const handler of this.#handlers.values()) {
      if (handler.queue.length > limits.learnerQueueBytes) this.#drop(handler, 'too much waits behind its state');
    }
  }

  #answerSyncs(): void {
    this.#writes.confirmSyncs(this.#handlers, this.#announced, this.#isCounted, this.#isEnough);
    this.#pipeline.clients.resumeStalled();
  }

  #announce(): void {
    const { proposals } = this.#pipeline;
    // The successor alone gets the last txn.
    if (this.#transfer !== null && this.#transfer.zxid > 0) return;
    if (proposals.lastZxid <= this.#announced || proposals.outstanding === 0) return;
    const from = proposals.indexAfter(this.#announced);
    for (let i = from; i < proposals.outstanding; i++) this.#stage.statistics.proposed(proposals.at(i));
    sendProposals(this.#handlers.values(), proposals, from, this.#stage.nowMs, this.#send);
    this.#announced = proposals.lastZxid;
  }

  readonly #send = (link: PeerLink): void => this.#stage.send(link);

  /** Commits what quorums have acknowledged; false when that is nothing new. */
  #commit(): boolean {
    const { committed, lastSeen } = this.#stage;
    const proposed = lastSeen.version > committed.version ? lastSeen : null;
    if (this.#hasAcks) countAcks(this.#handlers.values(), this.#rule);
    this.#hasAcks = false;
    const acknowledged = this.#rule.committable(committed, proposed, lastSeen.version);
    const decided = this.#mayLeadAlone ? Math.max(acknowledged, this.#pipeline.durableZxid) : acknowledged;
    const zxid = Math.min(decided, this.#announced);
    // Who has handed over commits nothing more (13.5).
    if (zxid <= this.#committed || this.#stage.lookReason !== null || this.#pipeline.isApplying) return false;
    const { proposals } = this.#pipeline;
    const before = this.#committed;
    const isReconfig = (each: Proposal): boolean => each.opcode === OpCode.reconfig && each.zxid === lastSeen.version;
    for (let next = proposals.oldest; next !== null && next.zxid <= zxid; next = proposals.oldest) {
      this.#writes.committing(next.zxid);
      if (isReconfig(next)) {
        this.#commitReconfig(next, lastSeen);
        return true;
      }
      // Learners that wait for a sync are told of one txn at a time: their answer stands between two of them.
      const last = this.#writes.isAskedByLearners ? next.zxid : zxid;
      let count = 1;
      while (count < proposals.outstanding && proposals.at(count).zxid <= last && !isReconfig(proposals.at(count)))
        count++;
      sendCommits(this.#handlers.values(), proposals, count, this.#send);
      this.#stage.statistics.committed(proposals, count);
      this.#committed = proposals.at(count - 1).zxid;
      this.#pipeline.applyInSlicesUpTo(this.#committed);
      if (this.#pipeline.isApplying) break;
    }
    // Of a reconfiguration that begins its epoch the old quorum alone proves nothing new.
    return this.#committed > before;
  }

  /** Whether the oracle lets this server lead without the other one, which does not follow (quorum-protocol reference, 13.2). */
  get #mayLeadAlone(): boolean {
    const { oracle, memberships, sid } = this.#stage;
    if (oracle !== true) return false;
    for (const handler of this.#handlers.values()) if (handler.isForwarding && !handler.isObserver) return false;
    return memberships.every((each) => each.voters.size === 2 && each.isVoter(sid));
  }

  readonly #isEnough = (servers: ReadonlySet<number>): boolean => this.#isQuorum(servers);

  #isQuorum(servers: ReadonlySet<number>): boolean {
    return this.#stage.isQuorum(servers) || (this.#mayLeadAlone && servers.has(this.#stage.sid));
  }

  /** The oracle has changed its mind: what waits for the other server may go on. Whether it must not is asked at each tick. */
  oracleSpoke(): void {
    this.#chooseEpoch();
    this.#openGate();
    this.#establish();
  }

  get isHandingOver(): boolean {
    return this.#transfer !== null;
  }

  /** Leads again, in a later epoch: no client loses a write over it. */
  leadAgain(): void {
    this.#transfer = LeaderTransfer.toItself(this.#stage);
  }

  /** Lets server `to` lead, or whoever is best. From then on this role ends, one way or another, within a second. */
  transfer(to: number | null): void {
    if (this.#phase !== 'broadcast' || this.#transfer !== null || this.#stage.lookReason !== null) return;
    this.#transfer = LeaderTransfer.begin(this.#stage, this.#handlers.values(), to);
  }

  /** Ends a session as if its time were over. */
  readonly expire = (idHigh: number, idLow: number): void => this.#writes.expire(idHigh, idLow);

  #commitReconfig(proposal: Proposal, membership: Membership): void {
    const { sid } = this.#stage;
    const { zxid } = proposal;
    const designated = designatedLeader(this.#handlers.values(), this.#stage.committed, membership, sid, zxid);
    sendReconfigCommit(this.#handlers.values(), proposal, designated, this.#send);
    this.#stage.commit(membership);
    this.#committed = zxid;
    this.#pipeline.applyUpTo(zxid);
    if (designated !== sid) this.#stage.handOver('the new membership has another leader', designated);
  }

  snapshotWritten(): void {
    this.#sync.beginFeed();
  }

  feedSlice(znodes: number): void {
    this.#sync.feedSlice(znodes);
  }

  logChunk(link: PeerLink, chunk: LogRecords | null): void {
    const handler = this.#handlers.get(link);
    if (handler !== undefined) this.#sync.logChunk(handler, chunk);
  }

  storageDone(_database: Database | null, _unreachable: boolean): void {}
}

import { JuteError } from '@headkeeper/protocol';
import { limits } from '../limits.ts';
import type { Epochs } from '../ports.ts';
import type { Event } from './events.ts';
import { invariant } from './invariants.ts';
import type { PeerLink } from './peer-link.ts';
import type { EnsembleWork } from './ready.ts';
import { Leading } from './roles/leading.ts';
import { Learning } from './roles/learning.ts';
import { Looking } from './roles/looking.ts';
import type { Role } from './roles/role.ts';
import type { Stage } from './stage.ts';

/** Names the reason of a role that ends because the server is stopping. */
const NO_DELAY = 0;

const NO_LINKS: PeerLink[] = [];
const NO_MESSAGES: string[] = [];

/**
 * A server of an ensemble: it looks for a leader, then leads or learns, and looks again when that ends (election-protocol
 * reference, 6). Each role has a generation; what was asked for by an earlier one is dropped here (known failure S13).
 */
export class Member {
  readonly stage: Stage;
  #role: Role;
  #roleChanged = false;

  constructor(stage: Stage) {
    this.stage = stage;
    this.#role = new Looking(stage, NO_DELAY);
  }

  get role(): Role {
    return this.#role;
  }

  /** Whether another server is to lead by this one's own wish, and does not serve it yet. */
  get isHandingOver(): boolean {
    if (this.#role instanceof Leading) return this.#role.isHandingOver;
    return this.stage.successor !== null && this.#role.stage !== 'broadcast';
  }

  /** Whether it leads, and nothing is under way that another state would upset. */
  get mayReplaceState(): boolean {
    const { lookReason, memberships } = this.stage;
    if (!(this.#role instanceof Leading) || this.#role.stage !== 'broadcast' || this.#role.isHandingOver) return false;
    return lookReason === null && memberships.length === 1;
  }

  /** The server that this one learns from, or null. */
  get leaderSid(): number | null {
    return this.#role instanceof Learning ? this.#role.leader : null;
  }

  get generation(): number {
    return this.stage.generation;
  }

  start(nowMs: number): void {
    const { stage } = this;
    stage.nowMs = nowMs;
    this.#forgetProposed();
    stage.election.configure(stage.committed, stage.lastSeen);
    // Its file may have been written anew, and votes tell of old memberships, too: they are sent again over new connections.
    stage.election.distrustBefore(stage.pipeline.serving.configVersion);
    stage.pipeline.serving.refreshConfig(stage.committed);
    this.#take(new Looking(stage, NO_DELAY));
    this.end();
  }

  /**
   * A membership whose txn is not in the log was never acknowledged here, so that nobody counts on this server for it: the
   * proposal is as if it had not come. Bound by it, the only voter could not lead without the one who was to join it.
   */
  #forgetProposed(): void {
    const { stage } = this;
    const { appendedZxid } = stage.pipeline;
    if (stage.rebuilding || appendedZxid === 0) return;
    if (stage.lastSeen.version > appendedZxid) stage.forgetLastSeen();
  }

  /** The beginning of a step. */
  begin(nowMs: number): void {
    this.stage.nowMs = nowMs;
    if (this.#role instanceof Leading) this.#role.checkLease();
    if (this.stage.lookReason !== null) this.#change();
  }

  durable(): void {
    const { pipeline, statistics } = this.stage;
    const { name } = this.#role;
    if (name === 'leading' || name === 'following') pipeline.observeDurable(statistics.ackCreation);
    this.#role.durable();
  }

  event(event: Event): void {
    const { stage } = this;
    switch (event.kind) {
      case 'notification':
        stage.election.receive(event.from, event.bytes, event.nowMs);
        return;
      case 'electionLink':
        stage.election.linkChanged(event.sid, event.up, event.nowMs);
        if (!event.up && this.#role instanceof Learning) this.#role.voterLost(event.sid);
        return;
      case 'wake':
        stage.election.tick(event.nowMs);
        this.#role.wake();
        return;
      case 'peerOpen':
        this.#role.opened(stage.open(event.link, event.as, event.remote));
        return;
      case 'peerData': {
        const link = stage.links.get(event.link);
        if (link === undefined) return;
        link.lastHeardMs = event.nowMs;
        this.#read(link, event.bytes);
        if (this.#role.name === 'looking' && link.waitingBytes > limits.earlyPeerBytes) stage.close(link);
        return;
      }
      case 'peerClosed': {
        const link = stage.links.get(event.link);
        if (link === undefined) return;
        link.closed = true;
        stage.links.delete(event.link);
        this.#role.disconnected(link);
        return;
      }
      case 'peerUnreachable':
        if (event.generation === stage.generation) this.#role.unreachable();
        return;
      case 'oracle':
        stage.oracle = event.grants;
        stage.election.heedOracle(event.grants);
        if (this.#role instanceof Leading) this.#role.oracleSpoke();
        return;
      case 'transfer':
        if (this.#role instanceof Leading) this.#role.transfer(event.to);
        else stage.note('this server does not lead: there is nothing to hand over');
        return;
      case 'expireSession':
        if (!(this.#role instanceof Leading) || this.#role.stage !== 'broadcast') return;
        if (!this.#role.isHandingOver && stage.lookReason === null) this.#role.expire(event.idHigh, event.idLow);
        return;
      case 'raiseEpoch':
        if (!this.mayReplaceState || !(this.#role instanceof Leading)) return;
        stage.leastEpoch = event.least;
        this.#role.leadAgain();
        return;
      case 'replaceState':
        // Since it was asked it may have found out that it was stopped for too long to lead.
        if (!this.mayReplaceState) return;
        // No election begins before the new state is there.
        stage.pipeline.snapshots.abandon();
        stage.look('another state takes the place of this one');
        stage.order('replace', event.zxid, false);
        return;
      case 'historyRepaired':
        this.#takeRepaired(event.zxid);
        return;
      case 'snapshotWritten':
        this.#role.snapshotWritten(event.zxid);
        return;
      case 'feedSlice':
        if (event.generation === stage.generation) this.#role.feedSlice(event.znodes);
        return;
      case 'logChunk': {
        const link = stage.links.get(event.link);
        if (link !== undefined && event.generation === stage.generation) this.#role.logChunk(link, event.chunk);
        return;
      }
      case 'storageDone':
        stage.storageBusy--;
        if (event.epochs !== undefined) this.#vouchFor(event.epochs);
        // The state read again replaces what memory has, whoever asked for it.
        if (event.database !== null && event.generation !== stage.generation) {
          stage.adopt(event.database);
          this.#role.storageDone(null, false);
        } else if (event.generation === stage.generation) this.#role.storageDone(event.database, event.unreachable);
        // Memory has gone ahead of an order that came to nothing.
        else if (event.unreachable && stage.storageBusy === 0) stage.order('reload', 0, true);
        return;
      default:
        return;
    }
  }

  /**
   * A damaged history is what it was again, on the disk. It takes its place while this server looks for a leader, unless a leader
   * has begun to give it another one.
   */
  #takeRepaired(zxid: number): void {
    const { stage } = this;
    const { pipeline } = stage;
    if (this.#role.name !== 'looking' || !stage.rebuilding || stage.lookReason !== null) return;
    if (pipeline.appendedZxid > 0 || stage.epochs.current > 0 || stage.storageBusy > 0) return;
    pipeline.snapshots.abandon();
    stage.look('the history was put together again');
    stage.order('finishRepair', zxid, true);
  }

  /** This server has all again that it ever acknowledged or promised: it votes. */
  #vouchFor(epochs: Epochs): void {
    const { stage } = this;
    invariant(epochs.accepted >= stage.epochs.accepted, 'a repair keeps what was promised meanwhile');
    stage.epochs = epochs;
    stage.rebuilding = false;
  }

  /** Long work is done. */
  worked(): void {
    if (this.#role instanceof Learning && !this.stage.pipeline.isApplying) this.#role.applied();
  }

  /** The end of a step: what came of the election, and the end of a role. */
  end(): void {
    const { stage } = this;
    for (let turns = 0; turns < 4; turns++) {
      this.#hearGossip();
      if (this.#role instanceof Learning) this.#doubt();
      if (stage.lookReason === null) this.#role.flush();
      if (stage.lookReason !== null) this.#change();
      else if (this.#role.name === 'looking' && stage.election.outcome !== null)
        this.#elected(stage.election.outcome.leader);
      else return;
    }
  }

  /** A learner whose tree differs from its leader's serves it no longer (known failure D24). */
  #doubt(): void {
    const reason = this.stage.doubt.takeReason();
    if (reason !== null) this.stage.look(reason);
  }

  takeWork(): EnsembleWork {
    const { stage } = this;
    const { remembered } = stage.election;
    if (remembered.hasWords) stage.peerMessages.push(...remembered.takeWords());
    for (const link of stage.dirtyLinks) link.dirty = false;
    const work: EnsembleWork = {
      hardState: stage.hardState,
      membership: stage.membershipChange,
      storage: stage.storage,
      notify: stage.election.takeSends(),
      connectElection: stage.election.wantsLinks(),
      peerOutput:
        stage.dirtyLinks.length === 0 ? NO_LINKS : stage.dirtyLinks.filter((link) => !link.closed || link.finishes),
      peerClose: stage.closingLinks,
      connect: stage.connect,
      logWanted: stage.logWanted,
      feeding: this.#role.feeding,
      synced: stage.synced,
      messages: stage.messages.length === 0 ? NO_MESSAGES : stage.messages.splice(0),
      peerMessages: stage.peerMessages.length === 0 ? NO_MESSAGES : stage.peerMessages.splice(0),
      wakeAtMs:
        stage.generation === 0 ? Number.POSITIVE_INFINITY : Math.min(this.#role.wakeAtMs, stage.election.wakeAtMs),
      roleChanged: this.#roleChanged,
    };
    stage.hardState = null;
    stage.membershipChange = null;
    stage.storage = null;
    if (stage.dirtyLinks.length > 0) stage.dirtyLinks = [];
    if (stage.closingLinks.length > 0) stage.closingLinks = [];
    stage.connect = null;
    if (stage.logWanted.length > 0) stage.logWanted = [];
    stage.synced = false;
    this.#roleChanged = false;
    return work;
  }

  /** Who looks believes newer memberships that others tell of, and begins anew with other members (section 9). */
  #hearGossip(): void {
    const { stage } = this;
    const gossip = stage.election.takeGossip();
    if (gossip === null || this.#role.name !== 'looking') return;
    const { committed } = stage;
    if (stage.commit(gossip) && !committed.sameMembers(gossip)) stage.look('a newer membership was heard of');
  }

  /** The present role ends: another election, or the leader that a reconfiguration names. */
  #change(): void {
    const { stage } = this;
    stage.note(`${this.#role.name} ends: ${stage.lookReason}`);
    const { designated } = stage;
    stage.lookReason = null;
    stage.designated = null;
    if (this.#role.name !== 'leading') stage.successor = null;
    this.#leave();
    stage.finishesLinks = false;
    if (stage.statistics.unavailableSinceMs === null) stage.statistics.unavailableSinceMs = stage.nowMs;
    if (designated !== null) {
      const vote = stage.election.currentVote;
      stage.election.setCurrentVote({ ...vote, leader: designated });
      this.#elected(designated);
      return;
    }
    stage.election.become('looking');
    this.#take(new Looking(stage, NO_DELAY));
  }

  #elected(leader: number): void {
    const { stage } = this;
    if (this.#role.name === 'looking') this.#role.leave();
    if (leader !== stage.successor) stage.successor = null;
    if (leader === stage.sid) {
      stage.election.become('leading');
      this.#take(new Leading(stage));
    } else {
      stage.election.become(stage.isObserver ? 'observing' : 'following');
      this.#take(new Learning(stage, leader));
    }
  }

  #leave(): void {
    const { stage } = this;
    stage.pipeline.forgetWork();
    const wasServing = stage.clients.areServed;
    this.#role.leave();
    for (const link of [...stage.links.values()]) stage.close(link);
    if (wasServing) stage.clients.suspend(true);
  }

  #take(role: Role): void {
    const { stage } = this;
    const { statistics, nowMs } = stage;
    if (role.name === 'looking') statistics.elections++;
    else if (this.#role.name === 'looking') statistics.electionTime.add(nowMs - statistics.roleBeganMs);
    statistics.roleBeganMs = nowMs;
    stage.generation++;
    this.#roleChanged = true;
    this.#role = role;
    role.start();
    if (role.name === 'looking') return;
    // Streams that came while the election ran belong to whoever leads now.
    for (const link of [...stage.links.values()]) {
      if (role.name !== 'leading' || link.kind !== 'learner') {
        stage.close(link);
        continue;
      }
      role.opened(link);
      link.held = false;
      this.#read(link, null);
    }
  }

  /** Hands the role what a link brings, or what has waited on it. */
  #read(link: PeerLink, bytes: Uint8Array | null): void {
    const { stage } = this;
    try {
      if (bytes === null) link.resume(this.#role);
      else link.receive(bytes, this.#role);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      stage.noteOfPeer(`${link.address} sent what cannot be read: ${error.message}`);
      stage.close(link);
      this.#role.disconnected(link);
    }
  }
}

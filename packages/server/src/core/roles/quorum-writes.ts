import { QuorumPacketType, type Reader, type ReconfigRequest, writePacket } from '@headkeeper/protocol';
import type { Connection } from '../connection.ts';
import type { Membership } from '../membership/membership.ts';
import { reconfigured } from '../membership/reconfiguration.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Reconfigurator } from '../serving.ts';
import type { Stage } from '../stage.ts';
import type { SyncAnswer } from '../write-path.ts';
import type { LearnerHandler } from '../zab/learner-handler.ts';
import { LeaderWrites } from './leader-writes.ts';

/** Something else that only a leader may say. */
interface Question {
  readonly confirmed: () => void;
}

/** A sync of a client of this server, or of a learner, or another question. */
interface WaitingSync {
  readonly asker: Connection | LearnerHandler | Question;
  /** The last txn that was proposed when it came. */
  readonly afterZxid: number;
}

/** Syncs that wait for the same answers to pings. */
interface SyncRound {
  waiting: WaitingSync[];
  /** How many answers each voter must have given in all. */
  readonly needed: Map<LearnerHandler, number>;
}

/**
 * The writes of a leader with learners. A sync is answered behind everything proposed when it came, and only once a quorum
 * has shown, by answering a ping, that this server led then: what it reads afterwards is as new as any write that was
 * acknowledged before the sync. Apache's leader answers from its own belief.
 *
 * A quorum that acknowledges a txn proposed after the sync shows the same. A learner is then answered before it hears of that
 * commit: Apache's learners keep writes and syncs in one queue, and never answer a write whose commit overtakes a sync.
 */
export class QuorumWrites extends LeaderWrites implements Reconfigurator {
  readonly #stage: Stage;
  readonly #leaderPipeline: Pipeline;
  readonly #committed: () => number;
  #next: WaitingSync[] = [];
  /** Of those that wait, how many learners have asked for. */
  #learnersWaiting = 0;
  /** And how many are other questions. */
  #questions = 0;
  #rounds: SyncRound[] = [];
  #reconfigured: Membership | null = null;
  readonly #upToDate: () => ReadonlySet<number>;

  constructor(pipeline: Pipeline, stage: Stage, committed: () => number, upToDate: () => ReadonlySet<number>) {
    super(pipeline);
    this.#stage = stage;
    this.#leaderPipeline = pipeline;
    this.#committed = committed;
    this.#upToDate = upToDate;
  }

  override sync(connection: Connection, _xid: number, _r: Reader): SyncAnswer {
    this.#next.push({ asker: connection, afterZxid: this.#leaderPipeline.proposals.lastZxid });
    return 'later';
  }

  override onceConfirmed(tell: () => void): void {
    this.#questions++;
    this.#next.push({ asker: { confirmed: tell }, afterZxid: this.#leaderPipeline.proposals.lastZxid });
  }

  /** A learner's client wants to be as new as the leader. */
  syncFor(handler: LearnerHandler): void {
    this.#next.push({ asker: handler, afterZxid: this.#leaderPipeline.proposals.lastZxid });
    this.#learnersWaiting++;
  }

  /** Syncs and other questions of learners that wait. */
  get learnersWaiting(): number {
    return this.#learnersWaiting + this.#questions;
  }

  /** Whether a learner's client waits for the answer to a sync. */
  get isAskedByLearners(): boolean {
    return this.#learnersWaiting > 0;
  }

  get pendingSyncs(): number {
    return this.#rounds.reduce((sum, round) => sum + round.waiting.length, this.#next.length);
  }

  /**
   * Sends a ping for the syncs that have come, behind what has been announced, and answers those that a quorum has shown to
   * be asked of the leader (E14). `isQuorum`: whether these servers and the leader are one.
   */
  confirmSyncs(
    handlers: ReadonlyMap<PeerLink, LearnerHandler>,
    announced: number,
    isCounted: (handler: LearnerHandler) => boolean,
    isQuorum: (sids: Set<number>) => boolean,
  ): void {
    if (this.#next.length > 0) {
      const voters = [...handlers.values()].filter((handler) => handler.stage === 'live' && isCounted(handler));
      // Of too few no quorum would ever come; those that are being synced are asked when they are ready.
      if (isQuorum(new Set([this.#stage.sid, ...voters.map(({ sid }) => sid)]))) this.#ask(voters, announced);
    }
    if (this.#rounds.length > 0) this.#answerSyncs(isQuorum);
  }

  #ask(voters: readonly LearnerHandler[], announced: number): void {
    const needed = new Map<LearnerHandler, number>();
    for (const voter of voters) {
      voter.ping(announced);
      this.#stage.send(voter.link);
      needed.set(voter, voter.pings);
    }
    this.#rounds.push({ waiting: this.#next, needed });
    this.#next = [];
  }

  /** A learner is gone: whoever counted on its answer asks the others again. */
  askAgain(): void {
    if (this.#rounds.length === 0) return;
    this.#next = [...this.#rounds.flatMap((round) => round.waiting), ...this.#next];
    this.#rounds = [];
  }

  /** Answers the rounds that are complete, oldest first. */
  #answerSyncs(isQuorum: (sids: Set<number>) => boolean): void {
    for (let round = this.#rounds[0]; round !== undefined; round = this.#rounds[0]) {
      const newest = round.waiting.at(-1);
      if (newest !== undefined && this.#committed() < newest.afterZxid) return;
      const sids = new Set<number>([this.#stage.sid]);
      for (const [handler, count] of round.needed) if (handler.pongs >= count) sids.add(handler.sid);
      if (!isQuorum(sids)) return;
      this.#rounds.shift();
      for (const waiting of round.waiting) this.#answer(waiting);
    }
  }

  /** A quorum has acknowledged this txn, all before it are committed; nobody has been told of its commit. */
  committing(zxid: number): void {
    if (this.#learnersWaiting === 0) return;
    for (const round of this.#rounds) round.waiting = this.#answerLearners(round.waiting, zxid);
    this.#next = this.#answerLearners(this.#next, zxid);
  }

  /** Answers learners that asked before the txn was proposed; returns who still waits. */
  #answerLearners(waiting: WaitingSync[], zxid: number): WaitingSync[] {
    return waiting.filter((sync) => {
      if (!('link' in sync.asker) || sync.afterZxid >= zxid) return true;
      this.#answer(sync);
      return false;
    });
  }

  reconfigure(request: ReconfigRequest, zxid: number): string | number {
    const { committed, lastSeen, settings } = this.#stage;
    this.#reconfigured = null;
    const outcome = reconfigured(
      request,
      {
        committed,
        lastSeen,
        singleVoterAllowed: settings.singleVoterAllowed,
        multiAddress: settings.multiAddress,
        hasSyncedQuorum: (next) => next.isQuorum(this.#upToDate()),
      },
      zxid,
    );
    if (typeof outcome === 'number') return outcome;
    this.#reconfigured = outcome;
    return outcome.toText();
  }

  proposed(): void {
    if (this.#reconfigured !== null) this.#stage.see(this.#reconfigured);
    this.#reconfigured = null;
  }

  #answer({ asker }: WaitingSync): void {
    if ('confirmed' in asker) {
      this.#questions--;
      asker.confirmed();
    } else if ('link' in asker) {
      this.#learnersWaiting--;
      if (asker.link.closed) return;
      writePacket(asker.link.out, QuorumPacketType.sync, 0);
      this.#stage.send(asker.link);
    } else this.#leaderPipeline.clients.synced(asker);
  }
}

import { limits } from '../limits.ts';
import type { Proposal, Proposals } from './proposals.ts';
import { Observations } from './statistics/observations.ts';

/** The servers that are told apart beside those connected: who has come and gone keeps its figures. */
const KNOWN_LEARNERS: number = limits.learners * 4;
/** Stands for learners that are too many. */
const OTHERS = -1;

/** What a server knows of one of its learners. Times in milliseconds. */
export class LearnerStatistics {
  /** From a proposal until this learner has acknowledged it. */
  readonly ackLatency: Observations = new Observations();
  /** Proposals that it has been sent and has not acknowledged, when it is sent more. */
  readonly unacknowledged: Observations = new Observations();
  /** From written until the network has it, for what leaves together. */
  readonly sendDelay: Observations = new Observations();
}

/** What a server of an ensemble has done since its process began. */
export class EnsembleStatistics {
  elections = 0;
  /** Times that it gave up to lead because its voters had left it. */
  disloyalVoters = 0;
  proposals = 0;
  commits = 0;
  proposalsReceived = 0;
  commitsReceived = 0;
  diffSyncs = 0;
  truncSyncs = 0;
  snapSyncs = 0;
  /** Learners' questions whether a session lives. */
  revalidations = 0;
  readonly electionTime: Observations = new Observations();
  /** From elected to serving, of a leader. */
  readonly leaderUnavailableTime: Observations = new Observations();
  /** From the end of one role to serving in the next. */
  readonly unavailableTime: Observations = new Observations();
  /** From connected to up to date, of this learner. */
  readonly followerSyncTime: Observations = new Observations();
  readonly observerSyncTime: Observations = new Observations();
  /** Learners that are being brought up to date by txns, or by the whole state, whenever one more is. */
  readonly diffsTogether: Observations = new Observations();
  readonly snapsTogether: Observations = new Observations();
  /** From the leader's numbering of a txn, by the wall clocks of the two servers, until this one has taken it in, ... */
  readonly proposalLatency: Observations = new Observations();
  /** ... has it on its disk, ... */
  readonly ackCreation: Observations = new Observations();
  /** ... and has heard that it is committed. */
  readonly commitPropagation: Observations = new Observations();
  /** From a proposal until a quorum has acknowledged it, of a leader. */
  readonly quorumAck: Observations = new Observations();
  /** Requests of one client that are with the leader, when one more is sent there. */
  readonly forwarded: Observations = new Observations();
  /** From taken in to passed on, of txns for observers that a follower serves. */
  readonly observersCommit: Observations = new Observations();
  readonly learners: Map<number, LearnerStatistics> = new Map();
  readonly proposalSize: { last: number; min: number; max: number } = { last: -1, min: -1, max: -1 };
  /** When the present role began, when serving ended, and when it began again; monotonic. */
  roleBeganMs = 0;
  unavailableSinceMs: number | null = null;

  /** Of the learner with this number. */
  learner(sid: number): LearnerStatistics {
    const key = this.learners.has(sid) || this.learners.size < KNOWN_LEARNERS ? sid : OTHERS;
    let learner = this.learners.get(key);
    if (learner === undefined) {
      learner = new LearnerStatistics();
      this.learners.set(key, learner);
    }
    return learner;
  }

  proposed({ start, end }: Proposal): void {
    const bytes = end - start;
    this.proposals++;
    const size = this.proposalSize;
    size.last = bytes;
    if (size.min < 0 || bytes < size.min) size.min = bytes;
    if (bytes > size.max) size.max = bytes;
  }

  /** A txn was taken in that was made at `madeMs`, by the clock of the server that made it. */
  proposalCame(wallMs: number, madeMs: number): void {
    this.proposalsReceived++;
    if (wallMs >= madeMs) this.proposalLatency.add(wallMs - madeMs);
  }

  /** The oldest `count` outstanding txns are committed: the leader says so. */
  commitsCame(outstanding: Proposals, count: number): void {
    this.commitsReceived += count;
    outstanding.observeAges(0, count, this.commitPropagation);
  }

  /** A quorum has acknowledged the oldest `count` outstanding txns. */
  committed(outstanding: Proposals, count: number): void {
    this.commits += count;
    outstanding.observeWaits(0, count, this.quorumAck);
  }

  /** The server serves from now on. */
  serves(nowMs: number): void {
    if (this.unavailableSinceMs !== null) this.unavailableTime.add(nowMs - this.unavailableSinceMs);
    this.unavailableSinceMs = null;
  }
}

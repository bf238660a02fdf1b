/**
 * Who votes and what a quorum is: the committed configuration and, while a reconfiguration is under way, the proposed one too
 * (election-protocol reference, section 4.4).
 */
import type { Membership } from '../membership/membership.ts';

export class Electorate {
  readonly committed: Membership;
  /** Voters of either configuration, ascending. */
  readonly voters: readonly number[];
  /** The text of the committed configuration, which every message carries. */
  readonly text: string;
  readonly #voters: ReadonlySet<number>;
  /** The proposed configuration while it is newer than the committed one. */
  readonly #proposed: Membership | null;

  constructor(committed: Membership, lastSeen: Membership) {
    this.committed = committed;
    this.#proposed = lastSeen.version > committed.version ? lastSeen : null;
    this.#voters = new Set([...committed.voters, ...(this.#proposed?.voters ?? [])]);
    this.voters = [...this.#voters].sort((a, b) => a - b);
    this.text = committed.toText();
  }

  /** Whether a reconfiguration is under way, so that servers may disagree on who votes. */
  get isChanging(): boolean {
    return this.#proposed !== null;
  }

  isVoter(sid: number): boolean {
    return this.#voters.has(sid);
  }

  /** Whether the voters for whom `acked` holds are a quorum of each configuration. */
  isQuorum(acked: (sid: number) => boolean): boolean {
    return this.committed.isQuorum(acked) && (this.#proposed === null || this.#proposed.isQuorum(acked));
  }

  /**
   * Whether they are a quorum of one of the configurations, which is enough to follow whoever leads them: that the leader has
   * every quorum that it needs is its own care. Apache's server asks for both here, so that one which alone has seen a proposal
   * of members that are no more looks for a leader forever.
   */
  isQuorumOfAny(acked: (sid: number) => boolean): boolean {
    return this.committed.isQuorum(acked) || this.#proposed?.isQuorum(acked) === true;
  }

  /** Whether this voter's vote can decide anything, and whether it can be voted for: its weight is not 0. */
  counts(sid: number): boolean {
    return weighs(this.committed, sid) || (this.#proposed !== null && weighs(this.#proposed, sid));
  }

  /** Whether votes for this voter may win: its weight in the committed configuration is not 0 (section 4.1). */
  mayWin(sid: number): boolean {
    return this.committed.isVoter(sid) ? this.committed.weightOf(sid) > 0 : this.counts(sid);
  }
}

function weighs(membership: Membership, sid: number): boolean {
  return membership.isVoter(sid) && membership.weightOf(sid) > 0;
}

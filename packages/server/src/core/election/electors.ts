import type { Electorate } from './electorate.ts';
import type { CastVote, ElectionVote } from './vote.ts';

/**
 * The voters that made this server leader, and whether they stand by it: a leader that nobody wants need not wait for learners
 * that will not come (election-protocol reference, 5.7; ZOOKEEPER-3109).
 */
export class Electors {
  readonly #elected: ElectionVote;
  readonly #electors: ReadonlySet<number>;
  /** Those that look for another leader since. */
  readonly #looking = new Set<number>();

  constructor(elected: ElectionVote, electors: ReadonlySet<number>) {
    this.#elected = elected;
    this.#electors = electors;
  }

  /** A voter looks for a leader. Its late votes of the same election, or of one before, say nothing new. */
  heardLooking(from: number, vote: CastVote): void {
    if (!this.#electors.has(from) || vote.electionEpoch < this.#elected.electionEpoch) return;
    if (vote.electionEpoch === this.#elected.electionEpoch && vote.leader === this.#elected.leader) {
      this.#looking.delete(from);
    } else {
      this.#looking.add(from);
    }
  }

  /** Whether those that stand by this server are a quorum. */
  stand(electorate: Electorate): boolean {
    return this.#looking.size === 0 || electorate.isQuorum((sid) => this.#electors.has(sid) && !this.#looking.has(sid));
  }
}

import type { Electorate } from './electorate.ts';
import type { CastVote, ElectionVote } from './vote.ts';

/**
 * The voters that made this server leader or have come to follow it, and whether they stand by it: a leader that nobody wants
 * need not wait for learners that will not come (election-protocol reference, 5.7; ZOOKEEPER-3109).
 */
export class Electors {
  readonly #elected: ElectionVote;
  readonly #electors: Set<number>;
  /** Those that look for another leader since. */
  readonly #looking = new Set<number>();
  /** Those that have said so once, over the present connection, in an earlier round. */
  readonly #lookingEarlier = new Set<number>();

  constructor(elected: ElectionVote, electors: ReadonlySet<number>) {
    this.#elected = elected;
    this.#electors = new Set(electors);
  }

  /**
   * A voter looks for a leader. Its late votes of the same election say nothing new.
   *
   * A vote of an earlier round is one of a server that has started anew, and may not find out whom it had elected; but it can also
   * be an old one. Apache's servers answer those who are behind beside the election that goes on, so that the answer may overtake
   * a newer vote; and every server sends its last vote again over a new connection (reference, 2.6). An old vote comes once over
   * a connection. Who looks repeats it.
   */
  heardLooking(from: number, vote: CastVote): void {
    if (!this.#electors.has(from)) return;
    const { electionEpoch, leader } = this.#elected;
    if (vote.electionEpoch === electionEpoch && vote.leader === leader) {
      this.#stands(from);
    } else if (vote.electionEpoch >= electionEpoch || this.#lookingEarlier.has(from)) {
      this.#looking.add(from);
    } else {
      this.#lookingEarlier.add(from);
    }
  }

  /** There is a new connection with this server, or none. */
  linkChanged(sid: number): void {
    this.#lookingEarlier.delete(sid);
  }

  /** A server has come to follow, whether or not it elected this one. */
  follows(sid: number): void {
    this.#electors.add(sid);
    this.#stands(sid);
  }

  #stands(sid: number): void {
    this.#looking.delete(sid);
    this.#lookingEarlier.delete(sid);
  }

  /** Whether those that stand by this server are a quorum. */
  stand(electorate: Electorate): boolean {
    return this.#looking.size === 0 || electorate.isQuorum((sid) => this.#electors.has(sid) && !this.#looking.has(sid));
  }
}

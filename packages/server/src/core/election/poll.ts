import type { Contacts } from './contacts.ts';
import type { Electorate } from './electorate.ts';
import { Tally } from './tally.ts';
import { agreeInRound, agreeOutOfElection, type Candidate, type CastVote } from './vote.ts';

/** The votes of one election, the newest of each server, and what they decide (election-protocol reference, 5.4). */
export class Poll {
  readonly #sid: number;
  readonly #contacts: Contacts;
  /** Votes of this round. */
  readonly #received = new Tally();
  /** Votes of servers that have a leader, of any round. */
  readonly #settled = new Tally();
  /** Voters that look and say that they must not vote. */
  readonly #abstaining = new Set<number>();

  constructor(sid: number, contacts: Contacts) {
    this.#sid = sid;
    this.#contacts = contacts;
  }

  begin(): void {
    this.#received.clear();
    this.#settled.clear();
    this.#abstaining.clear();
  }

  /** The votes of the round before count no more. */
  nextRound(): void {
    this.#received.clear();
  }

  /** The own vote; null: none. */
  setOwn(vote: CastVote | null): void {
    if (vote === null) this.#received.delete(this.#sid);
    else this.#received.set(this.#sid, vote);
  }

  /** A voter looks for a leader: what it said as follower or leader is over. */
  looks(from: number, abstains: boolean): void {
    this.#settled.delete(from);
    if (abstains) {
      this.#abstaining.add(from);
      this.#received.delete(from);
    } else {
      this.#abstaining.delete(from);
    }
  }

  /** A vote of this round. */
  count(from: number, vote: CastVote): void {
    this.#received.set(from, vote);
  }

  /** A voter follows or leads: what it said while it looked is over. */
  settles(from: number, vote: CastVote, round: number): void {
    this.#abstaining.delete(from);
    this.#settled.set(from, vote);
    if (vote.electionEpoch === round) this.#received.set(from, vote);
    else this.#received.delete(from);
  }

  /** The connection broke: whether this server leads must be heard again. */
  lost(sid: number): void {
    this.#settled.delete(sid);
  }

  /** Whether this server itself has said that it leads. */
  leads(sid: number): boolean {
    return this.#settled.leads(sid);
  }

  /** Those whose vote in this round equals this one. */
  supporters(proposed: CastVote): ReadonlySet<number> {
    return this.#received.supporters(proposed, agreeInRound);
  }

  /** Those whose vote in this round, however founded, names this server; and itself. */
  ownElectors(electorate: Electorate): ReadonlySet<number> {
    return new Set(electorate.voters.filter((v) => v === this.#sid || this.#received.get(v)?.leader === this.#sid));
  }

  /** Whether no better vote can come in this round: all who can speak and may vote have said the same (section 11, point 1). */
  allSpoke(candidate: Candidate, supporters: ReadonlySet<number>, electorate: Electorate): boolean {
    const contacts = this.#contacts;
    if (contacts.isDown(candidate.leader)) return false;
    // Who is blank may yet vote for itself, and win over another blank one; never over one with history.
    const abstainersYield = candidate.zxid > 0 || candidate.peerEpoch > 0;
    for (const sid of electorate.voters) {
      if (sid === this.#sid || supporters.has(sid) || contacts.isDown(sid)) continue;
      if (!(abstainersYield && this.#abstaining.has(sid)) && electorate.counts(sid)) return false;
    }
    return electorate.isQuorum((sid) => supporters.has(sid) && !contacts.isDown(sid));
  }

  /** Whether the votes of this round, with that of a server that has a leader, end the election. */
  decidesInRound(vote: CastVote, electorate: Electorate): boolean {
    return this.#isConfirmed(this.#received, vote, agreeInRound, electorate);
  }

  /** Whether the servers that have a leader end the election with this vote. */
  decidesOutOfElection(vote: CastVote, electorate: Electorate): boolean {
    return this.#isConfirmed(this.#settled, vote, agreeOutOfElection, electorate);
  }

  /** The vote of a leader that says so and that a quorum names, though in different rounds and epochs; null: there is none. */
  knownLeader(electorate: Electorate): CastVote | null {
    for (const vote of this.#settled.votes()) {
      const leads = vote.leading && vote.leader !== this.#sid;
      if (leads && this.#isConfirmed(this.#settled, vote, nameTheSame, electorate)) return vote;
    }
    return null;
  }

  /** `leaderConfirmed`: those who agree are a quorum, and the leader, if it is another server, has said itself that it leads. */
  #isConfirmed(
    tally: Tally,
    vote: CastVote,
    agree: (a: CastVote, b: CastVote) => boolean,
    electorate: Electorate,
  ): boolean {
    if (vote.leader !== this.#sid && !tally.leads(vote.leader)) return false;
    const supporters = tally.supporters(vote, agree);
    const agrees = (sid: number): boolean => supporters.has(sid);
    return vote.leader === this.#sid ? electorate.isQuorum(agrees) : electorate.isQuorumOfAny(agrees);
  }
}

function nameTheSame(a: CastVote, b: CastVote): boolean {
  return a.leader === b.leader;
}

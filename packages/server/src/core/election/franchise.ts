/**
 * Whether this server may vote in the election that runs.
 *
 * A voter without any history looks the same whether its ensemble is new or its disk was wiped. If a wiped voter votes, a quorum
 * can come together that has forgotten what was acknowledged. So a blank voter first asks who else is blank, and votes only
 * when nobody whom it can reach has history. Apache's servers understand this: a vote with zxid -1 is one that must not count
 * (election-protocol reference, 4.2).
 */
import type { Electorate } from './electorate.ts';

/** `blank`: no transaction and no epoch on the disk. `no`: the disk once held history and does not any more. */
export type MayVote = 'yes' | 'blank' | 'no';

export class Franchise {
  readonly #sid: number;
  readonly #waitMs: number;
  readonly #given: MayVote;
  #votes: boolean;
  #waits: boolean;
  readonly #blank = new Set<number>();
  #lastNewMs: number;
  #decideAtMs = Number.POSITIVE_INFINITY;

  /** `waitMs`: how long to wait for voters of whom nothing is known. */
  constructor(sid: number, given: MayVote, nowMs: number, waitMs: number) {
    this.#sid = sid;
    this.#given = given;
    this.#votes = given === 'yes';
    this.#waits = given === 'blank';
    this.#lastNewMs = nowMs;
    this.#waitMs = waitMs;
  }

  get votes(): boolean {
    return this.#votes;
  }

  /** Whether it may yet turn out that this server votes. */
  get waits(): boolean {
    return this.#waits;
  }

  /** When `reconsider` should be called, if nothing happens before; milliseconds, Infinity for never. */
  get decideAtMs(): number {
    return this.#decideAtMs;
  }

  blankVoterHeard(sid: number, nowMs: number): void {
    if (!this.#waits || this.#blank.has(sid)) return;
    this.#blank.add(sid);
    this.#lastNewMs = nowMs;
  }

  /** A voter has history: a blank server does not vote in this election. True when it could have until now. */
  historyHeard(): boolean {
    if (this.#given !== 'blank' || (!this.#votes && !this.#waits)) return false;
    this.#votes = false;
    this.#waits = false;
    this.#decideAtMs = Number.POSITIVE_INFINITY;
    return true;
  }

  /**
   * True when this server votes from now on: all voters are blank; or a quorum is, for a while no other has spoken, and there is
   * no connection to those who have not.
   */
  reconsider(electorate: Electorate, isUp: (sid: number) => boolean, nowMs: number): boolean {
    if (!this.#waits) return false;
    const unheard = electorate.voters.filter((sid) => sid !== this.#sid && !this.#blank.has(sid));
    if (unheard.length > 0) {
      const quorum = electorate.isQuorum((sid) => sid === this.#sid || this.#blank.has(sid));
      this.#decideAtMs = quorum && !unheard.some(isUp) ? this.#lastNewMs + this.#waitMs : Number.POSITIVE_INFINITY;
      if (nowMs < this.#decideAtMs) return false;
    }
    this.#votes = true;
    this.#waits = false;
    this.#decideAtMs = Number.POSITIVE_INFINITY;
    return true;
  }
}

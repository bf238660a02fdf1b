import type { CastVote } from './vote.ts';

/** Votes by their senders, one each: the newest. */
export class Tally {
  readonly #votes = new Map<number, CastVote>();

  set(sender: number, vote: CastVote): void {
    this.#votes.set(sender, vote);
  }

  get(sender: number): CastVote | undefined {
    return this.#votes.get(sender);
  }

  delete(sender: number): void {
    this.#votes.delete(sender);
  }

  clear(): void {
    this.#votes.clear();
  }

  votes(): IterableIterator<CastVote> {
    return this.#votes.values();
  }

  /** Those whose vote agrees with `vote`. */
  supporters(vote: CastVote, agree: (a: CastVote, b: CastVote) => boolean): Set<number> {
    const result = new Set<number>();
    for (const [sender, cast] of this.#votes) if (agree(cast, vote)) result.add(sender);
    return result;
  }

  /** Whether this server itself has said that it leads. */
  leads(sid: number): boolean {
    const own = this.#votes.get(sid);
    return own?.leading === true && own.leader === sid;
  }
}

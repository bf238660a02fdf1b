import { type Membership, parseMembership } from '../membership/membership.ts';

/** The newest configuration that other servers' votes told of (election-protocol reference, section 9). */
export class Gossip {
  #news: Membership | null = null;
  /** The version known, here or in the news. */
  #known = 0;

  /** This server has this version committed. */
  committed(version: number): void {
    this.#known = Math.max(this.#known, version);
    if (this.#news !== null && this.#news.version <= version) this.#news = null;
  }

  /** Ignores a text that makes no sense. */
  hear(text: string): void {
    let membership: Membership;
    try {
      membership = parseMembership(text);
    } catch {
      return;
    }
    if (membership.version <= this.#known) return;
    this.#known = membership.version;
    this.#news = membership;
  }

  take(): Membership | null {
    const news = this.#news;
    this.#news = null;
    return news;
  }
}

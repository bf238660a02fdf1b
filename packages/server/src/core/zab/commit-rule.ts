import type { Membership } from '../membership/membership.ts';

/** Up to which txn the quorums of the memberships in force have acknowledged (law 29). */
export class CommitRule {
  readonly #acked: Map<number, number> = new Map();
  readonly #candidates: number[] = [];
  #wanted = 0;
  readonly #has: (sid: number) => boolean;
  /** What `committable` said last, and of what; it is asked in every step, and acknowledgements come in few. */
  #answer = -1;
  #isCurrent = false;
  #committed: Membership | null = null;
  #proposed: Membership | null = null;
  #reconfigZxid = 0;

  constructor() {
    this.#has = (sid) => (this.#acked.get(sid) ?? -1) >= this.#wanted;
  }

  /** A server has everything up to `zxid` on its disk. */
  acknowledged(sid: number, zxid: number): void {
    const before = this.#acked.get(sid);
    if (before !== undefined && before >= zxid) return;
    this.#acked.set(sid, zxid);
    this.#isCurrent = false;
  }

  /** A server may no longer have what it had acknowledged: its log is going to be cut, or replaced. */
  forget(sid: number): void {
    this.#acked.delete(sid);
    this.#isCurrent = false;
  }

  /** The last txn that a quorum of the membership has; -1 when there is none. */
  quorumZxid(membership: Membership): number {
    const candidates = this.#candidates;
    candidates.length = 0;
    for (const sid of membership.voters) {
      const zxid = this.#acked.get(sid);
      if (zxid !== undefined) insertDescending(candidates, zxid);
    }
    for (let i = 0; i < candidates.length; i++) {
      this.#wanted = candidates[i];
      if (membership.isQuorum(this.#has)) return this.#wanted;
    }
    return -1;
  }

  /**
   * The last txn that may be committed. From `reconfigZxid` on, which proposed `proposed`, a quorum of both is needed; 0 when
   * no membership is proposed.
   */
  committable(committed: Membership, proposed: Membership | null, reconfigZxid: number): number {
    const isSame = committed === this.#committed && proposed === this.#proposed && reconfigZxid === this.#reconfigZxid;
    if (this.#isCurrent && isSame) return this.#answer;
    this.#isCurrent = true;
    this.#committed = committed;
    this.#proposed = proposed;
    this.#reconfigZxid = reconfigZxid;
    this.#answer = this.#decide(committed, proposed, reconfigZxid);
    return this.#answer;
  }

  #decide(committed: Membership, proposed: Membership | null, reconfigZxid: number): number {
    const first = this.quorumZxid(committed);
    if (proposed === null || first < reconfigZxid) return first;
    const second = this.quorumZxid(proposed);
    return Math.max(reconfigZxid - 1, Math.min(first, second));
  }
}

/** There are a handful of voters, and this is done for each acknowledgement: the library's sorting costs more than all else. */
function insertDescending(sorted: number[], value: number): void {
  let at = sorted.push(value) - 1;
  for (; at > 0 && (sorted[at - 1] as number) < value; at--) sorted[at] = sorted[at - 1] as number;
  sorted[at] = value;
}

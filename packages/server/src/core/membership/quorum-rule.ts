import type { Hierarchy } from './member.ts';

/**
 * Which sets of voters are a quorum (quorum-protocol reference, 13.2).
 *
 * Majority: more than half of the voters. Hierarchical: in more than half of the groups that weigh anything, voters with
 * more than half of the group's weight. Either way two quorums always have a voter in common, which is what elections and
 * commits rest on.
 */
export class QuorumRule {
  readonly #voters: readonly number[];
  /** Voters needed for a majority, or groups needed. */
  readonly #needed: number;
  /** For each voter, the index of its group; null: plain majorities. */
  readonly #groupOf: readonly number[] | null;
  readonly #weightOf: readonly number[];
  /** For each group, half of its weight: more than this is needed. */
  readonly #halfOf: readonly number[];
  /** For each group, the weight found so far; used anew by every count. */
  readonly #found: Float64Array;

  constructor(voters: readonly number[], hierarchy: Hierarchy | null) {
    this.#voters = voters;
    if (hierarchy === null) {
      this.#needed = majority(voters.length);
      this.#groupOf = null;
      this.#weightOf = [];
      this.#halfOf = [];
      this.#found = new Float64Array(0);
      return;
    }
    const { groups, weights } = hierarchy;
    const indexOf = new Map<number, number>();
    const halves: number[] = [];
    for (const sids of groups.values()) {
      for (const sid of sids) indexOf.set(sid, halves.length);
      halves.push(sids.reduce((sum, sid) => sum + (weights.get(sid) ?? 0), 0) / 2);
    }
    this.#needed = majority(halves.filter((half) => half > 0).length);
    this.#groupOf = voters.map((sid) => indexOf.get(sid) as number);
    this.#weightOf = voters.map((sid) => weights.get(sid) as number);
    this.#halfOf = halves;
    this.#found = new Float64Array(halves.length);
  }

  /** Whether the voters among those servers are a quorum. Allocates nothing. */
  holds(acked: ReadonlySet<number> | ((sid: number) => boolean)): boolean {
    const groupOf = this.#groupOf;
    if (groupOf !== null) return this.#holdsInGroups(acked, groupOf);
    let missing = this.#needed;
    for (const sid of this.#voters) {
      if ((typeof acked === 'function' ? acked(sid) : acked.has(sid)) && --missing === 0) return true;
    }
    return false;
  }

  #holdsInGroups(acked: ReadonlySet<number> | ((sid: number) => boolean), groupOf: readonly number[]): boolean {
    const found = this.#found;
    found.fill(0);
    let missing = this.#needed;
    for (let i = 0; i < this.#voters.length; i++) {
      const sid = this.#voters[i] as number;
      if (!(typeof acked === 'function' ? acked(sid) : acked.has(sid))) continue;
      const group = groupOf[i] as number;
      const before = found[group] as number;
      const after = before + (this.#weightOf[i] as number);
      found[group] = after;
      const half = this.#halfOf[group] as number;
      // A group counts once, when its weight passes the half.
      if (before <= half && after > half && --missing === 0) return true;
    }
    return false;
  }
}

function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

import type { Membership } from '@headkeeper/server/internal';
import type { SimNode } from '../node/sim-node.ts';

/** The memberships that some server has taken for committed: which of them was in force at a txn. */
export class MembershipWatch {
  /** Ascending by version. */
  readonly #committed: Membership[] = [];

  /** A server has acted: what does it take for committed? Returns whether nobody has before. */
  observe(node: SimNode): boolean {
    const membership = node.server?.replica.member?.stage.committed;
    if (membership === undefined) return false;
    const { version } = membership;
    const last = this.#committed.at(-1);
    if (last !== undefined && last.version >= version) return false;
    this.#committed.push(membership);
    return true;
  }

  /** The newest; null before anybody has acted, and where servers stand alone. */
  get newest(): Membership | null {
    return this.#committed.at(-1) ?? null;
  }

  /** Whose quorums a txn needs: the one that its predecessors have made, and with it the one that it makes itself. */
  at(zxid: number): Membership[] {
    const before = this.#committed.findLast((membership) => membership.version < zxid);
    const own = this.#committed.find((membership) => membership.version === zxid);
    return [before, own].filter((membership) => membership !== undefined);
  }
}

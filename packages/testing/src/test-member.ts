import type { ServerNode } from './node/server-node.ts';
import { ServerControls } from './server-controls.ts';

/** What a server of an ensemble does. */
export type MemberRole = 'leader' | 'follower' | 'looking';

/** One server of a `TestEnsemble`. */
export class TestMember extends ServerControls {
  /** Its number in the ensemble (`myid`), from 1. */
  readonly id: number;
  readonly #node: ServerNode;

  constructor(id: number, node: ServerNode) {
    super(node);
    this.id = id;
    this.#node = node;
  }

  /** null while it does not run. A leader that was cut off may not know yet that it is none. */
  get role(): MemberRole | null {
    const member = this.#node.life?.server.replica.member ?? null;
    if (member === null) return null;
    const { name, stage } = member.role;
    if (stage !== 'broadcast') return 'looking';
    return name === 'leading' ? 'leader' : 'follower';
  }

  /** Stops in order; a leader lets another lead first. `restart` starts it again. */
  stop(): Promise<void> {
    return this.#node.stop();
  }
}

import type { SimNode } from '../node/sim-node.ts';
import type { NodeRole } from './applied-txns.ts';

/** What a server is at this moment, read from its core. */
export function roleOf(node: SimNode): NodeRole {
  if (node.server === null || !node.isReady) return 'idle';
  return 'leading';
}

/** The last txn that the server has applied. */
export function appliedZxid(node: SimNode): number {
  return node.server?.replica.serving.lastZxid ?? 0;
}

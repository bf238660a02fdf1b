import type { SimNode } from '../node/sim-node.ts';
import type { NodeRole } from './applied-txns.ts';

/** What a server is at this moment, read from its core. */
export function roleOf(node: SimNode): NodeRole {
  if (node.server === null || !node.isReady) return 'idle';
  const { member, clients } = node.server.replica;
  if (member === null) return 'leading';
  const { role } = member;
  if (role.name === 'leading') return role.stage === 'broadcast' ? 'leading' : 'idle';
  return clients.areServed ? 'serving' : 'idle';
}

/** The epoch in which the server leads; null when it does not. */
export function leadingEpoch(node: SimNode): number | null {
  const role = node.server?.replica.member?.role;
  if (role === undefined || role.name !== 'leading' || roleOf(node) !== 'leading') return null;
  return 'epoch' in role ? Number(role.epoch) : null;
}

/** The epoch that the server has entered; 0 when it has none. */
export function currentEpoch(node: SimNode): number {
  return node.server?.replica.member?.stage.epochs.current ?? 0;
}

/** The last txn that the server has applied. */
export function appliedZxid(node: SimNode): number {
  return node.server?.replica.serving.lastZxid ?? 0;
}

/** For people who read a trace. */
export function describeNode(node: SimNode): string {
  if (node.server === null) return 'down';
  const { member } = node.server.replica;
  return `${member?.role.name ?? 'standalone'} (${roleOf(node)}${node.isPaused ? ', paused' : ''})`;
}

import type { SimNode } from '../node/sim-node.ts';

/** What a leader has last told a learner on the connection that it has now, as far as that changes what the learner does. */
export type Conveyance = 'greeting' | 'DIFF' | 'TRUNC' | 'SNAP' | 'acknowledged';

/** Everything that a server can be doing when a fault strikes: its role, and how far it is. */
export const PHASES = [
  'down',
  'looking',
  'looking, log on its way',
  'leading, discovery',
  'leading, synchronisation',
  'leading, idle',
  'leading, txns under way',
  'leading, snapshot',
  'leading, sending a state',
  'following, discovery',
  'following, epoch accepted',
  'following, DIFF',
  'following, TRUNC',
  'following, SNAP',
  'following, acknowledged',
  'following, idle',
  'following, txns under way',
  'following, snapshot',
  'observing, discovery',
  'observing, epoch accepted',
  'observing, DIFF',
  'observing, TRUNC',
  'observing, SNAP',
  'observing, acknowledged',
  'observing, idle',
  'observing, txns under way',
  'observing, snapshot',
  'alone, idle',
  'alone, txns under way',
  'alone, snapshot',
] as const;

export type Phase = (typeof PHASES)[number];

/** Those that are over so soon that what comes at random hardly ever meets them. */
export const PASSING_PHASES: readonly Phase[] = PHASES.filter((phase) => !/^down$|, idle$/.test(phase));

/** What the server is doing at this moment; `conveyance`: of the connection to its leader, if it learns. */
export function phaseOf(node: SimNode, conveyance: Conveyance): Phase {
  const { server } = node;
  if (server === null) return 'down';
  const { replica } = server;
  const { pipeline } = replica;
  const role = replica.member?.role ?? null;
  if (role?.name === 'looking') {
    return pipeline.durableZxid < pipeline.appendedZxid ? 'looking, log on its way' : 'looking';
  }
  const name = role === null ? 'alone' : role.name;
  if (role !== null && name === 'leading' && role.feeding.length > 0) return 'leading, sending a state';
  if (role !== null && name === 'leading' && role.stage !== 'broadcast') {
    return role.stage === 'discovery' ? 'leading, discovery' : 'leading, synchronisation';
  }
  if (role !== null && role.stage !== 'broadcast') {
    const learns = name === 'observing' ? 'observing' : 'following';
    if (role.stage === 'discovery') return `${learns}, discovery`;
    return conveyance === 'greeting' ? `${learns}, epoch accepted` : `${learns}, ${conveyance}`;
  }
  if (pipeline.snapshots.running) return `${name}, snapshot`;
  return replica.outstanding > 0 ? `${name}, txns under way` : `${name}, idle`;
}

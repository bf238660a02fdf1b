import { MIN_LONG } from '@headkeeper/protocol';
import type { Electorate } from './electorate.ts';
import type { MayVote } from './franchise.ts';
import { type Candidate, NO_HISTORY_ZXID, NOBODY } from './vote.ts';

/** What this server brings into an election. */
export interface OwnStanding {
  /** Last zxid in the log, committed or not. */
  readonly zxid: number;
  /** `currentEpoch`. */
  readonly peerEpoch: number;
  /** False for an observer. */
  readonly participant: boolean;
  readonly mayVote: MayVote;
  /** A voter that has everything which this server has, and is to be elected in its place. */
  readonly candidate?: number | null;
}

/** Of a server that has not looked for a leader yet. */
export const NO_STANDING: OwnStanding = { zxid: 0, peerEpoch: 0, participant: false, mayVote: 'no' };

/** The own vote at the beginning of a round (election-protocol reference, 4.2). */
export function initialVote(sid: number, own: OwnStanding, electorate: Electorate): Candidate {
  if (!own.participant) return NOBODY;
  const candidate = own.candidate ?? sid;
  const named = electorate.committed.isVoter(candidate) ? candidate : sid;
  const leader = electorate.committed.isVoter(sid) ? named : MIN_LONG;
  return { leader, zxid: own.zxid, peerEpoch: own.peerEpoch };
}

/** What this server says when it looks and does not vote. */
export function abstention(sid: number, own: OwnStanding, electorate: Electorate): Candidate {
  const initial = initialVote(sid, own, electorate);
  if (!own.participant || !electorate.isVoter(sid)) return initial;
  // The epoch tells blank voters that there was history here.
  const peerEpoch = own.mayVote === 'no' ? Math.max(1, initial.peerEpoch) : initial.peerEpoch;
  return { leader: initial.leader, zxid: NO_HISTORY_ZXID, peerEpoch };
}

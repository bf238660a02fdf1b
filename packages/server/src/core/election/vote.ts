/**
 * Votes, their order, and when two of them count as the same (election-protocol reference, sections 4.1 and 4.3).
 */
import { MIN_LONG } from '@headkeeper/protocol';

/** What an election ends with, and what is told to those who ask afterwards. */
export interface ElectionVote {
  /** Server id of the one voted for. */
  readonly leader: number;
  /** Last zxid in the log of the one voted for, at the time of its candidacy. Outside an election it says nothing. */
  readonly zxid: number;
  /** The round in which the vote was cast: the logical clock. */
  readonly electionEpoch: number;
  /** `currentEpoch` of the one voted for; after the synchronisation, the new epoch. */
  readonly peerEpoch: number;
}

/** Whom a server proposes: a vote without its round. */
export interface Candidate {
  readonly leader: number;
  readonly zxid: number;
  readonly peerEpoch: number;
}

/** A vote as it was received. */
export interface CastVote extends ElectionVote {
  /** Whether the sender was still looking for a leader, or already had one. */
  readonly looking: boolean;
  /** Whether the sender leads. */
  readonly leading: boolean;
  /** Format version of the message; 0 has no meaningful epoch. */
  readonly version: number;
}

/** The zxid in the votes of a server that must not vote (section 4.2). */
export const NO_HISTORY_ZXID = -1;

/** The proposal of one who proposes nobody; any vote of a voter beats it. */
export const NOBODY: Candidate = { leader: MIN_LONG, zxid: MIN_LONG, peerEpoch: MIN_LONG };

/**
 * Whether vote `a` beats vote `b` : the greater epoch wins, then the greater zxid, then the greater id. The round is no part
 * of this order, and neither is the weight: a candidate without weight never beats anybody, which the caller checks.
 */
export function beats(a: Candidate, b: Candidate): boolean {
  if (a.peerEpoch !== b.peerEpoch) return a.peerEpoch > b.peerEpoch;
  if (a.zxid !== b.zxid) return a.zxid > b.zxid;
  return a.leader > b.leader;
}

/** Whether both votes name the same leader for the same reason in the same round. */
export function identical(a: ElectionVote, b: ElectionVote): boolean {
  return (
    a.leader === b.leader && a.zxid === b.zxid && a.electionEpoch === b.electionEpoch && a.peerEpoch === b.peerEpoch
  );
}

/**
 * Whether two votes of one round count as one. Votes of servers that already have a leader agree when they name the same one:
 * their epochs differ while the leader's synchronisation is under way.
 */
export function agreeInRound(a: CastVote, b: CastVote): boolean {
  return a.looking || b.looking ? identical(a, b) : a.leader === b.leader;
}

/**
 * Whether two votes of servers that already have a leader count as one, whatever their rounds. They do when the epoch is equal,
 * or one of the messages is of a version that had none. Those elected in one round count as one too, which Apache's servers do
 * not look at: their epochs differ only while the leader's synchronisation is under way.
 */
export function agreeOutOfElection(a: CastVote, b: CastVote): boolean {
  if (a.leader !== b.leader) return false;
  return a.peerEpoch === b.peerEpoch || a.electionEpoch === b.electionEpoch || (a.version === 0) !== (b.version === 0);
}

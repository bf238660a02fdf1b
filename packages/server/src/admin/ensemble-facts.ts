import type { Membership } from '../core/membership/membership.ts';

/** An observer that is connected to a leader. */
export interface ObserverFacts {
  readonly sid: number;
  /** `host:port`. */
  readonly address: string;
  /** Wall clock, milliseconds since 1970. */
  readonly establishedAt: number;
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number;
}

/** What a leader knows beside. */
export interface LeaderFacts {
  /** Milliseconds since it began to lead. */
  readonly uptimeMs: number;
  /** Connected learners, in sync or not. */
  readonly learners: number;
  /** Of those in sync: voters, followers that are no members (joiners), observers. */
  readonly syncedFollowers: number;
  readonly syncedNonVoters: number;
  readonly syncedObservers: number;
  /** All that are connected, in sync or not. */
  readonly observers: readonly ObserverFacts[];
  /** Sync requests of clients that wait for a commit. */
  readonly pendingSyncs: number;
  /** Bytes of proposals; -1 before the first. */
  readonly proposalSize: { readonly last: number; readonly min: number; readonly max: number };
}

/**
 * What the operators' commands may ask of an ensemble's server, beside `ServerStatus`. Cheap to read; times in
 * milliseconds.
 */
export interface EnsembleFacts {
  readonly sid: number;
  readonly role: 'looking' | 'leader' | 'follower' | 'observer';
  /** How far it is towards serving. */
  readonly phase: 'election' | 'discovery' | 'synchronization' | 'broadcast';
  /** Whether it serves reads only, because there is no quorum. */
  readonly readOnly: boolean;
  /** The epoch whose initial history this server has. */
  readonly currentEpoch: number;
  /** null while there is none. */
  readonly leaderSid: number | null;
  /** The server that an observer is connected to: the leader, or a follower that is an observer master; else null. */
  readonly observerMasterSid: number | null;
  readonly localSessionCount: number;
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
  /** The committed membership. */
  readonly membership: Membership;
  /** null unless it leads. */
  readonly leading: LeaderFacts | null;
  /** Observers in sync with a follower that is an observer master; null on any other server. */
  readonly hostedObservers: number | null;
}

/** The role as `srvr` and `zk_server_state` name it. */
export function modeOf(facts: EnsembleFacts): 'leader' | 'follower' | 'observer' | 'read-only' | 'looking' {
  return facts.readOnly ? 'read-only' : facts.role;
}

const PEER_STATES = { looking: 'looking', leader: 'leading', follower: 'following', observer: 'observing' } as const;

/** Role and phase as `zk_peer_state` names them, such as `following - broadcast`. */
export function peerState(facts: EnsembleFacts): string {
  return `${PEER_STATES[facts.role]} - ${facts.phase}`;
}

import type { Endpoint } from '../../ports.ts';

/** One of the addresses that a server's peers reach it at. */
export interface MemberEndpoint {
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
}

/** Participants vote; observers do not. */
export type MemberRole = 'participant' | 'observer';

/** One server of an ensemble. */
export interface Member {
  /** Server id, 0 to 2^53 - 1. */
  readonly sid: number;
  /** At least one, sorted by host. */
  readonly endpoints: readonly MemberEndpoint[];
  readonly role: MemberRole;
  /** Where clients reach it; null when its line does not say. */
  readonly client: Endpoint | null;
}

/** Groups and weights of a hierarchical quorum (quorum-protocol reference, 13.1). */
export interface Hierarchy {
  /** The servers of each group, ascending; groups ascending. */
  readonly groups: ReadonlyMap<number, readonly number[]>;
  /** The weight of every server that is in a group, ascending by server. */
  readonly weights: ReadonlyMap<number, number>;
}

/** What the text of a membership says. */
export interface MembershipParts {
  /** Ascending by server id. */
  readonly members: ReadonlyMap<number, Member>;
  /** null: plain majorities. */
  readonly hierarchy: Hierarchy | null;
  /** zxid of the reconfiguration that made it; (epoch, 0) for an ensemble's first; 0 when it came from a file. */
  readonly version: number;
}

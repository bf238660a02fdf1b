import type { Endpoint } from '../../ports.ts';
import type { Member, MembershipParts } from './member.ts';
import { formatMembers, formatVersion, MembershipError, parseMembershipText } from './membership-text.ts';
import { QuorumRule } from './quorum-rule.ts';

export type { Member, MemberEndpoint, MemberRole } from './member.ts';
export { MembershipError };

/**
 * Who belongs to an ensemble, and which sets of servers are a quorum of it. Immutable.
 *
 * Source of the rules: quorum-protocol reference, section 13.
 */
export class Membership {
  /** zxid of the reconfiguration that made it; (epoch, 0) for an ensemble's first; 0 when it came from a file. */
  readonly version: number;
  /** Ascending by server id. */
  readonly members: ReadonlyMap<number, Member>;
  /** Ids of the participants, ascending. */
  readonly voters: ReadonlySet<number>;
  /** The servers of each group; null: plain majorities. */
  readonly groups: ReadonlyMap<number, readonly number[]> | null;
  /** The weight of each server in a group; null: plain majorities. */
  readonly weights: ReadonlyMap<number, number> | null;
  readonly #parts: MembershipParts;
  readonly #rule: QuorumRule;
  #membersText: string | null = null;
  #text: string | null = null;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.version = parts.version;
    this.members = parts.members;
    this.groups = parts.hierarchy?.groups ?? null;
    this.weights = parts.hierarchy?.weights ?? null;
    const voters = [...parts.members.values()].filter((member) => member.role === 'participant').map(({ sid }) => sid);
    this.voters = new Set(voters);
    this.#rule = new QuorumRule(voters, parts.hierarchy);
  }

  isVoter(sid: number): boolean {
    return this.voters.has(sid);
  }

  /** How much a server's vote weighs: 1 with plain majorities, 0 for whoever is in no group. */
  weightOf(sid: number): number {
    return this.weights === null ? 1 : (this.weights.get(sid) ?? 0);
  }

  /** Whether those servers are a quorum; who is no voter does not count. Allocates nothing. */
  isQuorum(acked: ReadonlySet<number> | ((sid: number) => boolean)): boolean {
    return this.#rule.holds(acked);
  }

  /** Whether the other has the same servers, roles, addresses, groups and weights; the versions may differ. */
  sameMembers(other: Membership): boolean {
    return this === other || this.#members().toLowerCase() === other.#members().toLowerCase();
  }

  /** The same servers under another version. */
  withVersion(version: number): Membership {
    return new Membership({ ...this.#parts, version });
  }

  /** Where a server listens for votes; empty when it is no member. */
  electionAddress(sid: number): Endpoint[] {
    const endpoints = this.members.get(sid)?.endpoints ?? [];
    return endpoints.map(({ host, electionPort }) => ({ host, port: electionPort }));
  }

  /** Where a server listens for learners when it leads; empty when it is no member. */
  quorumAddress(sid: number): Endpoint[] {
    const endpoints = this.members.get(sid)?.endpoints ?? [];
    return endpoints.map(({ host, quorumPort }) => ({ host, port: quorumPort }));
  }

  /** The generated form, the version last, no newline at its end (13.1). What peers, clients and transactions carry. */
  toText(): string {
    this.#text ??= `${this.#members()}\n${formatVersion(this.version)}`;
    return this.#text;
  }

  /** The form of the files (13.6): lines sorted by their code units, no newline at the end. */
  toFileText(withVersion: boolean): string {
    const lines = (withVersion ? this.toText() : this.#members()).split('\n');
    return lines.sort().join('\n');
  }

  #members(): string {
    this.#membersText ??= formatMembers(this.#parts);
    return this.#membersText;
  }
}

/** @throws MembershipError when the text is no membership (see `parseMembershipText`). */
export function parseMembership(text: string): Membership {
  return new Membership(parseMembershipText(text));
}

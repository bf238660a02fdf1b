import { ErrorCode, type ReconfigRequest } from '@headkeeper/protocol';
import { isLoopbackOrWildcard } from './host-text.ts';
import type { Member } from './member.ts';
import { MemberTextError, parseMember } from './member-text.ts';
import { Membership, MembershipError, parseMembership } from './membership.ts';

/** What a leader judges a reconfiguration by. */
export interface ReconfigurationContext {
  readonly committed: Membership;
  /** Newer than `committed` while an earlier reconfiguration is under way. */
  readonly lastSeen: Membership;
  /** Whether a single participant may be all that is left: `standaloneEnabled` is false. */
  readonly singleVoterAllowed: boolean;
  /** Whether a server may have several addresses. */
  readonly multiAddress: boolean;
  /** Whether a quorum of that membership is connected to the leader and in sync with it, the leader included. */
  readonly hasSyncedQuorum: (next: Membership) => boolean;
}

/**
 * What a reconfiguration makes of the membership, with the zxid of its transaction as the version, or the error code that
 * the client gets. Whether reconfiguration is enabled and the session is live is checked before this, the ACL after it.
 *
 * Source of the order and of the codes: client-protocol reference, section 3.4 (reconfig); quorum-protocol, 13.4.
 */
export function reconfigured(
  request: ReconfigRequest,
  context: ReconfigurationContext,
  zxid: number,
): Membership | number {
  const { committed, lastSeen, multiAddress } = context;
  if (lastSeen.version !== committed.version) return ErrorCode.reconfigInProgress;
  if (request.curConfigId !== -1 && request.curConfigId !== lastSeen.version) return ErrorCode.badVersion;
  const next = request.newMembers === null ? changed(lastSeen, request, zxid) : replaced(request.newMembers, zxid);
  if (typeof next === 'number') return next;
  for (const { endpoints } of next.members.values()) {
    if (endpoints.length > 1 && !multiAddress) return ErrorCode.badArguments;
  }
  if (next.voters.size < (context.singleVoterAllowed ? 1 : 2)) return ErrorCode.badArguments;
  return context.hasSyncedQuorum(next) ? next : ErrorCode.newConfigNoQuorum;
}

/** The bulk form: a whole new membership, with commas or newlines between the lines. */
function replaced(newMembers: string, zxid: number): Membership | number {
  try {
    return parseMembership(newMembers.replaceAll(',', '\n')).withVersion(zxid);
  } catch (error) {
    if (error instanceof MembershipError) return ErrorCode.badArguments;
    throw error;
  }
}

/** The incremental form, for plain majorities: first they leave, then they join. */
function changed(lastSeen: Membership, request: ReconfigRequest, zxid: number): Membership | number {
  if (lastSeen.groups !== null) return ErrorCode.badArguments;
  const members = new Map(lastSeen.members);
  for (const text of listed(request.leavingServers)) {
    if (!/^-?\d+$/.test(text)) return ErrorCode.marshallingError;
    members.delete(Number(text));
  }
  for (const text of listed(request.joiningServers)) {
    const joiner = readJoiner(text);
    if (joiner === null || collides(joiner, members)) return ErrorCode.badArguments;
    members.set(joiner.sid, joiner);
  }
  const sorted = new Map([...members].sort(([a], [b]) => a - b));
  return new Membership({ members: sorted, hierarchy: null, version: zxid });
}

/** `server.N=...` with all three ports; null: malformed. */
function readJoiner(text: string): Member | null {
  const [, id, value] = /^(?:[^=]*\.)?(\d{1,16})\s*=\s*([^=]+)$/.exec(text) ?? [];
  const sid = Number(id);
  if (value === undefined || !Number.isSafeInteger(sid)) return null;
  try {
    const member = parseMember(sid, value);
    return member.client === null ? null : member;
  } catch (error) {
    if (error instanceof MemberTextError) return null;
    throw error;
  }
}

/** Whether another server has one of the joiner's addresses. Loopback and wildcard addresses say nothing. */
function collides(joiner: Member, members: ReadonlyMap<number, Member>): boolean {
  const own = new Set(addressesOf(joiner));
  for (const other of members.values()) {
    if (other.sid !== joiner.sid && addressesOf(other).some((address) => own.has(address))) return true;
  }
  return false;
}

function addressesOf({ endpoints, client }: Member): string[] {
  const all = endpoints.flatMap(({ host, quorumPort, electionPort }) => [
    { host, port: quorumPort },
    { host, port: electionPort },
  ]);
  if (client !== null) all.push(client);
  return all.filter(({ host }) => !isLoopbackOrWildcard(host)).map(({ host, port }) => `${host.toLowerCase()} ${port}`);
}

/** The entries of a list with commas; empty ones do not count. */
function listed(text: string | null): string[] {
  return (text ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

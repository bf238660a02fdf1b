import type { Endpoint } from '../../ports.ts';
import { canonicalHost } from './host-text.ts';
import type { Member, MemberEndpoint, MemberRole } from './member.ts';

/** What is wrong with a text; the caller knows where it stands. */
export class MemberTextError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MemberTextError';
  }
}

const FORM = 'host:quorumPort:electionPort[:participant|:observer][|...][;[clientHost:]clientPort]';
const ANY_ADDRESS = '0.0.0.0';
const LARGEST_PORT = 65535;

/**
 * Reads what a `server.N` line says of server N (quorum-protocol reference, 13.1).
 *
 * @throws MemberTextError
 */
export function parseMember(sid: number, text: string): Member {
  const [servers = '', client, ...rest] = text.split(';');
  if (rest.length > 0) throw new MemberTextError(`expected one ";" at most, in the form ${FORM}`);
  const endpoints: MemberEndpoint[] = [];
  let role: MemberRole | null = null;
  for (const server of servers.split('|')) {
    const parts = hostAndRest(server);
    if (parts.length < 3 || parts.length > 4) throw new MemberTextError(`expected the form ${FORM}`);
    const endpoint = {
      host: host(parts[0] as string),
      quorumPort: port(parts[1] as string, 'quorum port', 1),
      electionPort: port(parts[2] as string, 'election port', 1),
    };
    if (endpoint.quorumPort === endpoint.electionPort) {
      throw new MemberTextError(`expected two different ports, found ${endpoint.quorumPort} for quorum and election`);
    }
    endpoints.push(endpoint);
    if (parts[3] === undefined) continue;
    const own = memberRole(parts[3]);
    if (role !== null && role !== own) {
      throw new MemberTextError('expected the same role for all addresses of a server, found both');
    }
    role = own;
  }
  // By code units; hosts that are equal keep their order.
  endpoints.sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  return { sid, endpoints, role: role ?? 'participant', client: parseClient(client) };
}

/** The generated form of what stands behind `server.N=`: the role always and once, the client's part if it is known. */
export function formatMember(member: Member): string {
  const addresses = member.endpoints
    .map(({ host: name, quorumPort, electionPort }) => `${bracketed(name)}:${quorumPort}:${electionPort}`)
    .join('|');
  const client = member.client === null ? '' : `;${bracketed(member.client.host)}:${member.client.port}`;
  return `${addresses}:${member.role}${client}`;
}

function parseClient(text: string | undefined): Endpoint | null {
  if (text === undefined || text === '') return null;
  const parts = hostAndRest(text);
  const last = parts.pop() as string;
  if (parts.length > 1) throw new MemberTextError(`expected [clientHost:]clientPort after the ";", found "${text}"`);
  return {
    host: parts[0] === undefined ? ANY_ADDRESS : host(parts[0]),
    port: port(last, 'client port', 0),
  };
}

/** Splits at colons, but not inside the brackets of an IPv6 address. */
function hostAndRest(text: string): string[] {
  if (!text.startsWith('[')) return text.split(':');
  const close = text.indexOf(']');
  if (close < 0) throw new MemberTextError(`expected a "]" after the address in "${text}"`);
  const rest = text.slice(close + 1);
  if (rest !== '' && !rest.startsWith(':')) throw new MemberTextError(`expected a ":" after the "]" in "${text}"`);
  return rest === '' ? [text.slice(1, close)] : [text.slice(1, close), ...rest.slice(1).split(':')];
}

function host(text: string): string {
  const canonical = canonicalHost(text);
  if (canonical === null) throw new MemberTextError(`expected a host name or an address, found "${text}"`);
  return canonical;
}

function port(text: string, name: string, smallest: number): number {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number >= smallest && number <= LARGEST_PORT) return number;
  throw new MemberTextError(`expected a number from ${smallest} to ${LARGEST_PORT} as ${name}, found "${text}"`);
}

function memberRole(text: string): MemberRole {
  const role = text.trim().toLowerCase();
  if (role === 'participant' || role === 'observer') return role;
  throw new MemberTextError(`expected the role participant or observer, found "${text}"`);
}

function bracketed(name: string): string {
  return name.includes(':') ? `[${name}]` : name;
}

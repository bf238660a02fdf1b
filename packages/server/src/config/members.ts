import { type Member, type Membership, MembershipError, parseMembership } from '../core/membership/membership.ts';
import type { PeerType } from './ensemble-values.ts';
import { readProperties } from './properties.ts';

/** A `server.N`, `group.N` or `weight.N` line of a configuration, or `dynamicConfigFile`. */
export interface MemberLine {
  readonly key: string;
  readonly value: string;
  readonly where: string;
}

/** Who a server of an ensemble is, and who the others are. */
export interface EnsembleConfig {
  /** This server's id. */
  readonly sid: number;
  /** The committed membership. */
  readonly membership: Membership;
  /** The membership last seen: newer than `membership` when a reconfiguration was under way at the stop, else the same. */
  readonly lastSeen: Membership;
  /** Whether it starts as an observer: its line says. */
  readonly observer: boolean;
  /** The file that holds the members; null while they stand in the configuration file. */
  readonly dynamicConfigFile: string | null;
}

/** What the members' lines say: an ensemble, or one server alone, and where clients reach this server. */
export interface MembersRead {
  readonly ensemble: Omit<EnsembleConfig, 'observer'> | null;
  /** null: no ensemble. */
  readonly own: Member | null;
  /** Assignments of clientPort and clientPortAddress out of this server's line. */
  readonly clientPort: MemberLine | null;
  readonly clientAddress: MemberLine | null;
}

export interface MemberSources {
  readonly lines: readonly MemberLine[];
  /** Name of the configuration file; null for the embedded default. */
  readonly file: string | null;
  readonly dataDir: string | null;
  readonly standaloneEnabled: boolean;
  /** The text of a file, or null when there is none. */
  readonly readFile: (path: string) => string | null;
}

const NOBODY: MembersRead = { ensemble: null, own: null, clientPort: null, clientAddress: null };
const DYNAMIC_FILE = 'dynamicConfigFile';
const NEXT_SUFFIX = '.dynamic.next';

export function isMemberKey(key: string): boolean {
  // server.realm is a setting of Kerberos.
  return key === DYNAMIC_FILE || (/^(server|group|weight)\./.test(key) && key !== 'server.realm');
}

/**
 * Reads who belongs to the ensemble: the lines of the configuration file, or of the file that `dynamicConfigFile` names,
 * then `myid` in the data directory. No line, or a single participant while `standaloneEnabled` holds, makes a standalone
 * server.
 *
 * Source of the rules: quorum-protocol reference, 13.1 and 13.6.
 */
export function readMembers(sources: MemberSources, problems: string[], warnings: string[]): MembersRead {
  const before = problems.length;
  const dynamic = sources.lines.find((line) => line.key === DYNAMIC_FILE) ?? null;
  const inline = sources.lines.filter((line) => line.key !== DYNAMIC_FILE);
  const first = dynamic === null ? inline[0] : inline.length === 0 ? dynamic : undefined;
  if (dynamic !== null && inline[0] !== undefined) {
    const keys = inline.map((line) => line.key).join(', ');
    problems.push(`${inline[0].where}: ${keys}: expected in ${dynamic.value}, which ${dynamic.where} names`);
  }
  if (first === undefined) return NOBODY;
  const lines = dynamic === null ? inline : dynamicLines(dynamic, sources, problems);
  const version = dynamic === null ? 0 : versionOfName(dynamic.value);
  const membership = problems.length > before ? null : parseLines(lines, version, problems);
  if (membership === null) return NOBODY;
  checkAddresses(membership, lines, problems);
  checkVoters(membership, first.where, sources.standaloneEnabled, problems, warnings);
  if (problems.length > before) return NOBODY;
  if (membership.voters.size === 1 && sources.standaloneEnabled) return standalone(membership, lines, warnings);

  const sid = readMyId(sources, first.where, problems);
  if (sid === null) return NOBODY;
  const lastSeen = dynamic === null ? null : readNext(sources, membership, problems);
  const own = membership.members.get(sid) ?? lastSeen?.members.get(sid) ?? null;
  if (own === null) {
    const sids = [...membership.members.keys()].join(', ');
    problems.push(
      `${sources.dataDir}/myid: ${sid}: expected one of ${sids}, which ${first.where} and the lines with it list ` +
        '(a server that is to join by reconfiguration lists itself, too)',
    );
    return NOBODY;
  }
  return {
    ensemble: { sid, membership, lastSeen: lastSeen ?? membership, dynamicConfigFile: dynamic?.value ?? null },
    own,
    ...clientAssignments(own, lines.find((line) => line.key === `server.${sid}`)?.where ?? first.where),
  };
}

/** Whether a server starts as an observer; its line wins over peerType. */
export function startsAsObserver(
  own: Member,
  peerType: { readonly value: PeerType; readonly where: string | null },
  warnings: string[],
): boolean {
  if (peerType.where !== null && own.role !== peerType.value) {
    warnings.push(
      `${peerType.where}: peerType=${peerType.value} has no effect: server.${own.sid} says that it is ` +
        `${own.role === 'observer' ? 'an' : 'a'} ${own.role}`,
    );
  }
  return own.role === 'observer';
}

function dynamicLines(dynamic: MemberLine, sources: MemberSources, problems: string[]): MemberLine[] {
  const text = sources.readFile(dynamic.value);
  if (text === null) {
    problems.push(`${dynamic.where}: ${DYNAMIC_FILE}=${dynamic.value}: expected a file that can be read`);
    return [];
  }
  const lines = memberLines(text, dynamic.value, problems);
  const version = lines.find((line) => line.key === 'version');
  if (version !== undefined) {
    problems.push(`${version.where}: version: not expected: the end of the file's name is the version`);
  }
  return lines;
}

function memberLines(text: string, file: string, problems: string[]): MemberLine[] {
  try {
    return readProperties(text).map(({ key, value, line }) => ({ key, value, where: `${file}:${line}` }));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    problems.push(`${file}: ${error.message}`);
    return [];
  }
}

/** A newer membership that was proposed and maybe not committed when the server stopped. */
function readNext(sources: MemberSources, committed: Membership, problems: string[]): Membership | null {
  const file = `${sources.file}${NEXT_SUFFIX}`;
  const text = sources.readFile(file);
  if (text === null) return null;
  const next = parseLines(memberLines(text, file, problems), null, problems);
  return next !== null && next.version > committed.version ? next : null;
}

/** `version` null: the lines hold it themselves. */
function parseLines(lines: readonly MemberLine[], version: number | null, problems: string[]): Membership | null {
  const texts = lines.map(({ key, value }) => `${key}=${value}`);
  if (version !== null) texts.push(`version=${version.toString(16)}`);
  try {
    return parseMembership(texts.join('\n'));
  } catch (error) {
    if (!(error instanceof MembershipError)) throw error;
    problems.push(`${lines[error.line - 1]?.where ?? lines[0]?.where ?? 'the members'}: ${error.message}`);
    return null;
  }
}

/** The hexadecimal version at the end of a file's name; 0 when there is none. */
function versionOfName(path: string): number {
  const suffix = /\.([0-9a-fA-F]{1,16})$/.exec(path)?.[1];
  const version = suffix === undefined ? 0 : Number.parseInt(suffix, 16);
  return Number.isSafeInteger(version) ? version : 0;
}

/** No two servers can listen at one place. */
function checkAddresses(membership: Membership, lines: readonly MemberLine[], problems: string[]): void {
  const taken = new Map<string, string>();
  for (const { sid, endpoints, client } of membership.members.values()) {
    const key = `server.${sid}`;
    const places = endpoints.flatMap(({ host, quorumPort, electionPort }) => [
      `${host}:${quorumPort}`,
      `${host}:${electionPort}`,
    ]);
    // Behind 0.0.0.0 each machine has its own.
    if (client !== null && client.host !== '0.0.0.0' && client.host !== '::')
      places.push(`${client.host}:${client.port}`);
    for (const place of places) {
      const other = taken.get(place.toLowerCase());
      const where = lines.find((line) => line.key === key)?.where;
      if (other !== undefined)
        problems.push(`${where}: ${key}: expected an address of its own, ${place} is taken by ${other}`);
      taken.set(place.toLowerCase(), key);
    }
  }
}

function checkVoters(
  membership: Membership,
  where: string,
  standaloneEnabled: boolean,
  problems: string[],
  warnings: string[],
): void {
  const { members, voters } = membership;
  if (voters.size === 1 && standaloneEnabled && members.size > 1) {
    problems.push(
      `${where}: expected no observers beside a single participant, or standaloneEnabled=false: a standalone server has none`,
    );
  } else if (voters.size === 2) {
    warnings.push(`${where}: with two participants the failure of either stops the service; three survive it`);
  } else if (membership.groups === null && voters.size > 2 && voters.size % 2 === 0) {
    warnings.push(
      `${where}: ${voters.size} participants survive no more failures than ${voters.size - 1} would; use an odd number`,
    );
  }
}

function standalone(membership: Membership, lines: readonly MemberLine[], warnings: string[]): MembersRead {
  const [own] = [...membership.members.values()];
  const line = lines.find(({ key }) => key === `server.${own?.sid}`);
  const where = line?.where ?? 'the members';
  warnings.push(`${where}: ${line?.key} is the only server: running standalone`);
  return { ...NOBODY, ...clientAssignments(own ?? null, where) };
}

function clientAssignments(own: Member | null, where: string): Pick<MembersRead, 'clientPort' | 'clientAddress'> {
  if (own === null || own.client === null) return { clientPort: null, clientAddress: null };
  const { host, port } = own.client;
  const everywhere = host === '0.0.0.0' || host === '::';
  return {
    clientPort: { key: 'clientPort', value: String(port), where },
    clientAddress: everywhere ? null : { key: 'clientPortAddress', value: host, where },
  };
}

function readMyId(sources: MemberSources, where: string, problems: string[]): number | null {
  if (sources.dataDir === null) return null;
  const path = `${sources.dataDir}/myid`;
  const text = sources.readFile(path);
  const expected = `expected a file with the number N of this server's server.N line (the servers are listed at ${where})`;
  if (text === null) {
    problems.push(`${path}: missing: ${expected}`);
    return null;
  }
  const line = (text.split(/\r?\n/)[0] as string).trim();
  if (/^\d{1,15}$/.test(line)) return Number(line);
  problems.push(`${path}: ${JSON.stringify(line.slice(0, 40))}: ${expected}`);
  return null;
}

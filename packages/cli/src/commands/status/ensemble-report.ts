import { counterOf } from '@headkeeper/protocol';
import { ExitCode } from '../../exit-codes.ts';
import { formatHostPort, type HostPort } from '../../host-port.ts';
import { askServer, type KnownMember, type ServerReport } from './server-report.ts';

/** A server with how far it is behind the leader. */
export interface MemberReport extends ServerReport {
  /** Transactions; at least so many when its epoch is an older one. null: it leads, does not serve, or nobody leads. */
  readonly behind: number | null;
}

export interface EnsembleReport {
  readonly servers: readonly MemberReport[];
  /** One sentence for each thing that is wrong; none when all is well. */
  readonly problems: readonly string[];
  readonly leader: MemberReport | null;
  readonly exitCode: number;
}

/** Asks the servers at the addresses, then the members that these know and that have not been asked. */
export async function askEnsemble(addresses: readonly HostPort[], timeoutMs: number): Promise<EnsembleReport> {
  const asked = await Promise.all(addresses.map((address) => askServer(address, timeoutMs)));
  const others = otherMembers(asked);
  const more = await Promise.all(others.map((member) => askServer(member.client, timeoutMs)));
  const found = more.map((report, at) => ({ ...report, sid: report.sid ?? (others[at]?.sid as number) }));
  return judge([...asked.map((report) => ({ ...report, sid: report.sid ?? sidAt(report.address, asked) })), ...found]);
}

/** The id of the server that the others know at an address; null when they know none. */
function sidAt(address: HostPort, asked: readonly ServerReport[]): number | null {
  const place = formatHostPort(address);
  const members = asked.flatMap((report) => report.members);
  return members.find(({ client }) => client !== null && formatHostPort(client) === place)?.sid ?? null;
}

function otherMembers(asked: readonly ServerReport[]): { sid: number; client: HostPort }[] {
  const known = new Map<number, KnownMember>();
  for (const report of asked) for (const member of report.members) known.set(member.sid, member);
  const sids = new Set(asked.map((report) => report.sid));
  const places = new Set(asked.map((report) => formatHostPort(report.address)));
  const others: { sid: number; client: HostPort }[] = [];
  for (const { sid, client } of known.values()) {
    if (client !== null && !sids.has(sid) && !places.has(formatHostPort(client))) others.push({ sid, client });
  }
  return others;
}

/** Compares the servers with each other. */
export function judge(reports: readonly ServerReport[]): EnsembleReport {
  const leaders = reports.filter((report) => report.serving?.mode === 'leader');
  // Of two, the one of the newer epoch has the quorum; the other one is about to find out.
  const leading = leaders.sort((a, b) => (b.serving?.epoch ?? 0) - (a.serving?.epoch ?? 0))[0] ?? null;
  const servers = reports
    .map((report) => ({ ...report, behind: behind(report, leading) }))
    .sort((a, b) => (a.sid ?? Number.MAX_SAFE_INTEGER) - (b.sid ?? Number.MAX_SAFE_INTEGER));
  const problems: string[] = [];
  for (const report of servers) {
    const where = formatHostPort(report.address);
    const mode = report.serving?.mode;
    if (report.trouble !== null)
      problems.push(`${where} ${report.reachable ? '' : 'cannot be reached: '}${report.trouble}`);
    else if (mode === 'read-only') problems.push(`${where} has no quorum and serves reads only`);
    else if (mode === 'standalone' && reports.length > 1) problems.push(`${where} runs standalone`);
  }
  if (leaders.length > 1) problems.push(`${leaders.map((one) => formatHostPort(one.address)).join(' and ')} both lead`);
  const standalone = reports.length === 1 && reports[0]?.serving?.mode === 'standalone';
  const unknownLeader = leading === null && !standalone && reports.some((report) => report.reachable);
  if (unknownLeader) problems.push('none of these servers leads');
  return {
    servers,
    problems,
    leader: servers.find((report) => report.address === leading?.address) ?? null,
    exitCode: exitCodeOf(reports, leading !== null || standalone, problems.length),
  };
}

function exitCodeOf(reports: readonly ServerReport[], served: boolean, problemCount: number): number {
  if (problemCount === 0) return ExitCode.done;
  if (served) return ExitCode.degraded;
  if (reports.every((report) => !report.reachable)) return ExitCode.failed;
  return reports.length === 1 && reports[0]?.serving === null ? ExitCode.refused : ExitCode.leaderless;
}

function behind(report: ServerReport, leader: ServerReport | null): number | null {
  if (report.serving === null || leader === null || leader.serving === null || report === leader) return null;
  const counter = counterOf(leader.serving.zxid);
  if (report.serving.epoch === leader.serving.epoch) return Math.max(0, counter - counterOf(report.serving.zxid));
  return report.serving.epoch > leader.serving.epoch ? 0 : counter;
}

import { formatHostPort } from '../../host-port.ts';
import type { EnsembleReport, MemberReport } from './ensemble-report.ts';

const HEADINGS = ['server', 'id', 'role', 'epoch', 'zxid', 'behind', 'connections', 'latency ms', 'version'];

/** The servers as aligned columns, then what is wrong with them, or that nothing is. */
export function formatTable(report: EnsembleReport): string {
  const rows = [HEADINGS, ...report.servers.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd(),
  );
  return `${[...lines, '', ...summary(report)].join('\n')}\n`;
}

function summary({ problems, leader, servers }: EnsembleReport): readonly string[] {
  if (problems.length > 0) return problems;
  if (leader === null) return ['The server is well.'];
  return [`All ${servers.length} servers are well; ${formatHostPort(leader.address)} leads.`];
}

function cells(report: MemberReport): string[] {
  const { address, sid, serving, behind, reachable } = report;
  const start = [formatHostPort(address), sid === null ? '' : String(sid)];
  if (serving === null) return [...start, reachable ? 'not serving' : 'unreachable'];
  const { min, average, max } = serving.latencyMs;
  return [
    ...start,
    serving.mode,
    String(serving.epoch),
    `0x${serving.zxid.toString(16)}`,
    behind === null ? '' : String(behind),
    String(serving.connections),
    `${min}/${average}/${max}`,
    serving.version,
  ];
}

/** The same as one JSON object. */
export function formatJson(report: EnsembleReport): string {
  const servers = report.servers.map(({ address, sid, serving, trouble, reachable, behind }) => ({
    address: formatHostPort(address),
    id: sid,
    reachable,
    trouble,
    role: serving?.mode ?? null,
    epoch: serving?.epoch ?? null,
    zxid: serving === null ? null : `0x${serving.zxid.toString(16)}`,
    behind,
    connections: serving?.connections ?? null,
    outstanding: serving?.outstanding ?? null,
    latencyMs: serving?.latencyMs ?? null,
    znodes: serving?.znodes ?? null,
    version: serving?.version ?? null,
  }));
  const { problems, leader } = report;
  return `${JSON.stringify({ leader: leader === null ? null : formatHostPort(leader.address), problems, servers }, null, 2)}\n`;
}

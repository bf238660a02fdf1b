import type { ConnectionOptions } from 'node:tls';
import { epochOf } from '@headkeeper/protocol';
import { parseMembership } from '@headkeeper/server/internal';
import { CommandError } from '../../exit-codes.ts';
import { formatHostPort, type HostPort } from '../../host-port.ts';
import { askFourLetter } from './four-letter.ts';

/** What a server that serves says of itself in `srvr`. */
export interface Serving {
  /** standalone, leader, follower, observer or read-only. */
  readonly mode: string;
  readonly version: string;
  readonly zxid: number;
  /** The epoch of that zxid. */
  readonly epoch: number;
  readonly connections: number;
  readonly outstanding: number;
  readonly latencyMs: { readonly min: number; readonly average: number; readonly max: number };
  readonly znodes: number;
}

/** A member as another one knows it. */
export interface KnownMember {
  readonly sid: number;
  readonly role: 'participant' | 'observer';
  /** Where clients reach it; null when that is not known. */
  readonly client: HostPort | null;
}

export interface ServerReport {
  readonly address: HostPort;
  /** null when the server does not tell. */
  readonly sid: number | null;
  /** null when it does not serve, or cannot be reached. */
  readonly serving: Serving | null;
  /** Why `serving` is null. */
  readonly trouble: string | null;
  /** Whether it answered at all. */
  readonly reachable: boolean;
  /** The whole answer to `srvr`. */
  readonly text: string;
  /** The members of its ensemble; empty when it does not tell. */
  readonly members: readonly KnownMember[];
}

/** Asks one server `srvr`, and `conf` when it belongs to an ensemble; both work with Apache ZooKeeper's. */
export async function askServer(
  address: HostPort,
  timeoutMs: number,
  tls: ConnectionOptions | null = null,
): Promise<ServerReport> {
  const silent = { address, sid: null, serving: null, members: [] };
  let text: string;
  try {
    text = await askFourLetter(address, 'srvr', timeoutMs, tls);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const trouble = error.message.replace(`cannot get an answer from ${formatHostPort(address)}: `, '');
    return { ...silent, trouble, reachable: false, text: '' };
  }
  const serving = readServing(text);
  if (serving === null) {
    return { ...silent, trouble: troubleIn(text), reachable: true, text };
  }
  const report = { ...silent, serving, trouble: null, reachable: true, text };
  if (serving.mode === 'standalone') return report;
  // The word is not on the whitelist everywhere.
  const conf = await askFourLetter(address, 'conf', timeoutMs, tls).catch(() => '');
  const sid = /^serverId=(\d+)$/m.exec(conf)?.[1];
  return sid === undefined ? report : { ...report, sid: Number(sid), members: readMembers(conf) };
}

function troubleIn(answer: string): string {
  const said = answer.trim();
  if (said === '') return 'closed the connection without an answer';
  if (said.endsWith('is not currently serving requests'))
    return 'is up and does not serve: it looks for a leader, or starts';
  return `does not tell its status: ${said}`;
}

/** What an answer to `srvr` says; null when it is something else. */
export function readServing(text: string): Serving | null {
  const field = (name: string): string | null => new RegExp(`^${name}: *(.*)$`, 'm').exec(text)?.[1]?.trim() ?? null;
  const mode = field('Mode');
  if (mode === null) return null;
  const zxid = Number(field('Zxid') ?? 0);
  const [min, average, max] = (field('Latency min/avg/max') ?? '').split('/').map(Number);
  return {
    mode,
    version: (field('Zookeeper version') ?? '').replace(/, built on.*$/, ''),
    zxid,
    epoch: epochOf(zxid),
    connections: Number(field('Connections') ?? 0),
    outstanding: Number(field('Outstanding') ?? 0),
    latencyMs: { min: min ?? 0, average: average ?? 0, max: max ?? 0 },
    znodes: Number(field('Node count') ?? 0),
  };
}

/**
 * The members out of an answer to `conf`. Where the lines say no client port, it is taken to be the one of the server
 * asked, as long as no two servers share a host.
 */
function readMembers(conf: string): KnownMember[] {
  const text = /^membership: *\n([\s\S]*)$/m.exec(conf)?.[1];
  if (text === undefined) return [];
  const port = Number(/^clientPort=(\d+)$/m.exec(conf)?.[1] ?? 0);
  const members = [...parseMembership(text.trim()).members.values()];
  const hosts = members.map((member) => member.endpoints[0]?.host ?? '');
  const apart = new Set(hosts).size === hosts.length;
  return members.map(({ sid, role, client }, at) => {
    const host = hosts[at] as string;
    if (client === null) return { sid, role, client: apart && port > 0 ? { host, port } : null };
    const everywhere = client.host === '0.0.0.0' || client.host === '::';
    return { sid, role, client: { host: everywhere ? host : client.host, port: client.port } };
  });
}

import { validatePath } from '@headkeeper/protocol';
import type { ServerAddress } from '../ports.ts';
import { invalidArgument } from './errors.ts';
import { shown } from './faults.ts';

const DEFAULT_PORT = 2181;

export interface ConnectString {
  readonly servers: readonly ServerAddress[];
  /** Absolute path below which everything is, without a slash at its end; empty for none. */
  readonly chroot: string;
}

/**
 * Reads `host:port,host:port/chroot`, with IPv6 addresses in brackets and 2181 where no port is said
 * (client-protocol reference, 10.6).
 *
 * @throws ZooKeeperError invalidArgument.
 */
export function parseConnectString(text: string): ConnectString {
  if (typeof text !== 'string') throw wrong(`the connect string has to be a string, not ${shown(text)}`);
  const slash = text.indexOf('/');
  const chroot = slash < 0 ? '/' : text.slice(slash);
  const fault = validatePath(chroot);
  if (fault !== null) throw wrong(`the chroot "${chroot}" of "${text}" ${fault}`);
  const list = slash < 0 ? text : text.slice(0, slash);
  const servers = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseServer(part, text));
  if (servers.length === 0) throw wrong(`"${text}" names no server; expected host:port,host:port/chroot`);
  return { servers, chroot: chroot === '/' ? '' : chroot };
}

function parseServer(part: string, whole: string): ServerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d+))?$/.exec(part);
  if (match === null) throw wrong(`"${part}" in "${whole}" is no server; expected host:port or [IPv6]:port`);
  const port = match[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (port < 1 || port > 65_535) throw wrong(`the port of "${part}" in "${whole}" is not between 1 and 65535`);
  return { host: (match[1] ?? match[2]) as string, port };
}

export function formatServer({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function wrong(detail: string): Error {
  return invalidArgument('connect', null, detail);
}

import { isIPv6 } from 'node:net';
import { CommandError, ExitCode } from './exit-codes.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 2181;

/**
 * Reads `host`, `host:port`, `[v6 address]`, `[v6 address]:port` or a bare IPv6 address; without a port it is 2181.
 *
 * @throws CommandError with the exit code for wrong arguments.
 */
export function parseHostPort(text: string): HostPort {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const plain = /^([^:\s[\]]+)(?::(\d{1,5}))?$/.exec(text);
  const bare = isIPv6(text) ? [text, text] : null;
  const parts = bracketed ?? plain ?? bare;
  const port = parts?.[2] === undefined ? DEFAULT_PORT : Number(parts[2]);
  if (parts === null || port < 1 || port > 65535) {
    throw new CommandError(`"${text}" is no address: expected host:port, the port from 1 to 65535`, ExitCode.usage);
  }
  return { host: parts[1] as string, port };
}

/**
 * Reads a connect string as ZooKeeper's clients take it: addresses separated by commas, then maybe a chroot, which is
 * left out.
 *
 * @throws CommandError with the exit code for wrong arguments.
 */
export function parseConnectString(text: string): HostPort[] {
  const addresses = text.replace(/\/.*$/s, '').split(',');
  return addresses.map((address) => parseHostPort(address.trim()));
}

/** As `parseHostPort` reads it. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

import { readFileSync } from 'node:fs';
import type { Membership, Reconfiguration } from '@headkeeper/client';
import { statJson, statText } from '../format.ts';
import type { Arguments } from '../parse-arguments.ts';
import { ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

export const config: Command = {
  name: 'config',
  usage: '[-c] [-w] [-s]',
  about: 'prints who belongs to the ensemble: -c as a connect string for clients, -w and watches it, -s with its stat',
  options: { c: 'flag', w: 'flag', s: 'flag' },
  least: 0,
  async run({ client, calls, output, isJson, watcher, print }, args) {
    const membership = await client.getConfig({ ...calls, ...(args.has('w') ? { watch: watcher } : {}) });
    print(args.has('c') ? connectStringOf(membership) : membership.text, membershipJson(membership));
    if (args.has('s') && !isJson) output.out(statText(membership.stat));
  },
};

export const reconfig: Command = {
  name: 'reconfig',
  usage:
    '[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | ' +
    '[-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]',
  about: 'changes who belongs to the ensemble: by servers that join and leave, or the whole list',
  options: { s: 'flag', v: 'value', file: 'value', members: 'value', add: 'value', remove: 'value' },
  least: 0,
  async run({ client, calls, output, isJson, print }, args) {
    const membership = await client.reconfig(changeOf(args), calls);
    print(`Committed new configuration:\n${membership.text}`, membershipJson(membership));
    if (args.has('s') && !isJson) output.out(statText(membership.stat));
  },
};

function changeOf(args: Arguments): Reconfiguration {
  const [file, members, add, remove] = ['file', 'members', 'add', 'remove'].map((name) => args.value(name));
  const isWhole = file !== undefined || members !== undefined;
  if (isWhole && (add !== undefined || remove !== undefined)) {
    throw new ShellError(
      "Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)",
    );
  }
  if (file !== undefined && members !== undefined) {
    throw new ShellError("Can't use -file and -members together (conflicting non-incremental modes)");
  }
  if (!isWhole && add === undefined && remove === undefined) throw new ShellError(`reconfig ${reconfig.usage}`);
  const version = versionOf(args.value('v'));
  const from = version === undefined ? {} : { fromVersion: version };
  if (isWhole) return { members: file === undefined ? listOf(members) : membersIn(file), ...from };
  return { joining: listOf(add), leaving: listOf(remove).map(serverNumber), ...from };
}

function versionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(0x)?[0-9a-f]{1,16}$/i.test(text)) {
    throw new ShellError('-v must be followed by a long (configuration version)');
  }
  return Number.parseInt(text, 16);
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function serverNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new ShellError(`-remove is followed by numbers of servers, not "${text}"`);
  return Number(text);
}

/** The `server.N=` lines of a dynamic configuration file. */
function membersIn(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ShellError(`Error processing ${file}: ${(error as Error).message}`);
  }
  const lines = text.split(/\r?\n/).filter((line) => /^\s*(server|group|weight)\./.test(line));
  if (lines.length === 0) throw new ShellError(`Error processing ${file}: it has no line server.N=...`);
  return lines.map((line) => line.replaceAll(/\s+/g, ''));
}

/** `version host:port,host:port`, as Apache's shell prints it. */
function connectStringOf({ text, servers }: Membership): string {
  const version = /^version=(.*)$/m.exec(text)?.[1]?.trim() ?? '';
  const addresses = [...servers.values()].flatMap((server) => {
    const [peer = '', client] = server.split(';');
    if (client === undefined) return [];
    const host = /^(\[[^\]]+\]|[^:]+):/.exec(peer)?.[1] ?? '';
    return [client.includes(':') ? client : `${host}:${client}`];
  });
  return `${version} ${addresses.join(',')}`;
}

function membershipJson({ text, servers, version, stat }: Membership): object {
  return { servers: Object.fromEntries(servers), version: `0x${version.toString(16)}`, text, stat: statJson(stat) };
}

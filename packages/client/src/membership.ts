import { decodeUtf8, type ReconfigRequest } from '@headkeeper/protocol';
import { invalidArgument } from './core/errors.ts';
import { shown } from './core/faults.ts';
import type { Stat } from './core/znode.ts';

/** Who belongs to an ensemble, as `/zookeeper/config` says it. */
export interface Membership {
  /** As the servers wrote it: a line `server.N=...` for each, and `version=...`. */
  readonly text: string;
  readonly servers: ReadonlyMap<number, string>;
  /** Of this membership: a zxid. 0 when it was never changed. */
  readonly version: number;
  readonly stat: Stat;
}

/** Either servers that join and leave, or the whole list anew. */
export type Reconfiguration =
  | {
      /** Such as `server.4=host:2888:3888:participant;2181`. */
      readonly joining?: readonly string[];
      /** Numbers of servers. */
      readonly leaving?: readonly number[];
      /** The change is made only to this version of the membership. */
      readonly fromVersion?: number;
    }
  | { readonly members: readonly string[]; readonly fromVersion?: number };

const ANY_VERSION = -1;

/** @internal Reads `/zookeeper/config`. */
export function parseMembership(data: Uint8Array | null, stat: Stat): Membership {
  const text = data === null ? '' : decodeUtf8(data);
  const servers = new Map<number, string>();
  let version = 0;
  for (const line of text.split('\n')) {
    const server = /^server\.(\d+)=(.*)$/.exec(line.trim());
    if (server !== null) servers.set(Number(server[1]), server[2] as string);
    const number = /^version=([0-9a-f]+)$/i.exec(line.trim());
    if (number !== null) version = Number.parseInt(number[1] as string, 16);
  }
  return { text, servers, version, stat };
}

/** @internal @throws ZooKeeperError invalidArgument when something is wrong, or nothing is asked for. */
export function reconfigRequestOf(change: Reconfiguration): ReconfigRequest {
  if (typeof change !== 'object' || change === null) {
    throw wrong(`the change has to be an object, not ${shown(change)}`);
  }
  const curConfigId = change.fromVersion ?? ANY_VERSION;
  if (!Number.isSafeInteger(curConfigId)) {
    throw wrong(`fromVersion has to be a whole number, not ${shown(change.fromVersion)}`);
  }
  if ('members' in change) {
    const newMembers = listed('members', change.members, isText);
    if (newMembers === null) throw wrong('members names no server');
    return { joiningServers: null, leavingServers: null, newMembers, curConfigId };
  }
  const joiningServers = listed('joining', change.joining ?? [], isText);
  const leavingServers = listed('leaving', change.leaving ?? [], Number.isSafeInteger);
  if (joiningServers === null && leavingServers === null) {
    throw wrong('nobody joins or leaves; give joining, leaving or members');
  }
  return { joiningServers, leavingServers, newMembers: null, curConfigId };
}

/** null for none. */
function listed(name: string, list: readonly unknown[], isOne: (value: unknown) => boolean): string | null {
  const kind = name === 'leaving' ? 'numbers of servers' : 'strings such as server.4=host:2888:3888;2181';
  if (!Array.isArray(list)) throw wrong(`${name} has to be an array of ${kind}, not ${shown(list)}`);
  const stranger = list.find((each) => !isOne(each));
  if (stranger !== undefined) throw wrong(`${name} has to be an array of ${kind}, without ${shown(stranger)}`);
  return list.length === 0 ? null : list.join(',');
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function wrong(detail: string): Error {
  return invalidArgument('reconfig', null, detail);
}

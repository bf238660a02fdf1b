import { decodeUtf8, type ReconfigRequest } from '@headkeeper/protocol';
import { invalidArgument } from './core/errors.ts';
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

/** @internal @throws ZooKeeperError invalidArgument when nothing is asked for. */
export function reconfigRequestOf(change: Reconfiguration): ReconfigRequest {
  const curConfigId = change.fromVersion ?? ANY_VERSION;
  if (!Number.isSafeInteger(curConfigId)) throw invalidArgument('reconfig', null, 'fromVersion is no whole number');
  if ('members' in change) {
    if (change.members.length === 0) throw invalidArgument('reconfig', null, 'members names no server');
    return { joiningServers: null, leavingServers: null, newMembers: change.members.join(','), curConfigId };
  }
  const { joining = [], leaving = [] } = change;
  if (joining.length + leaving.length === 0) throw invalidArgument('reconfig', null, 'nobody joins or leaves');
  return {
    joiningServers: joining.length === 0 ? null : joining.join(','),
    leavingServers: leaving.length === 0 ? null : leaving.join(','),
    newMembers: null,
    curConfigId,
  };
}

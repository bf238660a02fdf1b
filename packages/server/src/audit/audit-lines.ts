import { type Acl, CreateMode, type Identity, Permission } from '@headkeeper/protocol';
import type { AuditEvent } from '../core/audit-trail.ts';
import { visibleJson, visibleText } from '../visible-text.ts';

/** A server began to serve, could not, or is about to stop. */
export interface ServerEntry {
  readonly operation: 'serverStart' | 'serverStop';
  readonly result: 'success' | 'failure' | 'invoked';
  readonly wallMs: number;
}

/** An operator has asked for something that changes the server or shows all of its data. */
export interface AdminEntry {
  readonly operation: 'adminCommand';
  readonly wallMs: number;
  readonly command: string;
  readonly method: string;
  readonly address: string;
  /** Who he proved to be; null: nobody. */
  readonly user: string | null;
  /** HTTP status of the answer. */
  readonly status: number;
}

/** Records were lost because they came faster than they could be written. */
export interface DroppedEntry {
  readonly operation: 'auditRecordsDropped';
  readonly wallMs: number;
  readonly count: number;
}

export type AuditEntry = AuditEvent | ServerEntry | AdminEntry | DroppedEntry;

/** How entries become lines. */
export interface LineFormat {
  /** The line without its end; null for an entry that the format does not have. */
  readonly line: (entry: AuditEntry) => string | null;
}

/** As Apache's logback.xml abbreviates the name of its logger. */
const LOGGER = 'o.a.z.a.Slf4jAuditLogger';

const MODES: ReadonlyMap<number, string> = new Map([
  [CreateMode.persistent, 'persistent'],
  [CreateMode.ephemeral, 'ephemeral'],
  [CreateMode.persistentSequential, 'persistent_sequential'],
  [CreateMode.ephemeralSequential, 'ephemeral_sequential'],
  [CreateMode.container, 'container'],
  [CreateMode.persistentWithTTL, 'persistent_with_ttl'],
  [CreateMode.persistentSequentialWithTTL, 'persistent_sequential_with_ttl'],
]);

const LETTERS: readonly (readonly [bit: number, letter: string])[] = [
  [Permission.create, 'c'],
  [Permission.delete, 'd'],
  [Permission.read, 'r'],
  [Permission.write, 'w'],
  [Permission.admin, 'a'],
];

/** Whether the entry tells of something that did not succeed. */
export function isFailure(entry: AuditEntry): boolean {
  switch (entry.operation) {
    case 'serverStart':
    case 'serverStop':
      return entry.result === 'failure';
    case 'adminCommand':
      return entry.status >= 400;
    case 'auditRecordsDropped':
      return true;
    default:
      return entry.error !== 0;
  }
}

/**
 * The message of Apache ZooKeeper's audit log: `key=value` separated by tabs, in its order (feature inventory, E.4). Entries
 * of operations that it does not know are null, but for records that were dropped. Two things are different on purpose: what
 * could forge a field is spelled out, and the hash of a digest identity is an `x`. `user`: who the server runs as.
 */
export function apacheMessage(entry: AuditEntry, user: string): string | null {
  switch (entry.operation) {
    case 'authentication':
    case 'adminCommand':
      return null;
    case 'serverStart':
    case 'serverStop':
      return fields([
        ['user', visibleText(user)],
        ['operation', entry.operation],
        ['result', entry.result],
      ]);
    case 'auditRecordsDropped':
      return fields([
        ['user', visibleText(user)],
        ['operation', entry.operation],
        ['count', String(entry.count)],
        ['result', 'failure'],
      ]);
    default:
      return fields([
        ['session', sessionText(entry)],
        ['user', entry.identities === null ? visibleText(user) : usersText(entry.identities)],
        ['ip', entry.address],
        ['operation', entry.operation],
        ['znode', entry.path === null ? null : visibleText(entry.path)],
        ['znode_type', entry.mode === null ? null : (MODES.get(entry.mode) ?? null)],
        ['acl', entry.acl === null ? null : aclText(entry.acl)],
        ['result', entry.error === 0 ? 'success' : 'failure'],
      ]);
  }
}

/** A line of the file that Apache's server keeps: time, level, logger, message. */
export function apacheFormat(user: string): LineFormat {
  return {
    line: (entry) => {
      const message = apacheMessage(entry, user);
      const level = isFailure(entry) ? 'ERROR' : 'INFO';
      return message === null ? null : `${localTime(entry.wallMs)} ${level} ${LOGGER}: ${message}`;
    },
  };
}

/** An object a line, for programs; it has every entry, and more of each. `server`: this server's id. */
export function jsonFormat(user: string, server: number): LineFormat {
  return { line: (entry) => visibleJson(JSON.stringify(jsonFields(entry, user, server))) };
}

function jsonFields(entry: AuditEntry, user: string, server: number): object {
  const time = new Date(entry.wallMs).toISOString();
  switch (entry.operation) {
    case 'serverStart':
    case 'serverStop':
      return {
        time,
        server,
        operation: entry.operation,
        users: [{ scheme: 'server', id: user }],
        result: entry.result,
      };
    case 'auditRecordsDropped':
      return { time, server, operation: entry.operation, count: entry.count, result: 'failure' };
    case 'adminCommand': {
      const { operation, command, method, address, status } = entry;
      const result = isFailure(entry) ? 'failure' : 'success';
      return { time, server, operation, command, method, ip: address, user: entry.user, status, result };
    }
    default: {
      const { identities, path, mode, acl, error, zxid, scheme } = entry;
      return {
        time,
        server,
        session: sessionText(entry),
        users: identities === null ? [{ scheme: 'server', id: user }] : identities.map(shownIdentity),
        ...(entry.address === null ? {} : { ip: entry.address }),
        operation: entry.operation,
        ...(scheme === null ? {} : { scheme }),
        ...(path === null ? {} : { znode: path }),
        ...(mode === null ? {} : { znode_type: MODES.get(mode) ?? mode }),
        ...(acl === null ? {} : { acl: acl.map((one) => ({ perms: permissions(one.perms), ...shownIdentity(one) })) }),
        result: error === 0 ? 'success' : 'failure',
        ...(error === 0 ? {} : { error }),
        ...(zxid === null ? {} : { zxid: `0x${zxid.toString(16)}` }),
      };
    }
  }
}

function fields(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  return pairs.flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`])).join('\t');
}

function sessionText({ sessionHigh, sessionLow }: AuditEvent): string {
  return `0x${((BigInt(sessionHigh >>> 0) << 32n) | BigInt(sessionLow >>> 0)).toString(16)}`;
}

/** As Apache's providers name users: of a digest identity the part before the colon; nothing stands for the superuser. */
function usersText(identities: readonly Identity[]): string | null {
  const users = identities
    .filter(({ scheme }) => scheme !== 'super' && scheme !== 'world')
    .map(({ scheme, id }) => visibleText(scheme === 'digest' ? userOf(id) : id).replaceAll(',', '\\u002c'))
    .filter((user) => user.trim() !== '');
  return users.length === 0 ? null : users.join(',');
}

function aclText(list: readonly Acl[]): string {
  return visibleText(list.map((one) => `${one.scheme}:${shownIdentity(one).id}:${permissions(one.perms)}`).join(''));
}

function shownIdentity({ scheme, id }: { scheme: string | null; id: string | null }): {
  scheme: string | null;
  id: string | null;
} {
  return { scheme, id: scheme === 'digest' && id?.includes(':') ? `${userOf(id)}:x` : id };
}

function userOf(id: string): string {
  const colon = id.indexOf(':');
  return colon < 0 ? id : id.slice(0, colon);
}

function permissions(bits: number): string {
  return LETTERS.map(([bit, letter]) => ((bits & bit) === 0 ? '' : letter)).join('');
}

/** `2026-11-22 18:31:47,005` in the machine's own zone. */
function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time},${String(date.getMilliseconds()).padStart(3, '0')}`;
}

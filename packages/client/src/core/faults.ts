import { validatePath, CreateMode as WireCreateMode } from '@headkeeper/protocol';
import { invalidArgument } from './errors.ts';
import type { CreateMode } from './znode.ts';

/** What is wrong with a caller's argument, as a part of a sentence, or null: the compiler does not watch over JavaScript. */

const LARGEST_TTL_MS = 2 ** 40 - 1;
const LARGEST_VERSION = 0x7fffffff;

/** @param isSequential whether the server is to append a number. */
export function pathFault(path: unknown, isSequential = false): string | null {
  if (typeof path !== 'string') return `the path has to be a string, not ${shown(path)}`;
  const fault = validatePath(path, isSequential);
  return fault === null ? null : `the path ${fault}`;
}

export function dataFault(data: unknown): string | null {
  if (data === null || typeof data === 'string' || data instanceof Uint8Array) return null;
  return `the data has to be a Uint8Array, a string or null, not ${shown(data)}`;
}

/** A wrong value as a part of a sentence: what it is, not all that is in it, which may be a secret. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'string' ? 'a string' : `the ${typeof value} ${String(value)}`;
}

/** What is wrong with the bounds of a call. */
export function callFault(options: unknown): string | null {
  if (options === undefined) return null;
  if (typeof options !== 'object' || options === null) return `the options have to be an object, not ${shown(options)}`;
  const { signal, timeoutMs, session } = options as Readonly<Record<string, unknown>>;
  if (signal !== undefined && !isSignal(signal)) {
    return `the option signal has to be an AbortSignal, not ${shown(signal)}`;
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
    return `the option timeoutMs has to be a number of milliseconds from 0 on, not ${shown(timeoutMs)}`;
  }
  if (session !== undefined && typeof session !== 'bigint') {
    return `the option session has to be a session's id, a bigint, not ${shown(session)}`;
  }
  return null;
}

/** Of any realm, and of those who bring their own. */
export function isSignal(signal: unknown): boolean {
  if (typeof signal !== 'object' || signal === null) return false;
  const { aborted, addEventListener } = signal as Readonly<Record<string, unknown>>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

/** Nothing of the identity itself is said: it is a secret. */
export function identityFault(scheme: unknown, auth: unknown): string | null {
  if (typeof scheme !== 'string' || scheme === '') return `the scheme has to be a name, not ${shown(scheme)}`;
  if (typeof auth === 'string' || auth instanceof Uint8Array) return null;
  return `the identity of scheme ${scheme} has to be a string or a Uint8Array, not ${auth === null ? 'null' : typeof auth}`;
}

export function functionFault(name: string, value: unknown): string | null {
  return typeof value === 'function' ? null : `${name} has to be a function, not ${shown(value)}`;
}

/** -1 stands for any version. */
export function versionFault(version: unknown): string | null {
  const isVersion = Number.isInteger(version) && Math.abs(version as number) <= LARGEST_VERSION;
  return isVersion ? null : `the version has to be a whole number, not ${shown(version)}`;
}

export function aclFault(acl: unknown): string | null {
  if (!Array.isArray(acl)) return `the access control list has to be an array, not ${shown(acl)}`;
  for (const entry of acl as readonly unknown[]) {
    const { perms, scheme, id } = (entry ?? {}) as { perms?: unknown; scheme?: unknown; id?: unknown };
    if (!Number.isInteger(perms) || typeof scheme !== 'string' || typeof id !== 'string') {
      return 'an entry of the access control list has to be { perms: number, scheme: string, id: string }';
    }
  }
  return null;
}

function ttlFault(mode: CreateMode, ttlMs: number): string | null {
  if (mode !== 'persistent' && mode !== 'persistentSequential') return `a znode of mode ${mode} cannot have a TTL`;
  return Number.isSafeInteger(ttlMs) && ttlMs > 0 && ttlMs <= LARGEST_TTL_MS
    ? null
    : `a TTL has to be a whole number of milliseconds from 1 to ${LARGEST_TTL_MS}`;
}

export function createFault(path: unknown, mode: CreateMode, ttlMs: number | undefined): string | null {
  if (!Object.hasOwn(WireCreateMode, mode)) {
    return `the option mode has to be one of ${Object.keys(WireCreateMode).join(', ')}, not ${String(mode)}`;
  }
  const fault = pathFault(path, mode === 'persistentSequential' || mode === 'ephemeralSequential');
  return fault ?? (ttlMs === undefined ? null : ttlFault(mode, ttlMs));
}

/** @throws ZooKeeperError invalidArgument unless there is no fault. */
export function refuse(operation: string, path: unknown, fault: string | null): void {
  if (fault !== null) throw invalidArgument(operation, typeof path === 'string' ? path : null, fault);
}

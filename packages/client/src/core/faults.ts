import { validatePath, CreateMode as WireCreateMode } from '@headkeeper/protocol';
import { invalidArgument } from './errors.ts';
import type { CreateMode } from './znode.ts';

/** What is wrong with a caller's argument, as a part of a sentence, or null: the compiler does not watch over JavaScript. */

const LARGEST_TTL_MS = 2 ** 40 - 1;
const LARGEST_VERSION = 0x7fffffff;

/** @param isSequential whether the server is to append a number. */
export function pathFault(path: unknown, isSequential = false): string | null {
  if (typeof path !== 'string') return 'the path is no string';
  const fault = validatePath(path, isSequential);
  return fault === null ? null : `the path ${fault}`;
}

export function dataFault(data: unknown): string | null {
  if (data === null || typeof data === 'string' || data instanceof Uint8Array) return null;
  return `the data has to be a Uint8Array, a string or null, not ${data === undefined ? 'undefined' : `a ${typeof data}`}`;
}

/** -1 stands for any version. */
export function versionFault(version: unknown): string | null {
  const isVersion = Number.isInteger(version) && Math.abs(version as number) <= LARGEST_VERSION;
  return isVersion ? null : `the version has to be a whole number, not ${version}`;
}

export function aclFault(acl: unknown): string | null {
  if (!Array.isArray(acl)) return 'the access control list is no array';
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
  if (!Object.hasOwn(WireCreateMode, mode)) return `there is no mode ${mode}`;
  const fault = pathFault(path, mode === 'persistentSequential' || mode === 'ephemeralSequential');
  return fault ?? (ttlMs === undefined ? null : ttlFault(mode, ttlMs));
}

/** @throws ZooKeeperError invalidArgument unless there is no fault. */
export function refuse(operation: string, path: unknown, fault: string | null): void {
  if (fault !== null) throw invalidArgument(operation, typeof path === 'string' ? path : null, fault);
}

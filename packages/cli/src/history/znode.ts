import { type Acl, type Stat, validatePath } from '@headkeeper/protocol';
import { CommandError, ExitCode } from '../exit-codes.ts';

export type ZnodeKind = 'persistent' | 'ephemeral' | 'container' | 'ttl';

/** A znode with all that can be told of it. */
export interface Znode {
  /** Absolute. */
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  /** As clients see it. */
  readonly stat: Stat;
  /** A running server tells no client which znodes are containers or have a TTL: read by a client they are persistent. */
  readonly kind: ZnodeKind;
  /** Time to live, milliseconds; null for all that are no TTL znode. */
  readonly ttlMs: number | null;
}

/** The znodes of one state, or of the part that was read. */
export interface ZnodeTree {
  get(path: string): Znode | null;
  /** Names by ascending code unit; none for a znode that is not there. */
  children(path: string): readonly string[];
}

/** The servers keep these by themselves; the root's subtree is taken without them. */
export const SYSTEM_PATH = '/zookeeper';

export function isSystemPath(path: string): boolean {
  return path === SYSTEM_PATH || path.startsWith(`${SYSTEM_PATH}/`);
}

/** Whether `path` is `top` or below it. */
export function isBelow(path: string, top: string): boolean {
  return path === top || top === '/' || (path.startsWith(top) && path[top.length] === '/');
}

export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

/** The path above; `/` is above itself. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** Children of a znode that belong to a subtree taken from `top`. */
export function childPaths(tree: ZnodeTree, path: string, top: string): string[] {
  const paths = tree.children(path).map((name) => childPath(path, name));
  return top === '/' ? paths.filter((child) => child !== SYSTEM_PATH) : paths;
}

/** The subtree, parents before children, siblings in order. The system's own znodes are left out below the root. */
export function* walk(tree: ZnodeTree, top: string): Generator<Znode> {
  const pending = [top];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const znode = tree.get(path);
    if (znode === null) continue;
    yield znode;
    pending.push(...childPaths(tree, path, top).reverse());
  }
}

/**
 * Checks a path given by a person.
 *
 * @throws CommandError with the exit code for wrong arguments.
 */
export function requirePath(path: string): string {
  const fault = validatePath(path);
  if (fault !== null) throw new CommandError(`the path "${path}" ${fault}`, ExitCode.usage);
  return path;
}

/** Whether two lists say the same, entry by entry. */
export function sameAcl(a: readonly Acl[], b: readonly Acl[]): boolean {
  return (
    a.length === b.length &&
    a.every((entry, i) => {
      const other = b[i];
      return (
        other !== undefined && entry.perms === other.perms && entry.scheme === other.scheme && entry.id === other.id
      );
    })
  );
}

export function sameData(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

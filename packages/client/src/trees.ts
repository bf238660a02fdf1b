import type { Client } from './client.ts';
import type { CallOptions } from './core/call-options.ts';
import { isZooKeeperError } from './core/errors.ts';
import type { Acl, CreateMode, DataInput } from './core/znode.ts';
import type { Transaction } from './transaction.ts';

/** Operations of one transaction that deletes; bounded by what a request may hold. */
const DELETES_AT_ONCE = 500;
const PATHS_BYTES = 256 * 1024;

/** Makes sure that a znode and all above it are there. Those that are missing are created without data. */
export async function ensurePath(
  client: Client,
  path: string,
  options: CallOptions & {
    readonly mode?: Extract<CreateMode, 'persistent' | 'container'>;
    readonly acl?: readonly Acl[];
  } = {},
): Promise<void> {
  try {
    await client.create(path, null, options);
  } catch (error) {
    if (isZooKeeperError(error, 'nodeExists')) return;
    // Who may create nothing there may still find it there.
    if (isZooKeeperError(error, 'noAuth', 'notReadOnly') && (await client.exists(path, options)) !== null) return;
    if (!isZooKeeperError(error, 'noNode') || path.lastIndexOf('/') <= 0) throw error;
    await ensurePath(client, parentOf(path), options);
    // The parent may be a container that goes before this request comes.
    await ensurePath(client, path, options);
  }
}

/** Sets the data of a znode, which is created, with all above it, if it is not there. */
export async function putData(client: Client, path: string, data: DataInput, options: CallOptions = {}): Promise<void> {
  for (;;) {
    try {
      await client.setData(path, data, options);
      return;
    } catch (error) {
      if (!isZooKeeperError(error, 'noNode')) throw error;
    }
    try {
      if (path.lastIndexOf('/') > 0) await ensurePath(client, parentOf(path), options);
      await client.create(path, data, options);
      return;
    } catch (error) {
      if (!isZooKeeperError(error, 'nodeExists', 'noNode')) throw error;
    }
  }
}

/** A znode and all below it, parents before their children; those that go meanwhile are left out. */
export async function* walk(
  client: Client,
  path: string,
  options: CallOptions = {},
): AsyncGenerator<string, void, undefined> {
  const toVisit: string[] = [path];
  for (let at = toVisit.pop(); at !== undefined; at = toVisit.pop()) {
    try {
      const { children } = await client.getChildren(at, options);
      const prefix = at === '/' ? '/' : `${at}/`;
      for (const name of [...children].sort().reverse()) toVisit.push(prefix + name);
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) continue;
      throw error;
    }
    yield at;
  }
}

/**
 * Deletes a znode and all below it, children first, several in one transaction. Znodes that others create or delete
 * meanwhile do not disturb it. Resolves with how many were deleted; 0 when there was none.
 */
export async function deleteAll(client: Client, path: string, options: CallOptions = {}): Promise<number> {
  let deleted = 0;
  for (;;) {
    const paths: string[] = [];
    for await (const at of walk(client, path, options)) {
      if (at !== '/' && at !== '/zookeeper' && !at.startsWith('/zookeeper/')) paths.push(at);
    }
    if (paths.length === 0) return deleted;
    for (const piece of pieces(paths.reverse())) deleted += await deletePiece(client, piece, options);
    if (path === '/') return deleted;
  }
}

function* pieces(paths: readonly string[]): Generator<readonly string[], void, undefined> {
  let piece: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    if (piece.length >= DELETES_AT_ONCE || bytes + path.length > PATHS_BYTES) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(path);
    bytes += path.length;
  }
  if (piece.length > 0) yield piece;
}

async function deletePiece(client: Client, paths: readonly string[], options: CallOptions): Promise<number> {
  let transaction: Transaction<readonly unknown[]> = client.transaction();
  for (const path of paths) transaction = transaction.delete(path);
  try {
    await transaction.commit(options);
    return paths.length;
  } catch (error) {
    if (!isZooKeeperError(error, 'noNode', 'notEmpty')) throw error;
  }
  // Somebody else was at work among them: one by one, and what is still in the way with the next round.
  let deleted = 0;
  for (const path of paths) {
    try {
      await client.delete(path, options);
      deleted++;
    } catch (error) {
      if (!isZooKeeperError(error, 'noNode', 'notEmpty')) throw error;
    }
  }
  return deleted;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

import { type CallOptions, type Client, isZooKeeperError } from '@headkeeper/client';
import { startProgress } from '../progress.ts';
import { MapTree } from './map-tree.ts';
import { childPath, SYSTEM_PATH, type Znode } from './znode.ts';

/** Znodes asked for at a time. */
const IN_FLIGHT = 64;

/**
 * Reads a subtree from a server. Each znode is of one point in time; the whole is not, if it changes meanwhile. The
 * system's own znodes are left out below the root.
 *
 * @throws ZooKeeperError for a znode that may not be read.
 */
export async function readLiveTree(client: Client, top: string, calls: CallOptions = {}): Promise<MapTree> {
  const tree = new MapTree();
  const pending = [top];
  const progress = startProgress(`Reading ${top}`, 'znodes', null);
  try {
    await client.sync(top, calls);
    while (pending.length > 0) {
      const found = await Promise.all(pending.splice(-IN_FLIGHT).map((path) => readZnode(client, path, calls)));
      for (const one of found) {
        if (one === null) continue;
        tree.add(one.znode);
        const { path } = one.znode;
        for (const name of one.children) {
          const child = childPath(path, name);
          if (top !== '/' || child !== SYSTEM_PATH) pending.push(child);
        }
      }
      progress.at(tree.size, tree.size + pending.length);
    }
  } finally {
    progress.end();
  }
  return tree;
}

/** Reads those of the znodes that exist. Throws as `readLiveTree`. */
export async function readLivePaths(
  client: Client,
  paths: Iterable<string>,
  calls: CallOptions = {},
): Promise<MapTree> {
  const tree = new MapTree();
  const pending = [...paths];
  while (pending.length > 0) {
    const found = await Promise.all(pending.splice(-IN_FLIGHT).map((path) => readZnode(client, path, calls)));
    for (const one of found) if (one !== null) tree.add(one.znode);
  }
  return tree;
}

/** Null when the znode is gone. */
async function readZnode(
  client: Client,
  path: string,
  calls: CallOptions,
): Promise<{ readonly znode: Znode; readonly children: readonly string[] } | null> {
  for (;;) {
    const [value, list, children] = await Promise.all([
      orNull(client.getData(path, calls)),
      orNull(client.getACL(path, calls)),
      orNull(client.getChildren(path, calls)),
    ]);
    if (value === null) return null;
    // Removed, or made again, between the answers: what belongs together is asked for again.
    if (list === null || list.stat.czxid !== value.stat.czxid) continue;
    return {
      znode: {
        path,
        data: value.data,
        acl: list.acl,
        stat: { ...value.stat, aversion: list.stat.aversion },
        kind: value.stat.ephemeralOwner === 0n ? 'persistent' : 'ephemeral',
        ttlMs: null,
      },
      children: children?.children ?? [],
    };
  }
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isZooKeeperError(error, 'noNode')) return null;
    throw error;
  }
}

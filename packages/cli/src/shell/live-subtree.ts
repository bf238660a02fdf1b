import { MapTree } from '../history/map-tree.ts';
import { childPath, isSystemPath, type Znode } from '../history/znode.ts';
import type { Context } from './commands/command.ts';
import { requireZnodePath, ShellError } from './shell-error.ts';

/** A subtree as it is now. @throws ShellError when there is no such znode. */
export async function readTree({ client, calls }: Context, path: string): Promise<MapTree> {
  requireZnodePath(path);
  // Loaded here: with its progress bars it takes as long as most commands.
  const { readLiveTree } = await import('../history/live-tree.ts');
  const tree = await readLiveTree(client, path, calls);
  if (tree.get(path) === null) throw new ShellError(`Node does not exist: ${path}`);
  return tree;
}

/** A subtree with its top at `/`. */
export function rerooted(tree: MapTree, top: string): MapTree {
  return moved(tree, top, '/');
}

/** A subtree with its top elsewhere. */
export function moved(tree: MapTree, from: string, to: string): MapTree {
  const result = new MapTree();
  for (const path of tree.paths()) {
    const below = from === '/' ? path.slice(1) : path.slice(from.length + 1);
    const znode = tree.get(path) as Znode;
    result.add({ ...znode, path: below === '' ? to : childPath(to, below) });
  }
  return result;
}

/** @throws ShellError for what belongs to the servers. */
export function requireOurs(path: string): void {
  requireZnodePath(path);
  if (isSystemPath(path)) throw new ShellError('What is in /zookeeper belongs to the servers');
}

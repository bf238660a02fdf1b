import { compare, type Difference } from '../history/compare.ts';
import { isBelow, parentPath, sameAcl, sameData, walk, type Znode, type ZnodeTree } from '../history/znode.ts';

/** A znode that a plan does not touch although it is not as wanted. */
export interface LeftAlone {
  readonly path: string;
  readonly why: string;
}

/** What is to be written so that the server holds what is wanted. */
export interface WritePlan {
  /** Parents before their children. */
  readonly differences: readonly Difference[];
  readonly left: readonly LeftAlone[];
}

/**
 * Plans to make the subtree on the server what it was: znodes that are missing are made, those that are too many removed,
 * the others set back. Ephemerals belong to sessions: those of the past are not made, those of now not touched, nor what is
 * above them removed.
 */
export function planRestore(live: ZnodeTree, wanted: ZnodeTree, top: string): WritePlan {
  const aboveEphemerals = pathsAboveEphemerals(live, top);
  const differences: Difference[] = [];
  const left: LeftAlone[] = [];
  let blocked: string | null = null;
  for (const difference of compare(new LastingTree(live), new LastingTree(wanted), top)) {
    const { path, kind } = difference;
    if (blocked !== null && isBelow(path, blocked)) continue;
    if (kind === 'added' && live.get(path) !== null) {
      blocked = path;
      left.push({ path, why: IN_THE_WAY });
    } else if (kind === 'removed' && aboveEphemerals.has(path)) {
      left.push({ path, why: 'it is kept because there are ephemerals below it' });
    } else {
      differences.push(difference);
    }
  }
  return { differences, left };
}

/** What to do with znodes that are there already. */
export type IfExists = 'skip' | 'replace' | 'fail';

/** A plan to write what a file holds, and the znodes that are there already. */
export interface ImportPlan extends WritePlan {
  readonly existing: readonly string[];
}

/** Plans to make the znodes of `wanted` on the server. Nothing else is removed or changed; ephemerals are not made. */
export function planImport(live: ZnodeTree, wanted: ZnodeTree, top: string, ifExists: IfExists): ImportPlan {
  const differences: Difference[] = [];
  const left: LeftAlone[] = [];
  const existing: string[] = [];
  let blocked: string | null = null;
  for (const after of walk(wanted, top)) {
    const { path } = after;
    if (blocked !== null && isBelow(path, blocked)) continue;
    if (after.kind === 'ephemeral') {
      left.push({ path, why: 'it is an ephemeral, which only a session of its own can make' });
      continue;
    }
    const before = live.get(path);
    if (before === null) {
      differences.push({ kind: 'added', path, before, after });
      continue;
    }
    // The root is always there.
    if (path !== '/') existing.push(path);
    if (before.kind === 'ephemeral') {
      blocked = path;
      left.push({ path, why: IN_THE_WAY });
    } else if (ifExists === 'replace') {
      const data = !sameData(before.data, after.data);
      const acl = !sameAcl(before.acl, after.acl);
      if (data || acl) differences.push({ kind: 'changed', path, before, after, data, acl });
    }
  }
  return { differences, left, existing };
}

const IN_THE_WAY = 'an ephemeral is in its place';

function pathsAboveEphemerals(tree: ZnodeTree, top: string): ReadonlySet<string> {
  const above = new Set<string>();
  for (const { path, kind } of walk(tree, top)) {
    if (kind !== 'ephemeral') continue;
    for (let at = parentPath(path); !above.has(at); at = parentPath(at)) above.add(at);
  }
  return above;
}

/** A tree without its ephemerals. */
class LastingTree implements ZnodeTree {
  readonly #tree: ZnodeTree;

  constructor(tree: ZnodeTree) {
    this.#tree = tree;
  }

  get(path: string): Znode | null {
    const znode = this.#tree.get(path);
    return znode === null || znode.kind === 'ephemeral' ? null : znode;
  }

  children(path: string): readonly string[] {
    // An ephemeral has none, and `get` leaves it out.
    return this.#tree.children(path);
  }
}

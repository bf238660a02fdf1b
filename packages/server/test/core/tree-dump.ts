import { type Acl, decodeUtf8 } from '@headkeeper/protocol';
import type { Serving } from '../../src/core/serving.ts';
import { Field, NONE, ROOT } from '../../src/core/tree/node-store.ts';
import type { DataTree } from '../../src/core/tree/tree.ts';

/** All that a znode is, with stat words in the file's order. */
export interface DumpedNode {
  readonly path: string;
  readonly data: string | null;
  readonly acl: readonly Acl[];
  readonly stat: readonly number[];
}

/** Every znode of a tree, sorted by path; system znodes too. */
export function nodesOf(tree: DataTree): DumpedNode[] {
  const nodes: DumpedNode[] = [];
  const { store } = tree;
  const visit = (slot: number, path: string): void => {
    const length = store.get(slot, Field.dataLength);
    const at = store.dataOffset(slot);
    nodes.push({
      path,
      data: length < 0 ? null : decodeUtf8(store.dataBytes(slot), at, at + length),
      acl: tree.acls.list(store.get(slot, Field.aclId)),
      stat: Array.from({ length: 15 }, (_, word) => store.get(slot, word)),
    });
    let children = 0;
    for (let child = store.get(slot, Field.firstChild); child !== NONE; child = store.get(child, Field.nextSibling)) {
      const nameAt = store.nameOffset(child);
      visit(
        child,
        `${path}/${decodeUtf8(store.dataBytes(child), nameAt, nameAt + store.get(child, Field.nameLength))}`,
      );
      children++;
    }
    if (children !== store.get(slot, Field.childCount)) throw new Error(`${path} counts its children wrongly`);
  };
  visit(ROOT, '');
  return nodes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The replicated state: znodes, sessions, digest. */
export function treeOf(serving: Serving): {
  nodes: DumpedNode[];
  sessions: string[];
  digest: readonly [number, number];
  acls: number;
} {
  const sessions: string[] = [];
  serving.sessions.forEach((session) => {
    sessions.push(`${session.idHigh}:${session.idLow} ${session.timeoutMs} ${session.ephemerals?.size ?? 0}`);
  });
  const { tree } = serving;
  return {
    nodes: nodesOf(tree),
    sessions: sessions.sort(),
    digest: [tree.digest.high, tree.digest.low],
    acls: tree.acls.size,
  };
}

import { childPaths, sameAcl, sameData, type Znode, type ZnodeTree } from './znode.ts';

/** One znode that is not the same in two states. */
export type Difference =
  | { readonly kind: 'added'; readonly path: string; readonly before: null; readonly after: Znode }
  | { readonly kind: 'removed'; readonly path: string; readonly before: Znode; readonly after: null }
  | {
      readonly kind: 'changed';
      readonly path: string;
      readonly before: Znode;
      readonly after: Znode;
      readonly data: boolean;
      readonly acl: boolean;
    };

/**
 * What must happen to `before` for it to become `after`, at and below `top`: parents before their children, siblings in
 * order. Versions and times alone make no difference: values count.
 */
export function* compare(before: ZnodeTree, after: ZnodeTree, top: string): Generator<Difference> {
  const pending = [top];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const difference = compareOne(path, before.get(path), after.get(path));
    if (difference !== null) yield difference;
    const below = new Set([...childPaths(before, path, top), ...childPaths(after, path, top)]);
    pending.push(...[...below].sort().reverse());
  }
}

function compareOne(path: string, before: Znode | null, after: Znode | null): Difference | null {
  if (before === null) return after === null ? null : { kind: 'added', path, before, after };
  if (after === null) return { kind: 'removed', path, before, after };
  const data = !sameData(before.data, after.data);
  const acl = !sameAcl(before.acl, after.acl);
  return data || acl ? { kind: 'changed', path, before, after, data, acl } : null;
}

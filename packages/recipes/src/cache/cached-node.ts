import type { Stat } from '@headkeeper/client';

export interface CachedNode {
  readonly path: string;
  readonly data: Uint8Array | null;
  /**
   * As of the last time it was read; what only its children change (`numChildren`, `cversion`, `pzxid`) may be older.
   */
  readonly stat: Stat;
}

/** What has become of one znode since its change before was read. */
export type CacheChange =
  | { readonly type: 'added'; readonly path: string; readonly node: CachedNode; readonly previous: null }
  | { readonly type: 'changed'; readonly path: string; readonly node: CachedNode; readonly previous: CachedNode }
  | { readonly type: 'removed'; readonly path: string; readonly node: null; readonly previous: CachedNode };

export function changeOf(path: string, previous: CachedNode | null, node: CachedNode | null): CacheChange | null {
  if (previous === node) return null;
  if (node === null) return previous === null ? null : { type: 'removed', path, node, previous };
  return previous === null ? { type: 'added', path, node, previous } : { type: 'changed', path, node, previous };
}

import type { ClientInfo, Create2Response, MultiResponse } from '@headkeeper/protocol';
import type { EndedWatches, Operation } from './call.ts';
import type { Chroot } from './chroot.ts';
import type { AccessList, Acl, Children, Created, Identity, Stat, Znode } from './znode.ts';

/** Every kind of request that a caller can make, by the caller's name for it. */
export interface Operations {
  readonly create: Operation<'create2', Created>;
  readonly createContainer: Operation<'createContainer', Created>;
  readonly createTTL: Operation<'createTTL', Created>;
  readonly delete: Operation<'delete', void>;
  readonly exists: Operation<'exists', Stat | null>;
  readonly getData: Operation<'getData', Znode>;
  readonly setData: Operation<'setData', Stat>;
  readonly getChildren: Operation<'getChildren2', Children>;
  readonly getACL: Operation<'getACL', AccessList>;
  readonly setACL: Operation<'setACL', Stat>;
  readonly sync: Operation<'sync', void>;
  readonly multi: Operation<'multi', MultiResponse>;
  readonly multiRead: Operation<'multiRead', MultiResponse>;
  readonly getConfig: Operation<'getData', Znode>;
  readonly reconfig: Operation<'reconfig', Znode>;
  readonly addPersistentWatch: Operation<'addWatch', void>;
  readonly addRecursiveWatch: Operation<'addWatch', void>;
  readonly checkWatches: Operation<'checkWatches', boolean>;
  readonly removeWatches: Operation<'removeWatches', boolean>;
  /** By the kind of watches that end. */
  readonly endWatches: Readonly<Record<EndedWatches, Operation<'removeWatches', boolean>>>;
  readonly getEphemerals: Operation<'getEphemerals', readonly string[]>;
  readonly countDescendants: Operation<'getAllChildrenNumber', number>;
  readonly whoAmI: Operation<'whoAmI', readonly Identity[]>;
  readonly close: Operation<'closeSession', void>;
}

/** The table for one client. */
export function operationsFor(chroot: Chroot): Operations {
  const below = (serverPath: string): string => chroot.below(serverPath);
  const created = ({ path, stat }: Create2Response): Created => ({ path: below(path ?? ''), stat });
  const znode = ({ data, stat }: { readonly data: Uint8Array | null; readonly stat: Stat }): Znode => ({
    // The bytes lie in what the socket gave, which would stay in memory as long as they do.
    data: data === null ? null : data.slice(),
    stat,
  });
  const nothing = (): void => {};
  const isThere = (): boolean => true;
  const noWatcher = (code: string): boolean | undefined => (code === 'noWatcher' ? false : undefined);
  const ending = (endsWatches: EndedWatches): Operation<'removeWatches', boolean> => ({
    name: 'removeWatches',
    op: 'removeWatches',
    isWrite: false,
    finish: isThere,
    finishError: noWatcher,
    endsWatches,
  });
  return {
    create: { name: 'create', op: 'create2', isWrite: true, finish: created },
    createContainer: { name: 'create', op: 'createContainer', isWrite: true, finish: created },
    createTTL: { name: 'create', op: 'createTTL', isWrite: true, finish: created },
    delete: { name: 'delete', op: 'delete', isWrite: true, finish: nothing },
    exists: {
      name: 'exists',
      op: 'exists',
      isWrite: false,
      finish: ({ stat }) => stat,
      finishError: (code) => (code === 'noNode' ? null : undefined),
      watchKind: 'data',
      watchKindIfMissing: 'exists',
    },
    getData: { name: 'getData', op: 'getData', isWrite: false, finish: znode, watchKind: 'data' },
    setData: { name: 'setData', op: 'setData', isWrite: true, finish: ({ stat }) => stat },
    getChildren: {
      name: 'getChildren',
      op: 'getChildren2',
      isWrite: false,
      finish: ({ children, stat }) => ({ children: (children ?? []) as readonly string[], stat }),
      watchKind: 'children',
    },
    getACL: {
      name: 'getACL',
      op: 'getACL',
      isWrite: false,
      finish: ({ acl, stat }) => ({
        acl: (acl ?? []).map(({ perms, scheme, id }): Acl => ({ perms, scheme: scheme ?? '', id: id ?? '' })),
        stat,
      }),
    },
    setACL: { name: 'setACL', op: 'setACL', isWrite: true, finish: ({ stat }) => stat },
    sync: { name: 'sync', op: 'sync', isWrite: false, finish: nothing },
    multi: { name: 'transaction', op: 'multi', isWrite: true, finish: (body) => body },
    multiRead: { name: 'multiRead', op: 'multiRead', isWrite: false, finish: (body) => body },
    getConfig: { name: 'getConfig', op: 'getData', isWrite: false, finish: znode, watchKind: 'data' },
    reconfig: { name: 'reconfig', op: 'reconfig', isWrite: true, finish: znode },
    addPersistentWatch: { name: 'addWatch', op: 'addWatch', isWrite: false, finish: nothing, watchKind: 'persistent' },
    addRecursiveWatch: { name: 'addWatch', op: 'addWatch', isWrite: false, finish: nothing, watchKind: 'recursive' },
    checkWatches: { name: 'checkWatches', op: 'checkWatches', isWrite: false, finish: isThere, finishError: noWatcher },
    removeWatches: {
      name: 'removeWatches',
      op: 'removeWatches',
      isWrite: false,
      finish: isThere,
      finishError: noWatcher,
    },
    endWatches: { children: ending('children'), data: ending('data'), any: ending('any') },
    getEphemerals: {
      name: 'getEphemerals',
      op: 'getEphemerals',
      isWrite: false,
      // The server takes the chroot for a part of a name: `/app` for `/apple`, too.
      finish: ({ ephemerals }) =>
        (ephemerals ?? []).filter((path): path is string => path !== null && chroot.has(path)).map(below),
    },
    countDescendants: {
      name: 'countDescendants',
      op: 'getAllChildrenNumber',
      isWrite: false,
      finish: ({ totalNumber }) => totalNumber,
    },
    whoAmI: {
      name: 'whoAmI',
      op: 'whoAmI',
      isWrite: false,
      finish: ({ clientInfo }) =>
        (clientInfo ?? []).map(
          ({ authScheme, user }: ClientInfo): Identity => ({ scheme: authScheme ?? '', user: user ?? '' }),
        ),
    },
    close: { name: 'close', op: 'closeSession', isWrite: true, finish: nothing },
  };
}

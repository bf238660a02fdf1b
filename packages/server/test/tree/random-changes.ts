import { type Acl, encodeUtf8, WORLD_ANYONE_ALL, Writer } from '@headkeeper/protocol';
import fc from 'fast-check';
import { writeAclList } from '../../src/core/tree/acl-record.ts';
import type { DataTree } from '../../src/core/tree/tree.ts';
import type { TreeModel } from './tree-model.ts';

export interface Change {
  readonly do: 'create' | 'delete' | 'setData' | 'setAcl';
  readonly path: string;
  readonly data: string | null;
  readonly acl: readonly Acl[];
  readonly owner: bigint;
}

const lists: readonly (readonly Acl[])[] = [
  WORLD_ANYONE_ALL,
  [{ perms: 31, scheme: 'ip', id: '127.0.0.1' }],
  [{ perms: 1, scheme: 'world', id: 'anyone' }],
  [
    { perms: 31, scheme: 'digest', id: 'a:b' },
    { perms: 1, scheme: 'world', id: 'anyone' },
  ],
];

const CONTAINER = -0x8000000000000000n;
const TTL = -0x100000000000000n | 60_000n;

export const anyChange: fc.Arbitrary<Change> = fc.record({
  do: fc.constantFrom('create' as const, 'create' as const, 'delete' as const, 'setData' as const, 'setAcl' as const),
  path: fc
    .array(fc.constantFrom('a', 'b', 'ab', 'ä', 'longer-name'), { minLength: 1, maxLength: 3 })
    .map((names) => `/${names.join('/')}`),
  data: fc.oneof(fc.constant(null), fc.constantFrom('', 'x', 'some data', 'y'.repeat(400))),
  acl: fc.constantFrom(...lists),
  owner: fc.constantFrom(0n, 0n, 0x100000000000001n, CONTAINER, TTL),
});

/** What a DataTree is given for a change: path and data in one piece of memory, as in a txn. */
export function changeTree(tree: DataTree, change: Change, zxid: number, time: number): number {
  const out = new Writer(64);
  out.int(0x7f7f7f7f);
  const start = out.length;
  out.raw(encodeUtf8(change.path));
  const end = out.length;
  const dataStart = out.length;
  if (change.data !== null) out.raw(encodeUtf8(change.data));
  const dataLength = change.data === null ? -1 : out.length - dataStart;
  out.int(0x7f7f7f7f);
  const bytes = out.toBytes();
  switch (change.do) {
    case 'create': {
      const aclId = tree.acls.intern(change.acl);
      const high = Number(BigInt.asIntN(32, change.owner >> 32n));
      const low = Number(BigInt.asIntN(32, change.owner));
      return tree.create(bytes, start, end, dataStart, dataLength, aclId, high, low, -1, zxid, time);
    }
    case 'delete':
      return tree.delete(bytes, start, end, zxid);
    case 'setData': {
      const slot = tree.find(bytes, start, end);
      const version = slot === -1 ? 0 : tree.store.get(slot, 8) + 1;
      return tree.setData(bytes, start, end, dataStart, dataLength, version, zxid, time);
    }
    case 'setAcl': {
      const slot = tree.find(bytes, start, end);
      const aversion = slot === -1 ? 0 : tree.store.get(slot, 10) + 1;
      return tree.setAcl(bytes, start, end, tree.acls.intern(change.acl), aversion);
    }
  }
}

export function changeModel(model: TreeModel, change: Change, zxid: number, time: number): number {
  switch (change.do) {
    case 'create':
      return model.create(change.path, change.data, change.acl, change.owner, zxid, time);
    case 'delete':
      return model.delete(change.path, zxid);
    case 'setData':
      return model.setData(change.path, change.data, zxid, time);
    case 'setAcl':
      return model.setAcl(change.path, change.acl);
  }
}

/** Whether a change may be asked of the tree: validation keeps the others away from it. */
export function isSensible(model: TreeModel, { do: action, path }: Change): boolean {
  if (action === 'create') return !model.nodes.has(path);
  return action !== 'delete' || (model.nodes.has(path) && !model.hasChildren(path));
}

/** Distinct access control lists in use, world:anyone:31 aside. */
export function listsInUse(acls: readonly (readonly Acl[])[]): number {
  const texts = new Set<string>();
  for (const list of acls) {
    const out = new Writer(64);
    writeAclList(out, list);
    texts.add(out.toBytes().toString());
  }
  const open = new Writer(64);
  writeAclList(open, WORLD_ANYONE_ALL);
  texts.delete(open.toBytes().toString());
  return texts.size;
}

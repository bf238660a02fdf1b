import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import fc from 'fast-check';
import { Field } from '../../src/core/tree/node-store.ts';
import { DataTree } from '../../src/core/tree/tree.ts';
import { nodesOf } from '../core/tree-dump.ts';
import { anyChange, type Change, changeModel, changeTree, isSensible, listsInUse } from './random-changes.ts';
import { digestOf, TreeModel } from './tree-model.ts';

const SETTINGS = { hashSeed: 99, extendedTypesEnabled: true, emulate353TTLNodes: false, digestEnabled: true };

test('the tree changes as the table of the protocol says, and its digest is that of its znodes after every change', () => {
  fc.assert(
    fc.property(
      fc.array(anyChange, { maxLength: 60, size: 'max' }),
      fc.constantFrom(0, 2 ** 32, 5 * 2 ** 32),
      (changes, base) => {
        const tree = new DataTree(SETTINGS);
        tree.addSystemNodes();
        const model = new TreeModel();
        let zxid = base;
        let time = 1_790_000_000_000;
        for (const change of changes) {
          if (!isSensible(model, change)) continue;
          zxid++;
          time += 3;
          assert.equal(changeTree(tree, change, zxid, time), changeModel(model, change, zxid, time));
          const nodes = nodesOf(tree);
          assert.deepEqual([tree.digest.high, tree.digest.low], digestOf(nodes));
        }
        const nodes = nodesOf(tree);
        assert.deepEqual(nodes, model.dump());
        assert.equal(tree.acls.size, listsInUse(nodes.map((node) => node.acl)), 'no list outlives its last znode');
        const owners = (kind: string): number =>
          nodes.filter((node) => tree.kinds.of(node.stat[11] as number, node.stat[12] as number) === kind).length;
        assert.deepEqual([tree.containers.size, tree.ttlNodes.size], [owners('container'), owners('ttl')]);
      },
    ),
    { numRuns: 150 },
  );
});

test('what replay over a fuzzy snapshot meets is no error', () => {
  const tree = new DataTree(SETTINGS);
  tree.addSystemNodes();
  const create: Change = { do: 'create', path: '/a', data: 'old', acl: WORLD_ANYONE_ALL, owner: 0n };
  changeTree(tree, create, 5, 5);
  const acl = [{ perms: 1, scheme: 'ip', id: '1.2.3.4' }];
  assert.equal(changeTree(tree, { ...create, acl, data: 'new' }, 6, 6), ErrorCode.nodeExists);
  const again = nodesOf(tree).find((node) => node.path === '/a');
  assert.deepEqual([again?.acl, again?.data, again?.stat[1]], [acl, 'old', 5], 'only the list is taken from the txn');
  assert.equal(changeTree(tree, { ...create, path: '/none', do: 'delete' }, 7, 7), ErrorCode.noNode);
  assert.equal(tree.longOf(0, Field.pzxid), 7, 'the parent may have been saved before the deletion');
  changeTree(tree, { ...create, path: '/a/b' }, 8, 8);
  changeTree(tree, { ...create, path: '/a/b/c' }, 9, 9);
  assert.equal(changeTree(tree, { ...create, do: 'delete' }, 10, 10), ErrorCode.ok);
  assert.deepEqual(nodesOf(tree).length, 4, 'children of a later life go with it');
  assert.deepEqual([tree.digest.high, tree.digest.low], digestOf(nodesOf(tree)));
});

test('the digest of a tree may be left out', () => {
  const tree = new DataTree({ ...SETTINGS, digestEnabled: false });
  tree.addSystemNodes();
  const change = { do: 'create' as const, path: '/a', data: 'x', acl: [], owner: 0n };
  changeTree(tree, change, 1, 1);
  assert.deepEqual([tree.digest.high, tree.digest.low], [0, 0]);
});

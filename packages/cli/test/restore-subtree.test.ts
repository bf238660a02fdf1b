import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OPEN_ACL } from '@headkeeper/client';
import { CommandError } from '../src/exit-codes.ts';
import { readLiveTree } from '../src/history/live-tree.ts';
import { zxidText } from '../src/history/moment.ts';
import { batchesOf } from '../src/plan/batches.ts';
import { carryOut } from '../src/plan/carry-out.ts';
import { planRestore } from '../src/plan/write-plan.ts';
import { type Finished, headkeeper } from './headkeeper-process.ts';
import { content, RecordedHistory, TOP } from './recorded-history.ts';
import { bytes, lines, ServedFolder } from './served-folder.ts';

describe('restore of a subtree', () => {
  let served: ServedFolder;
  before(async () => {
    served = await ServedFolder.start();
  });
  after(() => served.remove());

  function restore(path: string, ...words: string[]): Promise<Finished> {
    return headkeeper([
      'restore',
      '--path',
      path,
      '--server',
      served.address,
      '--from-data-dir',
      served.dataDir,
      ...words,
    ]);
  }

  it('brings any state back, and touches nothing else', async () => {
    const history = new RecordedHistory(served, 7);
    await history.begin();
    await history.client.create('/elsewhere', bytes('x'));
    await history.goOn(8, 50);
    for (const at of [1, 6, 3, 0]) {
      const seen = history.seen[at];
      if (seen === undefined) throw new Error('not seen');
      const now = await history.look();
      const { code, stdout, stderr } = await restore(TOP, '--to-zxid', zxidText(seen.zxid), '--yes');
      assert.equal(code, 0, stderr);
      assert.match(stdout, /\/t is as it was at 0x[0-9a-f]+: \d+ changes? in \d+ transactions?\n$/);
      const live = await readLiveTree(history.client, '/');
      // What stands above ephemerals of now is kept.
      const kept = [...stdout.matchAll(/^! (\S+) is left alone/gm)].map(([, path]) => path);
      const values = (tree: typeof live) =>
        content(tree, TOP, true).filter((znode) => !kept.includes((znode as [string])[0]));
      assert.deepEqual(values(live), values(seen.tree));
      assert.deepEqual(content(live, '/elsewhere'), content(now.tree, '/elsewhere'));
      const ephemerals = (tree: typeof live) =>
        (content(tree, '/') as [string, unknown, unknown, { ephemeralOwner: bigint }][])
          .filter(([, , , stat]) => stat.ephemeralOwner !== 0n)
          .map(([path]) => path);
      assert.deepEqual(ephemerals(live), ephemerals(now.tree));
      const again = await restore(TOP, '--to-zxid', zxidText(seen.zxid), '--yes', '--dry-run');
      assert.match(again.stdout, /0 to create, 0 to delete, 0 to change\n$/);
    }
    await history.end();
  });

  it('shows what it would do, and asks', async () => {
    const client = await served.connect();
    await client.create('/shown', bytes('old'));
    await client.create('/shown/gone', bytes('1'));
    const { mzxid } = await client.setData('/shown/gone', bytes('2'));
    await client.delete('/shown/gone');
    await client.create('/shown/added', null);
    await client.setData('/shown', bytes('new'));
    await client.setACL('/shown', [
      { perms: 31, scheme: 'world', id: 'anyone' },
      { perms: 1, scheme: 'ip', id: '::1' },
    ]);
    const point = ['--to-zxid', zxidText(mzxid)];
    const expected =
      '~ /shown\n    - "new" (3 bytes)\n    + "old" (3 bytes)\n    - acl world:anyone:cdrwa,ip:::1:r\n    + acl world:anyone:cdrwa\n' +
      '- /shown/added null\n+ /shown/gone "2" (1 byte)\n1 to create, 1 to delete, 1 to change\n';
    const dry = await restore('/shown', ...point, '--dry-run');
    assert.equal(dry.code, 0, dry.stderr);
    assert.ok(dry.stdout.endsWith(`:\n${expected}`), dry.stdout);
    const unasked = await restore('/shown', ...point);
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /there is no terminal to ask on: say --yes to go on, or --dry-run to look only/);
    assert.deepEqual((await client.getChildren('/shown')).children, ['added']);

    const done = await restore('/shown', ...point, '--yes', '--json');
    assert.equal(done.code, 0, done.stderr);
    const told = lines<{ change?: string; path?: string }>(done.stdout);
    assert.deepEqual(
      told.slice(0, 3).map(({ change, path }) => `${change} ${path}`),
      ['changed /shown', 'removed /shown/added', 'added /shown/gone'],
    );
    assert.deepEqual(told[3], { restored: '/shown', zxid: zxidText(mzxid), transactions: 2, changes: 4 });
    assert.equal(Buffer.from((await client.getData('/shown')).data ?? []).toString(), 'old');
    await client.close();
  });

  it('leaves ephemerals alone, on both sides', async () => {
    const owner = await served.connect();
    const ephemeral = { mode: 'ephemeral' } as const;
    await owner.create('/eph', null);
    await owner.create('/eph/now-ephemeral', bytes('lasting'));
    await owner.create('/eph/now-ephemeral/below', null);
    await owner.transaction().create('/eph/old', null, ephemeral).commit();
    const { mzxid } = await owner.setData('/eph', bytes('then'));
    await owner.delete('/eph/old');
    await owner.delete('/eph/now-ephemeral/below');
    await owner.delete('/eph/now-ephemeral');
    await owner.transaction().create('/eph/now-ephemeral', null, ephemeral).commit();
    await owner.create('/eph/new', null);
    await owner.create('/eph/new/dir', null);
    await owner.transaction().create('/eph/new/dir/e', null, ephemeral).commit();
    const { code, stdout, stderr } = await restore('/eph', '--to-zxid', zxidText(mzxid), '--yes');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^! \/eph\/new is left alone: it is kept because there are ephemerals below it$/m);
    assert.match(stdout, /^! \/eph\/new\/dir is left alone/m);
    assert.match(stdout, /^! \/eph\/now-ephemeral is left alone: an ephemeral is in its place$/m);
    assert.match(stdout, /^0 to create, 0 to delete, 0 to change$/m);
    assert.deepEqual([...(await owner.getChildren('/eph')).children].sort(), ['new', 'now-ephemeral']);
    await owner.close();
  });

  it('brings back what was removed altogether, in batches that a server takes', async () => {
    const client = await served.connect();
    await client.create('/big', null);
    const value = new Uint8Array(100_000).fill(0x61);
    for (let i = 0; i < 40; i++) await client.create(`/big/${i}`, value);
    for (let i = 0; i < 1500; i++) void client.create(`/big/0/${i}`, null);
    await client.sync('/');
    const before = await readLiveTree(client, '/big');
    const { mzxid } = await client.setData('/', null);
    for (let i = 0; i < 1500; i++) void client.delete(`/big/0/${i}`);
    for (let i = 0; i < 40; i++) await client.delete(`/big/${i}`);
    await client.delete('/big');
    const { code, stdout, stderr } = await restore('/big', '--to-zxid', zxidText(mzxid), '--yes');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /: 1541 changes in 9 transactions\n$/);
    const live = await readLiveTree(client, '/big');
    assert.deepEqual(content(live, '/big', true), content(before, '/big', true));
    await client.close();
  });

  it('overwrites nothing that changed meanwhile', async () => {
    const client = await served.connect();
    await client.create('/race', null);
    for (const name of ['set', 'again', 'acl', 'removed', 'gone']) await client.create(`/race/${name}`, bytes('1'));
    await client.delete('/race/gone');
    const wanted = await readLiveTree(client, '/race');
    const changes: [string, () => Promise<unknown>, RegExp][] = [
      ['set', () => client.setData('/race/set', bytes('3')), /\/race\/set was changed meanwhile/],
      [
        'made again with the old version',
        async () => {
          await client.delete('/race/again');
          await client.create('/race/again', bytes('x'));
          await client.setData('/race/again', bytes('3'));
        },
        /\/race\/again was changed meanwhile/,
      ],
      ['gone', () => client.delete('/race/gone'), /\/race\/gone was changed meanwhile/],
      ['got a child', () => client.create('/race/gone/child', null), /\/race\/gone: it has children/],
      ['is there again', () => client.create('/race/removed', null), /\/race\/removed: there is such a znode already/],
      [
        'got another list',
        () =>
          client.setACL('/race/acl', [
            { perms: 31, scheme: 'world', id: 'anyone' },
            { perms: 1, scheme: 'ip', id: '::1' },
          ]),
        /\/race\/acl: it was changed meanwhile/,
      ],
    ];
    for (const [name, change, message] of changes) {
      const now = new Set((await client.getChildren('/race')).children);
      await client.setData('/race/set', bytes('2'));
      await client.setData('/race/again', bytes('2'));
      await client.setACL('/race/acl', [
        { perms: 31, scheme: 'world', id: 'anyone' },
        { perms: 2, scheme: 'ip', id: '::1' },
      ]);
      if (now.has('removed')) await client.delete('/race/removed');
      if (!now.has('gone')) await client.create('/race/gone', null);
      const plan = planRestore(await readLiveTree(client, '/race'), wanted, '/race');
      assert.equal(plan.differences.length, 5);
      await change();
      const before = content(await readLiveTree(client, '/race'), '/race');
      await assert.rejects(
        carryOut(client, plan.differences),
        (error) => {
          assert.ok(error instanceof CommandError, String(error));
          assert.match(error.message, message);
          assert.equal(error.exitCode, 31);
          return true;
        },
        name,
      );
      if (name !== 'got another list') {
        assert.deepEqual(content(await readLiveTree(client, '/race'), '/race'), before, name);
      } else {
        assert.equal((await client.getACL('/race/acl')).acl[1]?.perms, 1);
      }
      if (name === 'got a child') await client.delete('/race/gone/child');
    }
    await client.close();
  });

  it('brings back what was there before the last change of a kind, out of a backup', async () => {
    const client = await served.connect();
    await client.create('/lost', bytes('v'));
    for (const name of ['a', 'b']) await client.create(`/lost/${name}`, bytes(name));
    const before = content(await readLiveTree(client, '/lost'), '/lost', true);
    for (const name of ['/a', '/b', '']) await client.delete(`/lost${name}`);
    await client.create('/lost', bytes('made anew'));
    const target = served.file('backup');
    const backup = await headkeeper(['backup', 'now', '--data-dir', served.dataDir, '--target', target]);
    assert.equal(backup.code, 0, backup.stderr);
    const words = ['--path', '/lost', '--server', served.address, '--yes', '--before', 'path=/lost op=delete'];
    const { code, stdout, stderr } = await headkeeper(['restore', '--target', target, ...words]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^\/lost on 127\.0\.0\.1:\d+, back to 0x[0-9a-f]+ \(before the last delete of \/lost\):\n~ \/lost\n/,
    );
    assert.deepEqual(content(await readLiveTree(client, '/lost'), '/lost', true), before);
    await client.close();
    const never = await headkeeper(['restore', '--target', target, ...words.slice(0, -1), 'path=/lost op=setACL']);
    assert.equal(never.code, 42);
    assert.match(never.stderr, /holds no setACL of \/lost/);
    const files = await headkeeper(['restore', '--from-data-dir', served.dataDir, ...words]);
    assert.equal(files.code, 2);
    assert.match(files.stderr, /only a backup is searched for changes/);
  });

  it('cuts batches by size, parents first, and removes children first', () => {
    const znode = (path: string, size: number) =>
      ({
        path,
        data: new Uint8Array(size),
        acl: OPEN_ACL,
        kind: 'persistent',
        ttlMs: null,
        stat: { version: 3 } as never,
      }) as const;
    const added = (path: string, size: number) =>
      ({ kind: 'added', path, before: null, after: znode(path, size) }) as const;
    const removed = (path: string) => ({ kind: 'removed', path, before: znode(path, 9), after: null }) as const;
    const batches = [
      ...batchesOf([
        removed('/a'),
        removed('/a/b'),
        added('/n', 300_000),
        added('/n/1', 300_000),
        added('/n/2', 2_000_000),
        added('/n/3', 10),
      ]),
    ].map(({ operations }) => operations.map(({ path }) => path));
    assert.deepEqual(batches, [['/n'], ['/n/1'], ['/n/2'], ['/n/3', '/a/b', '/a']]);
  });

  it('refuses what makes no sense', async () => {
    const wrong = async (path: string, ...words: string[]) => {
      const { code, stderr } = await restore(path, ...words, '--yes');
      return `${code} ${stderr}`;
    };
    assert.match(await wrong('/zookeeper/config'), /^2 .*belongs to the servers/);
    assert.match(await wrong('/never', '--to-zxid', '0x2'), /^1 .*\/never does not exist, and did not at 0x2/);
    assert.match(await wrong('relative'), /^2 .*the path "relative" does not start with \//);
    const chroot = ['restore', '--path', '/x', '--server', `${served.address}/app`, '--from-data-dir', served.dataDir];
    const { code, stderr } = await headkeeper([...chroot, '--yes']);
    assert.equal(code, 2);
    assert.match(stderr, /give the servers without the chroot \/app: paths are whole here/);

    const client = await served.connect();
    await client.create('/parent', null);
    await client.create('/parent/child', null);
    const { mzxid } = await client.setData('/parent', null);
    await client.delete('/parent/child');
    await client.delete('/parent');
    await client.close();
    assert.match(
      await wrong('/parent/child', '--to-zxid', zxidText(mzxid)),
      /^1 .*\/parent does not exist on the server: restore that instead, or create it first/,
    );
  });
});

import assert from 'node:assert/strict';
import { watchChildren, watchData, watchEvents } from '@headkeeper/client';
import { heard } from './basic-cases.ts';
import type { Case } from './case.ts';

const text = (data: Uint8Array | null | undefined): string => Buffer.from(data ?? []).toString();

export const watchCases: readonly Case[] = [
  {
    title: 'watches that are told once',
    run: async ({ connect, place }) => {
      const zk = await connect();
      const other = await connect();
      const events: string[] = [];
      const zxids: (number | null)[] = [];
      const watch = ({ type, path, zxid }: { type: string; path: string; zxid: number | null }): void => {
        events.push(`${type} ${path}`);
        zxids.push(zxid);
      };
      await zk.create('/a');
      await zk.getData('/a', { watch });
      await zk.getChildren('/a', { watch });
      await zk.exists('/b', { watch });
      const { mzxid } = await other.setData('/a', 'x');
      await other.setData('/a', 'y');
      await other.create('/a/c');
      await other.create('/b');
      await heard(events, 3);
      assert.deepEqual(events, ['dataChanged /a', 'childrenChanged /a', 'created /b']);
      if (place.minor >= 9) assert.equal(zxids[0], mzxid);
    },
  },
  {
    title: 'watches that stay, and are removed',
    since: 6,
    run: async ({ connect }) => {
      const zk = await connect();
      const other = await connect();
      await zk.create('/a');
      const one: string[] = [];
      const below: string[] = [];
      await using stays = await zk.addWatch('/a', 'persistent', ({ type, path }) => one.push(`${type} ${path}`));
      await zk.addWatch('/', 'recursive', ({ type, path }) => below.push(`${type} ${path}`));
      await other.setData('/a', 'x');
      await other.create('/a/b');
      await other.delete('/a/b');
      await heard(one, 3);
      await heard(below, 3);
      assert.deepEqual(one, ['dataChanged /a', 'childrenChanged /a', 'childrenChanged /a']);
      assert.deepEqual(below, ['dataChanged /a', 'created /a/b', 'deleted /a/b']);
      assert.equal(await zk.hasWatch('/a', 'any'), true);
      await stays.remove();
      assert.equal(await zk.hasWatch('/a', 'any'), false);
      assert.equal(await zk.removeWatches('/'), true);
      assert.equal(await zk.removeWatches('/'), false);
      await other.setData('/a', 'y');
      await zk.sync();
      assert.equal(one.length + below.length, 6);
    },
  },
  {
    title: 'streams of a znode and of its children',
    run: async ({ connect }) => {
      const zk = await connect();
      const other = await connect();
      const data = watchData(zk, '/a');
      assert.equal((await data.next()).value, null);
      await other.create('/a', '1');
      assert.equal(text((await data.next()).value?.data), '1');
      const children = watchChildren(zk, '/a');
      assert.deepEqual((await children.next()).value?.children, []);
      await other.create('/a/b');
      assert.deepEqual((await children.next()).value?.children, ['b']);
      await other.setData('/a', '2');
      assert.equal(text((await data.next()).value?.data), '2');
      await data.return(undefined);
      await children.return(undefined);
    },
  },
  {
    title: 'a stream of all that happens below',
    since: 6,
    run: async ({ connect }) => {
      const zk = await connect();
      const other = await connect();
      const stream = watchEvents(zk, '/', 'recursive');
      const first = stream.next();
      await zk.sync();
      for (let i = 0; i < 100; i++) await other.create(`/${i}`);
      assert.equal((await first).value?.path, '/0');
      for (let i = 1; i < 100; i++) assert.equal((await stream.next()).value?.path, `/${i}`);
      await stream.return(undefined);
    },
  },
];

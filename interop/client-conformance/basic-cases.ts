import assert from 'node:assert/strict';
import {
  type Client,
  CREATOR_ALL_ACL,
  deleteAll,
  ensurePath,
  isZooKeeperError,
  OPEN_ACL,
  putData,
  TransactionError,
  walk,
  type ZooKeeperErrorCode,
} from '@headkeeper/client';
import type { Case } from './case.ts';

async function rejects(promise: Promise<unknown>, code: ZooKeeperErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => isZooKeeperError(error, code) && error.outcome === 'not applied', code);
}

const text = (data: Uint8Array | null): string | null => (data === null ? null : Buffer.from(data).toString());

/** Watches until something has happened `count` times. */
export async function heard(events: readonly unknown[], count: number): Promise<void> {
  for (let i = 0; i < 1_000 && events.length < count; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(events.length, count, JSON.stringify(events));
}

export const basicCases: readonly Case[] = [
  {
    title: 'create, read, change, delete; versions, and the errors of each',
    run: async ({ connect }) => {
      const zk = await connect();
      const { path, stat } = await zk.create('/a', 'x');
      assert.equal(path, '/a');
      assert.equal(stat.version, 0);
      assert.equal(text((await zk.getData('/a')).data), 'x');
      await rejects(zk.create('/a'), 'nodeExists');
      await rejects(zk.create('/no/parent'), 'noNode');
      const changed = await zk.setData('/a', 'y', { version: 0 });
      assert.equal(changed.version, 1);
      assert.ok(changed.mzxid > stat.czxid);
      await rejects(zk.setData('/a', 'z', { version: 0 }), 'badVersion');
      await rejects(zk.setData('/none', 'z'), 'noNode');
      await zk.create('/a/b', null);
      assert.equal((await zk.getData('/a/b')).data, null);
      await zk.setData('/a/b', '');
      assert.equal((await zk.getData('/a/b')).data?.length, 0);
      assert.deepEqual((await zk.getChildren('/a')).children, ['b']);
      assert.equal((await zk.getChildren('/')).stat.numChildren, 1);
      await rejects(zk.delete('/a'), 'notEmpty');
      await rejects(zk.delete('/a/b', { version: 7 }), 'badVersion');
      await zk.delete('/a/b', { version: 1 });
      await rejects(zk.getChildren('/a/b'), 'noNode');
      assert.equal(await zk.exists('/a/b'), null);
      assert.equal((await zk.exists('/a'))?.version, 1);
      await zk.sync('/');
    },
  },
  {
    title: 'sequential, ephemeral, container and TTL znodes',
    run: async ({ connect }) => {
      const zk = await connect();
      const other = await connect();
      const names = [];
      for (let i = 0; i < 3; i++) names.push((await zk.create('/s-', null, { mode: 'persistentSequential' })).path);
      assert.deepEqual(names, ['/s-0000000000', '/s-0000000001', '/s-0000000002']);
      const { stat } = await zk.create('/e', null, { mode: 'ephemeral' });
      assert.equal(stat.ephemeralOwner, zk.session.id);
      await rejects(zk.create('/e/x'), 'noChildrenForEphemerals');
      await zk.create('/c', null, { mode: 'container' });
      await zk.create('/c/x');
      await zk.delete('/c/x');
      await zk.create('/t', null, { ttlMs: 600 });
      await other.sync();
      for (let i = 0; (await other.exists('/c')) !== null || (await other.exists('/t')) !== null; i++) {
        assert.ok(i < 600, 'the server has removed container and TTL znode');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const gone: string[] = [];
      await other.exists('/e', { watch: ({ type }) => gone.push(type) });
      await zk.close();
      await heard(gone, 1);
      assert.deepEqual(gone, ['deleted']);
    },
  },
  {
    title: 'transactions: all or nothing, each seeing those before it',
    run: async ({ connect, place }) => {
      const zk = await connect();
      const results = await zk
        .transaction()
        .create('/m', 'a')
        .create('/m/s-', null, { mode: 'ephemeralSequential' })
        .setData('/m', 'b', { version: 0 })
        .check('/m', { version: 1 })
        .delete('/m/s-0000000000')
        .commit();
      const [made, sequential, changed, checked, deleted] = results;
      assert.equal(made.path, '/m');
      assert.equal(sequential.path, '/m/s-0000000000');
      assert.equal(changed.version, 1);
      assert.deepEqual([checked, deleted], [null, null]);
      if (place.minor >= 9) assert.equal(made.stat?.czxid, changed.mzxid);
      const failing = zk.transaction().create('/n').check('/m', { version: 9 }).delete('/m').commit();
      await assert.rejects(failing, (error) => {
        return error instanceof TransactionError && error.index === 1 && isZooKeeperError(error, 'badVersion');
      });
      assert.equal(await zk.exists('/n'), null);
      assert.deepEqual(await zk.transaction().commit(), []);
    },
  },
  {
    title: 'several reads in one request',
    since: 6,
    run: async ({ connect }) => {
      const zk = await connect();
      await zk.create('/a', 'x');
      await zk.create('/a/b');
      const [data, children, missing] = await zk.multiRead().getData('/a').getChildren('/a').getData('/none').run();
      assert.ok(!isZooKeeperError(data) && !isZooKeeperError(children));
      assert.equal(text(data.data), 'x');
      assert.deepEqual(children, ['b']);
      assert.ok(isZooKeeperError(missing, 'noNode'));
    },
  },
  {
    title: 'access control: digest identities, and those added later',
    run: async ({ connect, place }) => {
      const owner = await connect({ auth: [{ scheme: 'digest', auth: 'bob:secret' }] });
      const stranger = await connect();
      await owner.create('/p', 'x', { acl: CREATOR_ALL_ACL });
      await stranger.sync();
      await rejects(stranger.getData('/p'), 'noAuth');
      await rejects(stranger.setACL('/p', OPEN_ACL), 'noAuth');
      const { acl } = await owner.getACL('/p');
      assert.equal(acl[0]?.scheme, 'digest');
      assert.match(acl[0]?.id ?? '', /^bob:/);
      stranger.addAuth('digest', 'bob:secret');
      assert.equal(text((await stranger.getData('/p')).data), 'x');
      await rejects(owner.create('/q', null, { acl: [] }), 'invalidACL');
      if (place.minor >= 7) {
        const users = (await owner.whoAmI()).map(({ scheme, user }) => `${scheme} ${user}`).sort();
        assert.deepEqual(users, ['digest bob', 'ip 127.0.0.1']);
      }
    },
  },
  {
    title: 'an identity of an unknown scheme ends the client',
    run: async ({ place, connect }) => {
      const zk = await connect();
      const over = new Promise<string>((resolve) => {
        zk.onEvent((event) => event.type === 'authFailed' && resolve(event.scheme));
      });
      zk.addAuth('nonsense', 'x');
      assert.equal(await over, 'nonsense');
      await assert.rejects(zk.exists('/'), (error) => isZooKeeperError(error, 'authFailed'), place.name);
    },
  },
  {
    title: 'thousands of requests in flight are answered in order',
    run: async ({ connect }) => {
      const zk = await connect();
      await zk.create('/n', '-1');
      const order: number[] = [];
      await Promise.all(
        Array.from({ length: 2_000 }, (_, i) => {
          if (i % 2 === 0) return zk.setData('/n', `${i}`).then(() => order.push(i));
          return zk.getData('/n').then(({ data }) => {
            order.push(i);
            assert.equal(text(data), `${i - 1}`);
          });
        }),
      );
      assert.deepEqual(
        order,
        [...order].sort((a, b) => a - b),
      );
    },
  },
  {
    title: 'large data, many children, and requests that are too long',
    run: async ({ connect }) => {
      const zk = await connect();
      const large = new Uint8Array(1_000_000).fill(7);
      await zk.create('/l', large);
      assert.deepEqual((await zk.getData('/l')).data, large);
      await rejects(zk.setData('/l', new Uint8Array(1_100_000)), 'invalidArgument');
      const forced = await connect({ maxRequestBytes: 4_000_000 });
      await assert.rejects(forced.setData('/l', new Uint8Array(3_000_000)), (error) => {
        return isZooKeeperError(error, 'connectionLoss') && error.outcome === 'unknown';
      });
      await forced.sync();
      assert.equal((await forced.getData('/l')).data?.length, 1_000_000);
      const name = 'x'.repeat(200);
      await Promise.all(Array.from({ length: 6_000 }, (_, i) => zk.create(`/${name}${i}`)));
      assert.equal((await zk.getChildren('/')).children.length, 6_001);
      assert.equal(await deleteAll(zk, '/'), 6_002 - 1);
    },
  },
  {
    title: 'trees: made, walked, counted, deleted',
    run: async ({ connect, place }) => {
      const zk = await connect();
      await ensurePath(zk, '/x/y/z');
      await ensurePath(zk, '/x/y/z');
      await putData(zk, '/x/w/v', 'data');
      const seen: string[] = [];
      for await (const path of walk(zk, '/x')) seen.push(path);
      assert.deepEqual(seen, ['/x', '/x/w', '/x/w/v', '/x/y', '/x/y/z']);
      if (place.minor >= 6) assert.equal(await zk.countDescendants('/x'), 4);
      assert.equal(await deleteAll(zk, '/x'), 5);
      assert.equal(await deleteAll(zk, '/x'), 0);
    },
  },
  {
    title: "a session's ephemerals, below the chroot alone",
    since: 6,
    run: async ({ connect, connectAtRoot, root }) => {
      const zk = await connect();
      await zk.create('/e1', null, { mode: 'ephemeral' });
      await zk.create('/f', null, { mode: 'ephemeral' });
      assert.deepEqual([...(await zk.getEphemerals())].sort(), ['/e1', '/f']);
      assert.deepEqual(await zk.getEphemerals('/e'), ['/e1']);
      const { id, password } = zk.session;
      const same: Client = await connectAtRoot({ session: { id, password } });
      await same.create(`${root}beside`, null, { mode: 'ephemeral' });
      const again = await connect({ session: { id, password } });
      assert.deepEqual([...(await again.getEphemerals())].sort(), ['/e1', '/f']);
    },
  },
  {
    title: 'who belongs to the ensemble',
    run: async ({ connect, place }) => {
      const zk = await connect();
      const { servers, stat } = await zk.getConfig();
      assert.equal(stat.aversion, -1);
      assert.equal(servers.size, place.connectString.includes(',') ? 3 : servers.size);
      await assert.rejects(zk.reconfig({ leaving: [9] }), (error) => isZooKeeperError(error));
    },
  },
];

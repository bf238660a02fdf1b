import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Client, isZooKeeperError } from '@headkeeper/client';
import {
  HoldLostError,
  LeasesDisagreeError,
  type Lock,
  MultiLock,
  Mutex,
  ReadWriteLock,
  ReentrantMutex,
  Semaphore,
  type WaitOptions,
} from '@headkeeper/recipes';
import { aborted, World } from './support/world.ts';

const PATH = '/locks/one';

const isTimeout = (error: unknown): boolean => isZooKeeperError(error, 'requestTimeout');

type Clients = readonly [Client, Client, Client];

async function three(world: World): Promise<Clients> {
  return (await world.clients(3)) as unknown as Clients;
}

describe('re-entrant mutex', { timeout: 60_000 }, () => {
  it('counts what its owner acquires, and is free when all was released', async () => {
    await using world = await World.start();
    const mutex = new ReentrantMutex(await world.client(), PATH);
    const [one, two] = [{}, {}];
    const outer = await mutex.acquire(one);
    const inner = await mutex.tryAcquire(one);
    assert.equal(inner?.token, outer.token);
    assert.equal(mutex.holdsOf(one), 2);
    assert.equal(await mutex.tryAcquire(two), null);
    await outer.release();
    await outer.release();
    assert.equal(mutex.holdsOf(one), 1);
    const waiting = mutex.acquire(two);
    await world.children(PATH, 2);
    await inner?.release();
    assert.ok((await waiting).token > outer.token);
    assert.deepEqual([mutex.holdsOf(one), mutex.holdsOf(two)], [0, 1]);
  });

  it('stands in line once for an owner who asks several times at once', async () => {
    await using world = await World.start();
    const mutex = new ReentrantMutex(await world.client(), PATH);
    const other = await mutex.acquire({});
    const owner = {};
    const asked = [mutex.acquire(owner), mutex.acquire(owner), mutex.run(owner, ({ token }) => token)] as const;
    await world.children(PATH, 2);
    await other.release();
    const [first, second, token] = await Promise.all(asked);
    assert.deepEqual([first.token, second.token], [token, token]);
    assert.equal(mutex.holdsOf(owner), 2);
  });

  it('tells an owner who lost it, until he has released it', async () => {
    await using world = await World.start();
    const client = await world.client();
    const mutex = new ReentrantMutex(client, PATH);
    const owner = {};
    const held = await mutex.acquire(owner);
    await world.expire(client);
    await aborted(held.signal);
    await assert.rejects(mutex.acquire(owner), HoldLostError);
    await held.release();
    assert.equal((await mutex.acquire(owner)).signal.aborted, false);
  });
});

describe('re-entrant mutex, several calls of one owner', { timeout: 60_000 }, () => {
  it('keeps each of them within its own limits', async () => {
    await using world = await World.start();
    const [one, two] = await three(world);
    const held = await new Mutex(one, PATH).acquire();
    const mutex = new ReentrantMutex(two, PATH);
    const owner = {};
    const waiting = mutex.acquire(owner);
    await world.children(PATH, 2);
    assert.equal(await mutex.tryAcquire(owner), null);
    await assert.rejects(mutex.acquire(owner, { timeoutMs: 20 }), isTimeout);
    await assert.rejects(mutex.acquire(owner, { signal: AbortSignal.abort() }), (error) =>
      isZooKeeperError(error, 'aborted'),
    );
    const along = mutex.acquire(owner, { timeoutMs: 30_000 });
    await held.release();
    await (await waiting).release();
    assert.equal(mutex.holdsOf(owner), 1);
    await (await along).release();
    await world.children(PATH, 0);
  });

  it('gives a free lock to all that ask at once', async () => {
    await using world = await World.start();
    const mutex = new ReentrantMutex(await world.client(), PATH);
    const owner = {};
    const holds = await Promise.all([mutex.tryAcquire(owner), mutex.tryAcquire(owner), mutex.acquire(owner)]);
    assert.equal(mutex.holdsOf(owner), 3);
    for (const hold of holds) await hold?.release();
    await world.children(PATH, 0);
  });
});

describe('read-write lock', { timeout: 60_000 }, () => {
  it('lets readers in together, and writers alone, in the order asked', async () => {
    await using world = await World.start();
    const [a, b, c] = (await three(world)).map((client) => new ReadWriteLock(client, PATH)) as [
      ReadWriteLock,
      ReadWriteLock,
      ReadWriteLock,
    ];
    const [first, second] = [await a.read.acquire(), await b.read.acquire()];
    assert.equal(await c.write.tryAcquire(), null);
    const writing = c.write.acquire();
    await world.children(PATH, 3);
    // A writer that waits is not overtaken.
    assert.equal(await a.read.tryAcquire(), null);
    const later = a.read.acquire();
    await world.children(PATH, 4);
    await first.release();
    await world.children(PATH, 3);
    await second.release();
    const writer = await writing;
    assert.equal(await b.read.tryAcquire(), null);
    await writer.release();
    await (await later).release();
  });

  it('makes a reader of a writer without a gap', async () => {
    await using world = await World.start();
    const [a, b, c] = (await three(world)).map((client) => new ReadWriteLock(client, PATH)) as [
      ReadWriteLock,
      ReadWriteLock,
      ReadWriteLock,
    ];
    const writer = await a.write.acquire();
    const nextWriter = b.write.acquire();
    await world.children(PATH, 2);
    const reader = await a.downgrade(writer);
    assert.match(reader.path, /__READ__0000000000$/);
    assert.equal(writer.signal.aborted, false);
    assert.equal(await c.write.tryAcquire(), null);
    await assert.rejects(a.downgrade(writer), { code: 'noNode' });
    await reader.release();
    const second = await nextWriter;
    await assert.rejects(c.downgrade(await new Mutex(world.observer, '/other').acquire()), TypeError);
    await second.release();
    const readers = [await b.read.acquire(), await c.read.acquire()];
    await Promise.all(readers.map((held) => held.release()));
  });

  it('makes one reader of a writer when the answer is lost', async () => {
    await using world = await World.start();
    const relay = await world.relay();
    const lock = new ReadWriteLock(await world.client({}, relay), PATH);
    const writer = await lock.write.acquire();
    relay.loseAnswers();
    const downgraded = lock.downgrade(writer);
    for (;;) if (/__READ__/.test((await world.children(PATH, 1))[0] as string)) break;
    relay.cut();
    const reader = await downgraded;
    assert.equal(reader.token, writer.token);
    assert.equal((await world.observer.getChildren(PATH)).children.length, 1);
    await reader.release();
    await world.children(PATH, 0);
  });

  it('uses the names of kazoo when it is told so', async () => {
    await using world = await World.start();
    const lock = new ReadWriteLock(await world.client(), PATH, { layout: 'kazoo' });
    const writer = await lock.write.acquire();
    assert.match(writer.path, /\/[\da-f]{32}__lock__0000000000$/);
    const reader = await lock.downgrade(writer);
    assert.match(reader.path, /\/[\da-f]{32}__rlock__0000000000$/);
    assert.notEqual(await lock.read.tryAcquire(), null);
  });
});

describe('semaphore', { timeout: 60_000 }, () => {
  for (const layout of ['curator', 'kazoo'] as const) {
    it(`gives out so many leases and no more (${layout})`, async () => {
      await using world = await World.start();
      const clients = await world.clients(5);
      let leases = 0;
      let most = 0;
      const use = async (client: Client): Promise<void> => {
        const semaphore = new Semaphore(client, PATH, 2, { layout });
        for (let i = 0; i < 4; i++) {
          await semaphore.run(async () => {
            most = Math.max(most, ++leases);
            await client.sync();
            leases--;
          });
        }
      };
      await Promise.all(clients.map(use));
      assert.ok(most <= 2);
      const [a, b, c] = clients.map((client) => new Semaphore(client, PATH, 2, { layout })) as [
        Semaphore,
        Semaphore,
        Semaphore,
      ];
      const held = await Promise.all([a.acquire(), b.acquire()]);
      assert.equal(await c.tryAcquire(), null);
      await Promise.all(held.map((lease) => lease.release()));
    });

    it(`gives a lease to those who wait when one is returned, or its session ends (${layout})`, async () => {
      await using world = await World.start();
      const [a, b, c] = await three(world);
      const [one, two, three_] = [a, b, c].map((client) => new Semaphore(client, PATH, 1, { layout })) as [
        Semaphore,
        Semaphore,
        Semaphore,
      ];
      const held = await one.acquire();
      assert.equal(await two.tryAcquire(), null);
      const controller = new AbortController();
      const given = two.acquire({ signal: controller.signal });
      const line = layout === 'curator' ? `${PATH}/locks` : `${PATH}-__lock__`;
      await world.children(line, 1);
      controller.abort();
      await assert.rejects(given, { code: 'aborted' });
      await world.children(line, 0);
      const waiting = three_.acquire();
      await world.children(line, 1);
      await world.expire(a);
      assert.equal(((await aborted(held.signal)) as HoldLostError).reason, 'sessionExpired');
      await (await waiting).release();
      await using again = await two.tryAcquire();
      assert.notEqual(again, null);
    });
  }

  it('asks again when the session ends while it waits', async () => {
    await using world = await World.start();
    const [a, b] = await three(world);
    const held = await new Semaphore(a, PATH, 1).acquire();
    const waiting = new Semaphore(b, PATH, 1).acquire();
    await world.children(`${PATH}/leases`, 2);
    const lost = b.session.id;
    await world.expire(b);
    await held.release();
    const lease = await waiting;
    assert.notEqual(lease.session, lost);
    assert.equal(lease.signal.aborted, false);
  });

  it('asks again when it has lost its mutex to another before it has a lease', async () => {
    await using world = await World.start();
    const relay = await world.relay();
    const [holder, next, loser] = [await world.client(), await world.client(), await world.client({}, relay)];
    const held = await new Semaphore(holder, PATH, 1).acquire();
    // Its mutex is created and looked at; the creation of its lease does not arrive.
    const isLost = relay.loseRequest(2);
    const acquire = (client: Client): Promise<void> =>
      new Semaphore(client, PATH, 1).run(() => {}, { timeoutMs: 10_000 });
    const last = acquire(loser);
    await isLost;
    relay.shut();
    await world.children(`${PATH}/locks`, 1);
    await world.children(`${PATH}/leases`, 1);
    await world.expire(loser);
    const first = acquire(next);
    await world.children(`${PATH}/leases`, 2);
    relay.open();
    const { observer } = world;
    for (;;) {
      const [locks, leases] = await Promise.all([
        observer.getChildren(`${PATH}/locks`),
        observer.getChildren(`${PATH}/leases`),
      ]);
      if (locks.children.length === 2 || leases.children.length === 3) break;
    }
    await held.release();
    await Promise.all([first, last]);
  });

  it('looks again when the answer about the leases lay about for longer than the session is certain', async () => {
    await using world = await World.start();
    const client = await world.client();
    let looks = 0;
    const stoodStill = new Proxy(client, {
      get: (target, name) => {
        if (name === 'sessionCertainForMs') return looks === 1 ? 0 : target.sessionCertainForMs;
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        if (name !== 'getChildren') return value.bind(target);
        return async (...call: Parameters<Client['getChildren']>): ReturnType<Client['getChildren']> => {
          const answer = await target.getChildren(...call);
          if (call[0] === `${PATH}/leases`) looks++;
          return answer;
        };
      },
    });
    await (await new Semaphore(stoodStill, PATH, 1).acquire({ timeoutMs: 10_000 })).release();
    assert.equal(looks, 2);
    looks = 0;
    assert.notEqual(await new Semaphore(stoodStill, PATH, 1).tryAcquire(), null);
  });

  it('refuses numbers of leases that make no sense, and another one than kazoo has written', async () => {
    await using world = await World.start();
    assert.throws(() => new Semaphore(world.observer, PATH, 0), RangeError);
    await (await new Semaphore(world.observer, PATH, 3, { layout: 'kazoo' }).acquire()).release();
    assert.equal(new TextDecoder().decode((await world.observer.getData(PATH)).data as Uint8Array), '3');
    await assert.rejects(new Semaphore(world.observer, PATH, 2, { layout: 'kazoo' }).acquire(), LeasesDisagreeError);
    await world.children(`${PATH}-__lock__`, 0);
  });
});

describe('limits while no server answers', { timeout: 60_000 }, () => {
  it('ends waits for a lease and for several locks, and leaves nothing behind', async () => {
    await using world = await World.start();
    const [one, two] = await three(world);
    const lease = await new Semaphore(one, '/leases', 1).acquire();
    const second = await new Mutex(one, '/second').acquire();
    const waits = [
      new Semaphore(two, '/leases', 1).acquire({ timeoutMs: 300 }),
      new MultiLock([new Mutex(two, '/first'), new Mutex(two, '/second')]).acquire({ timeoutMs: 300 }),
    ].map((wait) => assert.rejects(wait, isTimeout));
    await world.children('/leases/leases', 2);
    await world.children('/second', 2);
    world.server.pause();
    await Promise.all(waits);
    world.server.resume();
    for (const path of ['/leases/locks', '/first']) await world.children(path, 0);
    for (const path of ['/leases/leases', '/second']) await world.children(path, 1);
    await lease.release();
    await second.release();
  });
});

describe('multi-lock', { timeout: 60_000 }, () => {
  it('has all of its locks or none', async () => {
    await using world = await World.start();
    const [a, b] = await three(world);
    const multi = new MultiLock([new Mutex(a, '/m/1'), new Mutex(a, '/m/2'), new Semaphore(a, '/m/3', 1)]);
    const other = await new Mutex(b, '/m/2').acquire();
    assert.equal(await multi.tryAcquire(), null);
    assert.notEqual(await new Mutex(b, '/m/1').tryAcquire(), null);
    await assert.rejects(new MultiLock([new Mutex(a, '/m/4'), new Mutex(a, '/m/2')]).acquire({ timeoutMs: 20 }), {
      code: 'requestTimeout',
    });
    await world.children('/m/4', 0);
    await other.release();
    await world.expire(b);
    const held = await multi.acquire();
    assert.equal(held.holds.length, 3);
    await held.release();
    await using again = await multi.tryAcquire();
    assert.notEqual(again, null);
  });

  it("is not kept beyond the caller's limit by what it has to give back", async () => {
    await using world = await World.start();
    const [a] = await three(world);
    const semaphore = new Semaphore(a, '/limit/3', 1);
    const reentrant = new ReentrantMutex(a, '/limit/4');
    const owner = {};
    const own = {
      acquire: (options: WaitOptions = {}) => reentrant.acquire(owner, options),
      tryAcquire: (options: WaitOptions = {}) => reentrant.tryAcquire(owner, options),
    };
    const taken: Lock = {
      acquire: () => Promise.reject(new Error('not asked for')),
      tryAcquire: () => {
        world.server.pause();
        asked();
        return Promise.resolve(null);
      },
    };
    let asked: () => void = () => {};
    const inner = new MultiLock([new Mutex(a, '/limit/1'), new ReadWriteLock(a, '/limit/2').write]);
    const multi = new MultiLock([inner, semaphore, own, taken]);
    const paths = ['/limit/1', '/limit/2', '/limit/3/leases', '/limit/4'];
    await assert.rejects(multi.tryAcquire({ timeoutMs: 150 }), isTimeout);
    world.server.resume();
    for (const path of paths) await world.children(path, 0);

    const abort = new AbortController();
    asked = () => abort.abort();
    await assert.rejects(multi.tryAcquire({ signal: abort.signal }), { code: 'aborted' });
    world.server.resume();
    for (const path of paths) await world.children(path, 0);
  });

  it('is lost with any of its locks', async () => {
    await using world = await World.start();
    const [a, b] = await three(world);
    const held = await new MultiLock([new Mutex(a, '/m/1'), new Mutex(b, '/m/2')]).acquire();
    await world.expire(b);
    const reason = (await aborted(held.signal)) as HoldLostError;
    assert.match(reason.path, /^\/m\/2\//);
    await held.release();
    await world.children('/m/1', 0);
  });
});

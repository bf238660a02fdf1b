import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { isZooKeeperError, type RequestTrace, watchData } from '@headkeeper/client';
import {
  GroupMembership,
  type Held,
  HoldLostError,
  LeaderSelector,
  Mutex,
  ReadWriteLock,
  Semaphore,
  SimpleQueue,
} from '@headkeeper/recipes';
import { contendersOf } from '../src/line/contenders.ts';
import { predecessorAmong } from '../src/line/turn.ts';
import { aborted, World } from './support/world.ts';

const PATH = '/locks/one';
/** Where the client tells of each request that is made. */
const REQUESTS = 'tracing:headkeeper.client.request:start';
/** And of each answer. */
const ANSWERS = 'tracing:headkeeper.client.request:asyncEnd';

describe('mutex', { timeout: 60_000 }, () => {
  it('has one holder at a time, in the order asked, each with a higher token', async () => {
    await using world = await World.start();
    const clients = await world.clients(8);
    let holders = 0;
    const order: number[] = [];
    const tokens: number[] = [];
    const gate = await new Mutex(world.observer, PATH).acquire();
    const turns: Promise<void>[] = [];
    for (const [at, client] of clients.entries()) {
      const mutex = new Mutex(client, PATH);
      turns.push(
        mutex.run(async ({ token }) => {
          assert.equal(++holders, 1);
          order.push(at);
          tokens.push(token);
          await client.getData('/');
          holders--;
        }),
      );
      await world.children(PATH, at + 2);
    }
    await gate.release();
    await Promise.all(turns);
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(
      tokens,
      [...tokens].sort((a, b) => a - b),
    );
    assert.equal(new Set(tokens).size, tokens.length);
  });

  it('wakes nobody but the next one', async () => {
    await using world = await World.start();
    const clients = await world.clients(6);
    const [first, ...others] = clients.map((client) => new Mutex(client, PATH));
    const held = await (first as Mutex).acquire();
    const waiting: Promise<Held>[] = [];
    for (const mutex of others) {
      waiting.push(mutex.acquire());
      await world.children(PATH, waiting.length + 1);
    }
    const next = waiting[0] as Promise<Held>;
    // Those who wait have set their watches: an answer comes after those to what was asked before.
    await Promise.all(clients.map((client) => client.sync()));
    const asked: string[] = [];
    const listener = (message: unknown): void => {
      asked.push((message as RequestTrace).operation);
    };
    subscribe(REQUESTS, listener);
    await held.release();
    await next;
    await Promise.all(clients.map((client) => client.sync()));
    unsubscribe(REQUESTS, listener);
    assert.deepEqual(
      asked.filter((operation) => operation !== 'sync'),
      ['delete'],
    );
    const release = async (promise: Promise<Held>): Promise<void> => (await promise).release();
    await Promise.all(waiting.map(release));
  });

  it('is tried without a trace when another has it', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)).map((client) => new Mutex(client, PATH)) as [Mutex, Mutex];
    await using held = await a.acquire();
    assert.equal(await b.tryAcquire(), null);
    assert.deepEqual(await world.children(PATH, 1), [held.path.slice(PATH.length + 1)]);
    await held.release();
    const second = await b.tryAcquire();
    assert.ok(second !== null && second.token > held.token);
  });

  it('lets go of its place when the wait is given up', async () => {
    await using world = await World.start();
    const [a, b, c] = (await world.clients(3)).map((client) => new Mutex(client, PATH)) as [Mutex, Mutex, Mutex];
    const held = await a.acquire();
    const controller = new AbortController();
    const given = b.acquire({ signal: controller.signal });
    await world.children(PATH, 2);
    const last = c.acquire();
    await world.children(PATH, 3);
    controller.abort(new Error('enough'));
    await assert.rejects(
      given,
      (error) => isZooKeeperError(error, 'aborted') && (error.cause as Error).message === 'enough',
    );
    await assert.rejects(b.acquire({ timeoutMs: 20 }), (error) => isZooKeeperError(error, 'requestTimeout'));
    await assert.rejects(b.acquire({ signal: AbortSignal.abort() }), (error) => isZooKeeperError(error, 'aborted'));
    await world.children(PATH, 2);
    await held.release();
    await (await last).release();
    await world.children(PATH, 0);
  });

  it('leaves no watch behind when the wait is given up', async () => {
    await using world = await World.start();
    const held = await new Mutex(world.observer, PATH).acquire();
    const client = await world.client();
    const mutex = new Mutex(client, PATH);
    for (let i = 0; i < 1_000; i++) {
      const controller = new AbortController();
      // The holder is looked at, so it is watched.
      const listener = (message: unknown): void => {
        if ((message as RequestTrace).operation === 'getData') controller.abort();
      };
      subscribe(ANSWERS, listener);
      await assert.rejects(mutex.acquire({ signal: controller.signal }), { code: 'aborted' });
      unsubscribe(ANSWERS, listener);
    }
    // The server knows of no watch then but those that it is told again.
    await world.server.disconnectClients();
    assert.equal(await client.hasWatch(held.path, 'any'), false);
  });

  it('tells its holder of an expired session, and goes to the next', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)) as [typeof world.observer, typeof world.observer];
    const held = await new Mutex(a, PATH).acquire();
    const next = new Mutex(b, PATH).acquire();
    await world.children(PATH, 2);
    await world.expire(a);
    const reason = await aborted(held.signal);
    assert.ok(reason instanceof HoldLostError);
    assert.deepEqual([reason.reason, reason.path], ['sessionExpired', held.path]);
    assert.ok((await next).token > held.token);
    await held.release();
    assert.equal((await next).signal.aborted, false);
  });

  it('tells its holder when the session may have ended', async () => {
    await using world = await World.start();
    const client = await world.client({ sessionTimeoutMs: 400 });
    const held = await new Mutex(client, PATH).acquire();
    world.server.pause();
    const reason = await aborted(held.signal);
    assert.equal((reason as HoldLostError).reason, 'sessionUncertain');
    assert.equal(client.sessionCertainForMs, 0);
    world.server.resume();
  });

  it('tells its holder of the end of the client, and rejects those who wait', async () => {
    await using world = await World.start();
    const client = await world.client();
    const mutex = new Mutex(client, PATH);
    const held = await mutex.acquire();
    const waiting = mutex.acquire();
    await world.children(PATH, 2);
    const closed = client.close();
    await assert.rejects(waiting, (error) => isZooKeeperError(error, 'closed'));
    assert.equal(((await aborted(held.signal)) as HoldLostError).reason, 'clientClosed');
    await closed;
    await held.release();
  });

  it('does not hide from run that it was lost', async () => {
    await using world = await World.start();
    const client = await world.client();
    const mutex = new Mutex(client, PATH);
    await assert.rejects(
      mutex.run(async ({ signal }) => {
        await world.expire(client);
        await aborted(signal);
        return 'done';
      }),
      HoldLostError,
    );
    assert.equal(await mutex.run(() => 'done'), 'done');
  });

  it('stands in line again when the session ends while it waits', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)) as [typeof world.observer, typeof world.observer];
    const held = await new Mutex(a, PATH).acquire();
    const waiting = new Mutex(b, PATH).acquire();
    const first = await world.children(PATH, 2);
    await world.expire(b);
    // The holder's is the same, the other one is new.
    for (;;) if ((await world.children(PATH, 2)).filter((name) => !first.includes(name)).length === 1) break;
    await held.release();
    const second = await waiting;
    assert.equal(second.signal.aborted, false);
    assert.equal(second.session, b.session.id);
  });

  it('is created once when the answer to its creation is lost', async () => {
    await using world = await World.start();
    const relay = await world.relay();
    const client = await world.client({}, relay);
    await world.observer.create('/locks');
    await world.observer.create(PATH);
    relay.loseAnswers();
    const acquired = new Mutex(client, PATH).acquire();
    const [name] = await world.children(PATH, 1);
    relay.cut();
    const held = await acquired;
    assert.equal(held.path, `${PATH}/${name}`);
    assert.equal(held.token, (await world.observer.exists(held.path))?.czxid);
    assert.equal((await world.observer.getChildren(PATH)).stat.cversion, 1);
    await held.release();
    await world.children(PATH, 0);
  });

  it('leaves no ghost when it is given up while nobody knows whether it was created', async () => {
    await using world = await World.start();
    const relay = await world.relay();
    const client = await world.client({}, relay);
    await world.observer.create('/locks');
    await world.observer.create(PATH);
    relay.loseAnswers();
    const controller = new AbortController();
    const acquired = new Mutex(client, PATH).acquire({ signal: controller.signal });
    await world.children(PATH, 1);
    controller.abort();
    await assert.rejects(acquired, (error) => isZooKeeperError(error, 'aborted'));
    relay.cut();
    await world.children(PATH, 0);
    assert.notEqual(client.session.id, 0n);
  });

  it('is released over a lost connection', async () => {
    await using world = await World.start();
    const relay = await world.relay();
    const client = await world.client({}, relay);
    const held = await new Mutex(client, PATH).acquire();
    relay.loseAnswers();
    const released = held.release();
    await world.children(PATH, 0);
    relay.cut();
    await released;
    assert.equal(held.signal.aborted, false);
  });

  it('waits on through a restart of the server', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)) as [typeof world.observer, typeof world.observer];
    const held = await new Mutex(a, PATH).acquire();
    const waiting = new Mutex(b, PATH).acquire();
    await world.children(PATH, 2);
    await world.server.kill();
    await world.server.restart();
    await held.release();
    assert.ok((await waiting).token > held.token);
    assert.equal(held.signal.aborted, false);
  });

  it('makes its directory again when the server has removed it', async () => {
    await using world = await World.start({ 'znode.container.checkIntervalMs': 50 });
    const mutex = new Mutex(await world.client(), PATH);
    await (await mutex.acquire()).release();
    for await (const directory of watchData(world.observer, PATH)) if (directory === null) break;
    await (await mutex.acquire()).release();
  });

  it('waits for the names of Curator, Go and kazoo, and for no others', async () => {
    await using world = await World.start();
    const mutex = new Mutex(await world.client(), PATH);
    await (await mutex.acquire()).release();
    const foreign = [
      '_c_01234567-89ab-cdef-0123-456789abcdef-lock-0000000000',
      '_c_0123456789abcdef0123456789abcdef-lock-0000000000',
      '0123456789abcdef0123456789abcdef__lock__0000000000',
      '0123456789abcdef0123456789abcdef-lock-0000000000',
      'lock-lock-0000000000',
    ];
    for (const name of foreign) {
      await world.observer.create(`${PATH}/${name}`);
      assert.equal(await mutex.tryAcquire(), null, name);
      await world.observer.delete(`${PATH}/${name}`);
      await using held = await mutex.tryAcquire();
      assert.notEqual(held, null);
    }
    for (const name of ['lock-', 'ready', '0000000000', 'lock-00000', '_c_1-lease-0000000000']) {
      await world.observer.create(`${PATH}/${name}`);
      await using held = await mutex.tryAcquire();
      assert.notEqual(held, null, name);
    }
  });

  it('uses the names of the layout it is told', async () => {
    await using world = await World.start();
    const client = await world.client();
    await using curator = await new Mutex(client, PATH, { data: 'me' }).acquire();
    assert.match(curator.path, /^\/locks\/one\/_c_[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}-lock-0000000000$/);
    assert.equal(new TextDecoder().decode((await client.getData(curator.path)).data as Uint8Array), 'me');
    await using kazoo = await new Mutex(client, '/locks/two', { layout: 'kazoo' }).acquire();
    assert.match(kazoo.path, /^\/locks\/two\/[\da-f]{32}__lock__0000000000$/);
  });

  it('refuses a layout that there is not, for nobody would share it', async () => {
    await using world = await World.start();
    const client = await world.client();
    const wrong = { layout: 'Kazoo' as 'kazoo' };
    for (const make of [
      () => new Mutex(client, PATH, wrong),
      () => new ReadWriteLock(client, PATH, wrong),
      () => new Semaphore(client, PATH, 1, wrong),
      () => new LeaderSelector(client, PATH, wrong),
      () => new SimpleQueue(client, PATH, wrong),
      () => new GroupMembership(client, PATH, wrong),
    ]) {
      assert.throws(make, (error) => error instanceof RangeError && /'Kazoo'.*'kazoo'/.test(error.message));
    }
  });

  it('takes nobody before it for its turn only when it stands in the line itself', () => {
    assert.throws(() => predecessorAmong(['lock-'])(['a-lock-0000000000'], 'b-undefined0000000001'), RangeError);
  });

  it('listens to a signal once, however many wait', async () => {
    await using world = await World.start();
    const client = await world.client();
    await using _held = await new Mutex(client, PATH).acquire();
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const listen = signal.addEventListener.bind(signal);
    signal.addEventListener = (...words: Parameters<typeof listen>) => {
      listeners++;
      listen(...words);
    };
    const waits = Array.from({ length: 20 }, () => new Mutex(client, PATH).acquire({ signal }));
    const rejected = waits.map((wait) => assert.rejects(wait, (error) => isZooKeeperError(error, 'aborted')));
    controller.abort();
    await Promise.all(rejected);
    assert.equal(listeners, 1);
  });

  it('keeps the order where the numbers of a directory run over', () => {
    const names = ['b-lock--2147483647', 'a-lock-2147483647', 'd-lock--2147483648', 'c-lock-2147483646'];
    const line = contendersOf(names, ['lock-']).map(({ name }) => name);
    assert.deepEqual(line, ['c-lock-2147483646', 'a-lock-2147483647', 'd-lock--2147483648', 'b-lock--2147483647']);
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Client, isZooKeeperError, watchData, ZooKeeperError } from '@headkeeper/client';
import {
  AtomicCounter,
  DelayQueue,
  DistributedQueue,
  IdQueue,
  ItemError,
  PriorityQueue,
  SimpleQueue,
} from '@headkeeper/recipes';
import { endSession, ServedTests } from '../support/test-server.ts';
import { World } from '../support/world.ts';

const served = new ServedTests();
const textOf = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);
let zk: Client;

before(async () => {
  await served.start();
  zk = await served.connect();
});
after(() => served.stop());

/** A client whose first creations of znodes are not sent before their time limit is over, and how many there were. */
function slowToCreate(client: Client, count: number): { client: Client; overdue: () => number } {
  let overdue = 0;
  const slow = new Proxy(client, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'create' || overdue === count) return value.bind(target);
      return async (path: string): Promise<never> => {
        overdue++;
        throw new ZooKeeperError({ code: 'requestTimeout', operation: 'create', path, outcome: 'unknown' });
      };
    },
  });
  return { client: slow, overdue: () => overdue };
}

describe('SimpleQueue', () => {
  it('finds items whose numbers the server has counted beyond 2^31', async () => {
    await zk.create('/overflown');
    for (const number of ['-2147483648', '-000000005']) await zk.create(`/overflown/qn-${number}`, number);
    await zk.create('/overflown/qn-00000000005', 'no number of a server');
    const queue = new SimpleQueue(zk, '/overflown');
    assert.equal(textOf((await queue.take()).data), '-2147483648');
    assert.equal(textOf((await queue.take()).data), '-000000005');
    assert.equal(await queue.poll(), null);
  });

  it('hands items out in the order in which they were put, under the names of Curator and kazoo', async () => {
    for (const [layout, name] of [
      ['curator', 'qn-0000000000'],
      ['kazoo', 'entry-100-0000000000'],
    ] as const) {
      const queue = new SimpleQueue(zk, `/simple-${layout}`, { layout });
      await queue.putAll(['a', 'b']);
      await queue.put('c');
      assert.equal(await queue.size(), 3);
      assert.equal(textOf((await queue.peek()) ?? undefined), 'a');
      const first = await queue.take();
      assert.equal(first.name, name);
      assert.deepEqual(
        [first, await queue.take(), await queue.take()].map(({ data }) => textOf(data)),
        ['a', 'b', 'c'],
      );
      assert.equal(await queue.poll(), null);
      assert.equal(await queue.peek(), null);
    }
  });

  it('takes the lowest priority first in the layout of kazoo, and has none in that of Curator', async () => {
    const queue = new SimpleQueue(zk, '/priorities', { layout: 'kazoo' });
    await queue.put('late', { priority: 200 });
    await queue.put('middle');
    const first = await queue.take();
    await queue.put('early', { priority: 5 });
    assert.deepEqual([textOf(first.data), textOf((await queue.take()).data)], ['middle', 'early']);
    await assert.rejects(queue.put('x', { priority: 1000 }), /from 0 to 999, not 1000/);
    await assert.rejects(new SimpleQueue(zk, '/none').put('x', { priority: 1 }), /only the layouts of kazoo/);
  });

  it('waits for an item until the signal or the time limit, and leaves what is no item alone', async () => {
    const queue = new SimpleQueue(zk, '/waits');
    const abort = new AbortController();
    const waiting = queue.take({ signal: abort.signal });
    const taker = queue.take();
    const unlucky = queue.take({ timeoutMs: 30 });
    await assert.rejects(unlucky, (error) => isZooKeeperError(error, 'requestTimeout'));
    abort.abort();
    await assert.rejects(waiting, (error) => isZooKeeperError(error, 'aborted'));
    await zk.create('/waits/stranger');
    await queue.put('at last');
    assert.equal(textOf((await taker).data), 'at last');
    assert.deepEqual((await zk.getChildren('/waits')).children, ['stranger']);
  });

  it('gives each of many items to exactly one of many takers', async () => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => served.connect()));
    const queues = clients.map((client) => new SimpleQueue(client, '/many'));
    const count = 200;
    const got: string[] = [];
    const takers = queues.flatMap((queue) =>
      [1, 2].map(async () => {
        while (got.length < count) {
          const item = await queue.take({ timeoutMs: 500 }).catch((error: unknown) => {
            if (!isZooKeeperError(error, 'requestTimeout')) throw error;
            return null;
          });
          if (item !== null) got.push(textOf(item.data));
        }
      }),
    );
    await Promise.all(Array.from({ length: count }, (_, n) => queues[n % 4]?.put(`item ${n}`)));
    await Promise.all(takers);
    assert.deepEqual(got.sort(), Array.from({ length: count }, (_, n) => `item ${n}`).sort());
  });

  it('puts and takes once when the answer was lost, also when the session is over before it is asked', async () => {
    for (const isOver of [false, true]) {
      const { client, relay } = await served.connectThrough();
      const queue = new SimpleQueue(client, `/lost-${isOver}`);
      await queue.put('warm');
      await queue.take();
      for (const round of [0, 1, 2]) {
        const after = async (lost: Promise<void>): Promise<void> => {
          await lost;
          if (!isOver) return;
          relay.shut();
          await endSession(client, served.connectString);
          relay.open();
        };
        let loss = after(relay.loseNextAnswer());
        await queue.put(`item ${round}`);
        await loss;
        assert.equal(await queue.size(), 1, 'put once');
        const listed = new SimpleQueue(client, `/lost-${isOver}`);
        assert.notEqual(await listed.peek(), null);
        await queue.poll();
        assert.equal(await queue.poll(), null);
        await queue.put('to take');
        const names = await zk.getChildren(`/lost-${isOver}`);
        assert.equal(names.children.length, 1);
        // The names, the data, and the answer to the taking itself, one in each round.
        loss = after(relay.loseAnswer(round));
        assert.equal(textOf((await queue.take()).data), 'to take');
        assert.equal(await queue.size(), 0);
        await loss;
      }
    }
  });

  it('makes its directories and puts once when answers are lost at the very beginning', async () => {
    for (let before = 0; before < 7; before++) {
      const { client, relay } = await served.connectThrough();
      const queue = new SimpleQueue(client, `/fresh/queue-${before}`);
      const lost = relay.loseAnswer(before);
      await queue.put('item');
      const counter = new AtomicCounter(client, `/fresh/counter-${before}/below`);
      await counter.increment();
      assert.equal(await counter.get(), 1n);
      assert.equal(await queue.size(), 1);
      await lost;
    }
  });

  it('gives up a put whose time limit is over before its witness is made', async () => {
    const { client, overdue } = slowToCreate(zk, Number.POSITIVE_INFINITY);
    const queue = new DelayQueue(client, '/overdue');
    await assert.rejects(queue.put('late', 5, { timeoutMs: 1 }), { code: 'requestTimeout', outcome: 'not applied' });
    assert.equal(overdue(), 1);
  });

  it('puts once when the request was lost, after a put that was given up before its witness was made', async () => {
    const { client, relay } = await served.connectThrough();
    await using other = new SimpleQueue(zk, '/given-up');
    await other.put('warm');
    await other.take();
    for (const before of [0, 1]) {
      const queue = new SimpleQueue(slowToCreate(client, 1).client, '/given-up');
      await assert.rejects(queue.put('late', { timeoutMs: 1 }), { code: 'requestTimeout', outcome: 'not applied' });
      const lost = relay.loseRequest(before);
      await queue.put('item');
      await lost;
      assert.equal(await other.size(), 1);
      await other.take();
    }
  });

  it('puts and takes once when the request was lost', async () => {
    const { client, relay } = await served.connectThrough();
    const queue = new SimpleQueue(client, '/lost-request');
    await queue.put('warm');
    await queue.take();
    for (const before of [0, 1, 2]) {
      let lost = relay.loseRequest(0);
      await queue.put('item');
      await lost;
      assert.equal(await queue.size(), 1);
      // The names, the data, and the taking itself, one in each round.
      lost = relay.loseRequest(before);
      assert.equal(textOf((await queue.take()).data), 'item');
      assert.equal(await queue.size(), 0);
      await lost;
    }
  });

  it('keeps its directory when it is empty, so that no name of an item comes again', async () => {
    await using world = await World.start({ 'znode.container.checkIntervalMs': 20 });
    const queue = new SimpleQueue(world.observer, '/empty/queue');
    await queue.put('item');
    await queue.take();
    // The server has looked for empty containers once more when it has removed the second one.
    for (const container of ['/first', '/second']) {
      await world.observer.create(container, null, { mode: 'container' });
      await world.observer.create(`${container}/child`);
      await world.observer.delete(`${container}/child`);
      for await (const there of watchData(world.observer, container)) if (there === null) break;
    }
    await queue.put('item');
    const { children } = await world.observer.getChildren('/empty/queue');
    assert.deepEqual(children, ['qn-0000000001']);
  });

  it('takes what is there, when another item has come in place of the one that it has read', async () => {
    const { client, relay } = await served.connectThrough();
    const queue = new SimpleQueue(client, '/replaced');
    await queue.put('of before');
    const { children: names } = await zk.getChildren('/replaced');
    const lost = relay.loseRequest(2);
    const taken = queue.take();
    await lost;
    relay.shut();
    for (const name of names) await zk.delete(`/replaced/${name}`);
    await zk.delete('/replaced');
    await new SimpleQueue(zk, '/replaced').put('of today');
    assert.deepEqual((await zk.getChildren('/replaced')).children, names);
    relay.open();
    assert.equal(textOf((await taken).data), 'of today');
    assert.equal(await queue.size(), 0);
  });

  it('removes its own znodes when it is done, and leaves those of others', async () => {
    const other = new SimpleQueue(zk, '/tidy');
    await other.put('x');
    {
      await using queue = new SimpleQueue(zk, '/tidy');
      await queue.take();
      assert.equal((await zk.getChildren('/tidy-witnesses')).children.length, 2);
    }
    assert.equal((await zk.getChildren('/tidy-witnesses')).children.length, 1);
  });
});

describe('queues with locks', () => {
  it('keep an item until it is done, in the layout of kazoo', async () => {
    const queue = new SimpleQueue(zk, '/locking', { layout: 'kazoo locking' });
    await queue.put('work');
    const delivery = await queue.take();
    assert.equal(textOf(delivery.data), 'work');
    assert.deepEqual((await zk.getChildren('/locking/taken')).children, ['entry-100-0000000000']);
    assert.equal(await queue.poll(), null);
    const next = queue.take();
    await delivery.putBack();
    const again = await next;
    assert.equal(again.name, delivery.name);
    await again.done();
    assert.deepEqual((await zk.getChildren('/locking/taken')).children, []);
    assert.equal(await queue.size(), 0);
  });

  it('hand an item out again when the session of its taker ends, and tell the taker', async () => {
    const mortal = await served.connect();
    const options = { lockPath: '/delivered-locks' };
    const queue = new DistributedQueue(zk, '/delivered', options);
    await queue.put('work');
    const delivery = await new DistributedQueue(mortal, '/delivered', options).take();
    assert.equal(delivery.signal.aborted, false);
    const next = queue.take();
    const told = new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
    await endSession(mortal, served.connectString);
    const again = await next;
    assert.equal(textOf(again.data), 'work');
    await told;
    await assert.rejects(delivery.done(), (error) => isZooKeeperError(error, 'sessionExpired'));
    await again.done();
    assert.equal(await queue.size(), 0);
  });

  it('leave no lock behind when an answer was lost', async () => {
    const { client, relay } = await served.connectThrough();
    const options = { lockPath: '/lost-locks' };
    const queue = new DistributedQueue(client, '/lost-locking', options);
    await queue.put('warm');
    await (await queue.take()).done();
    await queue.put('work');
    // The names are read first, then the locks' names, then the lock is made.
    for (const before of [0, 1, 2]) {
      const loss = relay.loseAnswer(before);
      const delivery = await queue.take();
      await loss;
      await delivery.putBack();
    }
    const delivery = await queue.take();
    const loss = relay.loseNextAnswer();
    await delivery.done();
    await loss;
    assert.deepEqual((await zk.getChildren('/lost-locks')).children, []);
    assert.equal(await queue.size(), 0);
  });

  it("do not take another's lock away when the answer to putting back was lost", async () => {
    const { client, relay } = await served.connectThrough();
    for (const layout of ['kazoo locking', 'curator'] as const) {
      const open = (by: Client): SimpleQueue | DistributedQueue =>
        layout === 'curator'
          ? new DistributedQueue(by, '/back', { lockPath: '/back-locks' })
          : new SimpleQueue(by, '/kazoo-back', { layout });
      const locks = layout === 'curator' ? '/back-locks' : '/kazoo-back/taken';
      const queue = open(client);
      await queue.put('work');
      await queue.take().then((delivery) => delivery.putBack());
      const delivery = await queue.take();
      const loss = relay.loseNextAnswer().then(() => relay.shut());
      const back = delivery.putBack();
      await loss;
      const other = await open(zk).take();
      assert.equal(textOf(other.data), 'work');
      relay.open();
      await back;
      assert.deepEqual((await zk.getChildren(locks)).children, [other.name], layout);
      await other.done();
    }
  });
});

describe('a queue that is closed', () => {
  it('leaves no watch that its client would set again', async () => {
    const { client, relay } = await served.connectThrough();
    const reconnected = (): Promise<void> =>
      new Promise((resolve) => {
        const stop = client.onEvent(({ type }) => {
          if (type !== 'connected') return;
          stop();
          resolve();
        });
        relay.cut();
      });
    const paths = ['/unwatched/entries', '/unwatched/taken'];
    const watched = (): Promise<boolean[]> => Promise.all(paths.map((path) => client.hasWatch(path, 'children')));
    {
      await using queue = new SimpleQueue(client, '/unwatched', { layout: 'kazoo locking' });
      await queue.put('x');
      await (await queue.take()).done();
      assert.equal(await queue.poll(), null);
      await reconnected();
      assert.deepEqual(await watched(), [true, true]);
    }
    await reconnected();
    assert.deepEqual(await watched(), [false, false]);
    assert.deepEqual((await zk.getChildren('/unwatched-witnesses')).children, []);
  });
});

describe('the queues of Curator', () => {
  it('put items together and take them together, encoded as Curator does', async () => {
    const queue = new DistributedQueue(zk, '/dq');
    await queue.put(['ab', 'c']);
    const { data } = await zk.getData('/dq/queue-0000000000');
    assert.equal(Buffer.from(data ?? []).toString('hex'), '000100010100000002616201000000016302');
    assert.deepEqual((await queue.take()).items.map(textOf), ['ab', 'c']);
  });

  it('refuse what is no item, by its name, and go on when it is gone', async () => {
    const queue = new DistributedQueue(zk, '/spoilt');
    await queue.put('before');
    await queue.take();
    await zk.create('/spoilt/queue-', 'rubbish', { mode: 'persistentSequential' });
    await assert.rejects(
      queue.take(),
      (error) => error instanceof ItemError && error.path === '/spoilt/queue-0000000001',
    );
    await zk.delete('/spoilt/queue-0000000001');
    await queue.put('good');
    assert.equal(textOf((await queue.take()).data), 'good');
  });

  it('order by priority, negative ones included', async () => {
    const queue = new PriorityQueue(zk, '/priority');
    for (const priority of [5, -1, 0, -200, 2 ** 31 - 1]) await queue.put(`${priority}`, priority);
    const names = (await zk.getChildren('/priority')).children;
    assert.ok(names.includes('queue-0ffffffff0000000001'), names.join());
    assert.ok(names.includes('queue-1000000050000000000'));
    const order: string[] = [];
    for (const _ of names) order.push(textOf((await queue.take()).data));
    assert.deepEqual(order, ['-200', '-1', '0', '5', '2147483647']);
    await assert.rejects(queue.put('x', 0.5), RangeError);
  });

  it('hold an item back until its time', async () => {
    let now = 1_700_000_000_000;
    const queue = new DelayQueue(zk, '/delay', { clock: () => now });
    await queue.put('later', now + 60_000);
    await queue.put('soon', now + 20);
    assert.deepEqual([...(await zk.getChildren('/delay')).children].sort(), [
      'queue-|18BCFE56814|0000000001',
      'queue-|18BCFE65260|0000000000',
    ]);
    assert.equal(await queue.poll(), null);
    const soon = queue.take();
    now += 20;
    assert.equal(textOf((await soon).data), 'soon');
    assert.equal(await queue.poll(), null);
    const later = queue.take();
    await queue.put('now', now - 1);
    assert.equal(textOf((await later).data), 'now');
    now += 60_000;
    assert.equal(textOf((await queue.take()).data), 'later');
  });

  it('remove items by their id', async () => {
    const queue = new IdQueue(zk, '/ids');
    await queue.put('1', 'a/b');
    await queue.put('2', 'other');
    await queue.put('3', 'a|b');
    assert.ok((await zk.getChildren('/ids')).children.includes('queue-|a_b|0000000000'));
    assert.equal(await queue.remove('a_b'), 2);
    assert.equal(textOf((await queue.take()).data), '2');
  });
});

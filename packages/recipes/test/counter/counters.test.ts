import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client } from '@headkeeper/client';
import { AtomicCounter, CounterError, IdBlocks, SequentialIds, SharedCount, SharedValue } from '@headkeeper/recipes';
import { endSession, ServedTests } from '../support/test-server.ts';

const served = new ServedTests();
let zk: Client;

before(async () => {
  await served.start();
  zk = await served.connect();
});
after(() => served.stop());

async function hexOf(path: string): Promise<string> {
  return Buffer.from((await zk.getData(path)).data ?? []).toString('hex');
}

describe('AtomicCounter', () => {
  it('counts from 0 in the formats of Curator and kazoo', async () => {
    const formats = { int64: 'fffffffffffffffe', int32: 'fffffffe', decimal: '2d32' } as const;
    for (const [format, stored] of Object.entries(formats)) {
      const counter = new AtomicCounter(zk, `/counters/${format}`, { format: format as keyof typeof formats });
      assert.equal(await counter.get(), 0n);
      assert.deepEqual(await counter.increment(), { before: 0n, after: 1n });
      assert.deepEqual(await counter.add(-3), { before: 1n, after: -2n });
      assert.equal(await hexOf(counter.path), stored);
      assert.equal(await counter.compareAndSet(1, 5), false);
      assert.equal(await counter.compareAndSet(-2n, 5n), true);
      assert.deepEqual(await counter.set(7), { before: 5n, after: 7n });
      assert.deepEqual(await counter.decrement(), { before: 7n, after: 6n });
      await zk.setData(counter.path, null);
      assert.equal(await counter.get(), 0n, 'as in Curator and kazoo');
    }
  });

  it('refuses what does not fit, and a znode that holds something else', async () => {
    const small = new AtomicCounter(zk, '/small', { format: 'int32' });
    await small.set(2 ** 31 - 1);
    await assert.rejects(small.increment(), /2147483648 does not fit into the format int32/);
    assert.equal(await small.get(), 2n ** 31n - 1n);
    await assert.rejects(new AtomicCounter(zk, '/small').get(), (error) => error instanceof CounterError);
  });

  it('loses and doubles nothing among many that count at the same time', async () => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => served.connect()));
    const counters = clients.map((client) => new AtomicCounter(client, '/contended'));
    const afters = await Promise.all(
      Array.from({ length: 120 }, async (_, n) => (await counters[n % 4]!.increment()).after),
    );
    assert.equal(new Set(afters).size, 120);
    assert.equal(await new AtomicCounter(zk, '/contended').get(), 120n);
  });

  it('counts once when the request was lost', async () => {
    const { client, relay } = await served.connectThrough();
    const counter = new AtomicCounter(client, '/lost-request');
    await counter.increment();
    for (const before of [0, 1]) {
      const lost = relay.loseRequest(before);
      const { after: value } = await counter.increment();
      await lost;
      assert.equal(value, BigInt(before) + 2n);
      assert.equal(await counter.get(), value);
    }
  });

  it('counts once when the answer was lost, whoever counts meanwhile and whatever became of the session', async () => {
    for (const isOver of [false, true]) {
      const { client, relay } = await served.connectThrough();
      const path = `/lost-${isOver}`;
      const counter = new AtomicCounter(client, path);
      const other = new AtomicCounter(zk, path);
      await counter.increment();
      for (const round of [0, 1]) {
        const start = await other.get();
        // The value is read first, then changed.
        const lost = relay.loseAnswer(round);
        const counting = counter.increment();
        await lost;
        relay.shut();
        await other.increment();
        await other.increment();
        if (isOver) await endSession(client, served.connectString);
        relay.open();
        await counting;
        assert.equal(await counter.get(), start + 3n);
      }
    }
  });
});

describe('SharedValue and SharedCount', () => {
  it('are set by version, and watched', async () => {
    const value = new SharedValue(zk, '/shared/value', { seed: 'first' });
    const abort = new AbortController();
    const seen: string[] = [];
    const { version } = await value.get();
    for await (const state of value.watch({ signal: abort.signal })) {
      const text = Buffer.from(state.data).toString();
      seen.push(text);
      if (text === 'first') assert.equal(await value.trySet('second', version), true);
      if (text === 'second') assert.equal(await value.trySet('never', version), false);
      if (text === 'second') await value.set('third');
      if (text === 'third') abort.abort();
    }
    assert.deepEqual(seen, ['first', 'second', 'third']);
  });

  it('store a count as Curator does', async () => {
    const count = new SharedCount(zk, '/shared/count', { seed: 3 });
    assert.deepEqual(await count.get(), { count: 3, version: 0 });
    await count.set(-1);
    assert.equal(await hexOf('/shared/count'), 'ffffffff');
    assert.equal(await count.trySet(9, 0), false);
    assert.equal(await count.trySet(9, 1), true);
    await zk.setData('/shared/count', 'words');
    await assert.rejects(count.get(), /holds no number of 4 bytes/);
  });
});

describe('ids', () => {
  it('are never given twice, by blocks', async () => {
    const clients = await Promise.all([1, 2].map(() => served.connect()));
    const makers = clients.map((client) => new IdBlocks(client, '/id-blocks', { blockSize: 10 }));
    const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => makers[n % 2]!.next()));
    assert.equal(new Set(ids).size, 100);
    assert.ok(ids.every((id) => id >= 1n && id <= 110n));
    assert.equal((await zk.getData('/id-blocks')).stat.version, 9, 'ten blocks');
  });

  it('grow, one after another, also over a lost answer', async () => {
    const { client, relay } = await served.connectThrough();
    const ids = new SequentialIds(client, '/sequential/ids');
    assert.equal(await ids.next(), 1);
    assert.equal(await new SequentialIds(zk, '/sequential/ids').next(), 2);
    const loss = relay.loseNextAnswer();
    assert.equal(await ids.next(), 4, 'the third was made, and its answer lost');
    await loss;
  });
});

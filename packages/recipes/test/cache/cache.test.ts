import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Client, deleteAll, isZooKeeperError } from '@headkeeper/client';
import { Cache, type CacheChange } from '@headkeeper/recipes';
import { endSession, ServedTests } from '../support/test-server.ts';

const served = new ServedTests();
let zk: Client;

before(async () => {
  await served.start();
  zk = await served.connect();
});
after(() => served.stop());

const textOf = (data: Uint8Array | null | undefined): string => new TextDecoder().decode(data ?? undefined);

/** What a stream of changes says, in short, until `count` have come. */
async function told(changes: AsyncGenerator<CacheChange>, count: number): Promise<string[]> {
  const lines: string[] = [];
  while (lines.length < count) {
    const { value, done } = await changes.next();
    if (done === true) break;
    lines.push(`${value.type} ${value.path} ${textOf(value.previous?.data)}>${textOf(value.node?.data)}`);
  }
  return lines;
}

describe('Cache', () => {
  it('follows everything below a znode that need not be there yet', async () => {
    await using cache = new Cache(zk, '/tree');
    await cache.start();
    assert.equal(cache.size, 0);
    const changes = cache.changes();
    await zk.create('/tree', 'r');
    assert.deepEqual(await told(changes, 1), ['added /tree >r']);
    await zk.create('/tree/a', '1');
    await zk.create('/tree/a/b', '2');
    assert.deepEqual(await told(changes, 2), ['added /tree/a >1', 'added /tree/a/b >2']);
    await zk.setData('/tree/a', '3');
    assert.deepEqual(await told(changes, 1), ['changed /tree/a 1>3']);
    await deleteAll(zk, '/tree');
    assert.deepEqual((await told(changes, 3)).sort(), [
      'removed /tree r>',
      'removed /tree/a 3>',
      'removed /tree/a/b 2>',
    ]);
    assert.equal((await cache.snapshot()).size, 0);
  });

  it('begins with what is there, and goes as deep as it is told', async () => {
    for (const path of ['/deep', '/deep/a', '/deep/a/b', '/deep/a/b/c', '/deeper'])
      await zk.create(path, path.slice(-1));
    for (const [depth, size] of [
      [0, 1],
      [1, 2],
      [2, 3],
      [Number.POSITIVE_INFINITY, 4],
    ] as const) {
      await using cache = new Cache(zk, '/deep', { depth });
      await cache.start();
      assert.equal(cache.size, size);
      const changes = cache.changes();
      assert.equal((await told(changes, size)).length, size);
      await zk.setData('/deep/a/b/c', 'x');
      await zk.setData('/deep', `${depth}`);
      const [next = ''] = await told(changes, 1);
      assert.ok(size === 4 ? next.startsWith('changed /deep/a/b/c ') : next.endsWith(`>${depth}`), next);
    }
  });

  it('can be started again when that has failed', async () => {
    await using cache = new Cache(zk, '/again');
    await assert.rejects(cache.start({ signal: AbortSignal.abort() }), (error) => isZooKeeperError(error, 'aborted'));
    await zk.create('/again', 'r');
    await cache.start();
    assert.equal(textOf(cache.get()?.data), 'r');
  });

  it('tells a slow reader the last state, with what it was told before', async () => {
    await zk.create('/slow', 'a');
    await using cache = new Cache(zk, '/slow');
    await cache.start();
    const changes = cache.changes();
    assert.deepEqual(await told(changes, 1), ['added /slow >a']);
    const behind = changes.next();
    for (const data of ['b', 'c']) await zk.setData('/slow', data);
    await zk.create('/slow/gone');
    await zk.delete('/slow/gone');
    await cache.snapshot();
    const first = await behind;
    assert.equal(textOf(first.value?.previous?.data), 'a');
    await zk.setData('/slow', 'd');
    await cache.snapshot();
    let last = first.value?.node;
    while (textOf(last?.data) !== 'd') {
      const { value } = await changes.next();
      assert.equal(value?.path, '/slow');
      assert.equal(value?.previous, last, 'each change begins where the one before has ended');
      last = value?.node;
    }
  });

  it('reads everything again after a lost connection and after another session, and tells the differences', async () => {
    for (const isOver of [false, true]) {
      const { client, relay } = await served.connectThrough();
      const root = `/gap-${isOver}`;
      for (const name of ['', '/kept', '/changed', '/removed', '/removed/below']) await zk.create(root + name, 'x');
      await using cache = new Cache(client, root);
      await cache.start();
      const changes = cache.changes();
      await told(changes, 5);
      relay.shut();
      await new Promise<void>((resolve) => {
        const stop = client.onEvent(({ type }) => {
          if (type !== 'disconnected') return;
          stop();
          resolve();
        });
        if (client.state !== 'connected') resolve();
      });
      assert.equal(cache.isCurrent, false);
      await zk.setData(`${root}/changed`, 'y');
      await deleteAll(zk, `${root}/removed`);
      await zk.create(`${root}/new`, 'z');
      if (isOver) await endSession(client, served.connectString);
      relay.open();
      assert.deepEqual((await told(changes, 4)).sort(), [
        `added ${root}/new >z`,
        `changed ${root}/changed x>y`,
        `removed ${root}/removed x>`,
        `removed ${root}/removed/below x>`,
      ]);
      const nodes = await cache.snapshot();
      assert.deepEqual([...nodes.keys()].sort(), [root, `${root}/changed`, `${root}/kept`, `${root}/new`]);
      assert.equal(cache.isCurrent, true);
    }
  });

  it('shows transactions whole in its snapshots', async () => {
    await zk.transaction().create('/pair').create('/pair/a', '0').create('/pair/b', '0').commit();
    const reader = await served.connect();
    await using cache = new Cache(reader, '/pair');
    await cache.start();
    const writing: Promise<unknown>[] = [];
    let written = 0;
    const writeSome = (): void => {
      for (let n = 0; n < 20; n++) {
        written++;
        writing.push(zk.transaction().setData('/pair/a', `${written}`).setData('/pair/b', `${written}`).commit());
      }
    };
    let last = 0;
    let seen = 0;
    for await (const nodes of cache.snapshots()) {
      const a = Number(textOf(nodes.get('/pair/a')?.data));
      assert.equal(textOf(nodes.get('/pair/b')?.data), `${a}`);
      assert.ok(a >= last, 'never back in time');
      last = a;
      seen++;
      if (last === 400) break;
      if (written < 400) writeSome();
    }
    await Promise.all(writing);
    assert.ok(seen > 3, `${seen} snapshots`);
  });

  it('has read everything in the end although changes never end', async () => {
    await zk.create('/busy', '0');
    for (const name of ['a', 'b', 'c']) await zk.create(`/busy/${name}`);
    const reader = await served.connect();
    let isOver = false;
    const writing = ['/busy', '/busy/a', '/busy/b'].map(async (path) => {
      while (!isOver) await Promise.all([1, 2, 3].map((data) => zk.setData(path, `${data}`)));
    });
    await using cache = new Cache(reader, '/busy');
    await cache.start({ timeoutMs: 5000 });
    assert.equal(cache.size, 4);
    assert.equal(cache.isCurrent, true);
    isOver = true;
    await Promise.all(writing);
  });

  it('ends its streams when it is closed, by the signal, and with the client', async () => {
    const client = await served.connect();
    const cache = new Cache(client, '/ends');
    await cache.start();
    const abort = new AbortController();
    const aborted = cache.changes({ signal: abort.signal }).next();
    abort.abort();
    assert.equal((await aborted).done, true);
    const open = [cache.changes().next(), cache.snapshots().next()];
    assert.equal((await open[1])?.done, false);
    const closing = cache.changes().next();
    await client.close();
    assert.equal((await closing).done, true);
    assert.equal((await open[0])?.done, true);
    await assert.rejects(cache.snapshot(), (error) => isZooKeeperError(error, 'closed'));
  });
});

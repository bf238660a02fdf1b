import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Client, deleteAll } from '@headkeeper/client';
import { ConfigConflict, ConfigError, ConfigStore, type StandardSchema } from '@headkeeper/recipes';
import { ServedTests } from '../support/test-server.ts';

const served = new ServedTests();
let zk: Client;

before(async () => {
  await served.start();
  zk = await served.connect();
});
after(() => served.stop());

function port(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536) return value;
  throw new Error('has to be a port');
}

const host: StandardSchema<string> = {
  '~standard': {
    validate: async (value) =>
      typeof value === 'string' ? { value: value.toLowerCase() } : { issues: [{ message: 'has to be text' }] },
  },
};

const schema = { port, host, limits: (value: unknown) => value as { readonly most: number } };

function storeAt(path: string, client: Client = zk, history?: number): ConfigStore<typeof schema> {
  return new ConfigStore(client, path, { schema, ...(history === undefined ? {} : { history }) });
}

const textAt = async (path: string): Promise<string> => Buffer.from((await zk.getData(path)).data ?? []).toString();

describe('ConfigStore', () => {
  it('stores several values at once, each readable on its own', async () => {
    const store = storeAt('/config/store');
    assert.deepEqual(await store.get(), { revision: 0, values: {}, problems: [] });
    assert.equal(await store.update({ port: 80, host: 'WWW', limits: { most: 3 } }, { note: 'first' }), 1);
    assert.deepEqual((await store.get()).values, { port: 80, host: 'www', limits: { most: 3 } });
    assert.equal(await textAt('/config/store'), '1');
    assert.equal(await textAt('/config/store/values/limits'), '{"most":3}');
    assert.equal(await store.update({ port: 80 }), 1, 'nothing has changed');
    assert.equal(await store.update({ port: 81, limits: undefined }), 2);
    assert.deepEqual((await zk.getChildren('/config/store/values')).children.length, 2);
    assert.deepEqual(
      (await store.history()).map(({ revision, note, changed }) => ({ revision, note, changed })),
      [
        { revision: 2, note: null, changed: ['limits', 'port'] },
        { revision: 1, note: 'first', changed: ['host', 'limits', 'port'] },
      ],
    );
  });

  it('refuses what the schema refuses, all of it, and says why', async () => {
    const store = storeAt('/config/refuses');
    const wrong = { port: -1, host: 7, other: 1 } as never;
    await assert.rejects(store.update(wrong), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(
        error.message,
        'port: has to be a port; host: has to be text; other: is no key of this configuration (port, host, limits)',
      );
      return true;
    });
    assert.equal((await store.get()).revision, 0);
    const other = new ConfigStore(zk, '/config/refuses', { schema: { port: (value) => `${value}` } });
    await other.update({ port: 'eighty' });
    assert.deepEqual(await store.get(), {
      revision: 1,
      values: {},
      problems: [{ key: 'port', message: 'has to be a port' }],
    });
  });

  it('goes back to an earlier revision, and keeps as many as it is told', async () => {
    const store = storeAt('/config/back', zk, 3);
    for (const value of [1, 2, 3]) await store.update({ port: value });
    assert.equal(await store.rollback(2), 4);
    const { revision, values } = await store.get();
    assert.deepEqual({ revision, values }, { revision: 4, values: { port: 2 } });
    assert.deepEqual(
      (await store.history()).map(({ revision: kept }) => kept),
      [4, 3, 2],
    );
    await assert.rejects(store.rollback(1), /revision 1 of \/config\/back is not kept/);
    assert.equal((await store.history())[0]?.note, 'rollback to 2');
  });

  it('replaces only the revision that it was told', async () => {
    const store = storeAt('/config/conflict');
    await store.update({ port: 1 });
    await store.update({ port: 2 }, { ifRevision: 1 });
    await assert.rejects(
      store.update({ port: 3 }, { ifRevision: 1 }),
      (error) => error instanceof ConfigConflict && error.revision === 2,
    );
  });

  it('loses no update of many at the same time, nor one whose answer was lost', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => served.connect()));
    const keys = Array.from({ length: 9 }, (_, n) => `key${n}`);
    const many = Object.fromEntries(keys.map((key) => [key, (value: unknown) => value as number]));
    const stores = clients.map((client) => new ConfigStore(client, '/config/many', { schema: many }));
    const revisions = await Promise.all(keys.map((key, n) => stores[n % 3]!.update({ [key]: n })));
    assert.deepEqual([...revisions].sort(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(Object.keys((await stores[0]!.get()).values).sort(), keys);

    const { client, relay } = await served.connectThrough();
    const store = storeAt('/config/lost', client);
    await store.update({ port: 1 });
    for (let before = 0; before < 6; before++) {
      const loss = relay.loseAnswer(before);
      const revision = await store.update({ port: before + 10 });
      assert.equal(revision, before + 2);
      await client.getData('/config/lost');
      await loss;
      assert.deepEqual((await store.get()).values, { port: before + 10 });
    }
    assert.equal((await store.get()).revision, 7);
  });

  it('shows every lasting revision to those who watch, whole', async () => {
    const reader = await served.connect();
    const store = storeAt('/config/watched');
    const seen: number[] = [];
    for await (const { revision, values } of storeAt('/config/watched', reader).watch()) {
      seen.push(revision);
      if (revision > 0) assert.deepEqual(values, { port: revision, limits: { most: revision } });
      if (revision === 5) break;
      await store.update({ port: revision + 1, limits: { most: revision + 1 } });
    }
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5]);
  });

  it('goes on when somebody has removed values by hand', async () => {
    const store = storeAt('/config/by-hand');
    await store.update({ port: 1, host: 'a' });
    await deleteAll(zk, '/config/by-hand/values');
    await store.update({ port: 2, host: undefined });
    assert.deepEqual((await store.get()).values, { port: 2 });
    assert.equal(await textAt('/config/by-hand/values/port'), '2');
  });
});

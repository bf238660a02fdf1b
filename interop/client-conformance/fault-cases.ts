import assert from 'node:assert/strict';
import { type Client, type ClientEvent, isZooKeeperError, watchData } from '@headkeeper/client';
import { heard } from './basic-cases.ts';
import type { Bench, Case } from './case.ts';

async function killServerOf(client: Client, { place }: Bench): Promise<void> {
  const { server } = client.session;
  assert.ok(server);
  await place.killServer(server.port);
}

function eventsOf(client: Client): ClientEvent['type'][] {
  const types: ClientEvent['type'][] = [];
  client.onEvent(({ type }) => types.push(type));
  return types;
}

export const faultCases: readonly Case[] = [
  {
    title: 'a server is killed: the session goes on, its ephemerals and watches with it',
    run: async (bench) => {
      const zk = await bench.connect();
      const events = eventsOf(zk);
      const { id } = zk.session;
      await zk.create('/a', '0');
      await zk.create('/e', null, { mode: 'ephemeral' });
      const told: string[] = [];
      const watch = ({ type, path }: { type: string; path: string }): void => {
        told.push(`${type} ${path}`);
      };
      await zk.getData('/a', { watch });
      await zk.exists('/b', { watch });
      await zk.getChildren('/', { watch });
      await killServerOf(zk, bench);
      const other = await bench.connect();
      await other.setData('/a', '1');
      await other.create('/b');
      await heard(told, 3);
      assert.deepEqual([...told].sort(), ['childrenChanged /', 'created /b', 'dataChanged /a']);
      assert.equal(zk.session.id, id);
      await other.sync();
      assert.equal((await other.exists('/e'))?.ephemeralOwner, id);
      assert.ok(!events.includes('sessionExpired'));
      await bench.place.heal();
    },
  },
  {
    title: 'a server is killed under watches that stay: they hear of a gap, and then of all that follows',
    since: 6,
    run: async (bench) => {
      const zk = await bench.connect();
      const told: string[] = [];
      await zk.addWatch('/', 'recursive', ({ type, path }) => told.push(`${type} ${path}`));
      await killServerOf(zk, bench);
      await heard(told, 1);
      await zk.create('/a');
      await heard(told, 2);
      assert.deepEqual(told, ['gap /', 'created /a']);
      await bench.place.heal();
    },
  },
  {
    title: 'kills under load: reads are answered, each write is applied or not as its rejection says',
    run: async (bench) => {
      const zk = await bench.connect({ sessionTimeoutMs: 10_000, requestTimeoutMs: 30_000 });
      const applied = new Set<string>();
      const unknown = new Set<string>();
      const refused = new Set<string>();
      let isOver = false;
      const worker = async (name: number): Promise<void> => {
        for (let i = 0; !isOver; i++) {
          const path = `/w-${name}-${i}`;
          try {
            await zk.create(path);
            applied.add(path);
          } catch (error) {
            assert.ok(isZooKeeperError(error), String(error));
            (error.outcome === 'unknown' ? unknown : refused).add(path);
          }
          await zk.getData('/');
        }
      };
      const workers = Array.from({ length: 20 }, (_, i) => worker(i));
      for (let kill = 0; kill < 3; kill++) {
        const before = applied.size;
        while (applied.size < before + 200) await new Promise((resolve) => setTimeout(resolve, 10));
        await killServerOf(zk, bench);
        await bench.place.heal();
      }
      isOver = true;
      await Promise.all(workers);
      await zk.sync();
      const there = new Set((await zk.getChildren('/')).children.map((child) => `/${child}`));
      for (const path of applied) assert.ok(there.has(path), `${path} was acknowledged and is not there`);
      for (const path of refused) assert.ok(!there.has(path), `${path} was said not to be applied and is there`);
      for (const path of there) assert.ok(applied.has(path) || unknown.has(path), `${path} came from nowhere`);
    },
  },
  {
    title: 'a stream shows the last state over kills',
    run: async (bench) => {
      const zk = await bench.connect();
      const writer = await bench.connect({ requestTimeoutMs: 30_000 });
      await writer.create('/n', '0');
      let last = '';
      const reading = (async () => {
        for await (const znode of watchData(zk, '/n')) {
          const seen = Buffer.from(znode?.data ?? []).toString();
          assert.ok(Number(seen) >= Number(last), `${seen} after ${last}`);
          last = seen;
          if (seen === '100') return;
        }
      })();
      for (let i = 1; i <= 100; i++) {
        if (i === 30) await killServerOf(zk, bench);
        for (;;) {
          try {
            await writer.setData('/n', `${i}`);
            break;
          } catch (error) {
            assert.ok(isZooKeeperError(error, 'connectionLoss'), String(error));
          }
        }
      }
      await reading;
      await bench.place.heal();
    },
  },
  {
    title: 'another client ends the session: it is renewed, and what was bound to it is refused',
    run: async (bench) => {
      const zk = await bench.connect();
      const events = eventsOf(zk);
      const { id, password } = zk.session;
      await zk.create('/e', null, { mode: 'ephemeral' });
      const thief = await bench.connect({ session: { id, password } });
      assert.equal(thief.session.id, id);
      await thief.close();
      await until(events, 'connected');
      assert.notEqual(zk.session.id, id);
      assert.ok(events.includes('sessionExpired'));
      await zk.sync();
      assert.equal(await zk.exists('/e'), null);
      await assert.rejects(zk.create('/x', null, { session: id }), (error) =>
        isZooKeeperError(error, 'sessionExpired'),
      );
    },
  },
];

/** Waits until such an event has come. */
async function until(events: readonly string[], type: string): Promise<void> {
  for (let i = 0; i < 2_000 && !events.includes(type); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(events.includes(type), `${type} never came: ${events}`);
}

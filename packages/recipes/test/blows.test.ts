import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Client, isZooKeeperError, ZooKeeperError } from '@headkeeper/client';
import { Mutex, ReadWriteLock, Semaphore } from '@headkeeper/recipes';
import { SeededRandom } from '@headkeeper/testkit';
import type { Relay } from './support/relay.ts';
import { World } from './support/world.ts';

const CLIENTS = 4;
const BLOWS = 60;
const COUNTER = '/counter';

/** What a client holds while it counts. */
interface Guard {
  readonly signal: AbortSignal;
  readonly session: bigint;
  release(): Promise<void>;
}

type Acquire = (client: Client, signal: AbortSignal) => Promise<Guard>;

const guards: Readonly<Record<string, Acquire>> = {
  mutex: (client, signal) => new Mutex(client, '/guard').acquire({ signal }),
  'write lock': (client, signal) => new ReadWriteLock(client, '/guard').write.acquire({ signal }),
  'semaphore with one lease': (client, signal) => new Semaphore(client, '/guard', 1).acquire({ signal }),
  "kazoo's semaphore with one lease": (client, signal) =>
    new Semaphore(client, '/guard', 1, { layout: 'kazoo' }).acquire({ signal }),
};

/** Reads a number and writes the next one, under a guard; without it numbers are lost. */
class Counting {
  /** Changes that were made, and those that may have been. */
  made = 0;
  inDoubt = 0;

  async countOn(client: Client, acquire: Acquire, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const guard = await acquire(client, signal).catch((error: unknown) => {
        if (isZooKeeperError(error, 'aborted')) return null;
        throw error;
      });
      if (guard === null) return;
      try {
        await this.#count(client, guard);
      } catch (error) {
        if (!(error instanceof ZooKeeperError)) throw error;
        if (error.outcome === 'unknown') this.inDoubt++;
      }
      await guard.release();
    }
  }

  async #count(client: Client, { session }: Guard): Promise<void> {
    // Both are refused once the session has ended, whatever the holder believes.
    const { data } = await client.getData(COUNTER, { session });
    const number = Number(new TextDecoder().decode(data ?? new Uint8Array()));
    await client.setData(COUNTER, String(number + 1), { session });
    this.made++;
  }
}

describe('under blows', () => {
  for (const [name, acquire] of Object.entries(guards)) {
    it(`a ${name} has one holder, and nobody waits for ever`, { timeout: 60_000 }, async () => {
      const seed = Math.floor(Math.random() * 1_000_000);
      const random = new SeededRandom(seed);
      await using world = await World.start();
      await world.observer.create(COUNTER, '0');
      const relays = await Promise.all(Array.from({ length: CLIENTS }, () => world.relay()));
      const clients = await Promise.all(relays.map((relay) => world.client({}, relay)));
      const counting = new Counting();
      const stop = new AbortController();
      const workers = clients.map((client) => counting.countOn(client, acquire, stop.signal));
      for (let blow = 0; blow < BLOWS; blow++) {
        const before = counting.made;
        const at = random.below(CLIENTS);
        await strike(world, relays[at] as Relay, clients[at] as Client, random.below(6));
        while (counting.made < before + 3) await world.observer.sync();
      }
      stop.abort();
      await Promise.all(workers);
      const final = Number(new TextDecoder().decode((await world.observer.getData(COUNTER)).data ?? new Uint8Array()));
      const { made, inDoubt } = counting;
      assert.ok(final >= made && final <= made + inDoubt, `seed ${seed}: ${final} of ${made} and ${inDoubt} in doubt`);
    });
  }
});

async function strike(world: World, relay: Relay, client: Client, kind: number): Promise<void> {
  switch (kind) {
    case 0:
      return relay.cut();
    case 1:
    case 2:
      return relay.loseAnswer(kind);
    case 3:
      return world.server.disconnectClients();
    case 4: {
      await world.server.kill({ keepUnsynced: true });
      return world.server.restart();
    }
    default:
      // It may be between two sessions, or just have lost this one.
      return world.expire(client).catch(() => {});
  }
}

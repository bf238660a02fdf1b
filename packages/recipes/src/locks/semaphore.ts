import { type Client, isZooKeeperError } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { Held, type Lock, runUnder } from '../held.ts';
import { prefixFor } from '../line/contenders.ts';
import { Ear } from '../line/ear.ts';
import type { ContenderOptions } from '../line/line.ts';
import { ensureDirectory, type Place, takePlaceIn } from '../line/place.ts';
import { textOf } from '../node-data.ts';
import { bounded, type Wait, type WaitOptions } from '../wait.ts';
import { childPath } from '../znode-name.ts';
import { Mutex } from './mutex.ts';

const LEASE_MARKER = 'lease-';
const MOST_LEASES = 0x7fffffff;

/**
 * A number of leases that are given out in the order in which they were asked for.
 *
 * - Whoever asks takes the mutex at `PATH/locks`, creates `PATH/leases/_c_<uuid>-lease-NNNNNNNNNN` (ephemeral, sequential), and
 *   waits, with the mutex, until there are no more leases than allowed. So only one at a time watches the leases.
 * - All have to agree on the number of leases.
 * - Connection loss: those who wait go on when the connection is back; whoever has a lease keeps it for as long as the session
 *   lives for certain, and `held.signal` is aborted when it no more does. Session expiry: those who wait ask again.
 * - The same semaphore as Curator's `InterProcessSemaphoreV2` (with one lease its `InterProcessSemaphoreMutex`). With
 *   `layout: 'kazoo'` the same as kazoo's `Semaphore`: leases are `PATH/<32 hex>`, the mutex is at `PATH-__lock__`, and the data
 *   of PATH is the number of leases, which everybody checks.
 */
export class Semaphore implements Lock {
  readonly path: string;
  readonly maxLeases: number;
  readonly #client: Client;
  readonly #options: ContenderOptions;
  readonly #mutex: Mutex;

  /** @throws RangeError when `maxLeases` is no whole number from 1 on. */
  constructor(client: Client, path: string, maxLeases: number, options: ContenderOptions = {}) {
    checkRecipe('Semaphore', client, path, options);
    if (!Number.isInteger(maxLeases) || maxLeases < 1 || maxLeases > MOST_LEASES) {
      throw new RangeError(`maxLeases has to be a whole number from 1 to ${MOST_LEASES}, not ${maxLeases}`);
    }
    this.path = path;
    this.maxLeases = maxLeases;
    this.#client = client;
    this.#options = options;
    this.#mutex = new Mutex(
      client,
      options.layout === 'kazoo' ? `${path}-__lock__` : childPath(path, 'locks'),
      options,
    );
  }

  /**
   * Waits for a lease.
   *
   * @throws ZooKeeperError aborted, requestTimeout (`timeoutMs`), closed, noAuth; LeasesDisagreeError (kazoo's layout).
   */
  async acquire(options: WaitOptions = {}): Promise<Held> {
    return bounded(this.#client, 'acquire', this.path, options, async (wait) => {
      for (;;) {
        const held = await this.#mutex.acquire({ signal: wait.signal }).catch((error) => {
          wait.check();
          throw error;
        });
        const lease = await this.#takeLease(held, wait, true);
        if (lease !== null) return lease;
      }
    });
  }

  /** A lease, or null when there is none, or others are just asking. */
  async tryAcquire(options: WaitOptions = {}): Promise<Held | null> {
    return bounded(this.#client, 'tryAcquire', this.path, options, async (wait) => {
      const held = await this.#mutex.tryAcquire({ signal: wait.signal }).catch((error) => {
        wait.check();
        throw error;
      });
      return held === null ? null : this.#takeLease(held, wait, false);
    });
  }

  /** Runs something with a lease. @throws HoldLostError when it was lost before the work was done. */
  async run<T>(work: (held: Held) => Promise<T> | T, options: WaitOptions = {}): Promise<T> {
    return runUnder(await this.acquire(options), work);
  }

  /**
   * Takes a lease and releases the mutex; what is left behind when the wait is given up goes in the background.
   *
   * @returns null: none is free and nobody wants to wait, or the lease has gone with its session.
   */
  async #takeLease(mutex: Held, wait: Wait, waits: boolean): Promise<Held | null> {
    const { layout = 'curator' } = this.#options;
    let lease: Held | null = null;
    try {
      const taken =
        layout === 'curator'
          ? this.#takeNumbered(mutex.session, wait, waits)
          : this.#takePlain(mutex.session, wait, waits);
      lease = await taken;
      await wait.forRemoval(mutex.release());
      return lease;
    } catch (error) {
      void mutex.release().catch(() => {});
      void lease?.release().catch(() => {});
      throw error;
    }
  }

  /**
   * Curator's way: the lease is there while one waits for there to be few enough, in the session that holds the mutex: two
   * who have both created theirs would wait for one another.
   */
  async #takeNumbered(session: bigint, wait: Wait, waits: boolean): Promise<Held | null> {
    const { data = null, acl } = this.#options;
    const directory = childPath(this.path, 'leases');
    const prefix = prefixFor('curator', this.#client.uniqueId(), LEASE_MARKER);
    const spec = { directory, prefix, mode: 'ephemeralSequential', data, acl, layout: 'curator' } as const;
    const place = await takePlaceIn(this.#client, spec, session, wait);
    if (place === null) return null;
    try {
      const isOurs = await this.#whenFew(place, wait, waits);
      if (isOurs) return new Held(this.#client, place);
    } catch (error) {
      void place.remove().catch(() => {});
      throw error;
    }
    await wait.forRemoval(place.remove());
    return null;
  }

  async #whenFew(place: Place, wait: Wait, waits: boolean): Promise<boolean> {
    for (;;) {
      const ear = new Ear(this.#client, place.directory);
      try {
        const names = await this.#leases(place.directory, place.session, ear, wait);
        if (names === null || !names.includes(place.name)) return false;
        if (names.length > this.maxLeases) {
          if (!waits) return false;
          await ear.event(wait);
        } else if (this.#client.sessionCertainForMs > 0) return true;
        // Otherwise the answer has lain about for a session timeout, and says nothing about now.
      } finally {
        ear.end();
      }
    }
  }

  /** kazoo's way: the lease is created once there is room, in the session that holds the mutex. */
  async #takePlain(session: bigint, wait: Wait, waits: boolean): Promise<Held | null> {
    const { data = null, acl } = this.#options;
    await this.#agreeOnLeases(wait);
    for (;;) {
      const ear = new Ear(this.#client, this.path);
      try {
        const names = await this.#leases(this.path, session, ear, wait);
        if (names === null) return null;
        if (names.length < this.maxLeases) break;
        if (!waits) return null;
        await ear.event(wait);
      } finally {
        ear.end();
      }
    }
    const spec = {
      directory: this.path,
      prefix: this.#client.uniqueId(),
      mode: 'ephemeral',
      data,
      acl,
      layout: 'kazoo',
    } as const;
    // In another session the mutex would be lost, under which there was room.
    const place = await takePlaceIn(this.#client, spec, session, wait);
    return place === null ? null : new Held(this.#client, place);
  }

  /** The number of leases is the data of the znode: set by the first, checked by the others. */
  async #agreeOnLeases(wait: Wait): Promise<void> {
    const { signal } = wait;
    for (;;) {
      try {
        const { data, stat } = await this.#client.getData(this.path, { signal });
        const text = textOf(data);
        if (text === String(this.maxLeases)) return;
        if (text !== '') throw new LeasesDisagreeError(this.path, this.maxLeases, text);
        await this.#client.setData(this.path, String(this.maxLeases), { version: stat.version, signal });
        return;
      } catch (error) {
        if (isZooKeeperError(error, 'noNode')) await ensureDirectory(this.#client, this.path, 'kazoo', { signal });
        else if (!isZooKeeperError(error, 'badVersion')) await wait.afterFailure(error);
      }
    }
  }

  /** The names of the leases, which are watched; null: the session has ended. */
  async #leases(directory: string, session: bigint, ear: Ear, wait: Wait): Promise<readonly string[] | null> {
    for (;;) {
      try {
        const options = { session, signal: wait.signal, watch: ear.watch };
        return (await this.#client.getChildren(directory, options)).children;
      } catch (error) {
        if (isZooKeeperError(error, 'noNode', 'sessionExpired')) return null;
        await wait.afterFailure(error);
      }
    }
  }
}

/** Somebody else's semaphore of this path has another number of leases. */
export class LeasesDisagreeError extends Error {
  readonly path: string;

  constructor(path: string, ours: number, theirs: string) {
    super(`${path} says that there are ${theirs} leases, not ${ours}: give all its semaphores the same number`);
    this.name = 'LeasesDisagreeError';
    this.path = path;
  }
}

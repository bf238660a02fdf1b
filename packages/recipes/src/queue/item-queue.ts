import { type Acl, type CallOptions, type Client, isZooKeeperError } from '@headkeeper/client';
import { Witness } from '../outcome/witness.ts';
import { ensureThere, passesAtServers } from '../passing.ts';
import { Wait } from '../wait.ts';
import { childPath } from '../znode-name.ts';
import { type Delivery, plainDelivery } from './delivery.ts';
import { ItemLocks } from './item-locks.ts';
import { checkItem, type ItemNaming } from './item-naming.ts';

export interface ItemQueueOptions {
  readonly entries: string;
  /** Where takers lock items instead of removing them; null: there are no locks. */
  readonly locks: string | null;
  /** Where the outcomes of puts and takes are kept. */
  readonly witnesses: string;
  readonly acl: readonly Acl[] | undefined;
}

/** A queue of znodes, whatever they are named. All queues are built on it. */
export class ItemQueue {
  readonly #client: Client;
  readonly #naming: ItemNaming;
  readonly #entries: string;
  readonly #acl: readonly Acl[] | undefined;
  readonly #witness: Witness;
  readonly #locks: ItemLocks | null;
  /** Items that are not taken yet as far as is known, the first one last. */
  #known: string[] = [];
  /** Items that this object is taking. */
  readonly #busy: Set<string> = new Set();
  #hasChanged = true;
  readonly #waiting: Set<() => void> = new Set();

  constructor(client: Client, naming: ItemNaming, { entries, locks, witnesses, acl }: ItemQueueOptions) {
    this.#client = client;
    this.#naming = naming;
    this.#entries = entries;
    this.#acl = acl;
    this.#witness = new Witness(client, witnesses, acl);
    this.#locks = locks === null ? null : new ItemLocks(client, naming, { entries, locks }, this.#witness, acl);
  }

  /** Adds items whose names begin with the prefix, all or none. */
  async put(prefix: string, items: readonly Uint8Array[], options: CallOptions): Promise<void> {
    const path = childPath(this.#entries, prefix);
    const create = { mode: 'persistentSequential', ...(this.#acl === undefined ? {} : { acl: this.#acl }) } as const;
    const put = (): Promise<void> =>
      this.#witness.commit((to) => {
        for (const item of items) to = to.create(path, item, create);
        return to;
      }, options);
    await this.#inDirectory(put);
  }

  /** The first item that nobody else gets; waits for one. */
  async take(options: CallOptions): Promise<Delivery> {
    using wait = new Wait(this.#client, 'take', this.#entries, options);
    for (;;) {
      wait.check();
      let wake: () => void = () => {};
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      this.#waiting.add(wake);
      try {
        const found = await this.#takeFirst(wait);
        if (typeof found !== 'number') return found;
        if (!this.#hasChanged)
          await (found === Number.POSITIVE_INFINITY ? wait.event(changed) : wait.pause(found, changed));
      } finally {
        this.#waiting.delete(wake);
      }
    }
  }

  /** The first item that nobody else gets; null when there is none now. */
  async poll(options: CallOptions): Promise<Delivery | null> {
    using wait = new Wait(this.#client, 'poll', this.#entries, options);
    wait.check();
    const found = await this.#takeFirst(wait);
    return typeof found === 'number' ? null : found;
  }

  /** What is there, in order, those that are locked or not due included. */
  async names(options: CallOptions): Promise<string[]> {
    const { children } = await this.#inDirectory(() => this.#client.getChildren(this.#entries, options));
    return children.filter((name) => this.#naming.isItem(name)).sort((a, b) => this.#naming.compare(a, b));
  }

  /** Data of an item; null when it is gone. */
  async read(name: string, options: CallOptions): Promise<{ data: Uint8Array; version: number } | null> {
    try {
      const { data, stat } = await this.#client.getData(childPath(this.#entries, name), options);
      return { data: data ?? new Uint8Array(0), version: stat.version };
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return null;
      throw error;
    }
  }

  /** Removes an item that is not locked; whether it was this call that has. */
  async remove(name: string): Promise<boolean> {
    const delivery = await this.#tryTake(name);
    await delivery?.done();
    return delivery !== null;
  }

  /** No watch and no slot of this object's is left. */
  close(): Promise<void> {
    this.#client.unwatch(this.#entries, this.#changed);
    this.#locks?.unwatch(this.#changed);
    return this.#witness.close();
  }

  /** A number: nothing can be taken for so many milliseconds. */
  async #takeFirst(wait: Wait): Promise<Delivery | number> {
    for (;;) {
      try {
        await this.#refresh();
        for (let name = this.#next(); name !== null; name = this.#next()) {
          const waitMs = this.#naming.waitMs?.(name) ?? 0;
          if (waitMs > 0) {
            this.#known.push(name);
            return waitMs;
          }
          const delivery = await this.#tryTake(name);
          if (delivery !== null) return delivery;
          wait.check();
          await this.#refresh();
        }
        return Number.POSITIVE_INFINITY;
      } catch (error) {
        this.#changed();
        if (!passesAtServers(error) || error.outcome === 'unknown') throw error;
        wait.check();
      }
    }
  }

  #next(): string | null {
    for (let name = this.#known.pop(); name !== undefined; name = this.#known.pop()) {
      if (!this.#busy.has(name)) return name;
    }
    return null;
  }

  /** Reads the names again, if that can show a better one. */
  async #refresh(): Promise<void> {
    if (!this.#hasChanged || (this.#known.length > 0 && !this.#naming.isOrderedByName)) return;
    this.#hasChanged = false;
    const { children } = await this.#inDirectory(() =>
      this.#client.getChildren(this.#entries, { watch: this.#changed }),
    );
    const locked = this.#locks === null ? null : await this.#locks.names(this.#changed);
    this.#known = children
      .filter((name) => this.#naming.isItem(name) && locked?.has(name) !== true)
      .sort((a, b) => this.#naming.compare(b, a));
  }

  /** One function for all watches, so that there is only one of each kind. */
  readonly #changed = (): void => {
    this.#hasChanged = true;
    for (const wake of this.#waiting) wake();
  };

  async #tryTake(name: string): Promise<Delivery | null> {
    this.#busy.add(name);
    try {
      if (this.#locks !== null) return await this.#locks.take(name);
      const path = childPath(this.#entries, name);
      for (;;) {
        const item = await this.read(name, {});
        if (item === null) return null;
        checkItem(this.#naming, path, item.data);
        try {
          if (await this.#witness.attempt((to) => to.delete(path, { version: item.version })))
            return plainDelivery(name, item.data);
        } catch (error) {
          if (isZooKeeperError(error, 'noNode')) return null;
          if (!isZooKeeperError(error, 'badVersion')) throw error;
        }
      }
    } finally {
      this.#busy.delete(name);
    }
  }

  /**
   * Makes the directory when it is not there. It stays when it is empty, as in kazoo and Curator's DistributedQueue: behind
   * a container that is made again the names begin again, and a deletion that is late would hit the namesake of its item.
   */
  async #inDirectory<Result>(call: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isZooKeeperError(error, 'noNode')) throw error;
        await ensureThere(this.#client, this.#entries, this.#acl, { mode: 'persistent' });
      }
    }
  }
}

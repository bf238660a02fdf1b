import type { Acl, CallOptions, Client, DataInput } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { chosen } from '../chosen.ts';
import { bytesOf } from '../node-data.ts';
import { compareText, sequenceAfter } from '../znode-name.ts';
import type { Delivery } from './delivery.ts';
import type { ItemNaming } from './item-naming.ts';
import { ItemQueue } from './item-queue.ts';

const CURATOR_PREFIX = 'qn-';
const KAZOO_PREFIX = 'entry-';
const KAZOO_NAME = /^entry-\d{3}-/;
const KAZOO_PREFIX_LENGTH = 'entry-000-'.length;
const DEFAULT_PRIORITY = 100;
const HIGHEST_PRIORITY_NUMBER = 999;

export interface SimpleQueueOptions {
  /**
   * Whose names: `curator` (the default; Curator's SimpleDistributedQueue and ZooKeeper's own recipe, `qn-N`), `kazoo`
   * (its Queue, `entry-PRIORITY-N`), or `kazoo locking` (its LockingQueue, `entries/entry-PRIORITY-N` and
   * `taken/ENTRY`).
   */
  readonly layout?: 'curator' | 'kazoo' | 'kazoo locking';
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

export interface SimplePutOptions extends CallOptions {
  /** 0 to 999, the lowest is taken first; 100 unless given. Only in kazoo's layouts. */
  readonly priority?: number;
}

/**
 * A queue of bytes that any number of processes put into and take from. Each item is handed to one taker, the first one
 * first, as far as takers at the same time have an order.
 *
 * **Guarantee.** An item that `put` has confirmed is handed out exactly once. Which of several takers has got an item
 * is decided by its deletion, together with a change of a znode of the taker's own (`<path>-witnesses/…`), so that a
 * taker whose answer was lost finds out. A process that dies between taking an item and dealing with it takes the item
 * with it, unless the layout is `kazoo locking`: there the item stays, locked by an ephemeral, until `delivery.done()`,
 * and is handed out again if its taker's session ends before: at least once.
 *
 * **Connection loss.** `put` and `take` go on with the next connection and know then what was made; a taker that waits
 * goes on waiting. **Session expiry.** The same. In the layout `kazoo locking` the lock is lost: `delivery.signal` is
 * aborted when the session ends or may have ended, and `done` is rejected with sessionExpired if it has.
 *
 * **Others.** Curator and kazoo repeat a request whose answer was lost: their `offer` or `put` may put twice, and their
 * `poll` or `get` may remove an item that nobody gets. Curator's SimpleDistributedQueue makes the directory a container:
 * once that is empty the server removes it, the names begin again, and a taker that was cut off for so long may then
 * remove the namesake of its item. Here the directory stays; make it before Curator does.
 */
export class SimpleQueue {
  readonly path: string;
  readonly #items: ItemQueue;
  readonly #isKazoo: boolean;

  constructor(client: Client, path: string, options: SimpleQueueOptions = {}) {
    checkRecipe('SimpleQueue', client, path, options);
    const { layout = 'curator', acl } = options;
    chosen('layout', layout, ['curator', 'kazoo', 'kazoo locking']);
    this.path = path;
    this.#isKazoo = layout !== 'curator';
    const isLocking = layout === 'kazoo locking';
    this.#items = new ItemQueue(client, this.#isKazoo ? kazooNaming : curatorNaming, {
      entries: isLocking ? `${path}/entries` : path,
      locks: isLocking ? `${path}/taken` : null,
      witnesses: `${path}-witnesses`,
      acl,
    });
  }

  /** Adds an item; when this resolves it is there, exactly once. */
  put(data: DataInput, options: SimplePutOptions = {}): Promise<void> {
    return this.putAll([data], options);
  }

  /** Adds items, all or none. */
  async putAll(data: readonly DataInput[], options: SimplePutOptions = {}): Promise<void> {
    const { priority = DEFAULT_PRIORITY } = options;
    if (options.priority !== undefined && !this.#isKazoo)
      throw new RangeError('only the layouts of kazoo have priorities');
    if (!Number.isInteger(priority) || priority < 0 || priority > HIGHEST_PRIORITY_NUMBER) {
      throw new RangeError(`a priority has to be a whole number from 0 to 999, not ${priority}`);
    }
    const prefix = this.#isKazoo ? `${KAZOO_PREFIX}${String(priority).padStart(3, '0')}-` : CURATOR_PREFIX;
    await this.#items.put(prefix, data.map(bytesOf), options);
  }

  /**
   * Takes the first item, waiting for one. The signal and the time limit end the waiting; an item that is being taken
   * is handed over first.
   *
   * @throws ZooKeeperError aborted, requestTimeout, closed.
   */
  take(options: CallOptions = {}): Promise<Delivery> {
    return this.#items.take(options);
  }

  /** Takes the first item; null when there is none. */
  poll(options: CallOptions = {}): Promise<Delivery | null> {
    return this.#items.poll(options);
  }

  /** The first item's data; null when there is none. Another may take it at any time. */
  async peek(options: CallOptions = {}): Promise<Uint8Array | null> {
    for (const name of await this.#items.names(options)) {
      const item = await this.#items.read(name, options);
      if (item !== null) return item.data;
    }
    return null;
  }

  /** How many items there are. */
  async size(options: CallOptions = {}): Promise<number> {
    return (await this.#items.names(options)).length;
  }

  /** Removes this object's own znodes; items stay. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#items.close();
  }
}

const curatorNaming: ItemNaming = {
  isOrderedByName: false,
  isItem: (name) => sequenceAfter(CURATOR_PREFIX, name) !== null,
  compare: (a, b) => Number(sequenceAfter(CURATOR_PREFIX, a)) - Number(sequenceAfter(CURATOR_PREFIX, b)),
};

const kazooNaming: ItemNaming = {
  isOrderedByName: true,
  isItem: (name) => KAZOO_NAME.test(name) && sequenceAfter(name.slice(0, KAZOO_PREFIX_LENGTH), name) !== null,
  compare: (a, b) => {
    const prefix = a.slice(0, KAZOO_PREFIX_LENGTH);
    const other = b.slice(0, KAZOO_PREFIX_LENGTH);
    if (prefix !== other) return compareText(prefix, other);
    return Number(sequenceAfter(prefix, a)) - Number(sequenceAfter(prefix, b));
  },
};

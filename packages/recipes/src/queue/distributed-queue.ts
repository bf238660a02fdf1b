import type { Acl, CallOptions, Client, DataInput } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { bytesOf } from '../node-data.ts';
import { compareText, sequenceAfter } from '../znode-name.ts';
import type { Delivery } from './delivery.ts';
import { decodeItems, encodeItems } from './item-bytes.ts';
import type { ItemNaming } from './item-naming.ts';
import { ItemQueue } from './item-queue.ts';

const PREFIX = 'queue-';
const MARKED_PREFIX = 'queue-|';
const PRIORITY_PREFIX_LENGTH = 'queue-100000000'.length;
const PRIORITY_NAME = /^queue-[01][0-9a-f]{8}/;
const MARKED_NAME = /^queue-\|([^|]*)\|(-?\d{10})$/;
const SMALLEST_INT: number = -(2 ** 31);
const LARGEST_INT: number = 2 ** 31 - 1;
const SHORTEST_TIME = 8;
const HEX = 16;

export interface DistributedQueueOptions {
  /**
   * Where takers lock items instead of removing them: then an item is handed out again if its taker's session ends
   * before `delivery.done()`. Curator's `lockPath`: the same for all who take.
   */
  readonly lockPath?: string;
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

/** What was put together with one call is handed out together. */
export interface ItemsDelivery extends Delivery {
  readonly items: readonly Uint8Array[];
  /** The first item. */
  readonly data: Uint8Array;
}

/** What the queues of Curator have in common. */
abstract class CuratorQueue {
  readonly path: string;
  protected readonly items: ItemQueue;

  constructor(client: Client, path: string, options: DistributedQueueOptions, naming: ItemNaming) {
    checkRecipe('the queue', client, path, options);
    this.path = path;
    this.items = new ItemQueue(
      client,
      { ...naming, fault: (data) => (decodeItems(data) === null ? "is none of Curator's DistributedQueue" : null) },
      { entries: path, locks: options.lockPath ?? null, witnesses: `${path}-witnesses`, acl: options.acl },
    );
  }

  /**
   * Takes the first items, waiting for some. The signal and the time limit end the waiting; what is being taken is
   * handed over first.
   *
   * @throws ZooKeeperError aborted, requestTimeout, closed; ItemError for a znode that is no item.
   */
  async take(options: CallOptions = {}): Promise<ItemsDelivery> {
    return decoded(await this.items.take(options));
  }

  /** Takes the first items; null when there are none. */
  async poll(options: CallOptions = {}): Promise<ItemsDelivery | null> {
    const delivery = await this.items.poll(options);
    return delivery === null ? null : decoded(delivery);
  }

  /** How many znodes there are, those that are locked or not due included. */
  async size(options: CallOptions = {}): Promise<number> {
    return (await this.items.names(options)).length;
  }

  /** Removes this object's own znodes; items stay. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.items.close();
  }

  protected async putItems(
    prefix: string,
    data: DataInput | readonly DataInput[],
    options: CallOptions,
  ): Promise<void> {
    const items = isList(data) ? data : [data];
    await this.items.put(prefix, [encodeItems(items.map(bytesOf))], options);
  }
}

/**
 * A queue in the layout of Curator's DistributedQueue: `<path>/queue-N`, each with one item or several that are put and
 * taken together. Guarantees, connection loss and session expiry are those of `SimpleQueue`; with `lockPath` those of
 * its layout `kazoo locking`: an ephemeral `<lockPath>/queue-N` locks the item, and is lost with the session.
 *
 * **Others.** Curator's own takers remove an item before they look at it, unless they have a lock path; after a
 * connection loss they may lose one. Its putters may put twice.
 */
export class DistributedQueue extends CuratorQueue {
  constructor(client: Client, path: string, options: DistributedQueueOptions = {}) {
    super(client, path, options, bySequence(PREFIX));
  }

  /** Adds an item, or several that stay together; when this resolves they are there, exactly once. */
  put(data: DataInput | readonly DataInput[], options: CallOptions = {}): Promise<void> {
    return this.putItems(PREFIX, data, options);
  }
}

/** As `DistributedQueue`, the lowest number first: Curator's DistributedPriorityQueue, `<path>/queue-PRIORITY…N`. */
export class PriorityQueue extends CuratorQueue {
  constructor(client: Client, path: string, options: DistributedQueueOptions = {}) {
    super(client, path, options, priorityNaming);
  }

  /** @param priority a whole number of 32 bits; the lowest is taken first. */
  async put(data: DataInput | readonly DataInput[], priority: number, options: CallOptions = {}): Promise<void> {
    if (!Number.isInteger(priority) || priority < SMALLEST_INT || priority > LARGEST_INT) {
      throw new RangeError(`a priority has to be a whole number of 32 bits, not ${priority}`);
    }
    const digits = (priority >>> 0).toString(HEX).padStart(8, '0');
    await this.putItems(`${PREFIX}${priority >= 0 ? 1 : 0}${digits}`, data, options);
  }
}

export interface DelayQueueOptions extends DistributedQueueOptions {
  /** Milliseconds since 1970; the machine's clock unless given. */
  readonly clock?: () => number;
}

/**
 * As `DistributedQueue`, with items that are not taken before their time: Curator's DistributedDelayQueue,
 * `<path>/queue-|TIME|N`. What is due is decided by the taker's clock: keep the clocks of all machines together.
 */
export class DelayQueue extends CuratorQueue {
  constructor(client: Client, path: string, options: DelayQueueOptions = {}) {
    const { clock = () => Date.now() } = options ?? {};
    super(client, path, options, {
      isOrderedByName: true,
      isItem: (name) => Number.isFinite(dueAt(name)),
      compare: (a, b) => dueAt(a) - dueAt(b) || sequenceOf(a) - sequenceOf(b),
      waitMs: (name) => dueAt(name) - clock(),
    });
  }

  /** @param at milliseconds since 1970, from which on the item may be taken. */
  async put(data: DataInput | readonly DataInput[], at: number | Date, options: CallOptions = {}): Promise<void> {
    const ms = Math.ceil(Number(at));
    if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError(`not a time in milliseconds since 1970: ${at}`);
    const digits = ms.toString(HEX).toUpperCase().padStart(SHORTEST_TIME, '0');
    await this.putItems(`${MARKED_PREFIX}${digits}|`, data, options);
  }
}

/**
 * As `DistributedQueue`, with items that can be removed by a name: Curator's DistributedIdQueue, `<path>/queue-|ID|N`.
 */
export class IdQueue extends CuratorQueue {
  constructor(client: Client, path: string, options: DistributedQueueOptions = {}) {
    super(client, path, options, {
      isOrderedByName: false,
      isItem: (name) => MARKED_NAME.test(name),
      compare: (a, b) => sequenceOf(a) - sequenceOf(b),
    });
  }

  /** @param id need not be the only one of its kind; `/` and `|` become `_`, as with Curator. */
  put(data: DataInput | readonly DataInput[], id: string, options: CallOptions = {}): Promise<void> {
    return this.putItems(`${MARKED_PREFIX}${safeId(id)}|`, data, options);
  }

  /** Removes all with this id that nobody has taken; how many there were. */
  async remove(id: string, options: CallOptions = {}): Promise<number> {
    const wanted = safeId(id);
    let removed = 0;
    for (const name of await this.items.names(options)) {
      if (MARKED_NAME.exec(name)?.[1] === wanted && (await this.items.remove(name))) removed++;
    }
    return removed;
  }
}

const priorityNaming: ItemNaming = {
  isOrderedByName: true,
  isItem: (name) => PRIORITY_NAME.test(name) && sequenceAfter(name.slice(0, PRIORITY_PREFIX_LENGTH), name) !== null,
  compare: (a, b) => {
    const prefix = a.slice(0, PRIORITY_PREFIX_LENGTH);
    const other = b.slice(0, PRIORITY_PREFIX_LENGTH);
    if (prefix !== other) return compareText(prefix, other);
    return Number(sequenceAfter(prefix, a)) - Number(sequenceAfter(prefix, b));
  },
};

function bySequence(prefix: string): ItemNaming {
  return {
    isOrderedByName: false,
    isItem: (name) => sequenceAfter(prefix, name) !== null,
    compare: (a, b) => Number(sequenceAfter(prefix, a)) - Number(sequenceAfter(prefix, b)),
  };
}

function dueAt(name: string): number {
  const digits = MARKED_NAME.exec(name)?.[1];
  return digits !== undefined && /^[0-9a-fA-F]+$/.test(digits) ? Number.parseInt(digits, HEX) : Number.NaN;
}

function sequenceOf(name: string): number {
  return Number(MARKED_NAME.exec(name)?.[2]);
}

function safeId(id: string): string {
  return id.replaceAll(/[/|]/g, '_');
}

function decoded(delivery: Delivery): ItemsDelivery {
  const items = decodeItems(delivery.data) ?? [];
  return { ...delivery, items, data: items[0] ?? new Uint8Array(0) };
}

function isList(data: DataInput | readonly DataInput[]): data is readonly DataInput[] {
  return Array.isArray(data);
}

import { type CallOptions, type Client, isZooKeeperError } from '@headkeeper/client';
import { type Delivery, DistributedQueue, PriorityQueue, SimpleQueue } from '@headkeeper/recipes';
import { ItemWatch } from '../laws/item-watch.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/queueing';

/** What the kinds of queues have in common. */
interface Queue {
  put(text: string, options: CallOptions): Promise<void>;
  take(options: CallOptions): Promise<Delivery>;
  poll(options: CallOptions): Promise<Delivery | null>;
}

const KINDS: readonly { readonly isLocking: boolean; readonly make: (client: Client) => Queue }[] = [
  { isLocking: false, make: (client) => new SimpleQueue(client, PATH) },
  { isLocking: false, make: (client) => new SimpleQueue(client, PATH, { layout: 'kazoo' }) },
  { isLocking: true, make: (client) => new SimpleQueue(client, PATH, { layout: 'kazoo locking' }) },
  { isLocking: false, make: (client) => new DistributedQueue(client, PATH) },
  { isLocking: true, make: (client) => new DistributedQueue(client, PATH, { lockPath: `${PATH}-locks` }) },
  {
    isLocking: false,
    make: (client) => {
      const queue = new PriorityQueue(client, PATH);
      return {
        put: (text, options) => queue.put(text, text.length, options),
        take: (options) => queue.take(options),
        poll: (options) => queue.poll(options),
      };
    },
  },
];

/** A queue of one of the kinds; everybody puts and takes. */
export class Queueing implements Workload {
  readonly name = 'queueing';
  readonly #items: ItemWatch;
  readonly #kind: (typeof KINDS)[number];

  constructor(stage: Stage) {
    this.#kind = stage.world.stream('queueing').pick(KINDS);
    this.#items = new ItemWatch(stage.oracle, stage.counts, this.#kind.isLocking);
  }

  tasks(actor: Actor): readonly Task[] {
    const queue = this.#kind.make(actor.client);
    return [
      { name: `${this.name}: to put`, thinkMs: 1000, step: () => this.#put(actor, queue) },
      { name: `${this.name}: to take`, thinkMs: 500, step: () => this.#take(actor, queue) },
    ];
  }

  async audit(actor: Actor): Promise<void> {
    const queue = this.#kind.make(actor.client);
    await actor.client.sync('/');
    while (await this.#handled(actor, () => queue.poll({}), true)) await actor.sleep(1);
    this.#items.checkNothingLost();
  }

  async #put({ random }: Actor, queue: Queue): Promise<void> {
    const { id, text } = this.#items.asked();
    try {
      await queue.put(text, random.below(5) === 0 ? { timeoutMs: random.wait(500) + 1 } : {});
    } catch (error) {
      this.#items.notPut(id, !isZooKeeperError(error) || error.outcome === 'unknown');
      throw error;
    }
    this.#items.put(id);
  }

  async #take(actor: Actor, queue: Queue): Promise<void> {
    const timeoutMs = 1 + actor.random.wait(actor.random.pick([10, 1000]));
    const isPolling = actor.random.below(4) === 0;
    await this.#handled(actor, () => (isPolling ? queue.poll({}) : queue.take({ timeoutMs })), false);
  }

  /** Whether there was something. */
  async #handled(actor: Actor, ask: () => Promise<Delivery | null>, isSure: boolean): Promise<boolean> {
    const { random, client, sleep } = actor;
    this.#items.takes(actor);
    let delivery: Delivery | null;
    try {
      delivery = await ask();
    } catch (error) {
      if (!isZooKeeperError(error) || error.outcome !== 'unknown') this.#items.tookNothing(actor);
      throw error;
    }
    if (delivery === null) {
      this.#items.tookNothing(actor);
      return false;
    }
    const text = new TextDecoder().decode(delivery.data);
    const { id, taking } = this.#items.took(actor, text, client.session.id, delivery.signal);
    try {
      if (!isSure && random.below(3) === 0) await sleep(random.wait(200));
      if (!isSure && random.below(10) === 0) {
        taking.isOver = true;
        await delivery.putBack();
        return true;
      }
      if (delivery.signal.aborted) return true;
      await delivery.done();
      if (this.#kind.isLocking) this.#items.done(id, taking);
    } finally {
      taking.isOver = true;
    }
    return true;
  }
}

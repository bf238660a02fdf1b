import type { CallOptions, Client } from '@headkeeper/client';
import { DistributedQueue, PriorityQueue, SimpleQueue } from '@headkeeper/recipes';
import { ItemWatch } from '../laws/item-watch.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { HandingOver, type TakingSide } from './handing-over.ts';

const PATH = '/queueing';

/** What the kinds of queues have in common. */
interface Queue extends TakingSide {
  put(text: string, options: CallOptions): Promise<void>;
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
  readonly #over: HandingOver;
  readonly #kind: (typeof KINDS)[number];

  constructor(stage: Stage) {
    this.#kind = stage.world.stream('queueing').pick(KINDS);
    this.#items = new ItemWatch(stage.oracle, stage.counts, this.#kind.isLocking);
    this.#over = new HandingOver(this.#items, this.#kind.isLocking);
  }

  tasks(actor: Actor): readonly Task[] {
    const queue = this.#kind.make(actor.client);
    const put = async (): Promise<void> => {
      await this.#over.put(actor, (text, options) => queue.put(text, options));
    };
    return [
      { name: `${this.name}: to put`, thinkMs: 1000, step: put },
      { name: `${this.name}: to take`, thinkMs: 500, step: () => this.#over.take(actor, queue) },
    ];
  }

  async audit(actor: Actor): Promise<void> {
    const queue = this.#kind.make(actor.client);
    await actor.client.sync('/');
    while (await this.#over.handle(actor, () => queue.poll({}), true)) await actor.sleep(1);
    this.#items.checkNothingLost();
  }
}

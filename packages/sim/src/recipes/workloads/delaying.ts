import type { Client } from '@headkeeper/client';
import { DelayQueue } from '@headkeeper/recipes';
import { law } from '../../check/violation.ts';
import { ItemWatch } from '../laws/item-watch.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { HandingOver } from './handing-over.ts';

const PATH = '/delaying';
/** How long after its coming an item is due, milliseconds on average. */
const DELAYS_MS: readonly number[] = [1, 100, 1000, 5000];

/** A queue of items with a time, with or without locks; nobody may be handed one before its time by his own clock. */
export class Delaying implements Workload {
  readonly name = 'delaying';
  readonly #items: ItemWatch;
  readonly #over: HandingOver;
  readonly #isLocking: boolean;
  /** When each item is due, by its number; milliseconds. */
  readonly #dueAt: Map<number, number> = new Map();

  constructor({ world, oracle, counts }: Stage) {
    this.#isLocking = world.stream('delaying').below(2) === 0;
    this.#items = new ItemWatch(oracle, counts, this.#isLocking);
    this.#over = new HandingOver(this.#items, this.#isLocking, (actor, id) => this.#checkTime(actor, id));
  }

  tasks(actor: Actor): readonly Task[] {
    const queue = this.#queue(actor.client);
    return [
      { name: `${this.name}: to put`, thinkMs: 1000, step: () => this.#put(actor, queue) },
      { name: `${this.name}: to take`, thinkMs: 500, step: () => this.#over.take(actor, queue) },
    ];
  }

  /** Waits for what is not due yet: whoever sleeps until then has to wake up. */
  async audit(actor: Actor): Promise<void> {
    const queue = this.#queue(actor.client);
    await actor.client.sync('/');
    while ((await queue.size()) > 0) await this.#over.handle(actor, () => queue.take(), true);
    this.#items.checkNothingLost();
  }

  #queue(client: Client): DelayQueue {
    return new DelayQueue(client, PATH, {
      clock: () => client.nowMs(),
      ...(this.#isLocking ? { lockPath: `${PATH}-locks` } : {}),
    });
  }

  async #put(actor: Actor, queue: DelayQueue): Promise<void> {
    const { client, random } = actor;
    const at = client.nowMs() + random.wait(random.pick(DELAYS_MS));
    await this.#over.put(actor, (text, options, id) => {
      this.#dueAt.set(id, at);
      return queue.put(text, at, options);
    });
  }

  #checkTime({ client, node }: Actor, id: number): void {
    const early = (this.#dueAt.get(id) ?? 0) - client.nowMs();
    law(early <= 0, 'hand-over', () => `${node.name} is handed item ${id} ${early} ms before its time`);
  }
}

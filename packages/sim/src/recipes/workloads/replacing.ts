import { type Client, isZooKeeperError } from '@headkeeper/client';
import { IdQueue } from '@headkeeper/recipes';
import { law } from '../../check/violation.ts';
import { ItemWatch } from '../laws/item-watch.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { HandingOver } from './handing-over.ts';

const PATH = '/replacing';
/** Among how many of the latest items one is chosen to be removed. */
const LATEST = 8;

/**
 * A queue of items with names, with or without locks. Whoever is told that he has removed one has got it, and nobody else;
 * then he puts another in its place.
 */
export class Replacing implements Workload {
  readonly name = 'replacing';
  readonly #items: ItemWatch;
  readonly #over: HandingOver;
  readonly #isLocking: boolean;
  /** The latest items that are there, as far as anybody was told. */
  readonly #latest: number[] = [];

  constructor({ world, oracle, counts }: Stage) {
    this.#isLocking = world.stream('replacing').below(2) === 0;
    this.#items = new ItemWatch(oracle, counts, this.#isLocking);
    this.#over = new HandingOver(this.#items, this.#isLocking);
  }

  tasks(actor: Actor): readonly Task[] {
    const queue = this.#queue(actor.client);
    return [
      { name: `${this.name}: to put`, thinkMs: 1000, step: () => this.#put(actor, queue) },
      { name: `${this.name}: to take`, thinkMs: 1000, step: () => this.#over.take(actor, queue) },
      { name: `${this.name}: to replace`, thinkMs: 2000, step: () => this.#replace(actor, queue) },
    ];
  }

  async audit(actor: Actor): Promise<void> {
    const queue = this.#queue(actor.client);
    await actor.client.sync('/');
    while ((await queue.size()) > 0) await this.#over.handle(actor, () => queue.take(), true);
    this.#items.checkNothingLost();
  }

  #queue(client: Client): IdQueue {
    return new IdQueue(client, PATH, this.#isLocking ? { lockPath: `${PATH}-locks` } : {});
  }

  async #put(actor: Actor, queue: IdQueue): Promise<void> {
    const id = await this.#over.put(actor, (text, options, number) => queue.put(text, nameOf(number), options));
    this.#latest.push(id);
    if (this.#latest.length > LATEST) this.#latest.shift();
  }

  async #replace(actor: Actor, queue: IdQueue): Promise<void> {
    const [id] = actor.random.shuffled(this.#latest);
    if (id === undefined) return;
    this.#items.removes(id);
    let removed: number;
    try {
      removed = await queue.remove(nameOf(id));
    } catch (error) {
      if (isZooKeeperError(error) && error.outcome === 'not applied') this.#items.notRemoved(id);
      throw error;
    }
    law(removed <= 1, 'hand-over', () => `${actor.node.name} has removed item ${id} ${removed} times`);
    if (removed === 0) return this.#items.notRemoved(id);
    this.#items.removed(actor, id);
    await this.#put(actor, queue);
  }
}

function nameOf(id: number): string {
  return `name ${id}`;
}

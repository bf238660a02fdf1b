import { type CallOptions, isZooKeeperError } from '@headkeeper/client';
import type { Delivery } from '@headkeeper/recipes';
import type { ItemWatch } from '../laws/item-watch.ts';
import type { Actor } from '../workload.ts';

/** Mean milliseconds of a handling that takes time. */
const HANDLING_MS = 200;

/** What a queue is to those who put into it and take from it. */
export interface TakingSide {
  take(options: CallOptions): Promise<Delivery>;
  poll(options: CallOptions): Promise<Delivery | null>;
}

/** How items of one queue are handed over, told to those who watch over it. */
export class HandingOver {
  readonly #items: ItemWatch;
  readonly #isLocking: boolean;
  readonly #told: (actor: Actor, id: number) => void;

  /** @param told Of every item that was handed over. */
  constructor(items: ItemWatch, isLocking: boolean, told: (actor: Actor, id: number) => void = () => {}) {
    this.#items = items;
    this.#isLocking = isLocking;
    this.#told = told;
  }

  /** Puts one new item; its number. */
  async put(
    { random }: Actor,
    put: (text: string, options: CallOptions, id: number) => Promise<void>,
  ): Promise<number> {
    const { id, text } = this.#items.asked();
    try {
      await put(text, random.below(5) === 0 ? { timeoutMs: random.wait(500) + 1 } : {}, id);
    } catch (error) {
      this.#items.notPut(id, !isZooKeeperError(error) || error.outcome === 'unknown');
      throw error;
    }
    this.#items.put(id);
    return id;
  }

  /** Takes one, waiting a while or not at all. */
  async take(actor: Actor, queue: TakingSide): Promise<void> {
    const timeoutMs = 1 + actor.random.wait(actor.random.pick([10, 1000]));
    const isPolling = actor.random.below(4) === 0;
    await this.handle(actor, () => (isPolling ? queue.poll({}) : queue.take({ timeoutMs })), false);
  }

  /** Whether there was something. @param isSure It is dealt with at once, and not given back. */
  async handle(actor: Actor, ask: () => Promise<Delivery | null>, isSure: boolean): Promise<boolean> {
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
    this.#told(actor, id);
    try {
      if (!isSure && random.below(3) === 0) await sleep(random.wait(HANDLING_MS));
      // What may be lost is given back too: if its session lives on after all, nobody else gets it before.
      if (delivery.signal.aborted || (!isSure && random.below(10) === 0)) {
        taking.isOver = true;
        await delivery.putBack();
        return true;
      }
      await delivery.done();
      if (this.#isLocking) this.#items.done(id, taking);
    } finally {
      taking.isOver = true;
    }
    return true;
  }
}

import { type Layout, Mutex, type WaitOptions } from '@headkeeper/recipes';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { Holders } from './holding.ts';

const PATH = '/locking';

/** A mutex, in either layout. Some wait, some not so long, some not at all. */
export class Locking implements Workload {
  readonly name = 'locking';
  readonly #holders: Holders;
  readonly #layout: Layout;

  constructor(stage: Stage, holdMs: number) {
    this.#layout = stage.world.stream('locking').pick(['curator', 'curator', 'kazoo']);
    const rules = { name: 'the mutex', path: PATH, fits: isAlone, isOrdered: () => true, isInherited: () => false };
    this.#holders = new Holders(rules, stage, holdMs);
  }

  tasks(actor: Actor): readonly Task[] {
    const mutex = new Mutex(actor.client, PATH, { layout: this.#layout });
    const step = async (): Promise<void> => {
      const held = await (actor.random.below(6) === 0 ? mutex.tryAcquire() : mutex.acquire(somePatience(actor)));
      if (held !== null) await this.#holders.workAndRelease(actor, 'lock', held, () => held.release());
    };
    return [{ name: this.name, thinkMs: 100, step }];
  }

  expired(session: bigint): void {
    this.#holders.watch.expired(session);
  }

  isUnsettled(): string | null {
    return this.#holders.watch.leftOver;
  }
}

export function isAlone(kinds: readonly string[]): boolean {
  return kinds.length <= 1;
}

/** Most wait for as long as it takes; some give up at any moment, by time or by signal. */
export function somePatience({ random, client }: Actor): WaitOptions {
  const kind = random.below(6);
  if (kind > 1) return {};
  const patience = random.wait(random.pick([1, 5, 50, 500]));
  if (kind === 0) return { timeoutMs: patience };
  const controller = new AbortController();
  client.after(patience, () => controller.abort());
  return { signal: controller.signal };
}

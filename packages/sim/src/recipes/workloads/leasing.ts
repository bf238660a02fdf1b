import { type Layout, Semaphore } from '@headkeeper/recipes';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { Holders } from './holding.ts';
import { somePatience } from './locking.ts';

const PATH = '/leasing';

/** A semaphore with one lease, or with two. */
export class Leasing implements Workload {
  readonly name = 'leasing';
  readonly #holders: Holders;
  readonly #layout: Layout;
  readonly #leases: number;

  constructor(stage: Stage, holdMs: number) {
    const random = stage.world.stream('leasing');
    this.#layout = random.pick(['curator', 'curator', 'kazoo']);
    this.#leases = random.between(1, 2);
    const rules = {
      name: `the semaphore of ${this.#leases}`,
      path: this.#layout === 'kazoo' ? PATH : `${PATH}/leases`,
      fits: (kinds: readonly string[]) => kinds.length <= this.#leases,
      isOrdered: () => this.#leases === 1,
      isInherited: () => false,
    };
    this.#holders = new Holders(rules, stage, holdMs);
  }

  tasks(actor: Actor): readonly Task[] {
    const semaphore = new Semaphore(actor.client, PATH, this.#leases, { layout: this.#layout });
    const step = async (): Promise<void> => {
      const held = await (actor.random.below(6) === 0
        ? semaphore.tryAcquire()
        : semaphore.acquire(somePatience(actor)));
      if (held === null) return;
      const grant = this.#holders.grant(actor, 'lease', held);
      if (grant !== null) {
        if (this.#leases === 1) await this.#holders.work(actor, grant);
        else await actor.sleep(actor.random.wait(50));
        this.#holders.watch.givenUp(grant);
      }
      await held.release();
    };
    return [{ name: this.name, thinkMs: 500, step }];
  }

  expired(session: bigint): void {
    this.#holders.watch.expired(session);
  }

  isUnsettled(): string | null {
    return this.#holders.watch.leftOver;
  }
}

import { LeaderLatch } from '@headkeeper/recipes';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { Holders } from './holding.ts';
import { isAlone, somePatience } from './locking.ts';

const PATH = '/leading';

/** A leader latch: one stands for election, leads for a while, perhaps a second time, and leaves. */
export class Leading implements Workload {
  readonly name = 'leading';
  readonly #holders: Holders;

  constructor(stage: Stage, holdMs: number) {
    const rules = {
      name: 'the leadership',
      path: PATH,
      fits: isAlone,
      isOrdered: () => true,
      isInherited: () => false,
    };
    this.#holders = new Holders(rules, stage, holdMs);
  }

  tasks(actor: Actor): readonly Task[] {
    const step = async (): Promise<void> => {
      const latch = new LeaderLatch(actor.client, PATH, { id: actor.node.name });
      try {
        for (let terms = actor.random.between(1, 2); terms > 0; terms--) {
          const leadership = await latch.lead(somePatience(actor));
          const grant = this.#holders.grant(actor, 'leadership', leadership);
          if (grant === null) continue;
          await this.#holders.work(actor, grant);
          this.#holders.watch.givenUp(grant);
        }
      } finally {
        await latch.close();
      }
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

import { type Held, LeaderSelector } from '@headkeeper/recipes';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { Holders } from './holding.ts';
import { isAlone, somePatience } from './locking.ts';

const PATH = '/serving';
const MEAN_CAREER_MS = 3000;

/** A leader selector: some stand for election once, some again and again until they have had enough. */
export class Serving implements Workload {
  readonly name = 'serving';
  readonly #holders: Holders;

  constructor(stage: Stage, holdMs: number) {
    const rules = { name: 'the office', path: PATH, fits: isAlone, isOrdered: () => true, isInherited: () => false };
    this.#holders = new Holders(rules, stage, holdMs);
  }

  tasks(actor: Actor): readonly Task[] {
    const { client, node, random } = actor;
    const selector = new LeaderSelector(client, PATH, { id: node.name });
    const serve = async (term: Held): Promise<void> => {
      const grant = this.#holders.grant(actor, 'term', term);
      if (grant === null) return;
      await this.#holders.work(actor, grant);
      this.#holders.watch.givenUp(grant);
    };
    const step = async (): Promise<void> => {
      if (random.below(3) > 0) return selector.run(serve, somePatience(actor));
      const controller = new AbortController();
      client.after(random.wait(MEAN_CAREER_MS), () => controller.abort());
      await selector.runAgain(serve, controller.signal);
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

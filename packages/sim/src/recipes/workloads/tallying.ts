import { AtomicCounter, IdBlocks } from '@headkeeper/recipes';
import { law } from '../../check/violation.ts';
import { Attempts } from '../laws/attempts.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/tallying';
const IDS = '/tallying-ids';

/** An atomic counter, and numbers that are given once. */
export class Tallying implements Workload {
  readonly name = 'tallying';
  readonly #stage: Stage;
  readonly #attempts: Attempts;
  readonly #ids: Set<bigint> = new Set();

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#attempts = new Attempts(stage.counts);
  }

  tasks(actor: Actor): readonly Task[] {
    const counter = new AtomicCounter(actor.client, PATH, { format: 'decimal' });
    const ids = new IdBlocks(actor.client, IDS, { blockSize: 3 });
    const increment = async (): Promise<void> => {
      const { before, after } = await this.#attempts.attempt(actor, () => counter.increment());
      law(after === before + 1n, 'counter', () => `${actor.node.name} has raised ${before} to ${after}`);
      this.#stage.counts.increments++;
    };
    const number = async (): Promise<void> => {
      const id = await ids.next();
      law(!this.#ids.has(id), 'counter', () => `the id ${id} is given twice, to ${actor.node.name} the second time`);
      this.#ids.add(id);
    };
    return [
      { name: `${this.name} up`, thinkMs: 500, step: increment },
      { name: `${this.name} ids`, thinkMs: 500, step: number },
    ];
  }

  isUnsettled(): string | null {
    const value = Number(this.#stage.oracle.tree.latest(PATH)?.data ?? 0);
    const { made, unknown } = this.#attempts;
    law(value >= made && value <= made + unknown, 'counter', () => {
      return `${PATH} is ${value}; ${made} increments were made, ${unknown} may have been`;
    });
    return null;
  }
}

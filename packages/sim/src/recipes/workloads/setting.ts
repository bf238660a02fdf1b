import { SharedCount, SharedValue } from '@headkeeper/recipes';
import { law } from '../../check/violation.ts';
import { Attempts } from '../laws/attempts.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const VALUE = '/setting';
const COUNT = '/setting-count';

/** A shared value, and a shared count: each change is made once, or not at all if another was faster. */
export class Setting implements Workload {
  readonly name = 'setting';
  readonly #stage: Stage;
  readonly #values: Attempts;
  readonly #counts: Attempts;
  /** By version of the value: what was put in its place. */
  readonly #successors: Map<number, string> = new Map();
  #texts = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#values = new Attempts(stage.counts);
    this.#counts = new Attempts(stage.counts);
  }

  tasks(actor: Actor): readonly Task[] {
    const value = new SharedValue(actor.client, VALUE, { seed: 'nothing yet' });
    const count = new SharedCount(actor.client, COUNT);
    return [
      { name: `${this.name} a value`, thinkMs: 500, step: () => this.#set(actor, value) },
      { name: `${this.name} a count`, thinkMs: 500, step: () => this.#raise(actor, count) },
    ];
  }

  isUnsettled(): string | null {
    const { tree } = this.#stage.oracle;
    const changes = tree.latest(VALUE)?.version ?? 0;
    const { made, unknown } = this.#values;
    law(changes >= made && changes <= made + unknown, 'counter', () => {
      return `${VALUE} was changed ${changes} times; ${made} changes were made, ${unknown} may have been`;
    });
    const raises = tree.latest(COUNT)?.version ?? 0;
    law(raises >= this.#counts.made && raises <= this.#counts.made + this.#counts.unknown, 'counter', () => {
      return `${COUNT} was raised ${raises} times; ${this.#counts.made} raises were made, ${this.#counts.unknown} may have been`;
    });
    return null;
  }

  async audit({ client }: Actor): Promise<void> {
    const { count, version } = await new SharedCount(client, COUNT).get();
    law(count === version, 'counter', () => `${COUNT} is ${count} and was raised ${version} times`);
  }

  async #set(actor: Actor, value: SharedValue): Promise<void> {
    const { version } = await value.get();
    const text = `text ${this.#texts++} of ${actor.node.name}`;
    if (actor.random.below(3) === 0) {
      await this.#values.attempt(actor, () => value.set(text));
      return;
    }
    await tried(
      this.#values.attempt(actor, async () => {
        if (!(await value.trySet(text, version))) throw new Overtaken();
        const other = this.#successors.get(version);
        law(
          other === undefined,
          'counter',
          () => `${other} and ${text} have both taken the place of version ${version}`,
        );
        this.#successors.set(version, text);
      }),
    );
  }

  async #raise(actor: Actor, count: SharedCount): Promise<void> {
    const { count: before, version } = await count.get();
    await tried(
      this.#counts.attempt(actor, async () => {
        if (!(await count.trySet(before + 1, version))) throw new Overtaken();
        this.#stage.counts.increments++;
      }),
    );
  }
}

/** Somebody else was faster: the change was not made. */
class Overtaken extends Error {}

async function tried(attempt: Promise<void>): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    if (!(error instanceof Overtaken)) throw error;
  }
}

import { isZooKeeperError } from '@headkeeper/client';
import { law } from '../../check/violation.ts';
import { Attempts } from '../laws/attempts.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/counting';

/** The bare client: a number that several processes raise by comparing and setting its version. */
export class Counting implements Workload {
  readonly name = 'counting';
  readonly #stage: Stage;
  readonly #attempts: Attempts;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#attempts = new Attempts(stage.counts);
  }

  tasks(actor: Actor): readonly Task[] {
    return [{ name: this.name, thinkMs: 300, step: () => this.#increment(actor) }];
  }

  isUnsettled(): string | null {
    const value = Number(this.#stage.oracle.tree.latest(PATH)?.data ?? 0);
    const { made, unknown } = this.#attempts;
    law(value >= made && value <= made + unknown, 'counter', () => {
      return `${PATH} is ${value}; ${made} increments were made, ${unknown} may have been`;
    });
    return null;
  }

  async #increment(actor: Actor): Promise<void> {
    const { client } = actor;
    for (;;) {
      try {
        const { data, stat } = await client.getData(PATH);
        const value = Number(new TextDecoder().decode(data ?? new Uint8Array()));
        await this.#attempts.attempt(actor, () => client.setData(PATH, String(value + 1), { version: stat.version }));
        this.#stage.counts.increments++;
        return;
      } catch (error) {
        if (isZooKeeperError(error, 'noNode')) await this.#make(client);
        else if (!isZooKeeperError(error, 'badVersion')) throw error;
      }
    }
  }

  async #make(client: Actor['client']): Promise<void> {
    try {
      await client.create(PATH, '0');
    } catch (error) {
      if (!isZooKeeperError(error, 'nodeExists')) throw error;
    }
  }
}

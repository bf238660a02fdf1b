import { isZooKeeperError } from '@headkeeper/client';
import { law } from '../../check/violation.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/counting';

/** The bare client: a number that several processes raise by comparing and setting its version. */
export class Counting implements Workload {
  readonly name = 'counting';
  readonly #stage: Stage;
  #acknowledged = 0;
  #unknown = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  tasks(actor: Actor): readonly Task[] {
    return [{ name: this.name, thinkMs: 300, step: () => this.#increment(actor) }];
  }

  isUnsettled(): string | null {
    const znode = this.#stage.oracle.tree.latest(PATH);
    const value = Number(znode?.data ?? 0);
    const most = this.#acknowledged + this.#unknown;
    law(value >= this.#acknowledged && value <= most, 'counter', () => {
      return `${PATH} is ${value}; ${this.#acknowledged} increments were acknowledged, ${this.#unknown} may have happened`;
    });
    return null;
  }

  async #increment({ client }: Actor): Promise<void> {
    for (;;) {
      try {
        const { data, stat } = await client.getData(PATH);
        const value = Number(new TextDecoder().decode(data ?? new Uint8Array()));
        await client.setData(PATH, String(value + 1), { version: stat.version });
        this.#acknowledged++;
        this.#stage.counts.increments++;
        return;
      } catch (error) {
        if (isZooKeeperError(error, 'noNode')) await this.#make(client);
        else if (!isZooKeeperError(error, 'badVersion')) {
          if (isZooKeeperError(error) && error.outcome === 'unknown') {
            this.#unknown++;
            this.#stage.counts.unknownOutcomes++;
          }
          throw error;
        }
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

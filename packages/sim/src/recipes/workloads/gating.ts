import { Barrier } from '@headkeeper/recipes';
import { law, zxidText } from '../../check/violation.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/gating';
/** Whoever has waited so long sees to it himself that the gate is opened. */
const PATIENCE_MS = 3000;

/** A gate: nobody comes through while it stays closed, and everybody once it is open. */
export class Gating implements Workload {
  readonly name = 'gating';
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  tasks(actor: Actor): readonly Task[] {
    const barrier = new Barrier(actor.client, PATH);
    return [
      { name: `${this.name} at the gate`, thinkMs: 300, step: () => this.#pass(actor, barrier) },
      {
        name: `${this.name}: the gate itself`,
        thinkMs: 3000,
        step: () => (actor.random.below(2) === 0 ? barrier.close() : barrier.open()),
      },
    ];
  }

  async #pass(actor: Actor, barrier: Barrier): Promise<void> {
    const { tree } = this.#stage.oracle;
    const { client } = actor;
    const from = client.lastZxid;
    const closed = tree.at(PATH, from)?.czxid ?? null;
    let isThrough = false;
    void (async () => {
      await actor.sleep(PATIENCE_MS);
      while (!isThrough && client.state !== 'closed') {
        await barrier.open().catch(() => {});
        await actor.sleep(PATIENCE_MS);
      }
    })();
    try {
      await barrier.wait();
    } finally {
      isThrough = true;
    }
    this.#stage.counts.passed++;
    const now = tree.latest(PATH)?.czxid ?? null;
    law(closed === null || now !== closed, 'barrier', () => {
      return `${actor.node.name} came through a gate that has been closed since ${zxidText(closed ?? 0)}; it knew ${zxidText(from)}`;
    });
  }
}

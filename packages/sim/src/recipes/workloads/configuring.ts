import { ConfigConflict, type ConfigSnapshot, ConfigStore } from '@headkeeper/recipes';
import { law } from '../../check/violation.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/configuring';
const KEPT = 5;

interface Values {
  readonly one: string;
  readonly other: string;
}

const schema = { one: (value: unknown) => `${value}`, other: (value: unknown) => `${value}` };
type Store = ConfigStore<typeof schema>;

/** A configuration of two keys that always change together: nobody ever sees them differ, nor two sides of one revision. */
export class Configuring implements Workload {
  readonly name = 'configuring';
  readonly #stage: Stage;
  /** What each revision is, by what anybody was told. */
  readonly #revisions: Map<number, string> = new Map();
  #texts = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  tasks(actor: Actor): readonly Task[] {
    const store = new ConfigStore(actor.client, PATH, { schema, history: KEPT });
    return [
      { name: `${this.name}: a change`, thinkMs: 500, step: () => this.#change(actor, store) },
      { name: `${this.name}: a look`, thinkMs: 300, step: async () => this.#saw(actor, await store.get()) },
    ];
  }

  isUnsettled(): string | null {
    const { tree } = this.#stage.oracle;
    const revision = Number(tree.latest(PATH)?.data ?? 0);
    const newest = Math.max(0, ...this.#revisions.keys());
    law(revision >= newest, 'configuration', () => `${PATH} is at ${revision}; somebody has seen ${newest}`);
    const [one, other] = ['one', 'other'].map((key) => tree.latest(`${PATH}/values/${key}`)?.data);
    law(one === other, 'configuration', () => `${PATH}/values has ${one} and ${other}`);
    return null;
  }

  async audit(actor: Actor): Promise<void> {
    const store: Store = new ConfigStore(actor.client, PATH, { schema, history: KEPT });
    this.#saw(actor, await store.get());
    for (const { revision, values } of await store.history()) {
      this.#saw(actor, { revision, values: values as Partial<Values>, problems: [] });
    }
  }

  async #change(actor: Actor, store: Store): Promise<void> {
    const { random } = actor;
    const before = await store.get();
    this.#saw(actor, before);
    try {
      if (random.below(4) === 0 && before.revision > 1) {
        const to = random.between(Math.max(1, before.revision - KEPT), before.revision);
        const wanted = this.#revisions.get(to);
        const revision = await store.rollback(to);
        if (wanted !== undefined) this.#is(actor, revision, wanted);
        return;
      }
      const text = `text ${this.#texts++}`;
      const only = random.below(2) === 0 ? { ifRevision: before.revision } : {};
      const revision = await store.update({ one: text, other: text }, only);
      law(only.ifRevision === undefined || revision === before.revision + 1, 'configuration', () => {
        return `${actor.node.name} has put revision ${revision} in the place of ${before.revision}`;
      });
      this.#is(actor, revision, text);
      this.#stage.counts.increments++;
    } catch (error) {
      // Pruned meanwhile, or somebody was faster.
      if (!(error instanceof RangeError) && !(error instanceof ConfigConflict)) throw error;
    }
  }

  #saw(actor: Actor, { revision, values }: ConfigSnapshot<Values>): void {
    this.#stage.counts.states++;
    law(values.one === values.other, 'configuration', () => {
      return `${actor.node.name} sees ${values.one} and ${values.other} in revision ${revision}`;
    });
    if (revision > 0) this.#is(actor, revision, `${values.one}`);
  }

  #is({ node }: Actor, revision: number, text: string): void {
    const known = this.#revisions.get(revision) ?? text;
    law(known === text, 'configuration', () => {
      return `to ${node.name} revision ${revision} is ${text}, to somebody else it was ${known}`;
    });
    this.#revisions.set(revision, text);
  }
}

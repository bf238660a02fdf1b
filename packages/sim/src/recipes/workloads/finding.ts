import { isZooKeeperError } from '@headkeeper/client';
import { type Registration, ServiceDiscovery, type ServiceProvider } from '@headkeeper/recipes';
import { MS } from '../../world/world.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/finding';
const SERVICE = 'service';

interface Instance {
  readonly actor: Actor;
  readonly life: number;
  registration: Registration | null;
  /** What it says of itself; null: it is not to be found. */
  port: number | null;
  /** Whether a change of it has failed, so that nobody knows. */
  isDoubtful: boolean;
  provider: ServiceProvider | null;
}

/** Instances of a service that come, go and change: in the end those that live are found, as they are, and no others. */
export class Finding implements Workload {
  readonly name = 'finding';
  readonly #stage: Stage;
  readonly #instances: Map<string, Instance> = new Map();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  tasks(actor: Actor): readonly Task[] {
    const { world } = this.#stage;
    const discovery = new ServiceDiscovery(actor.client, PATH, { clock: () => Math.floor(world.now / MS) });
    const { life } = actor.node;
    const mine: Instance = { actor, life, registration: null, port: null, isDoubtful: false, provider: null };
    this.#instances.set(actor.node.name, mine);
    return [
      { name: `${this.name}: a change`, thinkMs: 1000, step: () => this.#change(mine, discovery) },
      { name: `${this.name}: a look`, thinkMs: 300, step: () => this.#look(mine, discovery) },
    ];
  }

  isUnsettled(): string | null {
    const living = [...this.#instances.values()].filter(({ actor: { node }, life }) => node.isUp && node.life === life);
    const doubtful = living.filter(({ isDoubtful }) => isDoubtful).map(({ actor }) => idOf(actor));
    const wanted = living
      .filter(({ port, isDoubtful }) => port !== null && !isDoubtful)
      .map(({ actor, port }) => `${idOf(actor)}:${port}`)
      .sort()
      .join();
    for (const { actor, provider } of living) {
      const all = (provider?.all ?? []).filter(({ id }) => !doubtful.includes(id));
      const found = all.map(({ id, port }) => `${id}:${port}`).join();
      if (provider !== null && found !== wanted) return `${actor.node.name} finds ${found}, there are ${wanted}`;
    }
    return null;
  }

  async #change(mine: Instance, discovery: ServiceDiscovery): Promise<void> {
    const { actor, registration } = mine;
    const { random } = actor;
    const port = random.between(1, 60_000);
    try {
      if (registration === null) {
        const instance = { name: SERVICE, id: idOf(actor), address: '10.0.0.1', port };
        mine.registration = await discovery.register(instance, random.below(3) === 0 ? { timeoutMs: 200 } : {});
        mine.port = port;
      } else if (random.below(3) > 0) {
        await registration.update({ port });
        mine.port = port;
      } else {
        mine.registration = null;
        await registration.close();
        mine.port = null;
      }
      mine.isDoubtful = false;
    } catch (error) {
      mine.isDoubtful = true;
      throw error;
    }
  }

  async #look(mine: Instance, discovery: ServiceDiscovery): Promise<void> {
    mine.provider ??= await discovery.provider(SERVICE);
    this.#stage.counts.states++;
    mine.provider.pick();
    if (mine.actor.random.below(3) === 0) await discovery.instances(SERVICE);
    if (mine.actor.random.below(10) > 0) return;
    const { provider } = mine;
    mine.provider = null;
    await provider.close().catch((error) => {
      if (!isZooKeeperError(error, 'closed')) throw error;
    });
  }
}

function idOf({ node }: Actor): string {
  return node.name.replace(' ', '-');
}

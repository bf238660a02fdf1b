import type { RandomStream } from '@headkeeper/testkit';
import type { Cluster } from '../cluster.ts';
import type { LinkState } from '../network/link.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS, type World } from '../world/world.ts';
import type { ClientNode } from './client-node.ts';
import type { RecipeCounts } from './recipe-counts.ts';
import type { ClientFaultRates } from './recipe-plan.ts';

export interface ClientFaultTargets {
  readonly world: World;
  readonly cluster: Cluster;
  readonly nodes: readonly ClientNode[];
  readonly counts: RecipeCounts;
  /** A process is killed, or with its machine. */
  kill(node: ClientNode, how: 'exit' | 'power'): void;
  /** A process closes its session, and another begins. */
  stop(node: ClientNode): void;
}

type TimedFault = Exclude<keyof ClientFaultRates, 'cut'>;

/** Injects the faults of clients until it is told to stop; what it has cut off is left to whoever heals everything. */
export class ClientFaults {
  readonly #targets: ClientFaultTargets;
  readonly #rates: ClientFaultRates;
  readonly #timeoutMs: number;
  readonly #random: RandomStream;
  #isStopped = false;

  constructor(targets: ClientFaultTargets, rates: ClientFaultRates, timeoutMs: number) {
    this.#targets = targets;
    this.#rates = rates;
    this.#timeoutMs = timeoutMs;
    this.#random = targets.world.stream('client faults');
  }

  start(): void {
    for (const node of this.#targets.nodes) node.cutChance = this.#rates.cut;
    for (const fault of ['pause', 'kill', 'stop', 'isolate'] as const)
      if (this.#rates[fault] > 0) this.#schedule(fault);
  }

  stop(): void {
    this.#isStopped = true;
    for (const node of this.#targets.nodes) node.cutChance = 0;
  }

  #schedule(fault: TimedFault): void {
    this.#later(this.#random.wait(this.#rates[fault]), () => {
      if (this.#isStopped) return;
      this.#inject(fault);
      this.#schedule(fault);
    });
  }

  #later(ms: number, action: () => void): void {
    this.#targets.world.after(ms * MS, EventKind.fault, 0, action);
  }

  #inject(fault: TimedFault): void {
    const node = this.#random.pick(this.#targets.nodes);
    if (!node.isUp || node.isPaused) return;
    if (fault === 'kill') this.#targets.kill(node, this.#random.below(2) === 0 ? 'exit' : 'power');
    else if (fault === 'stop') this.#targets.stop(node);
    else if (fault === 'pause') this.#pause(node);
    else this.#isolate(node);
  }

  /** For less than its session lasts, for about as long, or for far longer. */
  #howLong(): number {
    return this.#random.wait(this.#random.pick([50, 1000, this.#timeoutMs, this.#timeoutMs * 2]));
  }

  #pause(node: ClientNode): void {
    const { world } = this.#targets;
    const { life } = node;
    this.#targets.counts.clientPauses++;
    world.tell(() => `${node.name} stands still`);
    node.pause();
    this.#later(this.#howLong(), () => {
      if (node.life !== life) return;
      world.tell(() => `${node.name} goes on`);
      node.resume();
    });
  }

  #isolate(node: ClientNode): void {
    const { cluster, world } = this.#targets;
    const { network, servers } = cluster;
    const state: LinkState = this.#random.below(3) === 0 ? 'refuse' : 'silent';
    const which = this.#random.below(4);
    const set = (to: LinkState): void => {
      for (const { node: server } of servers) {
        if (which !== 0) network.setLink(node.host, server.host, to);
        if (which !== 1) network.setLink(server.host, node.host, to);
      }
    };
    world.tell(() => `${node.name} is cut off: ${state}`);
    set(state);
    this.#later(this.#howLong(), () => {
      if (!this.#isStopped) set('up');
    });
  }
}

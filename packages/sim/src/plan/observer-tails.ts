import { roleOf } from '../check/node-view.ts';
import type { Cluster, Watched } from '../cluster.ts';
import type { Host } from '../network/host.ts';
import type { SimNode } from '../node/sim-node.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS } from '../world/world.ts';

/** How often it is looked whether a leader alone has logged what its clients ask for, before the others give it up. */
const ALONE_LOOKS = 40;
const ALONE_LOOK_MS = 20;
/** Long enough for observers to log what such a leader has them take over. */
const SYNC_MS = 200;
/** Then its followers have elected another one. */
const AWAY_MS = 3000;

/**
 * Leaves observers with txns that were never committed. That takes a leader that logs what nobody else gets, is elected again
 * because of it, and dies when its observers have been synchronised with it and its followers have not: hardly ever by chance.
 */
export class ObserverTails {
  readonly #cluster: Cluster;
  /** The leader that has more than the others and may be elected again. */
  #ahead: SimNode | null = null;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Lets the leader log something alone, and the others look for one with it. */
  begin(): void {
    const { servers } = this.#cluster;
    const leader = servers.find(({ node }) => roleOf(node) === 'leading')?.node;
    this.#ahead = null;
    if (leader === undefined) return;
    const others = servers.filter(({ node }) => node !== leader).map(({ node }) => node.host);
    this.#setLinks(leader.host, others, 'silent');
    this.#whenAhead(leader, leader.server?.replica.pipeline.appendedZxid ?? 0, ALONE_LOOKS, () => {
      for (const other of others) this.#cut(leader.host, other);
      this.#setLinks(leader.host, others, 'up');
      this.#ahead = leader;
    });
  }

  /** Once the server has logged more than `zxid`, or all looks are over. */
  #whenAhead(node: SimNode, zxid: number, looks: number, action: () => void): void {
    const isAhead = (node.server?.replica.pipeline.appendedZxid ?? 0) > zxid;
    if (isAhead || looks === 0) action();
    else this.#later(ALONE_LOOK_MS, () => this.#whenAhead(node, zxid, looks - 1, action));
  }

  /** A server has acted: if it is that leader, and has been elected, its followers hear no more of it, and soon nobody does. */
  acted({ node }: Watched): void {
    const { voters, faults } = this.#cluster;
    if (node !== this.#ahead || faults.phaseOf(node) !== 'leading, synchronisation') return;
    this.#ahead = null;
    const followers = voters.filter((other) => other.node !== node).map((other) => other.node.host);
    this.#setLinks(node.host, followers, 'silent');
    const { life } = node;
    this.#later(SYNC_MS, () => {
      if (node.life === life) node.end('killed');
    });
    this.#later(AWAY_MS, () => this.#setLinks(node.host, followers, 'up'));
  }

  /** Both hear that their connections are reset: what waits on them must not arrive after all. */
  #cut(one: Host, other: Host): void {
    for (const [host, far] of [
      [one, other],
      [other, one],
    ] as const) {
      for (const stream of [...host.streams]) {
        if (stream.remote.host === far.name) host.dispatch(() => stream.closedBy('ECONNRESET'));
      }
    }
  }

  #setLinks(one: Host, others: readonly Host[], state: 'up' | 'silent'): void {
    const { network } = this.#cluster;
    for (const other of others) {
      network.setLink(one, other, state);
      network.setLink(other, one, state);
    }
  }

  #later(ms: number, action: () => void): void {
    this.#cluster.world.after(ms * MS, EventKind.fault, 0, action);
  }
}

import { roleOf } from '../check/node-view.ts';
import type { Cluster, Watched } from '../cluster.ts';
import type { Host } from '../network/host.ts';
import type { LinkState } from '../network/link.ts';
import type { RandomStream } from '../random/random-stream.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS } from '../world/world.ts';
import type { FaultRates } from './swarm.ts';

type TimedFault = Exclude<keyof FaultRates, 'crashAtDisk' | 'aimsAtLeader'>;

const TIMED: readonly TimedFault[] = [
  'crash',
  'kill',
  'stop',
  'pause',
  'partition',
  'clientPartition',
  'halfOpen',
  'reset',
  'stall',
  'slowDisk',
  'clockStep',
  'wipe',
];

/** Injects the faults of a plan until it is told to stop; then nothing is broken that it has broken, and nothing mended. */
export class FaultInjector {
  readonly #cluster: Cluster;
  readonly #random: RandomStream;
  readonly #rates: FaultRates;
  #isStopped = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#random = cluster.world.stream('faults');
    this.#rates = cluster.plan.faults;
  }

  start(): void {
    for (const { node } of this.#cluster.servers) node.crashChance = this.#rates.crashAtDisk;
    for (const fault of TIMED) if (this.#rates[fault] > 0) this.#schedule(fault);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { node } of this.#cluster.servers) node.crashChance = 0;
  }

  #schedule(fault: TimedFault): void {
    this.#later(this.#random.wait(this.#rates[fault]), () => {
      if (this.#isStopped) return;
      this.#inject(fault);
      this.#schedule(fault);
    });
  }

  #later(ms: number, action: () => void): void {
    this.#cluster.world.after(ms * MS, EventKind.fault, 0, action);
  }

  #inject(fault: TimedFault): void {
    const { counts } = this.#cluster;
    switch (fault) {
      case 'crash': {
        const victim = this.#victim();
        if (victim?.node.isUp) victim.node.end(this.#cluster.crashKind(victim.node));
        return;
      }
      case 'kill':
        this.#victim()?.node.end('killed');
        return;
      case 'stop':
        this.#victim()?.node.stopOrderly();
        return;
      case 'pause':
        counts.pauses++;
        this.#pause();
        return;
      case 'partition':
        counts.partitions++;
        this.#partition();
        return;
      case 'clientPartition':
        this.#cutClient();
        return;
      case 'halfOpen':
        this.#halfOpen();
        return;
      case 'reset':
        counts.resets++;
        this.#reset();
        return;
      case 'stall':
        this.#stall();
        return;
      case 'slowDisk':
        this.#slowDisk();
        return;
      case 'clockStep':
        this.#stepClock();
        return;
      case 'wipe':
        this.#wipe();
        return;
    }
  }

  /** A server that is up; the leader rather often, if the plan aims at it. */
  #victim(): Watched | null {
    const up = this.#cluster.servers.filter(({ node }) => node.isUp && !node.isPaused);
    if (up.length === 0) return null;
    if (this.#rates.aimsAtLeader && this.#random.below(2) === 0) {
      const leader = up.find(({ node }) => roleOf(node) === 'leading');
      if (leader !== undefined) return leader;
    }
    return this.#random.pick(up);
  }

  #pause(): void {
    const victim = this.#victim();
    if (victim === null) return;
    const { node } = victim;
    const { life } = node;
    this.#cluster.world.tell(() => `server ${node.sid} stands still`);
    node.pause();
    this.#later(this.#random.wait(this.#random.pick([50, 1000, 5000, 15_000])), () => {
      if (node.life === life) node.resume();
    });
  }

  #state(): LinkState {
    return this.#random.below(3) === 0 ? 'refuse' : 'silent';
  }

  #partition(): void {
    const hosts = this.#cluster.servers.map(({ node }) => node.host);
    if (hosts.length < 2) return;
    const state = this.#state();
    const shuffled = this.#random.shuffled(hosts);
    const first = this.#victim()?.node.host;
    // A leader that is cut off goes on logging what nobody else has.
    if (first !== undefined) shuffled.sort((a, b) => Number(b === first) - Number(a === first));
    const kind = this.#random.below(5);
    const pairs: [Host, Host][] = [];
    if (kind === 0) {
      // One direction between two servers.
      pairs.push([shuffled[0], shuffled[1]]);
    } else if (kind === 1) {
      // One server hears all and is heard by none, or the other way round.
      const isMute = this.#random.below(2) === 0;
      for (const other of shuffled.slice(1)) pairs.push(isMute ? [shuffled[0], other] : [other, shuffled[0]]);
    } else {
      // Two sides; with kind 4 the last server sees both.
      const cut = kind === 2 ? 1 : 1 + this.#random.below(hosts.length - 1);
      const right = kind === 4 ? shuffled.slice(cut, -1) : shuffled.slice(cut);
      for (const a of shuffled.slice(0, cut)) for (const b of right) pairs.push([a, b], [b, a]);
    }
    this.#cutPairs(pairs, state, this.#random.pick([500, 5000, 20_000]));
  }

  #cutClient(): void {
    const { clientHosts, servers } = this.#cluster;
    if (clientHosts.length === 0) return;
    const client = this.#random.pick(clientHosts);
    const server = this.#random.pick(servers).node.host;
    const pairs: [Host, Host][] = [];
    const which = this.#random.below(3);
    if (which !== 0) pairs.push([client, server]);
    if (which !== 1) pairs.push([server, client]);
    this.#cutPairs(pairs, this.#state(), this.#random.pick([500, 5000, 20_000]));
  }

  #cutPairs(pairs: readonly [Host, Host][], state: LinkState, meanMs: number): void {
    const { network, world } = this.#cluster;
    world.tell(() => `${state}: ${pairs.map(([a, b]) => `${a.name}>${b.name}`).join(' ')}`);
    for (const [from, to] of pairs) network.setLink(from, to, state);
    this.#later(this.#random.wait(meanMs), () => {
      if (this.#isStopped) return;
      world.tell(() => `healed: ${pairs.map(([a, b]) => `${a.name}>${b.name}`).join(' ')}`);
      for (const [from, to] of pairs) network.setLink(from, to, 'up');
    });
  }

  #halfOpen(): void {
    const host = this.#random.pick(this.#cluster.servers).node.host;
    const streams = [...host.streams];
    if (streams.length === 0) return;
    this.#cluster.network.halfOpen(this.#random.pick(streams), this.#random.pick(['out', 'in', 'both']));
  }

  #reset(): void {
    const host = this.#random.pick(this.#cluster.servers).node.host;
    const streams = [...host.streams];
    if (streams.length === 0) return;
    const stream = this.#random.pick(streams);
    stream.outgoing?.end('reset');
    if (stream.outgoing !== null) stream.outgoing.link.lastFault = this.#cluster.world.now;
    host.dispatch(() => stream.closedBy('ECONNRESET'));
  }

  #stall(): void {
    const { network, world } = this.#cluster;
    const from = this.#random.pick(network.hosts);
    const to = this.#random.pick(network.hosts);
    const link = network.link(from, to);
    link.stalledUntil = world.now + this.#random.wait(this.#random.pick([50, 1000, 8000])) * MS;
    link.lastFault = world.now;
  }

  #slowDisk(): void {
    const { node } = this.#random.pick(this.#cluster.servers);
    node.diskSlowness = this.#random.pick([10, 100, 1000]);
    this.#later(this.#random.wait(3000), () => {
      node.diskSlowness = 1;
    });
  }

  /** Only where nothing can be lost by it: everybody serves and has everything, and nothing is under way. */
  #wipe(): void {
    const { voters, history, counts } = this.#cluster;
    const victim = this.#victim();
    if (victim === null || voters.length < 3) return;
    const hash = history.hashOf(history.last) ?? 0;
    const isCalm = voters.every(({ node, durable }) => {
      return roleOf(node) !== 'idle' && node.server?.replica.outstanding === 0 && durable.holds(history.last, hash);
    });
    if (!isCalm) return;
    counts.wipes++;
    victim.node.end('killed');
    victim.node.wipe();
    victim.durable.forget();
  }

  #stepClock(): void {
    const { clock } = this.#random.pick(this.#cluster.servers).node;
    clock.wallOffsetMs += this.#random.pick([-3_600_000, -1000, 1000, 3_600_000]);
  }
}

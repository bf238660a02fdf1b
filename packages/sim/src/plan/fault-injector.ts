import { RandomStream } from '@headkeeper/testkit';
import { roleOf } from '../check/node-view.ts';
import type { Cluster, Watched } from '../cluster.ts';
import type { Host } from '../network/host.ts';
import type { LinkState } from '../network/link.ts';
import type { SimNode } from '../node/sim-node.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS } from '../world/world.ts';
import { DISK_FAULTS, type DiskFault } from './disk-faults.ts';
import { DiskInjector } from './disk-injector.ts';
import { ObserverTails } from './observer-tails.ts';
import type { FaultRates } from './swarm.ts';

export type TimedFault = Exclude<keyof FaultRates, 'crashAtDisk' | 'crashBehindWrite' | 'aimsAtLeader' | DiskFault>;

export const TIMED_FAULTS: readonly TimedFault[] = [
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
  'diskError',
];

/** What strikes servers in runs with crashes alone. */
const CRASHES: readonly ('crash' | 'kill' | 'crashAtDisk')[] = ['crash', 'kill', 'crashAtDisk'];

/** Every fault of a plan by its name, those that come with operations of the disk included. */
export const INJECTED_FAULTS: readonly string[] = [...TIMED_FAULTS, 'crashAtDisk', ...DISK_FAULTS];

/**
 * Injects the faults of a plan until it is told to stop; then nothing is broken that it has broken, and nothing mended. Each
 * fault has a name of its own, such as `crash 3`, and its own random stream: leaving one out shifts neither when the others
 * come nor what they choose from.
 */
export class FaultInjector {
  readonly #cluster: Cluster;
  readonly #rates: FaultRates;
  readonly #disks: DiskInjector;
  readonly #observerTails: ObserverTails;
  /** Of the fault that is being injected. */
  #random: RandomStream;
  /** Whom the fault that is being injected is to strike; null: anybody. */
  #target: Watched | null = null;
  #aimed = 0;
  #aimRestsUntil = 0;
  #isStopped = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#random = cluster.world.stream('faults');
    this.#rates = cluster.plan.faults;
    this.#disks = new DiskInjector(cluster);
    this.#observerTails = new ObserverTails(cluster);
  }

  start(): void {
    for (const { node } of this.#cluster.servers) {
      node.crashChance = this.#rates.crashAtDisk;
      node.tearChance = this.#rates.crashBehindWrite;
    }
    for (const fault of [...TIMED_FAULTS, ...DISK_FAULTS]) {
      if (this.#rates[fault] > 0) this.#repeat(fault, fault, this.#rates[fault], () => this.#inject(fault));
    }
    const { aim, strike } = this.#cluster.plan;
    if (aim !== null) this.#cluster.onActed = (watched) => this.#aim(watched);
    if (aim === null || strike === null) return;
    // Hardly any server comes back with txns that nobody else has, unless leaders are abandoned again and again.
    if (aim === 'following, TRUNC') this.#repeat('tail', 'tail', 8000, () => this.#abandonLeader());
    if (aim === 'observing, TRUNC') this.#repeat("observer's tail", 'tail', 3000, () => this.#observerTails.begin());
    // Snapshots begin with a txn under way, and a disk is only lost where none is, unless an operator asks for one.
    if (aim.endsWith(', snapshot')) this.#repeat('snapshot', 'snapshot', 3000, () => this.#askForSnapshot());
  }

  #askForSnapshot(): void {
    const node = this.#choose()?.node;
    node?.dispatch(() => node.server?.driver.snapshot());
  }

  /** Injects one fault of this kind after a while of the stream's, and the next one after another, until everything ends. */
  #repeat(name: string, stream: string, meanMs: number, inject: () => void, count = 1): void {
    this.#later(this.#cluster.world.stream(`faults ${stream}`).wait(meanMs), () => {
      if (this.#isStopped) return;
      this.#happen(`${name} ${count}`, inject);
      this.#repeat(name, stream, meanMs, inject, count + 1);
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cluster.onActed = null;
    for (const { node } of this.#cluster.servers) {
      node.crashChance = 0;
      node.tearChance = 0;
    }
  }

  /** Injects the fault of this name, unless the plan leaves it out. */
  #happen(name: string, inject: () => void): void {
    const { world, plan, faults } = this.#cluster;
    if (plan.skippedFaults.has(name)) return;
    this.#random = new RandomStream(world.seed, name);
    faults.injected.push(name);
    world.tell(() => `fault ${name}`);
    inject();
  }

  /** The server has acted: when it is where the plan aims, something strikes it, now or in a moment. */
  #aim(watched: Watched): void {
    const { world, plan, faults } = this.#cluster;
    this.#observerTails.acted(watched);
    if (world.now < this.#aimRestsUntil || faults.phaseOf(watched.node) !== plan.aim) return;
    const random = world.stream('aim at phases');
    this.#aimRestsUntil = world.now + random.wait(random.pick([300, 1000, 4000])) * MS;
    const name = `aimed ${++this.#aimed}`;
    world.after(random.wait(random.pick([0, 0, 200, 5 * MS])), EventKind.fault, 0, () => {
      if (this.#isStopped) return;
      this.#happen(name, () => {
        this.#target = watched;
        const others = plan.profile === 'lite' ? [] : TIMED_FAULTS;
        const drawn = this.#random.pick([...others, ...CRASHES, ...(plan.damagedVoters > 0 ? DISK_FAULTS : [])]);
        const fault = (plan.strike ?? drawn) as typeof drawn;
        if (fault === 'crashAtDisk') this.#crashAtDisk(watched.node);
        else this.#inject(fault);
        this.#target = null;
      });
    });
  }

  /** At one of the next operations, whatever the server does then; where this fault alone is aimed, at one that waits, now. */
  #crashAtDisk(node: SimNode): void {
    const { disk, isUp } = node;
    if (!isUp) return;
    const isNow = this.#cluster.plan.strike !== null && disk.pending > 0;
    disk.crashAt(disk.operations + 1 + (isNow ? 0 : this.#random.below(3)));
    if (isNow) node.dispatch(() => disk.step());
  }

  #strikes(fault: TimedFault, ...hosts: readonly Host[]): void {
    const { faults } = this.#cluster;
    for (const { node } of this.#cluster.servers) if (hosts.includes(node.host)) faults.strikes(fault, node);
  }

  #later(ms: number, action: () => void): void {
    this.#cluster.world.after(ms * MS, EventKind.fault, 0, action);
  }

  #inject(fault: TimedFault | DiskFault): void {
    const { counts } = this.#cluster;
    switch (fault) {
      case 'crash': {
        const victim = this.#victim('crash');
        if (victim?.node.isUp) victim.node.end(this.#cluster.crashKind(victim.node));
        return;
      }
      case 'kill':
        this.#victim('kill')?.node.end('killed');
        return;
      case 'stop':
        this.#victim('stop')?.node.stopOrderly();
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
      case 'diskError': {
        const victim = this.#victim('diskError');
        if (victim !== null) victim.node.failsIn = 1 + this.#random.below(4);
        return;
      }
      default:
        this.#damage(fault);
    }
  }

  /** A server that is up or, at times, down. */
  #damage(fault: DiskFault): void {
    const { faults, counts, servers } = this.#cluster;
    const watched = this.#random.below(3) === 0 ? this.#random.pick(servers) : this.#choose();
    if (watched === null) return;
    const phase = faults.phaseOf(watched.node);
    if (!this.#disks.inject(fault, watched, this.#random)) return;
    counts.damages++;
    faults.matrix.struck(fault, phase);
  }

  /** A server that is up; the leader rather often, if the plan aims at it. */
  #victim(fault: TimedFault): Watched | null {
    const victim = this.#choose();
    if (victim !== null) this.#strikes(fault, victim.node.host);
    return victim;
  }

  #choose(): Watched | null {
    if (this.#target !== null) return this.#target.node.isUp && !this.#target.node.isPaused ? this.#target : null;
    const up = this.#cluster.servers.filter(({ node }) => node.isUp && !node.isPaused);
    if (up.length === 0) return null;
    if (this.#rates.aimsAtLeader && this.#random.below(2) === 0) {
      const leader = up.find(({ node }) => roleOf(node) === 'leading');
      if (leader !== undefined) return leader;
    }
    return this.#random.pick(up);
  }

  /** A server, up or down. */
  #anyServer(): SimNode {
    return (this.#target ?? this.#random.pick(this.#cluster.servers)).node;
  }

  #pause(): void {
    const victim = this.#victim('pause');
    if (victim === null) return;
    const { node } = victim;
    const { life } = node;
    this.#cluster.world.tell(() => `server ${node.sid} stands still`);
    node.pause();
    // Often about as long as a session lasts.
    const { timeoutMs } = this.#cluster.plan.habits;
    const meanMs = this.#random.pick([50, 1000, 5000, 15_000, 0, 0]);
    const ms = meanMs > 0 ? this.#random.wait(meanMs) : timeoutMs + this.#random.below(timeoutMs / 2);
    this.#later(ms, () => {
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
    const first = this.#choose()?.node.host;
    // A leader that is cut off goes on logging what nobody else has.
    if (first !== undefined) shuffled.sort((a, b) => Number(b === first) - Number(a === first));
    const kind = this.#random.below(6);
    if (kind === 5) {
      this.#abandonLeader();
      return;
    }
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
    this.#strikes('partition', ...pairs.flat());
    this.#cutPairs(pairs, state, this.#random.pick([500, 5000, 20_000]));
  }

  /**
   * A leader is cut off from all other servers, and only they notice: they have elected another one long before it knows. It
   * goes on logging what nobody else has.
   */
  #abandonLeader(): void {
    const { servers } = this.#cluster;
    const leader = servers.find(({ node }) => roleOf(node) === 'leading')?.node.host;
    if (leader === undefined) return;
    const pairs: [Host, Host][] = [];
    for (const { node } of servers) {
      if (node.host === leader) continue;
      pairs.push([leader, node.host], [node.host, leader]);
      for (const stream of [...node.host.streams]) {
        if (stream.remote.host === leader.name) node.host.dispatch(() => stream.closedBy('ECONNRESET'));
      }
    }
    this.#strikes('partition', ...pairs.flat());
    this.#cutPairs(pairs, 'silent', this.#random.pick([5000, 20_000]));
  }

  #cutClient(): void {
    const { clientHosts } = this.#cluster;
    if (clientHosts.length === 0) return;
    const client = this.#random.pick(clientHosts);
    const server = this.#anyServer().host;
    this.#strikes('clientPartition', server);
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
    const { host } = this.#anyServer();
    const streams = [...host.streams];
    if (streams.length === 0) return;
    this.#strikes('halfOpen', host);
    this.#cluster.network.halfOpen(this.#random.pick(streams), this.#random.pick(['out', 'in', 'both']));
  }

  #reset(): void {
    const { host } = this.#anyServer();
    const streams = [...host.streams];
    if (streams.length === 0) return;
    this.#strikes('reset', host);
    const stream = this.#random.pick(streams);
    stream.outgoing?.end('reset');
    if (stream.outgoing !== null) stream.outgoing.link.lastFault = this.#cluster.world.now;
    host.dispatch(() => stream.closedBy('ECONNRESET'));
  }

  #stall(): void {
    const { network, world } = this.#cluster;
    const from = this.#target?.node.host ?? this.#random.pick(network.hosts);
    const to = this.#random.pick(network.hosts);
    const link = network.link(from, to);
    this.#strikes('stall', from, to);
    link.stalledUntil = world.now + this.#random.wait(this.#random.pick([50, 1000, 8000])) * MS;
    link.lastFault = world.now;
  }

  #slowDisk(): void {
    // A leader whose disk lags commits by those of the others.
    const node = this.#choose()?.node ?? this.#anyServer();
    this.#strikes('slowDisk', node.host);
    node.diskSlowness = this.#random.pick([10, 100, 1000]);
    this.#later(this.#random.wait(3000), () => {
      node.diskSlowness = 1;
    });
  }

  /**
   * Only where nothing can be lost by it: everybody serves and has everything, and nothing is under way. Never where members
   * come and go: a majority may be one server then, and its disk must last.
   */
  #wipe(): void {
    const { voters, history, counts, plan } = this.#cluster;
    const victim = this.#choose();
    if (victim === null || voters.length < 3 || plan.reconfigureMs > 0) return;
    const hash = history.hashOf(history.last) ?? 0;
    const isCalm = voters.every(({ node, durable }) => {
      return roleOf(node) !== 'idle' && node.server?.replica.outstanding === 0 && durable.holds(history.last, hash);
    });
    if (!isCalm || (this.#cluster.plan.damagedVoters > 0 && !this.#disks.mayStrike(victim))) return;
    counts.wipes++;
    this.#strikes('wipe', victim.node.host);
    victim.node.end('killed');
    victim.node.wipe();
    victim.durable.forget();
    if (this.#cluster.plan.damagedVoters > 0) victim.promises.strike();
    this.#cluster.quorum.forget(victim.node.sid);
  }

  #stepClock(): void {
    const { clock, host } = this.#anyServer();
    this.#strikes('clockStep', host);
    clock.wallOffsetMs += this.#random.pick([-3_600_000, -1000, 1000, 3_600_000]);
  }
}

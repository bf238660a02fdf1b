import type { RandomStream } from '@headkeeper/testkit';
import { appliedZxid, roleOf } from './check/node-view.ts';
import { withTxnProbe } from './check/txn-probe.ts';
import { ExcusedLoss, Violation, zxidText } from './check/violation.ts';
import type { ObjectChoice } from './client/objects.ts';
import { Cluster, type Watched } from './cluster.ts';
import type { Counts } from './counts.ts';
import { firstFinding } from './histories/judge.ts';
import type { Line } from './histories/lines.ts';
import { Recorder } from './histories/recorder.ts';
import { FaultInjector } from './plan/fault-injector.ts';
import type { FaultRecord } from './plan/fault-record.ts';
import { healDisk, healEverything, revive } from './plan/healing.ts';
import { Operator } from './plan/operator.ts';
import { Restorer } from './plan/restorer.ts';
import { drawPlan, type PlanWishes, type RunPlan } from './plan/swarm.ts';
import { type Cuts, withCuts } from './shrink/cuts.ts';
import { describeServers } from './shrink/servers.ts';
import { withoutReality } from './world/forbidden.ts';
import { Trace } from './world/trace.ts';
import { SECOND, World } from './world/world.ts';

export interface RunOptions extends PlanWishes {
  readonly seed: number;
  /** Virtual minutes under faults. */
  readonly minutes: number;
  /** What is left out. */
  readonly cuts?: Cuts;
  /** Receives every line worth telling. */
  readonly tell?: (line: string) => void;
  /** What clients share, such as registers and locks, instead of asking for anything at random. */
  readonly objects?: ObjectChoice;
  /** Whether what clients find wrong is left to the judges of their history. */
  readonly isTolerant?: boolean;
}

export interface RunResult {
  readonly seed: number;
  readonly plan: RunPlan;
  /** Virtual minutes under faults. */
  readonly minutes: number;
  readonly counts: Counts;
  /** Which faults were injected, and whom they struck when. */
  readonly faults: FaultRecord;
  /** Of everything that happened. */
  readonly hash: string;
  /** What went wrong, or null. */
  readonly failure: Violation | null;
  /** Of a failure: what was in the memory and on the disk of each server. */
  readonly servers: readonly string[];
  /** What the clients saw. */
  readonly history: readonly Line[];
}

/** After the faults have stopped, the first write must be answered within this time. */
const FIRST_COMMIT_BOUND = 45 * SECOND;
/** After everybody is back, all must agree within this time. */
const CONVERGENCE_BOUND = 90 * SECOND;

/** When all agree, sessions whose clients are gone must have ended within this time: the longest timeout, and half of it. */
const EXPIRY_BOUND = 45 * SECOND;

/** Runs one seed from the first start to the last agreement. */
export function runSeed(options: RunOptions): RunResult {
  const { seed, cuts = {} } = options;
  const plan = withCuts(drawPlan(seed, options), cuts);
  const minutes = cuts.minutes ?? options.minutes;
  const world = new World(seed, new Trace(options.tell ?? null));
  const recorder = new Recorder(`seed ${seed}`, () => world.now);
  const cluster = new Cluster(world, plan, recorder, options.isTolerant === true);
  let failure: Violation | null = null;
  try {
    withoutReality(() =>
      withTxnProbe(
        (applier, before, bytes, start, end) => cluster.applied(applier, before, bytes, start, end),
        () => new Phases(cluster).run(minutes * 60 * SECOND, options.objects ?? null),
      ),
    );
  } catch (error) {
    if (error instanceof ExcusedLoss) cluster.excuse(error);
    else failure = error instanceof Violation ? error : new Violation('crash', 'uncaught', describe(error));
  }
  const history = recorder.lines;
  failure ??= firstFinding(history);
  return {
    seed,
    plan,
    minutes,
    counts: cluster.finish(),
    faults: cluster.faults,
    hash: world.trace.hash,
    failure,
    history,
    servers: failure === null ? [] : describeServers(cluster),
  };
}

/** Whether the server has history, and a disk that is as it was left. */
function isSound({ durable, promises }: Watched): boolean {
  return durable.currentEpoch > 0 && !promises.isStruck;
}

/**
 * Whether damage has left too few who know that they may vote: a voter that never had the history does not, as long as others may have
 * it, though there may be nothing left of it but what was set aside.
 */
function isBeyondHelp({ voters, history }: Cluster): boolean {
  if (!voters.some(({ promises }) => promises.isStruck)) return false;
  // Before the first txn a single server that cannot tell what it had keeps all blank ones from voting.
  return history.last === 0 || voters.filter(isSound).length <= voters.length / 2;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The phases of a run: warm-up, faults, a quorum alone, everybody. */
class Phases {
  readonly #cluster: Cluster;
  readonly #world: World;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#world = cluster.world;
  }

  run(faultTime: number, objects: ObjectChoice | null): void {
    const cluster = this.#cluster;
    const world = this.#world;
    const random = world.stream('phases');
    cluster.startServers();
    cluster.startClients(objects);
    const injector = new FaultInjector(cluster);
    const operator = new Operator(cluster);
    const restorer = new Restorer(cluster);
    if (random.below(2) === 0) {
      this.#until(FIRST_COMMIT_BOUND, 'no first write without any fault', () => cluster.shared.latestAnswered >= 0);
    }
    world.tell(() => 'the faults begin');
    injector.start();
    operator.start();
    restorer.start();
    world.runUntil(world.now + faultTime);
    injector.stop();
    operator.stop();
    restorer.stop();
    cluster.faultsAreOver = true;
    if (isBeyondHelp(cluster)) {
      cluster.counts.halted++;
      return;
    }
    this.#coreAlone();
    this.#everybody();
  }

  /** A random quorum is healed; the rest stays as broken as it is, or is cut off. */
  #coreAlone(): void {
    const cluster = this.#cluster;
    const world = this.#world;
    const random = world.stream('phases');
    const { voters } = cluster;
    const core = this.#chooseCore(random);
    const size = core.length;
    world.tell(() => `the core is ${core.map(({ node }) => node.sid).join(' ')}`);
    for (const watched of cluster.servers) {
      healDisk(watched.node);
      if (core.includes(watched)) continue;
      watched.returns = false;
      for (const host of cluster.network.hosts) {
        if (host === watched.node.host) continue;
        cluster.network.setLink(host, watched.node.host, 'silent');
        cluster.network.setLink(watched.node.host, host, 'silent');
      }
    }
    const isInCore = new Set(core.map(({ node }) => node.host));
    for (const client of cluster.clients) {
      client.mayRest = false;
      isInCore.add(client.host);
    }
    for (const from of isInCore) {
      for (const to of isInCore) {
        const link = cluster.network.link(from, to);
        link.stalledUntil = 0;
        cluster.network.setLink(from, to, 'up');
      }
    }
    for (const watched of core) revive(cluster, watched);
    cluster.shared.servers = core.map(({ node }) => node.settings.address);
    const since = world.now;
    const isBack = (): boolean => cluster.shared.latestAnswered > since;
    this.#until(FIRST_COMMIT_BOUND, `no write after the faults, with ${size} of ${voters.length} servers`, isBack);
  }

  /**
   * Some quorum, often the smallest. A server with a blank disk may have forgotten what it acknowledged, so it must not be
   * what makes a quorum while others have history; where there is no quorum without such servers, everybody is needed.
   */
  #chooseCore(random: RandomStream): Watched[] {
    const { voters, servers, plan } = this.#cluster;
    if (plan.reconfigureMs > 0) return servers;
    const least = Math.floor(voters.length / 2) + 1;
    const size = random.below(2) === 0 ? least : random.between(least, voters.length);
    const core = random.shuffled(voters).slice(0, size);
    const withHistory = core.filter(isSound).length;
    const isFresh = voters.every(({ durable }) => durable.currentEpoch === 0);
    return voters.length === 1 || isFresh || withHistory >= least ? core : [...voters];
  }

  /** Everybody comes back, the clients fall silent, and all must agree. */
  #everybody(): void {
    const cluster = this.#cluster;
    const { servers, clients, history } = cluster;
    healEverything(cluster);
    cluster.shared.servers = servers.map(({ node }) => node.settings.address);
    for (const client of clients) client.isBusy = false;
    const isQuiet = (): boolean =>
      clients.every((client) => client.isAttached && client.outstanding === 0) &&
      servers.every(({ node }) => roleOf(node) !== 'idle' && appliedZxid(node) >= history.last);
    this.#until(CONVERGENCE_BOUND, 'the servers do not come together, or clients wait for ever', isQuiet);
    const isKept = (session: bigint): boolean => clients.some((client) => client.session?.id === session);
    const isTidy = (): boolean => isQuiet() && [...cluster.oracle.sessions.keys()].every(isKept);
    this.#until(EXPIRY_BOUND, 'sessions of clients that are gone do not end', isTidy);
    for (const watched of servers) cluster.checkTreeOf(watched);
    for (const session of cluster.shared.refused) {
      if (cluster.oracle.sessions.has(session)) {
        throw new Violation('safety', 'sessions', `session ${session} was refused and lives on`);
      }
    }
  }

  /** Lets time pass until something holds; it must within the bound. */
  #until(bound: number, what: string, holds: () => boolean): void {
    const world = this.#world;
    const end = world.now + bound;
    while (!holds()) {
      if (world.now >= end) throw new Violation('liveness', 'liveness', `${what} (${this.#describe()})`);
      world.runUntil(Math.min(end, world.now + SECOND / 10));
    }
  }

  #describe(): string {
    const { servers, clients, history } = this.#cluster;
    const states = servers.map(
      ({ node }) => `${node.sid} ${node.isUp ? roleOf(node) : 'down'} ${zxidText(appliedZxid(node))}`,
    );
    const waiting = clients.filter((client) => !client.isAttached || client.outstanding > 0).length;
    return `committed ${zxidText(history.last)}; ${states.join(', ')}; ${waiting} clients wait`;
  }
}

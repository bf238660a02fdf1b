import { appliedZxid, roleOf } from '../check/node-view.ts';
import { withTxnProbeInTurns } from '../check/txn-probe.ts';
import { Violation, zxidText } from '../check/violation.ts';
import { Cluster } from '../cluster.ts';
import { firstFinding } from '../histories/judge.ts';
import type { Line } from '../histories/lines.ts';
import { Recorder } from '../histories/recorder.ts';
import { FaultInjector } from '../plan/fault-injector.ts';
import { healEverything } from '../plan/healing.ts';
import { drawPlan, type PlanWishes } from '../plan/swarm.ts';
import { withoutRealityInTurns } from '../world/forbidden.ts';
import { Trace } from '../world/trace.ts';
import { SECOND, World } from '../world/world.ts';
import { ClientFaults } from './client-faults.ts';
import { Fleet } from './fleet.ts';
import { GrantRecord } from './grant-record.ts';
import { noRecipeCounts, type RecipeCounts } from './recipe-counts.ts';
import { drawRecipePlan, type RecipePlan, type RecipeWishes } from './recipe-plan.ts';
import type { Workload } from './workload.ts';
import { makeWorkloads, WORKLOADS } from './workloads/all.ts';

export interface RecipeRunOptions extends RecipeWishes, PlanWishes {
  readonly seed: number;
  /** How often faults come and go. */
  readonly storms: number;
  /** Receives every line worth telling. */
  readonly tell?: (line: string) => void;
}

export interface RecipeRunResult {
  readonly seed: number;
  readonly plan: RecipePlan;
  readonly voters: number;
  readonly counts: RecipeCounts;
  /** Of everything that happened. */
  readonly hash: string;
  /** What went wrong, or null. */
  readonly failure: Violation | null;
  /** Who held which locks, and what was committed. */
  readonly history: readonly Line[];
}

const MEAN_STORM_S = 30;
const CALM = 20 * SECOND;
/** When nothing is broken any more, whatever was begun must be done within this time. */
const BOUND = 90 * SECOND;
/** When nothing is done any more, everything must show what is there within this time. */
const SETTLING_BOUND = 60 * SECOND;

/** Runs one seed: processes with the production client and recipes, in storms and calms, until all have ended. */
export async function runRecipes(options: RecipeRunOptions): Promise<RecipeRunResult> {
  const ensemble = drawPlan(options.seed, { ...options, clients: 0 });
  const plan = drawRecipePlan(options.seed, WORKLOADS, options);
  const world = new World(options.seed, new Trace(options.tell ?? null));
  const recorder = new Recorder(`seed ${options.seed}`, () => world.now);
  const cluster = new Cluster(world, ensemble, recorder);
  const counts = noRecipeCounts();
  let failure: Violation | null = null;
  // What nobody handles would end a real process.
  const unhandled = (error: unknown): void =>
    world.fail(new Violation('crash', 'unhandled rejection', describe(error)));
  process.on('unhandledRejection', unhandled);
  try {
    await withoutRealityInTurns((turn) => {
      const storms = new Storms(cluster, plan, counts, new GrantRecord(recorder), turn);
      return withTxnProbeInTurns(
        (applier, before, bytes, start, end) => cluster.applied(applier, before, bytes, start, end),
        () => storms.run(options.storms),
      );
    });
  } catch (error) {
    failure = error instanceof Violation ? error : new Violation('crash', 'uncaught', describe(error));
  } finally {
    process.off('unhandledRejection', unhandled);
  }
  const history = recorder.lines;
  failure ??= firstFinding(history);
  return { seed: options.seed, plan, voters: ensemble.voters, counts, hash: world.trace.hash, failure, history };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The course of a run. */
class Storms {
  readonly #cluster: Cluster;
  readonly #world: World;
  readonly #plan: RecipePlan;
  readonly #counts: RecipeCounts;
  readonly #workloads: readonly Workload[];
  readonly #turn: () => Promise<void>;

  constructor(
    cluster: Cluster,
    plan: RecipePlan,
    counts: RecipeCounts,
    record: GrantRecord,
    turn: () => Promise<void>,
  ) {
    this.#cluster = cluster;
    this.#world = cluster.world;
    this.#plan = plan;
    this.#counts = counts;
    this.#turn = turn;
    this.#workloads = makeWorkloads(plan, {
      world: cluster.world,
      oracle: cluster.oracle,
      counts,
      record,
      isStormy: () => !cluster.faultsAreOver,
      committedAfter: (zxid) => cluster.history.after(zxid),
    });
  }

  async run(storms: number): Promise<void> {
    const cluster = this.#cluster;
    const world = this.#world;
    const random = world.stream('phases');
    cluster.startServers();
    const fleet = new Fleet(cluster, this.#plan, this.#workloads, this.#counts);
    fleet.start();
    try {
      if (random.below(2) === 0) await this.#pass(10 * SECOND);
      for (let i = 0; i < storms; i++) {
        await this.#storm(fleet, random.wait(MEAN_STORM_S * SECOND));
        await this.#calm(fleet, i === storms - 1);
      }
      await this.#end(fleet);
    } finally {
      fleet.finish();
    }
  }

  #pass(time: number): Promise<void> {
    return this.#world.runTurnsUntil(this.#world.now + time, this.#turn);
  }

  async #storm(fleet: Fleet, time: number): Promise<void> {
    this.#world.tell(() => 'the faults begin');
    const servers = new FaultInjector(this.#cluster);
    const clients = new ClientFaults(fleet, this.#plan.faults, this.#plan.sessionTimeoutMs);
    this.#cluster.faultsAreOver = false;
    fleet.faultsAreOver = false;
    servers.start();
    clients.start();
    await this.#pass(time);
    servers.stop();
    clients.stop();
    this.#world.tell(() => 'the faults are over');
    this.#cluster.faultsAreOver = true;
    fleet.faultsAreOver = true;
    healEverything(this.#cluster);
    fleet.reviveAll();
  }

  /** No lost wake-up: every step that was under way, or begins now, ends within the bound. */
  async #calm(fleet: Fleet, isLast: boolean): Promise<void> {
    const since = this.#world.now;
    const isOverdue = (): string | null => fleet.overdue(since, BOUND)[0] ?? null;
    const check = (): void => {
      const late = isOverdue();
      if (late !== null)
        throw new Violation('liveness', 'wake-up', `${late}, and nothing is broken (${this.#describe()})`);
    };
    while (this.#world.now < since + CALM) {
      await this.#pass(SECOND);
      check();
    }
    if (!isLast) return;
    fleet.isStopping = true;
    while (!fleet.isIdle) {
      await this.#pass(SECOND / 10);
      check();
    }
  }

  /** All tasks have ended: what is there must be what was done, and everybody must see it. */
  async #end(fleet: Fleet): Promise<void> {
    const world = this.#world;
    for (const workload of this.#workloads) {
      if (workload.audit === undefined) continue;
      fleet.audit(workload);
      const since = world.now;
      while (!fleet.isIdle) {
        await this.#pass(SECOND / 10);
        const late = fleet.overdue(since, BOUND)[0];
        if (late !== undefined) throw new Violation('liveness', 'wake-up', `${late} (${this.#describe()})`);
      }
    }
    const end = world.now + SETTLING_BOUND;
    for (;;) {
      const missing = this.#missing();
      if (missing === null) break;
      if (world.now >= end) throw new Violation('liveness', 'convergence', `${missing} (${this.#describe()})`);
      await this.#pass(SECOND / 10);
    }
    for (const watched of this.#cluster.servers) this.#cluster.checkTreeOf(watched);
    for (const session of this.#cluster.shared.refused) {
      if (this.#cluster.oracle.sessions.has(session)) {
        throw new Violation('safety', 'sessions', `session ${session} was refused and lives on`);
      }
    }
  }

  #missing(): string | null {
    const { servers, history } = this.#cluster;
    for (const { node } of servers) {
      if (roleOf(node) === 'idle' || appliedZxid(node) < history.last) return `server ${node.sid} is behind`;
    }
    for (const workload of this.#workloads) {
      const missing = workload.isUnsettled?.() ?? null;
      if (missing !== null) return `${workload.name}: ${missing}`;
    }
    return null;
  }

  #describe(): string {
    const { servers, history } = this.#cluster;
    const states = servers.map(
      ({ node }) => `${node.sid} ${node.isUp ? roleOf(node) : 'down'} ${zxidText(appliedZxid(node))}`,
    );
    return `committed ${zxidText(history.last)}; ${states.join(', ')}`;
  }
}

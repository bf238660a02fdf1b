import { leadingEpoch } from '../check/node-view.ts';
import { law, Violation, zxidText } from '../check/violation.ts';
import type { Cluster } from '../cluster.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS, SECOND, type World } from '../world/world.ts';
import type { ClientFaultTargets } from './client-faults.ts';
import { ClientNode } from './client-node.ts';
import { Process, type ProcessContext, type Running } from './process.ts';
import type { RecipeCounts } from './recipe-counts.ts';
import type { RecipePlan } from './recipe-plan.ts';
import type { TapContext } from './request-tap.ts';
import type { Workload } from './workload.ts';

/** How long a process is away that was killed, on average. */
const MEAN_DOWN_MS: readonly number[] = [1, 500, 10_000];
/** What a client's certainty may be wrong by: both clocks drift, and timers are late. */
const CERTAINTY_SLACK_MS = 300;

/** All machines with the programs on them that use the client, and what they share. */
export class Fleet implements ClientFaultTargets {
  readonly world: World;
  readonly cluster: Cluster;
  readonly nodes: ClientNode[] = [];
  readonly counts: RecipeCounts;
  readonly workloads: readonly Workload[];
  readonly taps: TapContext;
  readonly #context: ProcessContext;
  readonly #processes: Map<ClientNode, Process> = new Map();
  /** Whether tasks end with the step that they are in, and processes that end are not begun again. */
  isStopping = false;
  /** Whether processes that were killed come back at once. */
  faultsAreOver = false;

  constructor(cluster: Cluster, plan: RecipePlan, workloads: readonly Workload[], counts: RecipeCounts) {
    const { world, history, shared } = cluster;
    this.world = world;
    this.cluster = cluster;
    this.counts = counts;
    this.workloads = workloads;
    this.taps = { world, history, refused: shared.refused, connections: 0, answers: 0 };
    this.#context = {
      world,
      counts,
      connectString: cluster.servers.map(({ node }) => `${node.settings.address}:2181`).join(','),
      sessionTimeoutMs: plan.sessionTimeoutMs,
      isStopping: () => this.isStopping,
    };
    const random = world.stream('fleet');
    for (let i = 0; i < plan.clients; i++) {
      this.#add(
        `client ${i + 1}`,
        `10.2.0.${i + 1}`,
        random.between(-plan.driftMillionths, plan.driftMillionths),
        plan,
      );
    }
    const told = cluster.oracle.expired;
    cluster.oracle.expired = (session, zxid) => {
      told(session, zxid);
      this.#expired(session, zxid);
    };
  }

  #add(name: string, address: string, driftMillionths: number, { timerLateness }: RecipePlan): void {
    const settings = { name, address, driftMillionths, timerLateness };
    const node = new ClientNode(this.cluster.network, settings, this.taps);
    this.nodes.push(node);
    this.cluster.clientHosts.push(node.host);
    this.cluster.contacts.add(node);
  }

  start(): void {
    const random = this.world.stream('fleet');
    for (const node of this.nodes) this.#startLater(node, random.below(500));
  }

  #startLater(node: ClientNode, ms: number): void {
    this.world.after(ms * MS, EventKind.life, node.host.index, () => {
      if (node.isUp || this.isStopping) return;
      this.#begin(node, (process) => process.work(this.workloads));
    });
  }

  #begin(node: ClientNode, program: (process: Process) => void): void {
    this.world.tell(() => `${node.name} begins`);
    node.start((ports) => {
      const process = new Process(node, ports, this.#context);
      this.#processes.set(node, process);
      program(process);
    });
  }

  kill(node: ClientNode, how: 'exit' | 'power'): void {
    this.counts.clientKills++;
    this.world.tell(() => `${node.name} is killed (${how})`);
    this.#end(node, how);
  }

  stop(node: ClientNode): void {
    const process = this.#processes.get(node);
    if (process === undefined) return;
    this.counts.clientStops++;
    this.world.tell(() => `${node.name} closes its session`);
    const { life } = node;
    node.dispatch(() =>
      process.close(() => {
        this.world.after(MS, EventKind.life, node.host.index, () => {
          if (node.life === life) this.#end(node, 'exit');
        });
      }),
    );
  }

  #end(node: ClientNode, how: 'exit' | 'power'): void {
    node.end(how);
    this.#processes.delete(node);
    const random = this.world.stream('fleet');
    this.#startLater(node, this.faultsAreOver ? random.below(100) : random.wait(random.pick(MEAN_DOWN_MS)));
  }

  /** Those that stand still go on, those that are down begin. */
  reviveAll(): void {
    for (const node of this.nodes) {
      node.resume();
      if (!node.isUp) this.#startLater(node, 0);
    }
  }

  /** Steps that have taken longer than the bound, counted from `from` on. */
  overdue(from: number, bound: number): string[] {
    const late: string[] = [];
    for (const { node, entry } of this.#running()) {
      const since = Math.max(from, entry.since);
      if (entry.since >= 0 && this.world.now - since > bound) {
        late.push(`${node.name}: ${entry.name} for ${((this.world.now - since) / SECOND).toFixed(1)} s`);
      }
    }
    return late;
  }

  /** Whether no task runs any more. */
  get isIdle(): boolean {
    return this.#running().length === 0;
  }

  #running(): { node: ClientNode; entry: Running }[] {
    const all: { node: ClientNode; entry: Running }[] = [];
    for (const [node, process] of this.#processes) for (const entry of process.running) all.push({ node, entry });
    return all;
  }

  /** Lets a process that is up look at a workload for the last time. */
  audit(workload: Workload): void {
    const process = this.#processes.values().next().value;
    if (process === undefined) throw new Violation('liveness', 'liveness', 'no client is there to look at the end');
    process.node.dispatch(() => process.once(`the audit of ${workload.name}`, async () => workload.audit?.(process)));
  }

  /** The law of certainty: a client that is told that its session lives for certain is right, if its server is the leader. */
  #expired(session: bigint, zxid: number): void {
    this.counts.sessionsExpired++;
    for (const workload of this.workloads) workload.expired?.(session);
    const proposedAt = this.cluster.quorum.proposedAt.get(zxid);
    for (const [node, process] of this.#processes) {
      const client = process.connected;
      if (node.session?.id !== session || node.isPaused || client === null || proposedAt === undefined) continue;
      const leader = this.cluster.servers.find(
        (each) => leadingEpoch(each.node) === Math.floor(zxid / 4294967296),
      )?.node;
      if (leader === undefined || leader.settings.address !== node.server) continue;
      const timeout = node.session.timeoutMs;
      const left = client.sessionCertainForMs;
      const confirmedAt = this.world.now + (left - timeout) * MS;
      const leftThen = left + (this.world.now - proposedAt) / MS;
      law(confirmedAt > proposedAt || left === 0 || leftThen <= timeout / 30 + CERTAINTY_SLACK_MS, 'certainty', () => {
        return `${node.name} is sure of its session for ${leftThen} ms more when it is ended at ${zxidText(zxid)}`;
      });
    }
  }

  finish(): void {
    const { counts } = this;
    counts.runs = 1;
    counts.events = this.world.events;
    counts.simulatedMicros = this.world.now;
    counts.answers = this.taps.answers;
    for (const node of this.nodes) counts.cuts += node.cuts;
    const servers = this.cluster.counts;
    counts.serverCrashes = servers.crashes + servers.kills;
    counts.partitions = servers.partitions;
    counts.elections = servers.elections;
  }
}

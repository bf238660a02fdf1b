import type { FatalExit, TxnApplier } from '@headkeeper/server/internal';
import type { CrashKind, RandomStream } from '@headkeeper/testkit';
import { Accusations } from './check/accusations.ts';
import { AppliedTxns } from './check/applied-txns.ts';
import { ClientLaws } from './check/client-laws.ts';
import { DurableState } from './check/durable-state.ts';
import { History } from './check/history.ts';
import { MembershipWatch } from './check/membership-watch.ts';
import { appliedZxid, roleOf } from './check/node-view.ts';
import { DiskPromises } from './check/promises.ts';
import { QuorumWatch } from './check/quorum-watch.ts';
import { SessionContacts } from './check/session-contacts.ts';
import { checkTree } from './check/tree-check.ts';
import { ExcusedLoss, law, Violation, zxidText } from './check/violation.ts';
import { type ObjectChoice, ObjectPool, ObjectProgram } from './client/objects.ts';
import { RequestMix } from './client/request-mix.ts';
import { type ClientWorld, SimClient } from './client/sim-client.ts';
import { type Counts, noCounts } from './counts.ts';
import type { Recorder } from './histories/recorder.ts';
import { Oracle } from './model/oracle.ts';
import type { Host } from './network/host.ts';
import { SimNetwork } from './network/sim-network.ts';
import { type NodeSettings, QUORUM_PORT } from './node/node-settings.ts';
import { type NodeEnd, type NodeObserver, SimNode } from './node/sim-node.ts';
import { FaultRecord } from './plan/fault-record.ts';
import { configText, type RunPlan, relistedText } from './plan/swarm.ts';
import { EventKind } from './world/event-queue.ts';
import { MS, type World } from './world/world.ts';

/** What is known of one server from outside. */
export interface Watched {
  readonly node: SimNode;
  readonly durable: DurableState;
  readonly applied: AppliedTxns;
  readonly promises: DiskPromises;
  /** The last zxid at which its state was compared. */
  comparedZxid: number;
  /** Whether it is started again when it goes down. */
  returns: boolean;
}

/** One in so many commits, the whole tree is compared with the model. */
const TREE_CHECK_EVERY = 100;
/** What a server ends with whose disk has failed; at a start it is another number, and the error of the disk is named. */
const DISK_EXIT = 10;
const ERROR_AT_START = /^the data directory cannot be used: (EIO|ENOSPC): /;
const MEAN_DOWN_MS: readonly number[] = [20, 500, 500, 5000, 20_000];
/** When no fault is to come any more, those that are still on their way do not last. */
const MEAN_DOWN_AFTERWARDS_MS = 500;

function isOfDisk({ exitCode, message }: FatalExit): boolean {
  return exitCode === DISK_EXIT || ERROR_AT_START.test(message);
}

/** An ensemble with its clients, and the laws that it must keep at every moment. */
export class Cluster implements NodeObserver {
  readonly world: World;
  readonly plan: RunPlan;
  readonly network: SimNetwork;
  readonly history: History;
  readonly oracle: Oracle = new Oracle();
  readonly counts: Counts = noCounts();
  readonly servers: Watched[] = [];
  readonly clients: SimClient[] = [];
  /** The machines of clients, of whatever kind. */
  readonly clientHosts: Host[] = [];
  readonly shared: ClientWorld;
  readonly quorum: QuorumWatch;
  readonly memberships: MembershipWatch = new MembershipWatch();
  readonly contacts: SessionContacts;
  readonly faults: FaultRecord = new FaultRecord((sid) => this.quorum.conveyanceOf(sid));
  /** Hears of every server that has acted, as long as somebody wants to. */
  onActed: ((watched: Watched) => void) | null = null;
  /** Whether everything heals from now on. */
  faultsAreOver = false;
  readonly #random: RandomStream;
  readonly #byHost: Watched[] = [];
  readonly #accusations: Accusations = new Accusations();
  /** Leaders that have just said that they are established, whatever they are by now. */
  readonly #established: Set<number> = new Set();
  /** By leader: what it has called committed since it last acted. */
  readonly #saidCommitted: Map<number, number> = new Map();
  readonly #voting: Watched[] = [];

  /** With a `recorder` the history of the clients is written down; `isTolerant`: what they find wrong is left to its judges. */
  constructor(world: World, plan: RunPlan, recorder: Recorder | null = null, isTolerant = false) {
    this.world = world;
    this.plan = plan;
    this.network = new SimNetwork(world);
    this.history = new History(this.oracle);
    this.#random = world.stream('cluster');
    this.network.prepareLink = (link) => {
      link.delay = plan.linkDelay;
      link.jitter = plan.linkJitter;
      link.splitChance = plan.splitChance;
    };
    this.shared = {
      world,
      network: this.network,
      history: this.history,
      servers: [],
      laws: new ClientLaws(isTolerant),
      recorder,
      latestAnswered: -1,
      answers: 0,
      refused: new Set(),
      connections: 0,
    };
    this.quorum = new QuorumWatch({
      history: this.history,
      counts: this.counts,
      servers: this.servers,
      now: () => world.now,
      tell: world.trace.tell === null ? null : (line) => world.tell(line),
      established: (sid) => this.#established.add(sid),
      committed: (sid, zxid) => this.#saidCommitted.set(sid, Math.max(zxid, this.#saidCommitted.get(sid) ?? 0)),
      fail: (error) => world.fail(error),
      isExcused: (zxid) => this.#isExcused(zxid),
      isHeldByOthers: (zxid, sid) => {
        const holders = this.#holdersOf(zxid, this.history.hashOf(zxid) ?? 0);
        holders.delete(sid);
        return this.#isQuorumAt(zxid, holders);
      },
      isEpochExcused: (epoch) => this.#isQuorum(({ promises }) => promises.mayNotKnow(epoch)),
    });
    this.contacts = new SessionContacts(this);
    this.network.observer = (from, to, port) => {
      const learner = this.#byHost[from.index];
      const leader = this.#byHost[to.index];
      return port === QUORUM_PORT && learner && leader ? this.quorum.connection(learner, leader) : null;
    };
    this.history.judge = (check) => this.shared.laws.judge(check);
    this.history.committed = (zxid, hash, bytes) => {
      recorder?.committed(bytes);
      this.#committed(zxid, hash);
    };
    this.oracle.expired = (session, zxid) => {
      this.counts.sessionsExpired++;
      this.contacts.expired(session, zxid);
    };
  }

  /** Makes the servers and starts them, each a little later than the one before. */
  startServers(): void {
    const { plan, world } = this;
    const size = plan.voters + plan.observers;
    const addresses = Array.from({ length: size }, (_, i) => `10.0.0.${i + 1}`);
    this.shared.servers = addresses;
    const text = configText(plan, addresses);
    const key = new Uint8Array(32).map(() => this.#random.below(256));
    for (let i = 0; i < size; i++) {
      const sid = i + 1;
      const drift = plan.driftMillionths;
      const settings: NodeSettings = {
        sid,
        address: addresses[i],
        config: text,
        relisted: plan.reconfigureMs === 0 ? null : () => this.#relisted(sid),
        tickTimeMs: plan.tickTimeMs,
        commitLogCount: plan.commitLogCount,
        purgeMs: plan.purgeMs,
        driftMillionths: this.#random.between(-drift, drift),
        sessionKey: key,
        diskDelay: plan.diskDelay,
        timerLateness: plan.timerLateness,
        turnDelay: 20,
      };
      const node = new SimNode(world, this.network, settings, this);
      const durable = new DurableState(node.disk, sid);
      const promises = new DiskPromises(sid, node.disk, durable);
      const watched: Watched = {
        node,
        durable,
        applied: new AppliedTxns(sid, this.history, durable, () => promises.mayHaveHoles),
        promises,
        comparedZxid: -1,
        returns: true,
      };
      node.onContact = (stream) => this.contacts.heard(node, stream.remote.host);
      this.servers.push(watched);
      if (i < plan.voters) this.#voting.push(watched);
      this.#byHost[node.host.index] = watched;
      this.startLater(watched, this.#random.below(500 * MS));
    }
  }

  #relisted(sid: number): string {
    const members = this.memberships.newest?.toText().split('\n') ?? [];
    return relistedText(
      this.plan,
      sid,
      members.filter((line) => line.startsWith('server.')),
    );
  }

  /** `objects`: what they share, instead of asking for anything at random; null: they do ask at random. */
  startClients(objects: ObjectChoice | null): void {
    const { plan, world } = this;
    const pool = objects === null ? null : new ObjectPool(objects);
    for (let i = 0; i < plan.clients; i++) {
      const name = `client ${i + 1}`;
      const { weights, longestData, longDataEvery } = plan;
      const requests = world.stream(`${name} requests`);
      const mix = new RequestMix(requests, this.oracle.tree, weights, longestData, longDataEvery);
      const client = new SimClient(name, `10.1.0.${i + 1}`, this.shared, plan.habits, mix);
      if (pool !== null) client.program = new ObjectProgram(pool, world.stream(`${name} objects`), client);
      this.clients.push(client);
      this.clientHosts.push(client.host);
      this.contacts.add(client);
    }
  }

  startLater(watched: Watched, delay: number): void {
    const { node } = watched;
    this.world.after(delay, EventKind.life, node.host.index, () => {
      if (node.isUp || !watched.returns) return;
      this.counts.restarts++;
      this.world.tell(() => `server ${node.sid} starts`);
      node.start();
    });
  }

  /** A txn has been applied by whoever is running. */
  applied(applier: TxnApplier, before: number, bytes: Uint8Array, start: number, end: number): void {
    this.#byHost[this.world.actor]?.applied.applied(applier, before, bytes, start, end);
  }

  starting(node: SimNode): void {
    const { promises } = this.#byHost[node.host.index];
    if (!promises.isStruck) return;
    promises.starting();
    // What it was told before, it may know no longer.
    this.quorum.forget(node.sid);
  }

  started(node: SimNode): void {
    if (node.isUp) this.#byHost[node.host.index].promises.started();
  }

  /**
   * Whether the disks of a quorum lack a txn through no fault of their servers: some vote without it, and the others know that they
   * have lost something, and do not vote.
   */
  #isExcused(zxid: number): boolean {
    const hash = this.history.hashOf(zxid);
    if (hash === undefined) return false;
    const mayLack = ({ promises }: Watched): boolean => promises.mayLack(zxid, hash);
    // Who has forgotten it wins the election before those that have it, where they have not entered its epoch.
    return this.voters
      .filter(mayLack)
      .some((winner) =>
        this.#isQuorum(
          (watched) =>
            mayLack(watched) ||
            watched.promises.isRebuilding ||
            watched.durable.currentEpoch < winner.durable.currentEpoch,
        ),
      );
  }

  #isQuorum(isOf: (watched: Watched) => boolean): boolean {
    return this.plan.damagedVoters > 0 && this.voters.filter(isOf).length > this.voters.length / 2;
  }

  acted(node: SimNode): void {
    const watched = this.#byHost[node.host.index];
    const role = roleOf(node);
    const { server } = node;
    this.quorum.entered(watched);
    if (server === null) return;
    this.onActed?.(watched);
    if (this.memberships.observe(node)) {
      const { newest } = this.memberships;
      this.world.tell(() => `server ${node.sid} is the first with ${newest?.toText().replaceAll('\n', ' ')}`);
    }
    const hasLed = this.#established.size > 0 && this.#established.delete(node.sid) ? 'leading' : role;
    if (this.#saidCommitted.size > 0) {
      const said = this.#saidCommitted.get(node.sid);
      this.#saidCommitted.delete(node.sid);
      if (hasLed === 'idle' && said !== undefined) watched.applied.commitUpTo(said);
    }
    watched.applied.settle(hasLed, server.replica.serving.database.applier, appliedZxid(node));
    if (role === 'idle') {
      watched.comparedZxid = -1;
      return;
    }
    const zxid = appliedZxid(node);
    const isNews = zxid !== watched.comparedZxid || watched.promises.isStruck;
    if (this.plan.damagedVoters > 0 && isNews) this.#serves(watched);
    if (role === 'serving') this.quorum.serves(watched, zxid);
    if (zxid === watched.comparedZxid) return;
    watched.comparedZxid = zxid;
    this.#compare(watched, zxid);
  }

  #serves({ promises }: Watched): void {
    const wasStruck = promises.isStruck;
    promises.serves();
    if (wasStruck && !promises.isStruck) this.counts.mendings++;
  }

  #compare(watched: Watched, zxid: number): void {
    const { node } = watched;
    const { server } = node;
    if (server === null || this.isForged(node)) return;
    const { serving } = server.replica;
    const { digest } = serving.tree;
    this.history.compareDigest(node.sid, zxid, digest.high, digest.low);
    const isRight = serving.statistics.digestMismatches === 0 || this.#mayBeToldWrongly;
    law(isRight || this.mayDiffer(node), 'state digest', () => {
      return `server ${node.sid} at ${zxidText(zxid)} has another digest than its txn foretold`;
    });
    if (zxid === this.history.last && this.#random.below(TREE_CHECK_EVERY) === 0) this.checkTreeOf(watched);
  }

  /** Whether the tree of a server may differ from what txns say of it. */
  protected mayDiffer(_node: SimNode): boolean {
    return false;
  }

  /** Whether the tree of a server was changed behind its back, and nothing can be said of it. */
  protected isForged(_node: SimNode): boolean {
    return false;
  }

  /** Compares everything that a server holds with the model; it must have applied the whole history. */
  checkTreeOf(watched: Watched): void {
    const { server, sid } = watched.node;
    // Where clients' findings are left alone, the model need not be right.
    if (server === null || this.shared.laws.isTolerant) return;
    this.counts.treeChecks++;
    checkTree(sid, server, this.oracle, this.history.last);
  }

  /** At the moment of a commit a quorum of disks must have it, whatever their caches say; or have had it before they were broken. */
  #committed(zxid: number, hash: number): void {
    this.counts.commitChecks++;
    const holders = this.#holdersOf(zxid, hash);
    law(this.#isQuorumAt(zxid, holders), 'quorum durability', () => {
      const memberships = this.memberships.at(zxid);
      const voters = memberships.map((each) => [...each.voters].join(' ')).join(', then ');
      return `${zxidText(zxid)} is committed while the disks of ${[...holders].join(' ')} hold it; the voters are ${voters}`;
    });
    this.world.tell(() => `${zxidText(zxid)} is committed, the disks of ${[...holders].join(' ')} hold it`);
  }

  #holdersOf(zxid: number, hash: number): Set<number> {
    const holders = new Set<number>();
    for (const { node, durable, promises } of this.servers) {
      if (durable.holds(zxid, hash) || promises.mayHaveHad(zxid)) holders.add(node.sid);
    }
    return holders;
  }

  /** A server alone is its own quorum. */
  #isQuorumAt(zxid: number, servers: ReadonlySet<number>): boolean {
    if (this.plan.voters === 1) return servers.size > 0;
    return this.memberships.at(zxid).every((each) => each.isQuorum(servers));
  }

  ended(node: SimNode, end: NodeEnd | 'stopped' | 'fatal', fatal: FatalExit | null): void {
    const watched = this.#byHost[node.host.index];
    this.quorum.entered(watched);
    watched.applied.forget();
    watched.comparedZxid = -1;
    this.world.tell(() => `server ${node.sid} ends: ${end}`);
    if (end === 'fatal' && !(this.#mayFail(node) && fatal !== null && isOfDisk(fatal))) {
      // Whoever has asked the server to do what ends it might take an exception for the server's own.
      this.world.fail(new Violation('crash', 'a server ends by itself', `server ${node.sid}: ${fatal?.message}`));
      return;
    }
    if (end === 'fatal') {
      this.counts.diskErrors++;
      // A page that was read again from a disk that does not have it, and is written back, takes what was promised with it.
      if (watched.promises.isStruck) watched.promises.remember();
      // Whoever looks after a disk that failed restarts the machine before the server (docs/guides/promises.md).
      node.disk.crash(this.crashKind(node), this.#random.next());
    } else if (end === 'killed') this.counts.kills++;
    else if (end === 'stopped') this.counts.stops++;
    else this.counts.crashes++;
    const meanMs = this.faultsAreOver ? MEAN_DOWN_AFTERWARDS_MS : this.#random.pick(MEAN_DOWN_MS);
    this.startLater(watched, this.#random.wait(meanMs * MS));
  }

  noted(node: SimNode, text: string): void {
    // What a damaged disk makes a server say is no fault of the others; damage of an old file shows when a learner needs that.
    const role = node.server?.replica.member?.role ?? null;
    if (this.#accusations.isOne(text, role) && !this.#mayFail(node) && this.plan.damagedVoters === 0) {
      const message = `server ${node.sid}: ${text}`;
      const isExcused = this.#isExcused(this.history.last);
      this.world.fail(
        isExcused ? new ExcusedLoss(message) : new Violation('safety', 'servers understand one another', message),
      );
    }
  }

  complained(node: SimNode, text: string): void {
    if (this.#mayFail(node) || (this.#mayBeToldWrongly && text.includes('digest'))) return;
    this.world.fail(new Violation('safety', 'a server logs an error', `server ${node.sid}: ${text}`));
  }

  /**
   * Whether a disk has lost something: a leader may have sent on from it a log without the end of an epoch. A learner finds that out by
   * the digests, and asks for the whole state; what it serves is compared with what the others serve all the same.
   */
  get #mayBeToldWrongly(): boolean {
    return this.counts.damages > 0;
  }

  /** Whether something is wrong with the disk of a server. */
  #mayFail(node: SimNode): boolean {
    const { promises } = this.#byHost[node.host.index];
    return node.diskHasFailed || promises.isStruck || node.disk.capacity < Number.POSITIVE_INFINITY;
  }

  crashKind(node: SimNode): CrashKind {
    if (!node.disk.isClean) this.counts.unsyncedCrashes++;
    if (node.disk.crashed) this.faults.strikes('crashAtDisk', node);
    return this.#random.pick<CrashKind>(['lose', 'torn', 'torn', 'keep']);
  }

  /** The run is over: what follows such a loss proves nothing. */
  excuse(loss: ExcusedLoss): void {
    this.counts.excused++;
    this.world.tell(() => `excused: ${loss.message}`);
  }

  /** The servers that vote. */
  get voters(): readonly Watched[] {
    return this.#voting;
  }

  /** Fills in what is only known at the end. */
  finish(): Counts {
    const { counts } = this;
    counts.runs = 1;
    counts.events = this.world.events;
    counts.simulatedMicros = this.world.now;
    counts.writes = this.oracle.writes;
    counts.answers = this.shared.answers;
    for (const { durable } of this.servers) durable.mixInto(this.world.trace);
    for (const client of this.clients) counts.watchEvents += client.watches.fired;
    return counts;
  }
}

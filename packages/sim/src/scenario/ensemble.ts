import type { CrashKind, DiskOperation } from '@headkeeper/testkit';
import { DurableState } from '../check/durable-state.ts';
import { appliedZxid, describeNode, leadingEpoch, roleOf } from '../check/node-view.ts';
import { withTxnProbe } from '../check/txn-probe.ts';
import { Violation, zxidText } from '../check/violation.ts';
import type { Watched } from '../cluster.ts';
import { Recorder } from '../histories/recorder.ts';
import type { Host } from '../network/host.ts';
import type { LinkState } from '../network/link.ts';
import { ELECTION_PORT, QUORUM_PORT } from '../node/node-settings.ts';
import type { SimNode } from '../node/sim-node.ts';
import { drawPlan, type RunPlan } from '../plan/swarm.ts';
import { EventKind } from '../world/event-queue.ts';
import { withoutReality } from '../world/forbidden.ts';
import { Trace } from '../world/trace.ts';
import { MS, SECOND, World } from '../world/world.ts';
import { Packet, PacketGate, type Seen, type Verdict } from './packet-gate.ts';
import { ScriptedClient, type Write } from './scripted-client.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

type PacketType = (typeof Packet)[keyof typeof Packet];

/** Packets that the script has an eye on. */
export interface PacketRule {
  readonly from: number;
  readonly to: number;
  readonly type: PacketType;
  /** Which ones; all without it. */
  readonly when?: (packet: Seen) => boolean;
}

interface ActiveRule extends PacketRule {
  readonly decide: (packet: Seen, gate: PacketGate) => Verdict;
  isOver: boolean;
}

/** Packets held back. */
export class Hold {
  readonly gates: PacketGate[] = [];
  readonly #rule: ActiveRule;

  constructor(rule: ActiveRule) {
    this.#rule = rule;
  }

  /** Whether something waits here. */
  get isReached(): boolean {
    return this.gates.length > 0;
  }

  release(): void {
    this.#rule.isOver = true;
    for (const gate of this.gates) gate.release();
  }
}

export interface EnsembleOptions {
  readonly voters?: number;
  readonly observers?: number;
  readonly seed?: number;
  readonly plan?: Partial<RunPlan>;
  readonly tell?: ((line: string) => void) | undefined;
  /** Writes down what the clients see. */
  readonly records?: boolean;
}

/** Nothing is left to chance that a script wants to decide: no jitter, no split packets, no drift. */
const CALM: Partial<RunPlan> = {
  snapCount: 100_000,
  preAllocKilobytes: 4,
  commitLogCount: 500,
  driftMillionths: 0,
  diskDelay: 100,
  linkDelay: 200,
  linkJitter: 0,
  splitChance: 0,
  timerLateness: 50,
  purgeMs: 0,
  settings: [],
  reconfigureMs: 0,
  restoreMs: 0,
};

/**
 * Writes must commit again so soon once a quorum is whole: `syncLimit`, in which a server without power is missed (10 s), an
 * election, the epoch, a synchronisation and a client's way.
 */
const COMMIT_BOUND_MS = 15_000;

/** A whole ensemble under the hand of a script. All times are virtual milliseconds. */
export class Ensemble {
  readonly world: World;
  readonly cluster: ScriptedCluster;
  /** Null unless it is asked for. */
  readonly recorder: Recorder | null;
  readonly sids: readonly number[];
  readonly #rules: ActiveRule[] = [];
  /** Packets that left, by "from>to type". */
  readonly #sent: Map<string, number> = new Map();
  /** Clients so far; those of the plan come first. */
  #clients: number;

  constructor(options: EnsembleOptions) {
    const { voters = 3, observers = 0, seed = 1 } = options;
    const plan = { ...drawPlan(seed, { voters, observers, clients: 0, profile: 'lite' }), ...CALM, ...options.plan };
    const habits = {
      ...plan.habits,
      moveChance: 0,
      restChance: 0,
      lastWordsChance: 0,
      closeChance: 0,
      vanishChance: 0,
      watchChance: 0,
      timeoutMs: 30_000,
    };
    this.#clients = plan.clients;
    this.world = new World(seed, new Trace(options.tell ?? null));
    this.recorder = options.records === true ? new Recorder('script', () => this.world.now) : null;
    this.cluster = new ScriptedCluster(this.world, { ...plan, habits }, this.recorder);
    const { network } = this.cluster;
    const { observer } = network;
    network.observer = (from, to, port) => {
      const taps = observer?.(from, to, port) ?? null;
      const [a, b] = [this.#sidOf(from), this.#sidOf(to)];
      if (a === 0 || b === 0 || (port !== QUORUM_PORT && port !== ELECTION_PORT)) return taps;
      const isElection = port === ELECTION_PORT;
      return {
        connecting: new PacketGate(taps?.connecting ?? null, isElection, (seen, gate) =>
          this.#decide(a, b, seen, gate),
        ),
        accepting: new PacketGate(taps?.accepting ?? null, isElection, (seen, gate) => this.#decide(b, a, seen, gate)),
      };
    };
    this.cluster.startServers();
    this.sids = this.cluster.servers.map(({ node }) => node.sid);
  }

  // Servers.

  watched(sid: number): Watched {
    return this.cluster.servers[sid - 1];
  }

  node(sid: number): SimNode {
    return this.watched(sid).node;
  }

  start(...sids: readonly number[]): this {
    for (const sid of sids.length === 0 ? this.sids : sids) {
      this.world.tell(() => `server ${sid} starts`);
      this.node(sid).start();
    }
    return this;
  }

  /** The machine loses its power. */
  crash(sid: number, kind: CrashKind = 'lose'): void {
    if (this.node(sid).isUp) this.node(sid).end(kind);
  }

  /** As `crash`, behind what is happening now. */
  crashSoon(sid: number, kind: CrashKind = 'lose'): void {
    this.soon(() => this.crash(sid, kind));
  }

  kill(sid: number): void {
    this.node(sid).end('killed');
  }

  stop(sid: number): void {
    this.node(sid).stopOrderly();
    this.until(`server ${sid} stops in order`, () => !this.node(sid).isUp);
  }

  /** Down with its power, and up again. */
  powerCycle(sid: number): void {
    this.crash(sid);
    this.start(sid);
  }

  /** The server, which is down, loses everything but its secret. */
  wipe(sid: number, isLost: (path: string) => boolean = () => true): void {
    const { disk } = this.node(sid);
    for (const folder of ['/data/version-2', '/log/version-2']) {
      if (!disk.existsSync(folder)) continue;
      for (const name of disk.listSync(folder)) if (isLost(`${folder}/${name}`)) disk.removeSync(`${folder}/${name}`);
      disk.syncDirSync(folder);
    }
    // What is known of the disk was true of the one before.
    const watched = this.cluster.servers[sid - 1] as { durable: DurableState };
    watched.durable = new DurableState(disk, sid);
  }

  /** The server that leads with a quorum behind it, or 0. */
  get leader(): number {
    return this.cluster.servers.find(({ node }) => leadingEpoch(node) !== null && !node.isPaused)?.node.sid ?? 0;
  }

  epochOf(sid: number): number {
    return leadingEpoch(this.node(sid)) ?? 0;
  }

  serves(sid: number): boolean {
    return roleOf(this.node(sid)) !== 'idle';
  }

  applied(sid: number): number {
    return appliedZxid(this.node(sid));
  }

  roleName(sid: number): string {
    return this.node(sid).server?.replica.member?.role.name ?? 'down';
  }

  /** Last committed zxid. */
  get committed(): number {
    return this.cluster.history.last;
  }

  /** Crashes the machine before its `nth` operation of the disk from now on. */
  crashAtDisk(sid: number, nth: number): void {
    const { disk } = this.node(sid);
    disk.crashAt(disk.operations + nth);
  }

  /** Calls before each operation of a disk takes effect; an error thrown there is what the operation ends with. */
  onDisk(sid: number, heard: (operation: DiskOperation, path: string) => void): void {
    const { disk } = this.node(sid);
    const before = disk.beforeOperation;
    disk.beforeOperation = (count, operation, path, bytes) => {
      before?.(count, operation, path, bytes);
      heard(operation, path);
    };
  }

  // Links.

  #sidOf(host: Host): number {
    return this.cluster.servers.find(({ node }) => node.host === host)?.node.sid ?? 0;
  }

  /** One direction. */
  link(from: number, to: number, state: LinkState): void {
    this.cluster.network.setLink(this.node(from).host, this.node(to).host, state);
  }

  /** Both directions between each of `side` and every server that is not of it. */
  isolate(side: readonly number[], state: LinkState = 'silent'): void {
    for (const a of side) {
      for (const b of this.sids) {
        if (side.includes(b)) continue;
        this.link(a, b, state);
        this.link(b, a, state);
      }
    }
  }

  heal(): void {
    for (const a of this.sids) for (const b of this.sids) if (a !== b) this.link(a, b, 'up');
  }

  // Packets.

  #decide(from: number, to: number, packet: Seen, gate: PacketGate): Verdict {
    for (const rule of this.#rules) {
      if (rule.isOver || rule.from !== from || rule.to !== to) continue;
      if (rule.type !== packet.type && (rule.type !== Packet.any || packet.type === Packet.vote)) continue;
      if (rule.when !== undefined && !rule.when(packet)) continue;
      const verdict = rule.decide(packet, gate);
      if (verdict !== 'pass') {
        this.world.tell(
          () => `packet ${packet.type} at ${zxidText(packet.zxid)} from ${from} to ${to}: ${JSON.stringify(verdict)}`,
        );
        return verdict;
      }
    }
    const key = `${from}>${to} ${packet.type}`;
    this.#sent.set(key, (this.#sent.get(key) ?? 0) + 1);
    return 'pass';
  }

  #rule(rule: PacketRule, decide: (packet: Seen, gate: PacketGate) => Verdict): ActiveRule {
    const active = { ...rule, decide, isOver: false };
    this.#rules.push(active);
    return active;
  }

  /** Holds such packets, and all that is behind them on their streams, until they are released. */
  hold(rule: PacketRule): Hold {
    const active = this.#rule(rule, (_packet, gate) => {
      hold.gates.push(gate);
      return 'hold';
    });
    const hold = new Hold(active);
    return hold;
  }

  /** Calls for each such packet as it leaves. Returns how to stop that. */
  on(rule: PacketRule, heard: (packet: Seen) => void): () => void {
    const active = this.#rule(rule, (packet) => {
      heard(packet);
      return 'pass';
    });
    return () => {
      active.isOver = true;
    };
  }

  /** Calls for the first such packet as it leaves. */
  once(rule: PacketRule, heard: (packet: Seen) => void): void {
    const stop = this.on(rule, (packet) => {
      stop();
      heard(packet);
    });
  }

  /** The first such packet is the last of its stream that passes, up to so many bytes; then `whenCut` is called. */
  cut(rule: PacketRule, bytes: number, whenCut: () => void): void {
    const active = this.#rule(rule, () => {
      active.isOver = true;
      return { cutAfter: bytes, whenCut: () => this.soon(whenCut) };
    });
  }

  /** The packet behind the first such packet overtakes it. */
  swap(rule: PacketRule, swapped: () => void): void {
    const active = this.#rule(rule, () => {
      active.isOver = true;
      swapped();
      return 'swap';
    });
  }

  /** Both directions of every election connection carry nothing more, and nobody is told. */
  deafenElections(): void {
    for (const { node } of this.cluster.servers) {
      for (const stream of node.host.streams) {
        if (stream.tap instanceof PacketGate && stream.tap.isElection) this.cluster.network.halfOpen(stream, 'both');
      }
    }
  }

  /** Packets of a type that have left so far. */
  sent(from: number, to: number, type: PacketType): number {
    return this.#sent.get(`${from}>${to} ${type}`) ?? 0;
  }

  /** Resets every stream between two servers, on both sides. */
  reset(a: number, b: number): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ]) {
      const { host } = this.node(one);
      for (const stream of [...host.streams]) {
        if (stream.remote.host !== this.node(other).host.name) continue;
        stream.outgoing?.end('reset');
        host.dispatch(() => stream.closedBy('ECONNRESET'));
      }
    }
  }

  // Clients.

  /** A client of these servers, or of all. */
  client(...sids: readonly number[]): ScriptedClient {
    return new ScriptedClient(this.cluster, ++this.#clients, this.addresses(...sids), 30_000);
  }

  /** A client with a session that waits ten minutes for its server before it tries another time. */
  patient(sid: number): ScriptedClient {
    const client = new ScriptedClient(this.cluster, ++this.#clients, this.addresses(sid), 900_000);
    this.until('a client has a session', () => client.isAttached);
    return client;
  }

  addresses(...sids: readonly number[]): string[] {
    return (sids.length === 0 ? this.sids : sids).map((sid) => this.node(sid).settings.address);
  }

  /** A client with a session, at these servers or any. */
  attached(...sids: readonly number[]): ScriptedClient {
    const client = this.client(...sids);
    this.until('a client has a session', () => client.isAttached);
    return client;
  }

  /** Writes so many znodes, one after the other. */
  write(client: ScriptedClient, count = 1): Write[] {
    const writes: Write[] = [];
    for (let i = 0; i < count; i++) {
      this.until('the client is attached', () => client.isAttached);
      const write = client.put();
      this.until('a write is answered', () => write.zxid !== null);
      writes.push(write);
    }
    return writes;
  }

  // Time.

  run(ms: number): void {
    this.world.runUntil(this.world.now + ms * MS);
  }

  soon(action: () => void): void {
    this.world.after(0, EventKind.fault, 0, action);
  }

  later(ms: number, action: () => void): void {
    this.world.after(ms * MS, EventKind.fault, 0, action);
  }

  /** Lets time pass until it holds; it must within the bound. Returns how long it took, milliseconds. */
  until(what: string, holds: () => boolean, boundMs = 60_000): number {
    const { world } = this;
    const began = world.now;
    const end = began + boundMs * MS;
    while (!holds()) {
      if (world.now >= end)
        throw new Violation('liveness', 'liveness', `not in ${boundMs} ms: ${what} (${this.describe()})`);
      world.runUntil(Math.min(end, world.now + MS));
    }
    return (world.now - began) / MS;
  }

  // What must be so.

  /** The dangerous state, without which the scenario proves nothing, was reached. */
  reached(what: string, condition: boolean): void {
    if (!condition) throw new Violation('coverage', 'not reached', `${what} (${this.describe()})`);
  }

  expect(what: string, condition: boolean): void {
    if (!condition) throw new Violation('safety', 'expected', `${what} (${this.describe()})`);
  }

  /** Some server takes a write: every one that is up has a client that tries. Returns how long it took, milliseconds. */
  commits(boundMs: number = COMMIT_BOUND_MS): number {
    const up = this.sids.filter((sid) => this.node(sid).isUp && !this.node(sid).isPaused);
    const tries = up.map((sid) => ({ client: this.client(sid), write: null as Write | null }));
    const began = this.world.now;
    const isDone = (): boolean => {
      for (const each of tries) {
        if (each.write?.zxid != null) return true;
        if (!each.client.isAttached) each.write = null;
        else each.write ??= each.client.put();
      }
      return false;
    };
    this.until('a write is committed', isDone, boundMs);
    return (this.world.now - began) / MS;
  }

  /** All that are up come to have everything that is committed, and the same state as the model in all of it. */
  agree(...sids: readonly number[]): void {
    const up = (sids.length === 0 ? this.sids : sids).filter((sid) => this.node(sid).isUp);
    this.until(`servers ${up.join(' ')} agree`, () =>
      up.every((sid) => this.serves(sid) && this.applied(sid) >= this.committed),
    );
    for (const sid of up) {
      this.expect(`server ${sid} ends with ${zxidText(this.committed)}`, this.applied(sid) === this.committed);
      this.cluster.checkTreeOf(this.watched(sid));
    }
  }

  /** The writes are in every tree that has come so far. */
  has(writes: readonly Write[]): void {
    for (const { path, zxid } of writes) {
      this.expect(
        `${path}, acknowledged at ${zxidText(zxid ?? 0)}, exists`,
        this.cluster.oracle.tree.latest(path) !== null,
      );
    }
  }

  /** Everybody is up and whole: a write commits, all agree, the power of all goes, and they agree again. */
  settles(): void {
    this.heal();
    for (const sid of this.sids) {
      this.node(sid).diskSlowness = 1;
      this.node(sid).resume();
      if (!this.node(sid).isUp) this.start(sid);
    }
    this.commits(30_000);
    this.agree();
    for (const sid of this.sids) this.crash(sid);
    this.start();
    this.commits(30_000);
    this.agree();
  }

  describe(): string {
    const states = this.cluster.servers.map(
      ({ node }) => `${node.sid} ${describeNode(node)} ${zxidText(appliedZxid(node))}`,
    );
    return `at ${(this.world.now / SECOND).toFixed(3)} s, committed ${zxidText(this.committed)}: ${states.join(', ')}`;
  }
}

/** Runs a script over a fresh ensemble, under all the laws and without real time or chance. */
export function withEnsemble(options: EnsembleOptions, body: (ensemble: Ensemble) => void): void {
  withoutReality(() => {
    const ensemble = new Ensemble(options);
    withTxnProbe(
      (applier, before, bytes, start, end) => ensemble.cluster.applied(applier, before, bytes, start, end),
      () => body(ensemble),
    );
  });
}

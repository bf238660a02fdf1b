/** Several servers on the loopback interface, of any kinds, that make one ensemble. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnsembleSession } from './ensemble-session.ts';
import { Member, type MemberKind, type Mode } from './member.ts';
import { Mesh } from './mesh.ts';
import { takePorts } from './ports.ts';
import { until } from './waiting.ts';

export interface EnsembleOptions {
  /** Kind of server 1, of server 2, and so on. */
  readonly kinds: readonly MemberKind[];
  /** The servers that only observe. */
  readonly observers?: readonly number[];
  /** Milliseconds; 1,000 when not given. */
  readonly tickTime?: number;
  readonly initLimit?: number;
  readonly syncLimit?: number;
  /** Whether servers reach each other through relays, so that the network can be broken. */
  readonly relays?: boolean;
  /** Of what is random on these ways; 0 when not given. */
  readonly seed?: number;
  /** Further lines of every zoo.cfg. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Java system properties of Apache's servers. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Long enough for a Java process on a busy machine. */
const START_TIMEOUT_MS = 60_000;

export class Ensemble {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'headkeeper-ensemble-'));
  readonly #members: Map<number, Member> = new Map();
  readonly #options: EnsembleOptions;
  #mesh: Mesh | null = null;

  private constructor(options: EnsembleOptions) {
    this.#options = options;
  }

  /** Makes folders and ports; starts nothing. */
  static async create(options: EnsembleOptions): Promise<Ensemble> {
    const ensemble = new Ensemble(options);
    if (options.relays === true) ensemble.#mesh = new Mesh(options.seed ?? 0);
    for (const [index, kind] of options.kinds.entries()) {
      await ensemble.#add(index + 1, kind, options.observers?.includes(index + 1) === true);
    }
    for (const member of ensemble.members) ensemble.#settle(member);
    return ensemble;
  }

  /** Creates an ensemble and starts it; returns once all serve, `leader` at their head if one is named. */
  static async start(options: EnsembleOptions, leader?: number): Promise<Ensemble> {
    const ensemble = await Ensemble.create(options);
    try {
      await ensemble.startAll(leader);
    } catch (error) {
      await ensemble.end(false);
      throw error;
    }
    return ensemble;
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  get sids(): readonly number[] {
    return [...this.#members.keys()];
  }

  get voters(): readonly Member[] {
    return this.members.filter((member) => !member.observer);
  }

  get mesh(): Mesh {
    if (this.#mesh === null) throw new Error('this ensemble has no relays');
    return this.#mesh;
  }

  member(sid: number): Member {
    const member = this.#members.get(sid);
    if (member === undefined) throw new RangeError(`no server ${sid}`);
    return member;
  }

  /** Starts all; `leader` wins because it comes first, with only as many as it takes to elect it. */
  async startAll(leader?: number): Promise<void> {
    const head = leader === undefined ? this.voters : this.#electorsOf(leader);
    for (const member of head) await member.start();
    await this.waitForLeader();
    for (const member of this.members) if (!member.running) await member.start();
    await this.waitUntilWhole();
    if (leader !== undefined) await this.makeLeader(leader);
  }

  /** The running server that says it leads, or null; two of them are no answer either. */
  async leader(): Promise<Member | null> {
    const modes = await this.modes();
    const leaders = [...modes].filter(([, mode]) => mode === 'leader');
    return leaders.length === 1 ? this.member((leaders[0] as [number, Mode])[0]) : null;
  }

  async modes(): Promise<ReadonlyMap<number, Mode | null>> {
    const modes = await Promise.all(this.members.map((member) => member.mode()));
    return new Map(this.sids.map((sid, index) => [sid, modes[index] ?? null]));
  }

  waitForLeader(timeoutMs: number = START_TIMEOUT_MS): Promise<Member> {
    return until('a leader', timeoutMs, () => this.leader(), this.#tails);
  }

  /** Waits until every server runs and serves, one of them as the leader. */
  async waitUntilWhole(timeoutMs: number = START_TIMEOUT_MS): Promise<Member> {
    return until(
      'every server serving',
      timeoutMs,
      async () => {
        const dead = this.members.find((member) => !member.running);
        if (dead !== undefined) throw new Error(`${dead.name} has ended\n${this.#tails()}`);
        const modes = [...(await this.modes())];
        const whole = modes.every(([sid, mode]) => {
          return mode === (this.member(sid).observer ? 'observer' : 'follower') || mode === 'leader';
        });
        const leaders = modes.filter(([, mode]) => mode === 'leader');
        return whole && leaders.length === 1 && this.member((leaders[0] as [number, Mode])[0]);
      },
      this.#tails,
    );
  }

  /**
   * Brings a voter to lead: one half of the others misses a write, and is then all that it has to win against. All must be
   * serving, and are afterwards.
   */
  async makeLeader(sid: number): Promise<void> {
    const leader = await this.waitUntilWhole();
    if (leader.sid === sid) return;
    const wanted = this.member(sid);
    const others = this.voters.filter((member) => member !== wanted);
    const half = Math.floor(this.voters.length / 2);
    const [knowing, ignorant] = [others.slice(0, half), others.slice(half)];
    await Promise.all(ignorant.map((member) => member.stop()));
    await this.waitForLeader();
    const session = new EnsembleSession('lawmaker', { ports: [wanted.clientPort] });
    await session.link();
    await session.close();
    await Promise.all(knowing.map((member) => member.stop()));
    for (const member of ignorant) await member.start();
    const next = await this.waitForLeader();
    for (const member of knowing) await member.start();
    await this.waitUntilWhole();
    if (next !== wanted) throw new Error(`${next.name} leads, and not server ${sid}\n${this.#tails()}`);
  }

  /** Stops a server and starts another kind on its folder; waits until that serves. */
  async replace(sid: number, kind: MemberKind): Promise<void> {
    const member = this.member(sid);
    if (member.running) await member.stop();
    member.kind = kind;
    await member.start();
    await this.waitUntilWhole();
  }

  /** A further server, which the others do not know yet; not started. */
  async join(sid: number, kind: MemberKind, observer: boolean): Promise<Member> {
    const member = await this.#add(sid, kind, observer);
    this.#settle(member);
    return member;
  }

  /** Kills all that runs. The folder is kept when something failed. */
  async end(remove: boolean): Promise<void> {
    await Promise.all(this.members.filter((member) => member.running).map((member) => member.kill()));
    await this.#mesh?.close();
    if (remove) rmSync(this.folder, { recursive: true, force: true });
  }

  /** `server.N=...` of one server as another one finds it. */
  serverLine(from: Member, to: Member): string {
    const direct = { quorum: to.quorumPort, election: to.electionPort };
    const { quorum, election } = from === to || this.#mesh === null ? direct : this.#mesh.portsFor(from.sid, to.sid);
    return `127.0.0.1:${quorum}:${election}:${to.observer ? 'observer' : 'participant'}`;
  }

  async #add(sid: number, kind: MemberKind, observer: boolean): Promise<Member> {
    mkdirSync(this.folder, { recursive: true });
    const [clientPort, quorumPort, electionPort] = (await takePorts(3)) as [number, number, number];
    const { folder } = this;
    const member = new Member({ sid, kind, observer, folder, clientPort, quorumPort, electionPort });
    if (this.#mesh !== null) await this.#mesh.add(portsOf(member), this.members.map(portsOf));
    this.#members.set(sid, member);
    return member;
  }

  #settle(member: Member): void {
    const { tickTime = 1000, initLimit = 10, syncLimit = 5, settings = {}, properties = {} } = this.#options;
    const servers = this.members.map((other) => [`server.${other.sid}`, this.serverLine(member, other)] as const);
    member.settings = {
      tickTime: String(tickTime),
      initLimit: String(initLimit),
      syncLimit: String(syncLimit),
      ...(member.observer ? { peerType: 'observer' } : {}),
      ...settings,
      ...Object.fromEntries(servers),
    };
    member.properties = properties;
  }

  /** The wanted leader, and as many of the smallest voters as make a majority with it. */
  #electorsOf(leader: number): Member[] {
    const needed = Math.floor(this.voters.length / 2);
    const others = this.voters.filter((member) => member.sid !== leader).slice(0, needed);
    return [...others, this.member(leader)];
  }

  /** The end of every server's log. */
  readonly #tails = (): string =>
    this.members.map((member) => `--- ${member.name}\n${member.logSince(0).slice(-1500)}`).join('\n');
}

function portsOf(member: Member): { sid: number; quorum: number; election: number } {
  return { sid: member.sid, quorum: member.quorumPort, election: member.electionPort };
}

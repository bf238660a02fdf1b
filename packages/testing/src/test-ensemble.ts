import { findPorts } from './network/ports.ts';
import { Switchboard } from './network/switchboard.ts';
import { ServerNode } from './node/server-node.ts';
import { checkOptions, configOf, type MemberPorts, type TestEnsembleOptions } from './options.ts';
import { TestMember } from './test-member.ts';
import { PATIENCE_MS, SILENT, TestServers } from './test-servers.ts';
import { TestingError } from './testing-error.ts';
import { TestTime } from './time/test-time.ts';
import { until } from './time/turns.ts';

const PORTS_PER_SERVER = 3;

interface Founded {
  readonly nodes: readonly ServerNode[];
  readonly time: TestTime;
  readonly switchboard: Switchboard;
}

/**
 * Several servers inside this process as one ensemble: real elections and replication over real sockets.
 *
 * ```ts
 * await using ensemble = await TestEnsemble.start(3);
 * const client = await connect(ensemble.connectString);
 * await ensemble.killLeader();
 * ```
 */
export class TestEnsemble {
  /** The servers, by their ids from 1. */
  readonly servers: readonly TestMember[];
  readonly #switchboard: Switchboard;
  readonly #all: TestServers;

  private constructor({ nodes, time, switchboard }: Founded) {
    this.servers = nodes.map((node, index) => new TestMember(index + 1, node));
    this.#switchboard = switchboard;
    this.#all = new TestServers(nodes, time);
  }

  /**
   * Starts so many servers, 1 to 9; resolves when all of them serve.
   *
   * @throws TestingError when an option is wrong, or ports or folders cannot be had.
   */
  static async start(servers = 3, options: TestEnsembleOptions = {}): Promise<TestEnsemble> {
    checkOptions(options, servers);
    const ensemble = new TestEnsemble(await found(servers, options));
    try {
      await ensemble.restartAll();
      return ensemble;
    } catch (error) {
      await ensemble.stop();
      throw error;
    }
  }

  /** `host:port` of every server, running or not, separated by commas. */
  get connectString(): string {
    return this.servers.map(({ connectString }) => connectString).join(',');
  }

  /** The server that leads and serves, or null. */
  leader(): TestMember | null {
    const { deciding } = this.#all;
    return this.servers.find((_member, index) => this.#all.nodes[index] === deciding) ?? null;
  }

  /** The servers that follow it. */
  followers(): readonly TestMember[] {
    return this.servers.filter((member) => member.isServing && member.role === 'follower');
  }

  /**
   * Resolves with the leader, once there is one.
   *
   * @throws TestingError when there is none within `timeoutMs` milliseconds of real time.
   */
  async waitForLeader(timeoutMs: number = PATIENCE_MS): Promise<TestMember> {
    await until(() => this.leader() !== null, timeoutMs);
    const leader = this.leader();
    if (leader === null) throw new TestingError(`no server leads after ${timeoutMs} ms: ${this.#roles()}`);
    return leader;
  }

  /** Kills the leader, as `kill` of the server, and resolves with it. The others elect another one: `waitForLeader`. */
  async killLeader(): Promise<TestMember> {
    const leader = await this.waitForLeader();
    await leader.kill();
    return leader;
  }

  /**
   * Starts every server that does not run, and resolves when all of them serve; those that are paused are not waited for.
   *
   * @throws TestingError when one cannot start or ends by itself meanwhile, or when there is no quorum that can talk.
   */
  async restartAll(): Promise<void> {
    const down = this.servers.filter(({ state }) => state === 'stopped' || state === 'failed');
    await Promise.all(down.map((member) => member.restart()));
    const expected = this.servers.filter(({ state }) => state === 'running');
    const hasFailed = (): TestMember | undefined => expected.find(({ failure }) => failure !== null);
    await until(() => expected.every(({ isServing }) => isServing) || hasFailed() !== undefined, PATIENCE_MS);
    if (expected.every(({ isServing }) => isServing)) return;
    const failed = hasFailed();
    if (failed !== undefined) throw new TestingError(`server ${failed.id} has failed: ${failed.failure?.message}`);
    throw new TestingError(`not all servers serve after ${PATIENCE_MS} ms: ${this.#roles()}`);
  }

  /**
   * Cuts the ways between groups of servers, given by their ids: `partition([1], [2, 3])`. Servers of no group are one more.
   * What is sent across is held, as if the cable were out; the servers find out by the silence, after half a second by default.
   * Clients reach all servers. A second partition takes the place of the first.
   */
  partition(...groups: readonly (readonly number[])[]): void {
    const groupOf = new Map<number, number>();
    for (const [index, group] of groups.entries()) {
      for (const id of group) {
        if (!this.servers.some((member) => member.id === id)) {
          throw new TestingError(`partition(): there is no server ${id}; ids are 1 to ${this.servers.length}`);
        }
        if (groupOf.has(id)) throw new TestingError(`partition(): server ${id} is in two groups`);
        groupOf.set(id, index + 1);
      }
    }
    for (const { id } of this.servers) if (!groupOf.has(id)) groupOf.set(id, 0);
    this.#switchboard.partition(groupOf);
  }

  /** All servers reach all others again, and what was held arrives. */
  heal(): void {
    this.#switchboard.heal();
  }

  /** Ids of the live sessions. Needs a leader. */
  sessions(): readonly bigint[] {
    return this.#all.sessions();
  }

  /** As `TestServer.expireSession`; resolves when no serving server knows the session. Needs a leader. */
  expireSession(id: bigint): Promise<void> {
    return this.#all.expireSession(id);
  }

  /**
   * As `TestServer.advance`, for all servers at once. They go on hearing each other meanwhile, so that a leader stays one: that
   * takes about a second for half an hour.
   */
  advance(ms: number): Promise<void> {
    return this.#all.advance(ms);
  }

  /** As `TestServer.reset`; resolves when all serving servers are empty. Needs a leader; ends no partition. */
  reset(): Promise<void> {
    return this.#all.reset();
  }

  /** Ends all servers at once. What was acknowledged stays in their folders, if they have any. `restartAll` starts them again. */
  stop(): Promise<void> {
    return this.#all.killAll();
  }

  /** As `stop`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #roles(): string {
    return this.servers.map(({ id, state, role }) => `server ${id} is ${role ?? state}`).join(', ');
  }
}

async function found(servers: number, options: TestEnsembleOptions): Promise<Founded> {
  const { port: firstPort } = options;
  const free = await findPorts(servers * PORTS_PER_SERVER);
  const ports = new Map<number, MemberPorts>();
  const owners = new Map<number, number>();
  for (let sid = 1; sid <= servers; sid++) {
    const [client, quorum, election] = free.splice(0, PORTS_PER_SERVER) as [number, number, number];
    ports.set(sid, { client: firstPort === undefined ? client : firstPort + sid - 1, quorum, election });
    owners.set(quorum, sid);
    owners.set(election, sid);
  }
  const time = new TestTime();
  const switchboard = new Switchboard(owners);
  const nodes = [...ports].map(
    ([sid, { client }]) =>
      new ServerNode({
        name: `server ${sid}`,
        config: configOf(options.settings, `${options.dir ?? '/headkeeper'}/server${sid}`, client, { sid, ports }),
        inMemory: options.dir === undefined,
        time,
        switchboard,
        log: options.log ?? SILENT,
      }),
  );
  return { nodes, time, switchboard };
}

import { CreateMode, encodeUtf8, OpCode, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import type { ClientLaws } from '../check/client-laws.ts';
import type { History } from '../check/history.ts';
import { RequestMix } from '../client/request-mix.ts';
import { type ClientWorld, SimClient } from '../client/sim-client.ts';
import type { Cluster } from '../cluster.ts';
import type { Recorder } from '../histories/recorder.ts';
import type { SimNetwork } from '../network/sim-network.ts';
import type { World } from '../world/world.ts';

/** What all clients share, but for the servers that this one may go to. */
class OwnServers implements ClientWorld {
  readonly #shared: ClientWorld;
  servers: readonly string[];

  constructor(shared: ClientWorld, servers: readonly string[]) {
    this.#shared = shared;
    this.servers = servers;
  }

  get world(): World {
    return this.#shared.world;
  }

  get network(): SimNetwork {
    return this.#shared.network;
  }

  get history(): History {
    return this.#shared.history;
  }

  get refused(): Set<bigint> {
    return this.#shared.refused;
  }

  get laws(): ClientLaws {
    return this.#shared.laws;
  }

  get recorder(): Recorder | null {
    return this.#shared.recorder;
  }

  get latestAnswered(): number {
    return this.#shared.latestAnswered;
  }

  set latestAnswered(at: number) {
    this.#shared.latestAnswered = at;
  }

  get answers(): number {
    return this.#shared.answers;
  }

  set answers(count: number) {
    this.#shared.answers = count;
  }

  get connections(): number {
    return this.#shared.connections;
  }

  set connections(count: number) {
    this.#shared.connections = count;
  }
}

/** A write under way. */
export interface Write {
  readonly path: string;
  /** Null until it is answered. */
  zxid: number | null;
}

/** A client that does nothing but what the script says, and checks every answer like any other. */
export class ScriptedClient {
  readonly client: SimClient;
  readonly #world: OwnServers;
  readonly writes: Write[] = [];
  readonly #number: number;

  constructor(cluster: Cluster, number: number, servers: readonly string[], timeoutMs: number) {
    this.#number = number;
    this.#world = new OwnServers(cluster.shared, servers);
    const { plan, world, oracle } = cluster;
    const mix = new RequestMix(world.stream(`script ${number}`), oracle.tree, plan.weights, 1);
    const habits = { ...plan.habits, timeoutMs };
    this.client = new SimClient(`client ${number}`, `10.1.0.${number}`, this.#world, habits, mix);
    this.client.isBusy = false;
    cluster.clients.push(this.client);
  }

  /** Where it goes when it connects next. */
  goesTo(servers: readonly string[]): void {
    this.#world.servers = servers;
  }

  get isAttached(): boolean {
    return this.client.isAttached;
  }

  /** Sends the creation of a znode under a name of its own. */
  put(bytes = 10): Write {
    const write: Write = { path: `/z${this.#number}-${this.writes.length}`, zxid: null };
    this.writes.push(write);
    const body = {
      path: write.path,
      data: encodeUtf8('d'.repeat(bytes)),
      acl: WORLD_ANYONE_ALL,
      flags: CreateMode.persistent,
    };
    this.client.write({ op: 'create', body }, (answer) => {
      write.zxid = answer.zxid;
    });
    return write;
  }

  /** Writes other data into a znode; returns whether that is answered. */
  change(path: string): () => boolean {
    let isOver = false;
    this.client.write({ op: 'setData', body: { path, data: encodeUtf8('other'), version: -1 } }, () => {
      isOver = true;
    });
    return () => isOver;
  }

  /** Many znodes in one txn. */
  putMany(count: number, bytes: number): Write {
    const write: Write = { path: `/m${this.#number}-${this.writes.length}`, zxid: null };
    this.writes.push(write);
    const data = encodeUtf8('d'.repeat(bytes));
    const ops = Array.from({ length: count }, (_, i) => ({
      type: OpCode.create,
      body: { path: `${write.path}-${i}`, data, acl: WORLD_ANYONE_ALL, flags: CreateMode.persistent },
    }));
    this.client.write({ op: 'multi', body: { ops } }, (answer) => {
      write.zxid = answer.zxid;
    });
    return write;
  }

  /** An ephemeral. */
  putEphemeral(): Write {
    const write: Write = { path: `/e${this.#number}-${this.writes.length}`, zxid: null };
    this.writes.push(write);
    const body = { path: write.path, data: null, acl: WORLD_ANYONE_ALL, flags: CreateMode.ephemeral };
    this.client.write({ op: 'create', body }, (answer) => {
      write.zxid = answer.zxid;
    });
    return write;
  }
}

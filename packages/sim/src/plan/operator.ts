import type { Membership } from '@headkeeper/server/internal';
import type { RandomStream } from '@headkeeper/testkit';
import { ClientConnection } from '../client/connection.ts';
import type { Cluster } from '../cluster.ts';
import type { Host } from '../network/host.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS } from '../world/world.ts';
import { memberLine } from './swarm.ts';

const SESSION_TIMEOUT_MS = 6000;
const CONNECT_MS = 2000;
/** How long the answer is waited for. */
const PATIENCE_MS = 15_000;

type Role = 'participant' | 'observer';

/** Changes the members of the ensemble, one random change after the other, until it is told to stop. */
export class Operator {
  readonly #cluster: Cluster;
  readonly #random: RandomStream;
  readonly #host: Host;
  #connection: ClientConnection | null = null;
  #isStopped = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#random = cluster.world.stream('operator');
    this.#host = cluster.network.addHost('10.2.0.1', { dispatch: (action) => action() });
  }

  start(): void {
    const meanMs = this.#cluster.plan.reconfigureMs;
    if (meanMs === 0) return;
    this.#cluster.world.after(this.#random.wait(meanMs) * MS, EventKind.fault, 0, () => {
      if (this.#isStopped) return;
      this.#connect();
      this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#hangUp();
  }

  #hangUp(): void {
    this.#connection?.drop();
    this.#connection = null;
  }

  #connect(): void {
    const { world, network, servers, oracle, counts } = this.#cluster;
    const { newest } = this.#cluster.memberships;
    if (newest === null || newest.version === 0) return;
    this.#hangUp();
    const server = this.#random.pick(servers).node.settings.address;
    const connection = new ClientConnection(network, this.#host, server, CONNECT_MS, {
      established: () =>
        connection.handshake({
          protocolVersion: 0,
          lastZxidSeen: 0,
          timeOut: SESSION_TIMEOUT_MS,
          sessionId: 0n,
          passwd: new Uint8Array(16),
          readOnly: false,
        }),
      attached: ({ sessionId, timeOut }) => {
        if (timeOut === 0) return;
        oracle.operators.add(sessionId);
        const body = { joiningServers: null, leavingServers: null, newMembers: null, curConfigId: -1 };
        const change = this.#change(newest);
        world.tell(() => `the operator asks ${server}: ${JSON.stringify(change)}`);
        connection.request(1, 'reconfig', { ...body, ...change }, ({ error }) => {
          world.tell(() => `the operator is answered ${error}`);
          if (error === 0) counts.reconfigurations++;
          connection.drop();
        });
      },
      event: () => {},
      lost: () => {},
    });
    this.#connection = connection;
    world.after(PATIENCE_MS * MS, EventKind.fault, 0, () => connection.drop());
  }

  #change(membership: Membership): {
    joiningServers?: string;
    leavingServers?: string;
    newMembers?: string;
  } {
    const sids = this.#cluster.servers.map(({ node }) => node.sid);
    const sid = this.#random.pick(sids);
    const role: Role = this.#random.below(3) === 0 ? 'observer' : 'participant';
    switch (this.#random.below(5)) {
      case 0:
        return { leavingServers: String(sid) };
      case 1: {
        const chosen = this.#random.shuffled(sids).slice(0, this.#random.between(1, sids.length));
        return { newMembers: chosen.map((each) => this.#line(each, this.#roleIn(membership, each))).join(',') };
      }
      default:
        return { joiningServers: this.#line(sid, role) };
    }
  }

  /** As it is, mostly. */
  #roleIn(membership: Membership, sid: number): Role {
    return this.#random.below(4) === 0 ? 'observer' : (membership.members.get(sid)?.role ?? 'participant');
  }

  #line(sid: number, role: Role): string {
    return memberLine(sid, `10.0.0.${sid}`, role);
  }
}

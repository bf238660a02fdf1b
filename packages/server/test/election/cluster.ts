/**
 * Servers that elect leaders over simulated connections, with a sketch of what follows: learners find the leader they chose,
 * a leader with a quorum of learners opens an epoch and commits, one without gives up. Virtual time, one seed.
 */
import assert from 'node:assert/strict';
import { decodeNotification, type Notification } from '@headkeeper/protocol';
import { SeededRandom } from '@headkeeper/testkit';
import { Unanswered } from '../../src/adapters/peer/election-peers.ts';
import { FastElection, type OwnStanding } from '../../src/core/election/fast-election.ts';
import type { ElectionVote } from '../../src/core/election/vote.ts';
import { type Membership, parseMembership } from '../../src/core/membership/membership.ts';
import { ApacheElection } from './apache-election.ts';

export const EPOCH = 2 ** 32;
/** Connect attempts of a learner, the quorum wait of a leader; milliseconds. */
const LEARNER_PATIENCE = 600;
const LEADER_PATIENCE = 4000;
/** As `cnxTimeout`. */
const CONNECT_TIMEOUT = 5000;
const CLOSED_NOTICED = 2;

export interface ServerPlan {
  readonly sid: number;
  readonly role?: 'participant' | 'observer';
  readonly zxid?: number;
  readonly peerEpoch?: number;
  readonly mayVote?: OwnStanding['mayVote'];
  readonly apache?: boolean;
}

/** The text of a configuration of these servers. */
export function membershipOf(servers: readonly ServerPlan[], extra: readonly string[] = [], version = 0): Membership {
  const lines = servers.map(({ sid, role }) => `server.${sid}=h${sid}:2888:3888:${role ?? 'participant'}`);
  return parseMembership([...lines, ...extra, `version=${version.toString(16)}`].join('\n'));
}

export interface Server {
  readonly sid: number;
  readonly participant: boolean;
  readonly apache: boolean;
  readonly received: { from: number; atMs: number; message: Notification }[];
  /** What its disk holds. */
  zxid: number;
  peerEpoch: number;
  mayVote: OwnStanding['mayVote'];
  /** Null while its process is down. */
  election: FastElection | ApacheElection | null;
  role: 'looking' | 'following' | 'observing' | 'leading';
  elected: ElectionVote | null;
  electedAtMs: number;
  /** Followers connected, when it leads. */
  learners: Set<number>;
  /** Whether its epoch is open: as leader, or as an up-to-date learner. */
  established: boolean;
  roleSinceMs: number;
  roleNumber: number;
  wakeAtMs: number;
}

interface Link {
  up: boolean;
  halfOpen: boolean;
  generation: number;
  /** The one-slot queues, by sender. */
  readonly waiting: Map<number, Uint8Array>;
  /** The last message written, which Apache's servers say again on a new connection. */
  readonly last: Map<number, Uint8Array>;
  /** When the last message arrives, by sender: order is kept. */
  readonly arrival: Map<number, number>;
  /** By sender; Apache's servers do not mind. */
  readonly unanswered: Map<number, Unanswered>;
}

export interface ClusterOptions {
  readonly servers: readonly ServerPlan[];
  readonly extra?: readonly string[];
  readonly seed?: number;
  /** Delay of a message in milliseconds. */
  readonly latency?: (random: SeededRandom, from: number, to: number) => number;
}

export class Cluster {
  nowMs = 0;
  sentCount = 0;
  /** The last zxid acknowledged by a quorum. */
  committed = 0;
  /** Leaders that found a learner with more history than theirs. */
  overtaken = 0;
  /** Whether a message in flight is lost though its connection stays. */
  loses: (from: number, to: number) => boolean = () => false;
  /** Sees each message before it is sent; false drops it. */
  passes: (from: number, to: number, message: Notification) => boolean = () => true;
  readonly membership: Membership;
  readonly servers = new Map<number, Server>();
  readonly random: SeededRandom;
  readonly #latency: (random: SeededRandom, from: number, to: number) => number;
  readonly #links = new Map<string, Link>();
  /** Directed pairs between which nothing passes; `silent` ones do not even refuse. */
  readonly #cuts = new Map<string, 'refused' | 'silent'>();
  readonly #events: { atMs: number; number: number; run: () => void }[] = [];
  #eventNumber = 0;

  constructor(options: ClusterOptions) {
    this.membership = membershipOf(options.servers, options.extra ?? []);
    this.random = new SeededRandom(options.seed ?? 1);
    this.#latency = options.latency ?? (() => 1);
    for (const plan of options.servers) {
      this.servers.set(plan.sid, {
        sid: plan.sid,
        participant: plan.role !== 'observer',
        apache: plan.apache === true,
        received: [],
        zxid: plan.zxid ?? 0,
        peerEpoch: plan.peerEpoch ?? 0,
        mayVote: plan.mayVote ?? 'yes',
        election: null,
        role: 'looking',
        elected: null,
        electedAtMs: 0,
        learners: new Set(),
        established: false,
        roleSinceMs: 0,
        roleNumber: 0,
        wakeAtMs: Number.POSITIVE_INFINITY,
      });
      this.committed = Math.max(this.committed, plan.zxid ?? 0);
    }
  }

  server(sid: number): Server {
    return this.servers.get(sid)!;
  }

  at(delayMs: number, run: () => void): void {
    const event = { atMs: this.nowMs + delayMs, number: this.#eventNumber++, run };
    let i = this.#events.length;
    while (i > 0 && this.#events[i - 1]!.atMs > event.atMs) i--;
    this.#events.splice(i, 0, event);
  }

  /** Runs until `done` holds, checked after each event, or throws when that takes longer than `limitMs`. */
  runUntil(done: () => boolean, limitMs: number, what = 'the expected state'): number {
    const from = this.nowMs;
    while (!done()) {
      const event = this.#events[0];
      if (event === undefined || event.atMs > from + limitMs) {
        assert.fail(`${what} was not reached in ${limitMs} ms: ${this.describe()}`);
      }
      this.#step();
    }
    return this.nowMs - from;
  }

  run(forMs: number): void {
    const until = this.nowMs + forMs;
    while (this.#events.length > 0 && this.#events[0]!.atMs <= until) this.#step();
    this.nowMs = until;
  }

  describe(): string {
    return [...this.servers.values()]
      .map((s) => {
        const state = s.election === null ? 'down' : `${s.role}${s.established ? '+' : ''} r${s.election.round}`;
        return `${s.sid}: ${state} -> ${s.elected?.leader ?? '-'} (${s.peerEpoch}, ${s.zxid}, ${s.mayVote})`;
      })
      .join('; ');
  }

  /** Whether every live server is part of one established ensemble. */
  get settled(): boolean {
    const alive = [...this.servers.values()].filter((s) => s.election !== null);
    const leaders = alive.filter((s) => s.role === 'leading' && s.established);
    return leaders.length === 1 && alive.every((s) => s.established && s.elected?.leader === leaders[0]!.sid);
  }

  startAll(sids: Iterable<number> = this.servers.keys()): void {
    for (const sid of [...sids]) this.start(sid);
  }

  start(sid: number): void {
    const server = this.server(sid);
    assert.equal(server.election, null);
    const settings = { sid, minNotificationIntervalMs: 200, maxNotificationIntervalMs: 60_000, finalizeWaitMs: 200 };
    server.election = server.apache
      ? new ApacheElection(settings)
      : new FastElection({ ...settings, reconfigEnabled: false });
    server.election.configure(this.membership, this.membership);
    this.#look(server);
  }

  crash(sid: number): void {
    const server = this.server(sid);
    server.election = null;
    server.roleNumber++;
    server.role = 'looking';
    server.established = false;
    this.#leave(server);
    for (const peer of this.servers.values()) if (peer.sid !== sid) this.disconnect(sid, peer.sid);
  }

  /** Its disk is lost. */
  wipe(sid: number): void {
    Object.assign(this.server(sid), { zxid: 0, peerEpoch: 0, mayVote: 'blank' });
  }

  /** From now on nothing passes from one to the other. `silent`: and nobody is told. */
  cut(from: number, to: number, how: 'refused' | 'silent'): void {
    this.#cuts.set(`${from}>${to}`, how);
    if (how === 'refused') this.disconnect(from, to);
  }

  heal(): void {
    this.#cuts.clear();
  }

  passable(a: number, b: number): boolean {
    return !this.#cuts.has(`${a}>${b}`) && !this.#cuts.has(`${b}>${a}`);
  }

  /** The connection breaks, and both ends notice. */
  disconnect(a: number, b: number): void {
    const link = this.#link(a, b);
    if (!link.up) return;
    link.up = false;
    link.generation++;
    for (const [one, other] of [[a, b] as const, [b, a] as const]) {
      const { election } = this.server(one);
      this.at(CLOSED_NOTICED, () => {
        if (election === null || this.server(one).election !== election || link.up) return;
        election.linkChanged(other, false, this.nowMs);
        this.#drain(this.server(one));
      });
    }
  }

  /** All connections that are open now swallow what is written into them; neither end notices. */
  breakOpenConnections(): void {
    for (const link of this.#links.values()) link.halfOpen = link.up;
  }

  /** A new connection, replacing one that may be there. */
  connect(from: number, to: number): void {
    const caller = this.server(from).election;
    this.at(this.#delay(from, to), () => {
      const server = this.server(from);
      if (server.election !== caller || caller === null) return;
      const link = this.#link(from, to);
      if (this.server(to).election === null || !this.passable(from, to)) {
        const silent = this.#cuts.get(`${from}>${to}`) === 'silent' || this.#cuts.get(`${to}>${from}`) === 'silent';
        if (!silent && !link.up) caller.linkChanged(to, false, this.nowMs);
        this.#drain(server);
        return;
      }
      link.up = true;
      link.halfOpen = false;
      link.generation++;
      for (const unanswered of link.unanswered.values()) unanswered.reset();
      for (const [one, other] of [[from, to] as const, [to, from] as const]) {
        const end = this.server(one);
        const last = link.last.get(one);
        if (end.apache && last !== undefined && !link.waiting.has(one)) link.waiting.set(one, last);
        end.election!.linkChanged(other, true, this.nowMs);
        this.#drain(end);
      }
      for (const [sender, payload] of [...link.waiting]) {
        link.waiting.delete(sender);
        this.#transmit(sender, sender === from ? to : from, payload);
      }
    });
  }

  #step(): void {
    const event = this.#events.shift()!;
    this.nowMs = event.atMs;
    event.run();
  }

  #link(a: number, b: number): Link {
    const key = a < b ? `${a}-${b}` : `${b}-${a}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      const of = <Each>(): Map<number, Each> => new Map();
      const state = { up: false, halfOpen: false, generation: 0 };
      link = { ...state, waiting: of(), last: of(), arrival: of(), unanswered: of() };
      for (const sid of [a, b]) if (!this.server(sid).apache) link.unanswered.set(sid, new Unanswered());
      this.#links.set(key, link);
    }
    return link;
  }

  #delay(from: number, to: number): number {
    return this.#latency(this.random, from, to);
  }

  #look(server: Server): void {
    server.role = 'looking';
    server.roleNumber++;
    server.established = false;
    server.elected = null;
    this.#leave(server);
    const { zxid, peerEpoch, participant, mayVote } = server;
    server.election!.start(this.nowMs, { zxid, peerEpoch, participant, mayVote: server.apache ? 'yes' : mayVote });
    this.#drain(server);
  }

  #drain(server: Server): void {
    const { election, sid } = server;
    if (election === null) return;
    for (const { to, payload } of election.takeSends()) this.#send(sid, to, payload);
    if (election.wantsLinks()) {
      for (const peer of this.membership.voters) {
        if (peer !== sid && !this.#link(sid, peer).up) this.connect(sid, peer);
      }
    }
    if (server.role === 'looking' && election.outcome !== null) this.#enterRole(server, election.outcome);
    if (server.role === 'leading' && !server.established && election.unwanted) this.#look(server);
    const wakeAtMs = election.wakeAtMs;
    server.wakeAtMs = wakeAtMs;
    if (wakeAtMs === Number.POSITIVE_INFINITY) return;
    this.at(Math.max(0, wakeAtMs - this.nowMs), () => {
      if (server.election !== election || server.wakeAtMs !== wakeAtMs) return;
      election.tick(this.nowMs);
      assert.ok(election.wakeAtMs > this.nowMs, 'what was due is done');
      this.#drain(server);
    });
  }

  #send(from: number, to: number, payload: Uint8Array): void {
    const message = decodeNotification(payload)!;
    this.sentCount++;
    if (!this.servers.has(to) || !this.passes(from, to, message)) return;
    const link = this.#link(from, to);
    if (link.up) {
      this.#transmit(from, to, payload);
      if (link.unanswered.get(from)?.sent(this.nowMs) === true) this.#replace(from, to);
    } else {
      link.waiting.set(from, payload);
      this.connect(from, to);
    }
  }

  /** Makes a new connection beside one that is silent, which ends when that fails, too. */
  #replace(from: number, to: number): void {
    if (this.passable(from, to)) {
      this.connect(from, to);
      return;
    }
    const { generation } = this.#link(from, to);
    this.at(CONNECT_TIMEOUT, () => {
      const link = this.#link(from, to);
      if (link.generation === generation && link.unanswered.get(from)?.isSilent === true) this.disconnect(from, to);
    });
  }

  #transmit(from: number, to: number, payload: Uint8Array): void {
    const link = this.#link(from, to);
    link.last.set(from, payload);
    if (link.halfOpen || this.#cuts.has(`${from}>${to}`) || this.loses(from, to)) return;
    const arrival = Math.max(this.nowMs + this.#delay(from, to), link.arrival.get(from) ?? 0);
    link.arrival.set(from, arrival);
    const { generation } = link;
    const receiver = this.server(to);
    const { election } = receiver;
    this.at(arrival - this.nowMs, () => {
      if (receiver.election !== election || election === null || link.generation !== generation) return;
      link.unanswered.get(to)?.heard();
      receiver.received.push({ from, atMs: this.nowMs, message: decodeNotification(payload)! });
      election.receive(from, payload, this.nowMs);
      this.#drain(receiver);
    });
  }

  #enterRole(server: Server, outcome: ElectionVote): void {
    server.elected = outcome;
    server.electedAtMs = this.nowMs;
    server.roleSinceMs = this.nowMs;
    server.role = outcome.leader === server.sid ? 'leading' : server.participant ? 'following' : 'observing';
    server.election!.become(server.role);
    const { roleNumber } = server;
    if (server.role === 'leading') {
      // A candidate never claims more than it has.
      assert.ok(outcome.zxid <= server.zxid && outcome.peerEpoch <= server.peerEpoch, `${server.sid} claims too much`);
      this.at(0, () => this.#lead(server, roleNumber));
    } else {
      this.at(1, () => this.#learn(server, roleNumber));
    }
  }

  /** Its connections to learners and leaders are closed. */
  #leave(server: Server): void {
    server.learners.clear();
    for (const other of this.servers.values()) other.learners.delete(server.sid);
  }

  #lead(server: Server, roleNumber: number): void {
    if (server.roleNumber !== roleNumber) return;
    for (const sid of server.learners) {
      const learner = this.server(sid);
      const there =
        learner.elected?.leader === server.sid && learner.election !== null && this.passable(server.sid, sid);
      if (!there) server.learners.delete(sid);
    }
    const quorum = this.membership.isQuorum((sid) => sid === server.sid || server.learners.has(sid));
    if (quorum && !server.established) this.#establish(server);
    else if (quorum) this.#commit(server);
    else if (server.established || this.nowMs - server.roleSinceMs > LEADER_PATIENCE) {
      this.#look(server);
      return;
    }
    this.at(server.established ? 50 : 5, () => this.#lead(server, roleNumber));
  }

  #establish(leader: Server): void {
    const members = [leader, ...[...leader.learners].map((sid) => this.server(sid))];
    const epoch = 1 + Math.max(...[...this.servers.values()].map((s) => s.peerEpoch));
    assert.ok(leader.zxid >= this.committed, `leader ${leader.sid} has lost what was committed: ${this.describe()}`);
    for (const member of members) this.#update(member, leader, epoch);
  }

  #update(member: Server, leader: Server, epoch: number): void {
    if (member.participant || member === leader) {
      member.zxid = leader.zxid;
      member.peerEpoch = epoch;
      member.mayVote = 'yes';
    }
    member.established = true;
    member.election!.established(epoch);
  }

  #commit(leader: Server): void {
    leader.zxid = Math.max(leader.zxid + 1, leader.peerEpoch * EPOCH + 1);
    for (const sid of leader.learners) if (this.random.below(4) > 0) this.server(sid).zxid = leader.zxid;
    const holders = (sid: number): boolean => this.server(sid).zxid >= leader.zxid && this.server(sid).peerEpoch > 0;
    if (this.membership.isQuorum(holders)) this.committed = leader.zxid;
  }

  #learn(server: Server, roleNumber: number): void {
    if (server.roleNumber !== roleNumber || server.election === null) return;
    const leader = this.servers.get(server.elected!.leader);
    const reachable =
      leader !== undefined &&
      leader.election !== null &&
      leader.role === 'leading' &&
      this.passable(server.sid, leader.sid);
    const joined = reachable && leader.learners.has(server.sid);
    const patient = !server.established && this.nowMs - server.roleSinceMs <= LEARNER_PATIENCE;
    if (!joined && !(patient || (reachable && !server.established))) {
      this.#look(server);
      return;
    }
    if (reachable && !joined) {
      if (!leader.established && server.participant && isAhead(server, leader)) {
        this.overtaken++;
        this.#look(leader);
      } else {
        leader.learners.add(server.sid);
        if (leader.election instanceof FastElection) leader.election.followedBy(server.sid);
        if (leader.established) this.#update(server, leader, leader.peerEpoch);
      }
    }
    this.at(10, () => this.#learn(server, roleNumber));
  }
}

function isAhead(learner: Server, leader: Server): boolean {
  if (learner.peerEpoch !== leader.peerEpoch) return learner.peerEpoch > leader.peerEpoch;
  return learner.zxid > leader.zxid;
}

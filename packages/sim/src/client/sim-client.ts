import { type ConnectResponse, ErrorCode, SpecialXid } from '@headkeeper/protocol';
import type { TreeWrite } from '@headkeeper/testkit';
import type { History } from '../check/history.ts';
import { law, zxidText } from '../check/violation.ts';
import type { Host } from '../network/host.ts';
import type { SimNetwork } from '../network/sim-network.ts';
import type { RandomStream } from '../random/random-stream.ts';
import { type EventHandle, EventKind } from '../world/event-queue.ts';
import { MS, type World } from '../world/world.ts';
import { checkReadAnswer, checkWriteAnswer, type ReadName } from './answer-check.ts';
import { type Answer, ClientConnection } from './connection.ts';
import type { RequestMix } from './request-mix.ts';
import { WatchTable } from './watch-table.ts';

/** How a client behaves. Times in milliseconds; chances in a million, for each request. */
export interface ClientHabits {
  readonly timeoutMs: number;
  /** Mean pause between requests. */
  readonly thinkMs: number;
  /** Most requests without an answer. */
  readonly window: number;
  /** How often it leaves its server for another without closing the session. */
  readonly moveChance: number;
  /** How often it closes its session and begins another. */
  readonly closeChance: number;
  /** How often it dies silently and comes back after a while, perhaps too late. */
  readonly vanishChance: number;
  /** How often a read sets a watch. */
  readonly watchChance: number;
}

/** What all clients of a run share. */
export interface ClientWorld {
  readonly world: World;
  readonly network: SimNetwork;
  readonly history: History;
  /** Addresses of the servers that clients may go to. */
  servers: readonly string[];
  /** The largest zxid of any write that any client knows to have happened. */
  acknowledged: number;
  /** When the latest write that has been answered was asked for; -1: none was. */
  latestAnswered: number;
  /** Answers that clients have received, pings aside. */
  answers: number;
  /** Sessions that clients were told are over. */
  readonly refused: Set<bigint>;
  /** Of the connections, a number each. */
  connections: number;
}

interface ClientSession {
  readonly id: bigint;
  readonly password: Uint8Array;
  readonly timeoutMs: number;
}

const CONNECT_TIMEOUT_MS = 3000;

/** One client under random load. It knows the protocol, keeps its session over reconnects, and checks every answer. */
export class SimClient {
  readonly name: string;
  readonly habits: ClientHabits;
  readonly watches: WatchTable;
  readonly #shared: ClientWorld;
  readonly #random: RandomStream;
  readonly #host: Host;
  readonly #mix: RequestMix;
  session: ClientSession | null = null;
  #connection: ClientConnection | null = null;
  #connectionNumber = 0;
  #isAttached = false;
  /** The largest zxid that it was shown in this session. */
  seen = 0;
  #xid = 0;
  #lastSent = 0;
  #lastHeard = 0;
  /** A sync was answered: reads must show at least this. */
  #syncFloor = 0;
  #isClosing = false;
  #isVanished = false;
  #timer: EventHandle | null = null;
  /** Whether it goes on asking for things; otherwise it only keeps its session. */
  isBusy = true;
  requests = 0;

  constructor(name: string, address: string, shared: ClientWorld, habits: ClientHabits, mix: RequestMix) {
    this.name = name;
    this.habits = habits;
    this.#shared = shared;
    this.#mix = mix;
    this.#random = shared.world.stream(name);
    this.#host = shared.network.addHost(address, { dispatch: (action) => action() });
    this.watches = new WatchTable(name, shared.history.oracle.tree);
    this.#wakeAfter(this.#random.wait(200));
  }

  get address(): string {
    return this.#host.name;
  }

  get host(): Host {
    return this.#host;
  }

  get outstanding(): number {
    return this.#connection?.outstanding ?? 0;
  }

  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** The address of the server that it is attached to, or null. */
  get server(): string | null {
    return this.#isAttached ? (this.#connection?.server ?? null) : null;
  }

  #wakeAfter(ms: number): void {
    const { world } = this.#shared;
    if (this.#timer !== null) world.cancel(this.#timer);
    this.#timer = world.after(ms * MS + this.#random.below(MS), EventKind.client, this.#host.index, () => {
      this.#timer = null;
      this.#wake();
    });
  }

  #wake(): void {
    const { now } = this.#shared.world;
    if (this.#isVanished) this.#isVanished = false;
    if (this.#connection === null) {
      this.#connect();
      this.#wakeAfter(CONNECT_TIMEOUT_MS);
      return;
    }
    if (!this.#isAttached) {
      if (now - this.#lastHeard > CONNECT_TIMEOUT_MS * MS) this.#reconnect();
      else this.#wakeAfter(500);
      return;
    }
    const timeout = (this.session?.timeoutMs ?? this.habits.timeoutMs) * MS;
    if (now - this.#lastHeard > (timeout * 2) / 3) {
      this.#reconnect();
      return;
    }
    if (this.watches.isRegistered && !this.#isClosing) this.#act();
    if (this.#connection !== null && now - this.#lastSent > timeout / 3) this.#ping();
    const pause = this.isBusy ? this.#random.wait(this.habits.thinkMs) : this.habits.timeoutMs / 6;
    this.#wakeAfter(Math.min(Math.floor(pause) + 1, Math.floor(this.habits.timeoutMs / 6)));
  }

  #act(): void {
    if (!this.isBusy) return;
    const random = this.#random;
    const { habits } = this;
    if (random.chance(habits.vanishChance)) this.#vanish();
    else if (random.chance(habits.moveChance)) this.#move();
    else if (this.outstanding >= habits.window) return;
    else if (random.chance(habits.closeChance)) this.#close();
    else {
      const kind = this.#mix.kind();
      if (kind === 'read') this.#read();
      else if (kind === 'sync') this.#sync();
      else this.write(this.#mix.write(kind));
    }
  }

  /** Ends the connection, if there is one, and forgets it. */
  #drop(): void {
    this.#connection?.drop();
    this.#connection = null;
    this.#isAttached = false;
    this.#isClosing = false;
    this.watches.isRegistered = this.watches.size === 0;
  }

  #reconnect(): void {
    this.#drop();
    this.#wakeAfter(50 + this.#random.below(450));
  }

  #move(): void {
    this.#drop();
    this.#wakeAfter(this.#random.below(20));
  }

  #vanish(): void {
    this.#drop();
    this.#isVanished = true;
    this.#wakeAfter(this.#random.below(this.habits.timeoutMs * 3));
  }

  #connect(): void {
    const { network, servers } = this.#shared;
    const server = this.#random.pick(servers);
    this.#connectionNumber = ++this.#shared.connections;
    this.#lastHeard = this.#shared.world.now;
    const session = this.session;
    const connection = new ClientConnection(network, this.#host, server, CONNECT_TIMEOUT_MS, {
      established: () => {
        if (this.#connection !== connection) return;
        this.#lastHeard = this.#shared.world.now;
        connection.handshake({
          protocolVersion: 0,
          lastZxidSeen: session === null ? 0 : this.seen,
          timeOut: this.habits.timeoutMs,
          sessionId: session?.id ?? 0n,
          passwd: session?.password ?? new Uint8Array(16),
          readOnly: false,
        });
      },
      attached: (response) => this.#connection === connection && this.#attached(connection, response),
      event: (type, path) => this.#connection === connection && this.#event(type, path),
      lost: () => {
        if (this.#connection === connection) this.#reconnect();
      },
    });
    this.#connection = connection;
  }

  #attached(connection: ClientConnection, response: ConnectResponse): void {
    const { world, refused, history } = this.#shared;
    this.#lastHeard = world.now;
    const id = response.sessionId;
    if (id === 0n) {
      const lost = this.session;
      if (lost !== null) refused.add(lost.id);
      world.tell(() => `${this.name} is told that its session is over`);
      this.#drop();
      this.#forgetSession();
      this.#wakeAfter(this.#random.below(100));
      return;
    }
    const { oracle } = history;
    const isNew = this.session === null;
    law(isNew || this.session?.id === id, 'sessions', () => `${this.name} gets session ${id} instead of its own`);
    const known = oracle.sessions.get(id);
    law(
      known !== undefined || oracle.ended.has(id),
      'sessions',
      () => `${this.name} gets session ${id}, which nobody made`,
    );
    if (isNew) {
      this.session = { id, password: (response.passwd as Uint8Array).slice(), timeoutMs: response.timeOut };
      this.#forgetOrder();
    }
    this.#isAttached = true;
    world.tell(() => `${this.name} has session ${id.toString(16)} at ${connection.server}`);
    if (this.watches.size > 0) this.#setWatches(connection);
    this.#wakeAfter(this.#random.wait(this.habits.thinkMs));
  }

  #forgetSession(): void {
    this.session = null;
    this.watches.clear();
    this.#forgetOrder();
  }

  #forgetOrder(): void {
    this.seen = 0;
    this.#xid = 0;
    this.#syncFloor = 0;
  }

  #setWatches(connection: ClientConnection): void {
    const kept = this.watches.keep();
    this.#lastSent = this.#shared.world.now;
    const body = {
      relativeZxid: this.seen,
      dataWatches: kept.data,
      existWatches: kept.exists,
      childWatches: kept.children,
    };
    connection.request(SpecialXid.setWatches, 'setWatches', body, (answer) => {
      law(answer.error === ErrorCode.ok, 'watches', () => `${this.name}: setWatches is answered ${answer.error}`);
      this.#heard(answer.zxid);
      this.watches.takenOver(answer.zxid);
    });
  }

  #event(type: number, path: string): void {
    this.#lastHeard = this.#shared.world.now;
    this.watches.event(type, path);
  }

  /** Every answer shows at least what was seen before. */
  #heard(zxid: number): void {
    const { world, history } = this.#shared;
    this.#lastHeard = world.now;
    law(
      zxid >= this.seen,
      'client order',
      () => `${this.name} has seen ${zxidText(this.seen)}, then ${zxidText(zxid)}`,
    );
    law(zxid <= history.last || zxid % 4294967296 === 0, 'no uncommitted reads', () => {
      return `${this.name} is shown ${zxidText(zxid)}, committed is ${zxidText(history.last)}`;
    });
    this.seen = zxid;
    this.watches.shown(zxid);
  }

  #request(): { connection: ClientConnection; xid: number; session: ClientSession } {
    this.#lastSent = this.#shared.world.now;
    this.requests++;
    return {
      connection: this.#connection as ClientConnection,
      session: this.session as ClientSession,
      xid: ++this.#xid,
    };
  }

  #ping(): void {
    this.#lastSent = this.#shared.world.now;
    this.#connection?.request(SpecialXid.ping, 'ping', null, (answer) => this.#heard(answer.zxid));
  }

  #isPresent(connection: ClientConnection): boolean {
    return this.#connection === connection;
  }

  /** Sends a write. `done` hears of its zxid when it is answered. */
  write(write: TreeWrite, done: (answer: Answer) => void = () => {}): void {
    const { connection, session, xid } = this.#request();
    const shared = this.#shared;
    const askedAt = shared.world.now;
    const { oracle } = shared.history;
    oracle.asks(session.id, xid, { write, connection: this.#connectionNumber, order: ++connection.writes });
    shared.world.tell(() => `${this.name} asks ${connection.server} for ${write.op} (${xid})`);
    // Each member of the union fits its own request; the compiler sees only the whole.
    connection.request(xid, write.op, write.body as never, (answer) => {
      if (!this.#isPresent(connection)) return;
      shared.answers++;
      shared.world.tell(() => `${this.name} is answered ${xid}: ${answer.error} at ${zxidText(answer.zxid)}`);
      checkWriteAnswer(oracle, session.id, xid, write.op, answer);
      this.#heard(answer.zxid);
      shared.acknowledged = Math.max(shared.acknowledged, answer.zxid);
      shared.latestAnswered = Math.max(shared.latestAnswered, askedAt);
      done(answer);
    });
  }

  #read(): void {
    const op: ReadName = this.#random.pick(['getData', 'getData', 'exists', 'getChildren', 'getChildren2']);
    const path = this.#random.below(12) === 0 ? '/' : this.#mix.existing();
    const watch = this.#random.chance(this.habits.watchChance);
    const { connection, xid } = this.#request();
    const shared = this.#shared;
    connection.request(xid, op, { path, watch }, (answer) => {
      if (!this.#isPresent(connection)) return;
      shared.answers++;
      this.#heard(answer.zxid);
      checkReadAnswer(shared.history.oracle, op, path, answer);
      const floor = this.#syncFloor;
      law(answer.zxid >= floor, 'sync', () => {
        return `${this.name} reads ${zxidText(answer.zxid)} behind a sync that follows ${zxidText(floor)}`;
      });
      if (!watch) return;
      const isThere = answer.error === ErrorCode.ok;
      if (op === 'getChildren' || op === 'getChildren2') {
        if (isThere) this.watches.set('children', path, answer.zxid, true);
      } else if (isThere || op === 'exists') this.watches.set('data', path, answer.zxid, isThere);
    });
  }

  /** `done` is called when it is answered. */
  sync(done: () => void = () => {}): void {
    this.#sync(done);
  }

  #sync(done: () => void = () => {}): void {
    const { connection, xid } = this.#request();
    const shared = this.#shared;
    const floor = shared.acknowledged;
    connection.request(xid, 'sync', { path: '/' }, (answer) => {
      if (!this.#isPresent(connection)) return;
      shared.answers++;
      this.#heard(answer.zxid);
      this.#syncFloor = Math.max(this.#syncFloor, floor);
      done();
    });
  }

  #close(): void {
    const { connection, session, xid } = this.#request();
    const shared = this.#shared;
    const { oracle } = shared.history;
    oracle.asks(session.id, xid, { write: null, connection: this.#connectionNumber, order: ++connection.writes });
    this.#isClosing = true;
    connection.request(xid, 'closeSession', null, (answer) => {
      if (!this.#isPresent(connection)) return;
      shared.answers++;
      checkWriteAnswer(oracle, session.id, xid, 'closeSession', answer);
      this.#heard(answer.zxid);
      this.#drop();
      this.#forgetSession();
      this.#wakeAfter(this.#random.below(200));
    });
  }
}

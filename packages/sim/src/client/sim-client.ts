import {
  AddWatchMode,
  type ConnectResponse,
  ErrorCode,
  type RequestBodies,
  type RequestName,
  SpecialXid,
  WatcherType,
} from '@headkeeper/protocol';
import type { RandomStream, TreeWrite } from '@headkeeper/testkit';
import type { ClientLaws } from '../check/client-laws.ts';
import type { History } from '../check/history.ts';
import { law, zxidText } from '../check/violation.ts';
import type { AnyRequest } from '../histories/lines.ts';
import { type CallDetails, ClientRecord, type Recorder } from '../histories/recorder.ts';
import { requestOf, resultOf } from '../histories/requests.ts';
import type { Host } from '../network/host.ts';
import type { SimNetwork } from '../network/sim-network.ts';
import { type EventHandle, EventKind } from '../world/event-queue.ts';
import { MS, type World } from '../world/world.ts';
import { checkReadAnswer, checkWriteAnswer, type ReadName } from './answer-check.ts';
import { type Answer, ClientConnection } from './connection.ts';
import type { RequestMix } from './request-mix.ts';
import { type WatchSelection, WatchTable } from './watch-table.ts';

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
  /** How often it falls silent, pings aside, for up to three timeouts. */
  readonly restChance: number;
  /** How often it asks for an ephemeral right before it leaves, closes or dies. Of such moments, not of requests. */
  readonly lastWordsChance: number;
  /** How often a read sets a watch. */
  readonly watchChance: number;
  /** How often it adds or removes a persistent watch, or removes one of any kind. */
  readonly addWatchChance: number;
}

/** Acts in a client's place, whenever it would ask for something. */
export interface ClientProgram {
  act(): void;
  /** Something is under way. */
  readonly isBusy: boolean;
  /** What was asked for and not answered will not be. */
  lost(): void;
}

/** What all clients of a run share. */
export interface ClientWorld {
  readonly world: World;
  readonly network: SimNetwork;
  readonly history: History;
  /** Addresses of the servers that clients may go to. */
  servers: readonly string[];
  readonly laws: ClientLaws;
  /** Writes down what the clients see, or null. */
  readonly recorder: Recorder | null;
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
  readonly #watchRandom: RandomStream;
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
  #restsUntil = 0;
  /** Whether it may do nothing for a while: not when a write is waited for. */
  mayRest = true;
  #timer: EventHandle | null = null;
  /** Whether it goes on asking for things; otherwise it only keeps its session. */
  isBusy = true;
  requests = 0;
  /** What it does instead of the random requests, or null. */
  program: ClientProgram | null = null;
  readonly record: ClientRecord | null;

  constructor(name: string, address: string, shared: ClientWorld, habits: ClientHabits, mix: RequestMix) {
    this.name = name;
    this.habits = habits;
    this.#shared = shared;
    this.#mix = mix;
    this.#random = shared.world.stream(name);
    this.#watchRandom = shared.world.stream(`${name} persistent watches`);
    this.#host = shared.network.addHost(address, { dispatch: (action) => action() });
    this.watches = new WatchTable(name, shared.history.oracle.tree);
    this.record = shared.recorder === null ? null : new ClientRecord(shared.recorder, name);
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
    if (!this.isBusy || (this.mayRest && this.#shared.world.now < this.#restsUntil)) return;
    const random = this.#random;
    const { habits } = this;
    if (random.chance(habits.vanishChance)) this.#vanish();
    else if (random.chance(habits.moveChance)) this.#move();
    else if (random.chance(habits.restChance)) this.#rest();
    else if (this.outstanding >= habits.window) return;
    else if (this.program?.isBusy === true) return;
    else if (random.chance(habits.closeChance)) this.#close();
    else if (this.program !== null) this.program.act();
    else if (habits.addWatchChance > 0 && this.#watchRandom.chance(habits.addWatchChance)) this.#changeWatches();
    else {
      const kind = this.#mix.kind();
      if (kind === 'read') this.#readAnything();
      else if (kind === 'sync') this.sync();
      else this.write(this.#mix.write(kind));
    }
  }

  #rest(): void {
    const { world } = this.#shared;
    this.#restsUntil = world.now + this.#random.below(this.habits.timeoutMs * 3) * MS;
  }

  /** What is under way when a session ends, or its client is gone, must have its right end all the same. */
  #lastWords(): void {
    if (this.program === null && this.#random.chance(this.habits.lastWordsChance)) {
      this.write(this.#mix.write('ephemeral'));
    }
  }

  /** Ends the connection, if there is one, and forgets it. */
  #drop(): void {
    if (this.#isAttached) this.record?.lost();
    this.program?.lost();
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
    this.#lastWords();
    this.#drop();
    this.#wakeAfter(this.#random.below(20));
  }

  #vanish(): void {
    this.#lastWords();
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
      this.record?.over('expired');
      world.tell(() => `${this.name} is told that its session is over`);
      this.#drop();
      this.#forgetSession();
      this.#wakeAfter(this.#random.below(100));
      return;
    }
    const { oracle } = history;
    const isNew = this.session === null;
    const { timeOut: timeoutMs } = response;
    this.record?.attached(id, { isNew, server: connection.server, timeoutMs });
    law(isNew || this.session?.id === id, 'sessions', () => `${this.name} gets session ${id} instead of its own`);
    const known = oracle.sessions.get(id);
    law(
      known !== undefined || oracle.ended.has(id),
      'sessions',
      () => `${this.name} gets session ${id}, which nobody made`,
    );
    if (isNew) {
      this.session = { id, password: (response.passwd as Uint8Array).slice(), timeoutMs };
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
    const lists = { dataWatches: kept.data, existWatches: kept.exists, childWatches: kept.children };
    const body = { relativeZxid: this.seen, ...lists };
    const { persistent, persistentRecursive } = kept;
    const call = this.record?.request({ do: 'setWatches', in: { zxid: this.seen, ...kept } }, true);
    const answered = (answer: Answer): void => {
      if (call !== undefined) this.record?.answered(call, answer.zxid, answer.error, undefined);
      this.#judge(() => {
        law(answer.error === ErrorCode.ok, 'watches', () => `${this.name}: setWatches is answered ${answer.error}`);
      });
      this.#heard(answer.zxid);
      this.#judge(() => this.watches.takenOver(answer.zxid));
    };
    if (persistent.length + persistentRecursive.length === 0) {
      connection.request(SpecialXid.setWatches, 'setWatches', body, answered);
      return;
    }
    const longer = { ...body, persistentWatches: persistent, persistentRecursiveWatches: persistentRecursive };
    connection.request(SpecialXid.setWatches, 'setWatches2', longer, answered);
  }

  #event(type: number, path: string): void {
    this.#lastHeard = this.#shared.world.now;
    this.record?.event(type, path);
    this.#judge(() => this.watches.event(type, path));
  }

  /** Every answer shows at least what was seen before. */
  #heard(zxid: number): void {
    const { world, history, laws } = this.#shared;
    this.#lastHeard = world.now;
    this.#judge(() => {
      law(
        zxid >= this.seen,
        'client order',
        () => `${this.name} has seen ${zxidText(this.seen)}, then ${zxidText(zxid)}`,
      );
      law(zxid <= history.last || zxid % 4294967296 === 0, 'no uncommitted reads', () => {
        return `${this.name} is shown ${zxidText(zxid)}, committed is ${zxidText(history.last)}`;
      });
      this.watches.shown(zxid);
    });
    this.seen = Math.max(this.seen, zxid);
    laws.shown = Math.max(laws.shown, zxid);
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

  #judge(check: () => void): void {
    this.#shared.laws.judge(check);
  }

  /** Sends a request that is no write, and writes it down; `answered` is called while the connection is this client's. */
  #ask<Name extends RequestName>(
    op: Name,
    body: RequestBodies[Name],
    request: AnyRequest,
    details: CallDetails,
    answered: (answer: Answer) => void,
  ): void {
    const { connection, xid } = this.#request();
    const call = this.record?.request(request, true, { server: connection.server, xid, ...details });
    connection.request(xid, op, body, (answer) => {
      if (!this.#isPresent(connection)) return;
      this.#shared.answers++;
      if (call !== undefined) this.record?.answered(call, answer.zxid, answer.error, resultOf(op, answer.body));
      this.#heard(answer.zxid);
      answered(answer);
    });
  }

  #ping(): void {
    this.#lastSent = this.#shared.world.now;
    this.#connection?.request(SpecialXid.ping, 'ping', null, (answer) => this.#heard(answer.zxid));
  }

  #isPresent(connection: ClientConnection): boolean {
    return this.#connection === connection;
  }

  /** Sends a write. `done` hears of its zxid when it is answered. */
  write(write: TreeWrite, done: (answer: Answer) => void = () => {}, details: CallDetails = {}): void {
    const { connection, session, xid } = this.#request();
    const shared = this.#shared;
    const askedAt = shared.world.now;
    const floor = shared.laws.shown;
    const { oracle } = shared.history;
    const told = { server: connection.server, xid, ...details };
    const call = this.record?.request(requestOf(write), false, told);
    oracle.asks(session.id, xid, { write, connection: this.#connectionNumber, order: ++connection.writes });
    shared.world.tell(() => `${this.name} asks ${connection.server} for ${write.op} (${xid})`);
    // Each member of the union fits its own request; the compiler sees only the whole.
    connection.request(xid, write.op, write.body as never, (answer) => {
      if (!this.#isPresent(connection)) return;
      shared.answers++;
      shared.world.tell(() => `${this.name} is answered ${xid}: ${answer.error} at ${zxidText(answer.zxid)}`);
      if (call !== undefined) this.record?.answered(call, answer.zxid, answer.error, resultOf(write.op, answer.body));
      this.#judge(() => {
        checkWriteAnswer(oracle, session.id, xid, write.op, answer);
        law(answer.zxid > floor, 'linearisable writes', () => {
          return `${write.op} of ${this.name} at ${zxidText(answer.zxid)} was asked for when ${zxidText(floor)} had been shown`;
        });
      });
      this.#heard(answer.zxid);
      shared.latestAnswered = Math.max(shared.latestAnswered, askedAt);
      done(answer);
    });
  }

  #readAnything(): void {
    const op: ReadName = this.#random.pick(['getData', 'getData', 'exists', 'getChildren', 'getChildren2']);
    const path = this.#random.below(12) === 0 ? '/' : this.#mix.existing();
    this.read(op, path, this.#random.chance(this.habits.watchChance));
  }

  read(
    op: ReadName,
    path: string,
    watch: boolean,
    done: (answer: Answer) => void = () => {},
    details: CallDetails = {},
  ): void {
    const request: AnyRequest = { do: op === 'getChildren2' ? 'getChildren' : op, in: { path, watch } };
    this.#ask(op, { path, watch }, request, details, (answer) => {
      const floor = this.#syncFloor;
      this.#judge(() => {
        checkReadAnswer(this.#shared.history.oracle, op, path, answer);
        law(answer.zxid >= floor, 'sync', () => {
          return `${this.name} reads ${zxidText(answer.zxid)} behind a sync that follows ${zxidText(floor)}`;
        });
      });
      if (watch) this.#watched(op, path, answer);
      done(answer);
    });
  }

  #watched(op: ReadName, path: string, answer: Answer): void {
    const isThere = answer.error === ErrorCode.ok;
    if (op === 'getChildren' || op === 'getChildren2') {
      if (isThere) this.watches.set('children', path, answer.zxid, true);
    } else if (isThere || op === 'exists') this.watches.set('data', path, answer.zxid, isThere);
  }

  /** Adds a persistent watch, or removes watches of some kind. */
  #changeWatches(): void {
    const random = this.#watchRandom;
    const path = random.below(6) === 0 ? '/' : this.#mix.path();
    if (random.below(3) > 0) {
      const mode = random.pick(['persistent', 'persistentRecursive'] as const);
      this.#ask('addWatch', { path, mode: AddWatchMode[mode] }, { do: 'addWatch', in: { path, mode } }, {}, () => {
        this.watches.add(mode, path);
      });
      return;
    }
    const type = random.pick<WatchSelection>(['persistent', 'persistentRecursive', 'data', 'children', 'any']);
    const from = this.watches.anyPath(type, random) ?? path;
    const request: AnyRequest = { do: 'removeWatches', in: { path: from, type } };
    this.#ask('removeWatches', { path: from, type: WatcherType[type] }, request, {}, (answer) => {
      const removed = this.watches.remove(type, from);
      this.#judge(() => {
        law(answer.error === (removed ? ErrorCode.ok : ErrorCode.noWatcher), 'watches', () => {
          return `${this.name}: removeWatches (${type}) of ${from} is answered ${answer.error}, it had ${removed ? 'one' : 'none'}`;
        });
      });
    });
  }

  /** `done` is called when it is answered. */
  sync(done: () => void = () => {}): void {
    const floor = this.#shared.laws.shown;
    this.#ask('sync', { path: '/' }, { do: 'sync', in: { path: '/' } }, {}, () => {
      this.#syncFloor = Math.max(this.#syncFloor, floor);
      done();
    });
  }

  #close(): void {
    this.#lastWords();
    const { connection, session, xid } = this.#request();
    const shared = this.#shared;
    const { oracle } = shared.history;
    const call = this.record?.request({ do: 'closeSession', in: {} }, false, { server: connection.server, xid });
    oracle.asks(session.id, xid, { write: null, connection: this.#connectionNumber, order: ++connection.writes });
    this.#isClosing = true;
    connection.request(xid, 'closeSession', null, (answer) => {
      if (!this.#isPresent(connection)) return;
      shared.answers++;
      if (call !== undefined) this.record?.answered(call, answer.zxid, answer.error, undefined);
      this.#judge(() => checkWriteAnswer(oracle, session.id, xid, 'closeSession', answer));
      this.#heard(answer.zxid);
      this.record?.over('closed');
      this.#drop();
      this.#forgetSession();
      this.#wakeAfter(this.#random.below(200));
    });
  }
}

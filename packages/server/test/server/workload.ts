import assert from 'node:assert/strict';
import {
  type Acl,
  type ConnectResponse,
  CreateMode,
  decodeUtf8,
  ErrorCode,
  encodeUtf8,
  type GetDataResponse,
  type MultiOperation,
  type MultiResponse,
  OpCode,
  type Stat,
  WORLD_ANYONE_ALL,
} from '@headkeeper/protocol';
import { type Answer, MemoryClient, type SeededRandom, type TreeModel, type TreeWrite } from '@headkeeper/testkit';
import { firstSessionId, id, type KnownSession, type SimServer } from './sim-server.ts';

const ACLS: readonly (readonly Acl[])[] = [
  WORLD_ANYONE_ALL,
  [
    { perms: 31, scheme: 'world', id: 'anyone' },
    { perms: 1, scheme: 'digest', id: 'bob:abcdef' },
  ],
  [
    { perms: 31, scheme: 'ip', id: '127.0.0.1' },
    { perms: 5, scheme: 'world', id: 'anyone' },
  ],
];
const NAMES = ['a', 'b', 'c'];
const TICK_MS = 2000;
const MOST_CLIENTS = 4;

interface Attached {
  readonly client: MemoryClient;
  session: KnownSession | null;
}

/**
 * Random clients of one life of a server. Tells the model every write as it reaches the server, and compares every answer
 * with the model's: `model` is what was sent, `shown` the largest zxid that any client has seen.
 */
export class Workload {
  readonly model: TreeModel;
  /** Sessions whose handshake was answered, in this life or an earlier one, and that nobody closed. */
  readonly sessions: KnownSession[];
  /** The largest zxid that any client has been shown. */
  shown: number;
  /** Answers that clients received. */
  answers = 0;
  readonly #server: SimServer;
  readonly #random: SeededRandom;
  readonly #attached: Attached[] = [];
  #nextSession: bigint;
  /** Every session gets another timeout, so that no two expire in the same tick. */
  #timeouts: number;
  readonly #largest: number;

  constructor(
    server: SimServer,
    model: TreeModel,
    sessions: readonly KnownSession[],
    random: SeededRandom,
    options: { readonly shown: number; readonly largest?: number },
  ) {
    this.#server = server;
    this.model = model;
    this.sessions = sessions.map((session) => ({ ...session }));
    this.shown = options.shown;
    this.#random = random;
    this.#nextSession = firstSessionId(server.clock.wallMs());
    this.#timeouts = 2 + random.below(50);
    this.#largest = options.largest ?? 700;
  }

  /** One thing that a client does, or time, or the operator. */
  act(): void {
    const roll = this.#random.below(100);
    const some = this.#someone();
    if (some === null || (roll < 6 && this.#attached.length < MOST_CLIENTS)) this.#arrive();
    else if (roll < 70) this.#write(some);
    else if (roll < 82) this.#read(some);
    else if (roll < 85) this.#leave(some);
    else if (roll < 88) this.#closeSession(some);
    else if (roll < 95) this.#pass();
    else if (roll < 98) this.#server.server.purge();
    else this.#server.server.driver.snapshot();
  }

  /** Notices what the server has closed. */
  sweep(): void {
    for (const attached of [...this.#attached]) if (attached.client.closedByServer) this.#leave(attached);
  }

  /** Requests without an answer, of clients that have not left and whose session has not been closed. */
  get unanswered(): number {
    const { sessions } = this.model.latest;
    const there = this.#attached.filter(({ session }) => session !== null && sessions.has(session.id));
    return there.reduce((sum, { client }) => sum + client.outstanding, 0);
  }

  #someone(): Attached | null {
    const open = this.#attached.filter(({ client, session }) => session !== null && !client.closedByServer);
    return open[this.#random.below(open.length)] ?? null;
  }

  #arrive(): void {
    const attached: Attached = { client: new MemoryClient(this.#server.server.driver), session: null };
    this.#attached.push(attached);
    const live = this.sessions.filter((known) => this.model.latest.sessions.has(known.id));
    const again = this.#random.below(3) > 0 ? live[this.#random.below(live.length)] : undefined;
    if (again === undefined) this.#create(attached);
    else this.#attach(attached, again);
  }

  #create(attached: Attached): void {
    const timeOut = TICK_MS * this.#timeouts++;
    const sessionId = this.#nextSession++;
    const { zxid } = this.model.createSession(sessionId, timeOut);
    const request = { protocolVersion: 0, lastZxidSeen: 0, timeOut, sessionId: 0n, passwd: null, readOnly: false };
    attached.client.connect(request, (response: ConnectResponse) => {
      assert.equal(response.sessionId, sessionId, 'the server makes another session id');
      assert.equal(response.timeOut, timeOut);
      attached.session = { id: sessionId, password: response.passwd?.slice() as Uint8Array, seen: 0 };
      this.sessions.push(attached.session);
      this.#show(attached.session, zxid);
    });
  }

  #attach(attached: Attached, known: KnownSession): void {
    const request = {
      protocolVersion: 0,
      lastZxidSeen: known.seen,
      timeOut: this.model.latest.sessions.get(known.id) as number,
      sessionId: known.id,
      passwd: known.password,
      readOnly: false,
    };
    attached.client.connect(request, (response: ConnectResponse) => {
      assert.equal(response.sessionId, known.id, 'a live session is refused');
      attached.session = known;
    });
    assert.ok(!attached.client.closedByServer, `a client that has seen 0x${known.seen.toString(16)} is sent away`);
  }

  #leave(attached: Attached): void {
    attached.client.disconnect();
    this.#attached.splice(this.#attached.indexOf(attached), 1);
  }

  #closeSession(attached: Attached): void {
    const known = attached.session as KnownSession;
    const { zxid } = this.model.closeSession(known.id);
    attached.client.request('closeSession', null, (answer) => {
      this.#answered(known, answer);
      assert.equal(answer.zxid, zxid);
    });
    attached.session = null;
  }

  /** Time goes on, and at most one session expires. */
  #pass(): void {
    const { clock, server } = this.#server;
    for (const { client, session } of this.#attached) {
      if (session !== null && !client.closedByServer) client.request('ping', null, () => this.answers++);
    }
    const before = clock.now;
    clock.now += this.#random.below(TICK_MS * 4);
    const { sessions, expiry } = server.replica.serving;
    const due: bigint[] = [];
    sessions.forEach((session) => {
      const at = expiry.expiryOf(session.slot);
      if (at !== null && at <= clock.now) due.push(id(session.idHigh, session.idLow));
    });
    if (due.length > 1) clock.now = before;
    else if (due[0] !== undefined) this.#expires(due[0]);
    server.driver.tick();
  }

  #expires(sessionId: bigint): void {
    this.model.closeSession(sessionId);
    for (const attached of this.#attached) if (attached.session?.id === sessionId) attached.session = null;
  }

  #write(attached: Attached): void {
    const known = attached.session as KnownSession;
    const write = this.#drawWrite();
    const expected = this.model.write(known.id, write, this.#server.clock.wallMs());
    const state = this.model.latest;
    // Each member of the union fits its own request; the compiler sees only the whole.
    attached.client.request(write.op, write.body as never, (answer) => {
      this.#answered(known, answer);
      assert.equal(answer.zxid, expected.zxid, `zxid of ${write.op}`);
      assert.equal(answer.error, expected.error, `error of ${write.op}`);
      if (answer.error !== ErrorCode.ok) return;
      if (write.op === 'multi') {
        const { results } = answer.body as MultiResponse;
        const errors = results.map((result) => (result.type === OpCode.error ? result.body.err : 0));
        assert.deepEqual(errors, expected.results);
        return;
      }
      const body = answer.body as { path?: string; stat?: Stat } | null;
      if (body?.path !== undefined) assert.equal(body.path, expected.path);
      if (body?.stat !== undefined) assert.deepEqual(body.stat, state.stat(expected.path));
    });
  }

  #read(attached: Attached): void {
    const known = attached.session as KnownSession;
    const path = this.#path();
    attached.client.request('getData', { path, watch: this.#random.below(4) === 0 }, (answer) => {
      this.#answered(known, answer);
      const node = this.model.at(answer.zxid).nodes.get(path);
      assert.equal(answer.error, node === undefined ? ErrorCode.noNode : ErrorCode.ok, `error of reading ${path}`);
      if (node === undefined) return;
      const { data, stat } = answer.body as GetDataResponse;
      assert.equal(data === null ? null : decodeUtf8(data, 0, data.length), node.data);
      assert.deepEqual(stat, this.model.at(answer.zxid).stat(path));
    });
  }

  #answered(known: KnownSession, answer: Answer): void {
    assert.equal(this.#server.fatal, null, 'an answer after the server gave up');
    assert.ok(answer.zxid >= known.seen, 'zxids go back');
    this.#show(known, answer.zxid);
  }

  #show(known: KnownSession, zxid: number): void {
    this.answers++;
    known.seen = Math.max(known.seen, zxid);
    this.shown = Math.max(this.shown, zxid);
  }

  #drawWrite(): TreeWrite {
    const roll = this.#random.below(100);
    if (roll < 88) return this.#drawSimple(roll);
    if (roll < 93) return { op: 'setACL', body: { path: this.#path(), acl: this.#acl(), version: this.#version() } };
    const ops: MultiOperation[] = [];
    for (let i = this.#random.below(4); i >= 0; i--) {
      const { op, body } = this.#drawSimple(this.#random.below(88));
      if (op === 'createTTL' || op === 'setACL') continue;
      ops.push({ type: op === 'createContainer' ? OpCode.create : OpCode[op], body } as MultiOperation);
    }
    return { op: 'multi', body: { ops } };
  }

  #drawSimple(roll: number): Exclude<TreeWrite, { op: 'multi' }> {
    const path = this.#path();
    if (roll < 50) {
      const op = (['create', 'create', 'create2'] as const)[this.#random.below(3)] as 'create';
      const flags = this.#random.below(4);
      const body = { path: flags >= 2 ? `${path}-` : path, data: this.#data(), acl: this.#acl(), flags };
      return { op, body };
    }
    if (roll < 53) {
      const body = { path, data: this.#data(), acl: this.#acl(), flags: CreateMode.persistentWithTTL, ttl: 1 << 30 };
      return { op: 'createTTL', body };
    }
    if (roll < 56) {
      return { op: 'createContainer', body: { path, data: null, acl: this.#acl(), flags: CreateMode.container } };
    }
    if (roll < 70) return { op: 'delete', body: { path: this.#existing(path), version: this.#version() } };
    return { op: 'setData', body: { path: this.#existing(path), data: this.#data(), version: this.#version() } };
  }

  #path(): string {
    const depth = 1 + this.#random.below(3);
    let path = '';
    for (let i = 0; i < depth; i++) path += `/${NAMES[this.#random.below(NAMES.length)]}`;
    return path;
  }

  /** Mostly the path of some znode, else the one given. */
  #existing(otherwise: string): string {
    const paths = [...this.model.latest.nodes.keys()].filter((path) => path !== '/' && !path.startsWith('/zookeeper'));
    return (this.#random.below(5) > 0 ? paths[this.#random.below(paths.length)] : undefined) ?? otherwise;
  }

  #data(): Uint8Array | null {
    if (this.#random.below(8) === 0) return null;
    const length = this.#random.below(6) === 0 ? this.#random.below(this.#largest) : this.#random.below(20);
    return encodeUtf8(String.fromCharCode(97 + this.#random.below(26)).repeat(length));
  }

  #acl(): readonly Acl[] {
    return ACLS[this.#random.below(ACLS.length)] as readonly Acl[];
  }

  #version(): number {
    return this.#random.below(5) > 0 ? -1 : this.#random.below(3);
  }
}

import { encodeNotification, JuteError, ServerState } from '@headkeeper/protocol';
import { RawClient } from '@headkeeper/testkit';
import { createHashing } from '../../src/adapters/system/hashing.ts';
import type { Database } from '../../src/core/database.ts';
import type { EnsembleSettings } from '../../src/core/ensemble-settings.ts';
import type { Event } from '../../src/core/events.ts';
import { type Membership, parseMembership } from '../../src/core/membership/membership.ts';
import type { Append, ConnectOrder, EnsembleWork, Ready, StorageOrder } from '../../src/core/ready.ts';
import { Replica } from '../../src/core/replica.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import type { Epochs } from '../../src/ports.ts';
import type { LoggedTxn } from './captures.ts';
import { MemberDisk } from './member-disk.ts';
import { CORE_SETTINGS, ensembleSettings } from './member-settings.ts';
import { TestLink } from './test-link.ts';

/** Checksum and length in front of a record's body, and the byte behind it. */
const RECORD_PREFIX_BYTES = 12;
const RECORD_END_BYTES = 1;
const ZXID_AT = 12;
const TWO_32 = 4294967296;

export interface MemberOptions {
  readonly sid: number;
  /** Text of the committed membership. */
  readonly membership: string;
  readonly core?: Partial<CoreSettings>;
  readonly ensemble?: Partial<EnsembleSettings>;
  readonly epochs?: Epochs;
  /** What its log holds. */
  readonly log?: readonly LoggedTxn[];
  /** Wall time at the start: the ids of its sessions are made of it. */
  readonly wallMs?: number;
}

type StepEvent = Event extends infer Each ? (Each extends Event ? Omit<Each, 'nowMs' | 'wallMs'> : never) : never;

/**
 * One server of an ensemble, with neither network nor disk: the test plays the other servers, and decides when what was
 * appended is durable and when orders to the disk are carried out. What is checked all the time: appended txns have no gap,
 * and nothing leaves before what it rests on is durable (laws 26 to 30).
 */
export class MemberHarness {
  readonly sid: number;
  readonly core: CoreSettings;
  readonly settings: EnsembleSettings;
  readonly replica: Replica;
  readonly disk: MemberDisk = new MemberDisk();
  epochs: Epochs;
  nowMs = 50_000_000;
  wallMs: number;
  /** Whether appended txns are durable at once, and whether orders to the disk and snapshots are carried out at once. */
  autoDurable = true;
  autoStorage = true;
  /** Whether a state for learners is sent in one go. */
  autoFeed = true;
  isFeeding = false;
  /** Whether the time of day goes on with the other clock. */
  wallRuns = true;
  readonly clients: RawClient[] = [];
  readonly links: Map<number, TestLink> = new Map();
  readonly notes: string[] = [];
  /** The votes that it has sent, newest last. */
  readonly votes: { readonly to: number; readonly payload: Uint8Array }[] = [];
  wakeAtMs = Number.POSITIVE_INFINITY;
  connect: ConnectOrder | null = null;
  committed: Membership;
  #nextLink = 1;
  #orders: { order: StorageOrder; generation: number }[] = [];
  #writing: { zxid: number; chunks: Uint8Array[] } | null = null;
  #pending: StepEvent[] = [];
  #stepping = false;
  /** What was appended and is not durable, as it was then, and where it lies. */
  #appended: {
    readonly bytes: Uint8Array;
    readonly copy: Uint8Array;
    readonly at: number;
    readonly lastZxid: number;
  }[] = [];

  constructor(options: MemberOptions) {
    const membership = parseMembership(options.membership);
    this.sid = options.sid;
    this.committed = membership;
    this.core = {
      ...CORE_SETTINGS,
      serverId: options.sid,
      reconfigEnabled: options.ensemble?.reconfigEnabled ?? false,
      ...options.core,
    };
    this.settings = { ...ensembleSettings(options.sid, membership, membership), ...options.ensemble };
    this.epochs = options.epochs ?? { accepted: 0, current: 0 };
    this.wallMs = options.wallMs ?? 1_790_000_000_000;
    for (const txn of options.log ?? []) this.disk.append(txn);
    this.disk.durableZxid = this.disk.lastZxid;
    this.replica = new Replica(this.core, createHashing(), this.disk.recover(this.core), {
      settings: this.settings,
      epochs: this.epochs,
      rebuilding: false,
    });
    this.replica.start(this.disk.log.length, this.nowMs, this.wallMs);
    this.#stepping = true;
    this.#carryOut(this.replica.takeReady());
    this.#stepping = false;
    this.#drain();
  }

  get role(): string {
    return this.#member.role.name;
  }

  /** How far the role is towards serving. */
  get stage(): string {
    return this.#member.role.stage;
  }

  get lastApplied(): number {
    return this.replica.serving.lastZxid;
  }

  get #member(): NonNullable<Replica['member']> {
    return this.replica.member as NonNullable<Replica['member']>;
  }

  // Elections: what the other servers say.

  /**
   * `leader` is elected: by an election in which this member takes part, or, if it is `established`, by an earlier one.
   */
  elect(leader: number, established = false): void {
    const others = [...this.committed.voters].filter((sid) => sid !== this.sid);
    const isOurs = leader === this.sid;
    const epoch = this.epochs.current;
    const { round } = this.#member.stage.election;
    const zxid = this.disk.lastZxid;
    for (const from of others) {
      const settled = from === leader ? ServerState.leading : ServerState.following;
      const state = established ? settled : ServerState.looking;
      const config = this.committed.toText();
      const vote = { state, leader, zxid, electionEpoch: round, peerEpoch: epoch, version: 2, config };
      this.step({ kind: 'notification', from, bytes: encodeNotification(vote) });
    }
    for (let turns = 0; turns < 5 && this.role === 'looking'; turns++) this.pass(200);
    const expected = isOurs ? 'leading' : 'follows';
    if ((this.role === 'leading') !== isOurs || this.role === 'looking') {
      throw new Error(`server ${this.sid} is ${this.role} where it should be ${expected}`);
    }
  }

  // Links.

  /** The leader takes the connection that this member wants. */
  accept(): TestLink {
    if (this.connect === null) throw new Error('no connection to a leader is wanted');
    const [remote] = this.connect.endpoints;
    this.connect = null;
    return this.#open('leader', remote as { host: string; port: number });
  }

  /** A learner connects. */
  learner(): TestLink {
    return this.#open('learner', { host: '127.0.0.1', port: 40_000 + this.#nextLink });
  }

  feed(link: TestLink, bytes: Uint8Array): void {
    if (link.closed) throw new Error('the link is closed');
    this.step({ kind: 'peerData', link: link.id, bytes });
  }

  /** The other end closes the link. */
  cut(link: TestLink): void {
    link.closed = true;
    this.links.delete(link.id);
    this.step({ kind: 'peerClosed', link: link.id });
  }

  #open(kind: 'leader' | 'learner', remote: { host: string; port: number }): TestLink {
    const link = new TestLink(this.#nextLink++, kind);
    this.links.set(link.id, link);
    this.step({ kind: 'peerOpen', link: link.id, as: kind, remote });
    return link;
  }

  /** Sends learners a little more of the state. */
  feedState(znodes: number): void {
    this.step({ kind: 'feedSlice', generation: this.replica.generation, znodes });
  }

  // The disk.

  /** Everything appended up to `zxid` has reached the disk. */
  durable(zxid: number = this.disk.lastZxid): void {
    if (zxid <= this.disk.durableZxid) return;
    if (zxid > this.disk.lastZxid) throw new Error('what was not appended cannot be durable');
    this.#requireUntouched(zxid);
    this.disk.durableZxid = zxid;
    this.step({ kind: 'durable', generation: this.replica.generation, zxid });
  }

  /** The memory of what is appended is the journal's until it is durable. */
  #requireUntouched(upTo: number): void {
    for (const { bytes, copy, at, lastZxid } of this.#appended) {
      if (lastZxid > upTo) continue;
      const isSame = copy.every((byte, index) => bytes[at + index] === byte);
      if (!isSame) throw new Error(`the memory of txns up to 0x${lastZxid.toString(16)} was used again too early`);
    }
    this.#appended = this.#appended.filter(({ lastZxid }) => lastZxid > upTo);
  }

  /** Carries out all orders to the disk, and what follows from them. */
  runStorage(): void {
    for (let turns = 0; this.isStorageBusy; turns++) {
      if (turns > 10_000) throw new Error('the disk is never done');
      if (this.replica.snapshotRunning) this.#writeSnapshot();
      else this.#nextOrder();
    }
  }

  get isStorageBusy(): boolean {
    return this.#orders.length > 0 || this.replica.snapshotRunning;
  }

  #nextOrder(): void {
    this.durable();
    const next = this.#orders.shift();
    if (next === undefined) return;
    const { order, generation } = next;
    const isDone = this.disk.carryOut(order);
    let database: Database | null = null;
    try {
      if (order.reload && isDone) database = this.disk.recover(this.core);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      // The server ends: its next start sets aside what cannot be decoded.
      this.#orders.length = 0;
      for (const link of this.links.values()) link.closed = true;
      return;
    }
    if (database !== null) this.disk.durableZxid = this.disk.lastZxid;
    this.step({ kind: 'storageDone', generation, database, unreachable: !isDone });
  }

  #writeSnapshot(): void {
    this.step({ kind: 'snapshotSlice', generation: this.replica.generation, znodes: 3 });
  }

  // Clients.

  open(): RawClient {
    const connection = this.clients.length;
    const client = new RawClient(connection, this);
    this.clients.push(client);
    this.step({ kind: 'clientOpen', connection, address: '127.0.0.1' });
    return client;
  }

  deliver(connection: number, bytes: Uint8Array): void {
    this.step({ kind: 'clientData', connection, bytes });
  }

  disconnect(connection: number): void {
    this.step({ kind: 'clientClose', connection });
  }

  // Time.

  /** Lets time pass; timers go off at their times. */
  pass(ms: number): void {
    const end = this.nowMs + ms;
    for (let wakes = 0; this.wakeAtMs <= end; wakes++) {
      if (wakes > ms + 100) throw new Error(`timers go off without end (${this.role}, ${this.stage})`);
      this.#advance(Math.max(0, this.wakeAtMs - this.nowMs));
      this.step({ kind: 'wake' });
    }
    this.#advance(end - this.nowMs);
  }

  #advance(ms: number): void {
    this.nowMs += ms;
    if (this.wallRuns) this.wallMs += ms;
  }

  tick(): void {
    this.step({ kind: 'tick' });
  }

  step(event: StepEvent): void {
    this.#pending.push(event);
    this.#drain();
  }

  #drain(): void {
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      let steps = 0;
      for (let event = this.#pending.shift(); event !== undefined; event = this.#pending.shift()) {
        if (steps++ > 10_000) throw new Error('one step leads to another without end');
        this.replica.step({ ...event, nowMs: this.nowMs, wallMs: this.wallMs } as Event);
        this.#carryOut(this.replica.takeReady());
      }
    } finally {
      this.#stepping = false;
    }
    if (this.autoStorage) this.runStorage();
  }

  #carryOut(ready: Ready): void {
    const work = ready.ensemble as EnsembleWork;
    if (work.hardState !== null) this.epochs = work.hardState;
    for (const append of ready.append) this.#append(append);
    for (const connection of ready.output) {
      const bytes = connection.out.toBytes();
      connection.out.length = 0;
      const client = this.clients[connection.id] as RawClient;
      if (!client.closed) client.arrived(bytes);
    }
    for (const { id } of ready.close) {
      (this.clients[id] as RawClient).closed = true;
      this.#pending.push({ kind: 'clientClose', connection: id });
    }
    this.#snapshot(ready);
    this.notes.push(...work.messages);
    this.votes.push(...work.notify);
    if (work.membership !== null) this.committed = work.membership.committed;
    if (work.storage !== null) this.#orders.push({ order: work.storage, generation: ready.generation });
    for (const link of work.peerOutput) this.#send(link);
    for (const id of work.peerClose) {
      const link = this.links.get(id);
      if (link !== undefined) link.closed = true;
      this.links.delete(id);
    }
    if (work.roleChanged) this.connect = null;
    if (work.connect !== null) this.connect = work.connect;
    for (const { link, afterZxid } of work.logWanted) {
      const chunk = this.disk.records(afterZxid, 5);
      this.#pending.push({ kind: 'logChunk', generation: ready.generation, link, chunk });
    }
    this.isFeeding = work.feeding.length > 0;
    if (this.isFeeding && this.autoFeed && !this.#pending.some(({ kind }) => kind === 'feedSlice')) {
      this.#pending.push({ kind: 'feedSlice', generation: ready.generation, znodes: 3 });
    }
    this.wakeAtMs = work.wakeAtMs;
    if (this.autoDurable && this.disk.durableZxid < this.disk.lastZxid) {
      this.#requireUntouched(this.disk.lastZxid);
      this.disk.durableZxid = this.disk.lastZxid;
      this.#pending.push({ kind: 'durable', generation: ready.generation, zxid: this.disk.lastZxid });
    }
  }

  #send(link: EnsembleWork['peerOutput'][number]): void {
    const { accepted, current } = this.epochs;
    if (
      link.needsZxid > this.disk.durableZxid ||
      link.needsAcceptedEpoch > accepted ||
      link.needsCurrentEpoch > current
    ) {
      throw new Error(
        `a packet needs 0x${link.needsZxid.toString(16)} and epochs ${link.needsAcceptedEpoch}, ${link.needsCurrentEpoch}; ` +
          `durable are 0x${this.disk.durableZxid.toString(16)}, ${accepted}, ${current}`,
      );
    }
    this.links.get(link.id)?.sent(link.out.toBytes());
    link.out.length = 0;
  }

  #append(append: Append): void {
    const { bytes, start, end, lastZxid } = append;
    this.#appended.push({ bytes, copy: bytes.slice(start, end), at: start, lastZxid });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = start; at < end; ) {
      const length = view.getInt32(at + 8);
      const bodyAt = at + RECORD_PREFIX_BYTES;
      const zxid = view.getInt32(bodyAt + ZXID_AT) * TWO_32 + view.getUint32(bodyAt + ZXID_AT + 4);
      this.disk.append({ zxid, body: bytes.slice(bodyAt, bodyAt + length) });
      at = bodyAt + length + RECORD_END_BYTES;
    }
  }

  #snapshot({ snapshot }: Ready): void {
    if (snapshot.abandon) this.#writing = null;
    if (snapshot.begin !== null) this.#writing = { zxid: snapshot.begin, chunks: [] };
    if (this.#writing === null) return;
    this.#writing.chunks.push(...snapshot.chunks);
    if (!snapshot.end) return;
    const { zxid, chunks } = this.#writing;
    this.#writing = null;
    this.disk.snapshots.push({ zxid, bytes: new Uint8Array(Buffer.concat(chunks)) });
    this.#pending.push({ kind: 'snapshotWritten', zxid });
  }
}

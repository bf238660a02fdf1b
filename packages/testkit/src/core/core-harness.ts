import { type Identity, Reader } from '@headkeeper/protocol';
import {
  type CoreSettings,
  createHashing,
  Database,
  type Event,
  type FailedLogin,
  type Logins,
  type Ready,
  RecoveredState,
  Replica,
} from '@headkeeper/server/internal';
import { CORE_SETTINGS } from './core-settings.ts';
import { type ClientPort, type HandshakeOptions, RawClient } from './raw-client.ts';

/** Checksum and length in front of a record's body, and the byte behind it. */
const RECORD_PREFIX_BYTES = 12;
const RECORD_END_BYTES = 1;
const ZXID_AT = 12;

/** A txn as it was handed to the journal: header, body and digest, and its zxid. */
export interface LoggedTxn {
  readonly zxid: number;
  readonly body: Uint8Array;
}

/**
 * A core with neither sockets nor disk: clients are objects, time is a number, and the test decides when what was appended
 * has become durable. After every step it checks the laws that hold at any time: appended zxids have no gap, and no byte
 * that leaves tells of a txn that is not durable.
 */
export class CoreHarness implements ClientPort {
  readonly settings: CoreSettings;
  readonly replica: Replica;
  nowMs = 50_000_000;
  wallMs = 1_790_000_000_000;
  /** Whether what is appended is durable at once. */
  autoDurable = true;
  readonly log: LoggedTxn[] = [];
  durableZxid: number;
  readonly clients: RawClient[] = [];
  /** Snapshots begun, with their bytes so far. */
  readonly snapshots: { zxid: number; chunks: Uint8Array[]; ended: boolean; rolled: boolean }[] = [];
  /** Clients that have failed to prove who they are. */
  readonly failedLogins: FailedLogin[] = [];
  #appendedZxid: number;
  #rolled = false;

  constructor(settings: Partial<CoreSettings> = {}, replayed: readonly LoggedTxn[] = [], logins: Logins | null = null) {
    this.settings = { ...CORE_SETTINGS, ...settings };
    const state = new RecoveredState(new Database(this.settings));
    state.loaded(0, null);
    for (const { body } of replayed) state.applyTxn(body, viewOf(body), 0, body.length);
    if (state.mismatchCount > 0) throw new Error(state.digestMismatches[0]);
    this.replica = new Replica(this.settings, createHashing(), state.database, null, logins);
    this.log.push(...replayed);
    this.#appendedZxid = replayed.at(-1)?.zxid ?? 0;
    this.durableZxid = this.#appendedZxid;
    this.replica.start(replayed.length, this.nowMs, this.wallMs);
    this.#carryOut(this.replica.takeReady());
  }

  /** The last zxid handed to the journal. */
  get appendedZxid(): number {
    return this.#appendedZxid;
  }

  /** A server that has read this one's log. */
  restarted(): CoreHarness {
    return new CoreHarness(this.settings, this.log);
  }

  /** `identities`: what the client has proved by its certificate. */
  open(address = '127.0.0.1', identities: readonly Identity[] = []): RawClient {
    const connection = this.clients.length;
    const client = new RawClient(connection, this);
    this.clients.push(client);
    this.step({ kind: 'clientOpen', connection, address, identities });
    return client;
  }

  /** A client with a session of its own. */
  connect(options: HandshakeOptions = {}): RawClient {
    return this.open().connect(options);
  }

  deliver(connection: number, bytes: Uint8Array): void {
    this.step({ kind: 'clientData', connection, bytes });
  }

  disconnect(connection: number): void {
    this.step({ kind: 'clientClose', connection });
  }

  /** Everything appended up to `zxid` has reached the disk. */
  durable(zxid: number = this.#appendedZxid): void {
    this.durableZxid = Math.max(this.durableZxid, zxid);
    this.step({ kind: 'durable', generation: this.replica.generation, zxid });
  }

  /** Lets time pass, without a tick. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.wallMs += ms;
  }

  tick(): void {
    this.step({ kind: 'tick' });
  }

  /** Lets time pass in ticks of the server. */
  run(ms: number): void {
    const end = this.nowMs + ms;
    while (this.nowMs < end) {
      this.pass(Math.min(this.settings.tickTimeMs, end - this.nowMs));
      this.tick();
    }
  }

  slice(znodes: number): void {
    this.step({ kind: 'snapshotSlice', generation: this.replica.generation, znodes });
  }

  /** Begins a snapshot of the state as it is. */
  beginSnapshot(): void {
    this.replica.beginSnapshot();
    this.#carryOut(this.replica.takeReady());
  }

  step(event: StepEvent): void {
    this.replica.step({ ...event, nowMs: this.nowMs, wallMs: this.wallMs } as Event);
    this.#carryOut(this.replica.takeReady());
  }

  #carryOut(ready: Ready): void {
    if (ready.roll) this.#rolled = true;
    for (const append of ready.append) this.#appended(append);
    for (const connection of ready.output) {
      const bytes = connection.out.toBytes();
      connection.out.length = 0;
      if (bytes.length === 0) throw new Error(`connection ${connection.id} has output without bytes`);
      const client = this.clients[connection.id] as RawClient;
      if (client.closed) continue;
      const before = client.received.length;
      client.arrived(bytes);
      for (const frame of client.received.slice(before)) {
        if (frame.kind !== 'handshake' && frame.zxid > this.durableZxid) {
          throw new Error(`zxid ${frame.zxid} was told to a client, durable is ${this.durableZxid}`);
        }
      }
    }
    if (ready.more) this.#carryOut(this.replica.takeReady());
    while (this.replica.isBusy) {
      this.replica.step({ kind: 'work', nowMs: this.nowMs, wallMs: this.wallMs });
      this.#carryOut(this.replica.takeReady());
    }
    for (const connection of ready.close) {
      const client = this.clients[connection.id] as RawClient;
      client.closed = true;
      this.replica.step({ kind: 'clientClose', connection: connection.id, nowMs: this.nowMs, wallMs: this.wallMs });
    }
    this.failedLogins.push(...ready.failedLogins);
    this.#snapshot(ready);
    for (const { id, outputFull } of ready.output) {
      if (outputFull) this.step({ kind: 'clientDrained', connection: id });
    }
    if (this.replica.serving.admission.wantsTurn) this.step({ kind: 'turn' });
    if (this.autoDurable && this.durableZxid < this.#appendedZxid) this.durable();
  }

  #appended(append: Ready['append'][number]): void {
    const { bytes, start, end } = append;
    const view = viewOf(bytes);
    const r = new Reader(bytes, start, end);
    let first = 0;
    while (r.remaining() > 0) {
      const length = view.getInt32(r.pos + 8);
      const bodyAt = r.pos + RECORD_PREFIX_BYTES;
      const zxid = view.getInt32(bodyAt + ZXID_AT) * 4294967296 + view.getUint32(bodyAt + ZXID_AT + 4);
      if (zxid !== this.#appendedZxid + 1) throw new Error(`txn ${zxid} is appended behind ${this.#appendedZxid}`);
      if (first === 0) first = zxid;
      this.#appendedZxid = zxid;
      this.log.push({ zxid, body: bytes.slice(bodyAt, bodyAt + length) });
      r.skip(RECORD_PREFIX_BYTES + length + RECORD_END_BYTES);
    }
    if (append.firstZxid !== first || append.lastZxid !== this.#appendedZxid) {
      throw new Error(`an append of ${first} to ${this.#appendedZxid} says otherwise`);
    }
  }

  #snapshot(ready: Ready): void {
    const { begin, chunks, end } = ready.snapshot;
    if (begin !== null) {
      this.snapshots.push({ zxid: begin, chunks: [], ended: false, rolled: this.#rolled });
      this.#rolled = false;
    }
    const current = this.snapshots.at(-1);
    if (current === undefined) return;
    current.chunks.push(...chunks);
    if (end) current.ended = true;
  }
}

/** An event without its time, which is the harness's. */
export type StepEvent = Event extends infer Each
  ? Each extends Event
    ? Omit<Each, 'nowMs' | 'wallMs'>
    : never
  : never;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

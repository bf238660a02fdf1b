import { ErrorCode, JuteError, OpCode, Reader, Writer } from '@headkeeper/protocol';
import { limits } from '../limits.ts';
import type { Hashing } from '../ports.ts';
import { Connection, type Session } from './connection.ts';
import type { Event } from './events.ts';
import { InvariantViolation, invariant } from './invariants.ts';
import type { ReadOperation } from './ops/operation.ts';
import { closeSession, createSession } from './ops/sessions.ts';
import { operationOf } from './ops/table.ts';
import { nextZxid, type Proposal, Proposals } from './proposals.ts';
import type { Ready } from './ready.ts';
import { Reaper } from './reaper.ts';
import { Serving } from './serving.ts';
import { readHandshake, SessionIds, writeHandshakeReply } from './session/handshake.ts';
import { PASSWORD_BYTES, SessionPasswords } from './session/password.ts';
import type { CoreSettings } from './settings.ts';
import { SnapshotSchedule } from './snapshot-schedule.ts';
import { TxnApplier } from './tree/apply.ts';

/** Xid and opcode. */
const REQUEST_HEADER_BYTES = 8;
/** An emptied input buffer larger than this is given back. */
const KEEP_INPUT_BYTES = 65536;
/** Znodes whose digests are checked at each tick after a large snapshot was loaded. */
const CHECKED_PER_TICK = 4096;
const NO_BYTES = new Uint8Array(0);

/**
 * One server's machine: `step` takes an event and changes memory only, `takeReady` hands out the work that has come of it.
 * Both are synchronous; there is no clock, socket, file or randomness inside.
 *
 * A standalone server: it proposes and applies by itself, and a txn is applied, so readable, only once it is durable.
 */
export class Replica {
  readonly serving: Serving;
  readonly applier: TxnApplier;
  readonly #settings: CoreSettings;
  readonly #proposals: Proposals;
  readonly #passwords: SessionPasswords;
  readonly #snapshots: SnapshotSchedule;
  readonly #reaper: Reaper;
  #sessionIds: SessionIds;
  /** Counts the roles that this process has had; completions of an earlier one are dropped. */
  #generation = 1;
  #durableZxid = 0;
  #loadedIsChecked = false;
  /** Connections whose input waits until their own writes are answered. */
  #stalled: Connection[] = [];
  readonly #reader: Reader = new Reader(NO_BYTES);
  readonly #waitingReader: Reader = new Reader(NO_BYTES);
  readonly #results: Writer = new Writer(1024);
  readonly #body: Reader = new Reader(NO_BYTES);

  constructor(settings: CoreSettings, hashing: Hashing) {
    this.#settings = settings;
    this.serving = new Serving(settings, hashing);
    this.applier = new TxnApplier(this.serving.tree, this.serving.sessions);
    this.#proposals = new Proposals(this.serving);
    this.#passwords = new SessionPasswords(settings, hashing);
    this.#snapshots = new SnapshotSchedule(this.serving);
    this.#reaper = new Reaper(settings);
    this.#sessionIds = new SessionIds(settings.serverId, 0);
  }

  /**
   * Begins to serve the recovered state: `lastZxid` is its last txn, `replayed` the txns since the newest snapshot. Sessions
   * get a full timeout; ephemerals without a session go, as they do on Apache.
   */
  start(lastZxid: number, replayed: number, nowMs: number, wallMs: number): void {
    const { serving } = this;
    serving.nowMs = nowMs;
    serving.wallMs = wallMs;
    serving.setLastZxid(lastZxid);
    this.#durableZxid = lastZxid;
    this.#sessionIds = new SessionIds(this.#settings.serverId, wallMs);
    for (const slot of serving.sessions.orphans()) {
      // With TTL znodes switched off these count as ephemerals, and one may have gone with the one above it.
      if (!serving.tree.store.isLive(slot)) continue;
      const path = this.applier.pathOf(slot);
      serving.tree.delete(path, 0, path.length, lastZxid);
    }
    serving.tree.quotas.rebuild();
    serving.sessions.forEach((session) => {
      serving.expiry.touch(session.slot, nowMs, session.timeoutMs);
    });
    this.applier.observe(serving, this.#results);
    this.#proposals.start(lastZxid);
    this.#snapshots.start(replayed);
    this.#reaper.start(nowMs);
  }

  /** Txns proposed and not yet applied. */
  get outstanding(): number {
    return this.#proposals.outstanding;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Whether a snapshot is being written and wants `snapshotSlice` events. */
  get snapshotRunning(): boolean {
    return this.#snapshots.running;
  }

  /** Begins a snapshot of the state as it is, unless one is running. */
  beginSnapshot(): void {
    this.#snapshots.begin();
  }

  step(event: Event): void {
    const { serving } = this;
    serving.nowMs = event.nowMs;
    serving.wallMs = event.wallMs;
    switch (event.kind) {
      case 'clientData': {
        const connection = serving.connections[event.connection];
        if (connection !== null && connection !== undefined) this.#receive(connection, event.bytes);
        return;
      }
      case 'durable':
        if (event.generation === this.#generation) this.#durable(event.zxid);
        return;
      case 'clientOpen':
        invariant((serving.connections[event.connection] ?? null) === null, 'a connection id is used once at a time');
        serving.connections[event.connection] = new Connection(
          event.connection,
          event.address,
          event.nowMs,
          event.wallMs,
        );
        return;
      case 'clientClose': {
        const connection = serving.connections[event.connection] ?? null;
        if (connection !== null) this.#gone(connection);
        return;
      }
      case 'clientDrained': {
        const connection = serving.connections[event.connection] ?? null;
        if (connection !== null) this.#drained(connection);
        return;
      }
      case 'tick':
        this.#tick();
        return;
      case 'snapshotSlice':
        if (event.generation === this.#generation) this.#snapshots.advance(event.znodes);
        return;
    }
  }

  takeReady(): Ready {
    const { serving } = this;
    const output = serving.dirty.slice();
    for (const connection of output) connection.dirty = false;
    serving.dirty.length = 0;
    const close = serving.closing.slice();
    serving.closing.length = 0;
    return {
      generation: this.#generation,
      roll: this.#snapshots.takeRoll(),
      append: this.#proposals.takeAppends(),
      output,
      close,
      snapshot: this.#snapshots.takeWork(),
    };
  }

  /** Whether the driver should stop reading from the connection for now. */
  wantsPause(id: number): boolean {
    const connection = this.serving.connections[id] ?? null;
    if (connection === null) return false;
    return (
      connection.state === 'connecting' ||
      connection.outputFull ||
      this.#isFull(connection) ||
      (connection.order.size > 0 && this.#isDiskBehind())
    );
  }

  #isDiskBehind(): boolean {
    const { outstanding, outstandingBytes } = this.#proposals;
    return outstanding > limits.outstandingProposals || outstandingBytes > limits.outstandingBytes;
  }

  /** Whether the connection's input waits for a `clientDrained` event. */
  isOutputFull(id: number): boolean {
    return this.serving.connections[id]?.outputFull ?? false;
  }

  #isFull(connection: Connection): boolean {
    const { order } = connection;
    return order.size >= limits.deferredRequests || order.waitingBytes >= limits.deferredBytes;
  }

  #drained(connection: Connection): void {
    connection.outputFull = false;
    if (connection.state === 'open' && connection.inputLength > 0) this.#consumeInput(connection);
  }

  #gone(connection: Connection): void {
    this.serving.detach(connection);
    connection.state = 'closed';
    this.serving.connections[connection.id] = null;
  }

  #tick(): void {
    const { serving } = this;
    const expired = serving.expiry.expire(serving.nowMs);
    for (let i = 0; i < expired.length; i++) {
      const session = serving.sessions.at(expired[i]);
      if (session !== null && !session.closing) this.#proposeClose(session, null, 0);
    }
    for (const connection of serving.connections) {
      if (connection === null || connection === undefined || connection.state !== 'handshake') continue;
      if (serving.nowMs - connection.openedMs >= limits.handshakeMs) serving.close(connection);
    }
    this.#checkLoaded();
    this.#reaper.run(serving, this.#proposals);
  }

  /** Goes on with the digests that loading has put off; a snapshot that turns out wrong is counted once. */
  #checkLoaded(): void {
    const { tree, statistics } = this.serving;
    if (this.#loadedIsChecked) return;
    tree.checkLoaded(CHECKED_PER_TICK);
    this.#loadedIsChecked = tree.isChecked;
    if (tree.loadedWrongly) statistics.digestMismatches++;
  }

  #proposeClose(session: Session, connection: Connection | null, xid: number): void {
    this.serving.expiry.remove(session.slot);
    const { idHigh, idLow } = session;
    const body = this.#body;
    this.#proposals.propose(closeSession, OpCode.closeSession, xid, connection, session, idHigh, idLow, body);
  }

  // Input: frames, the handshake, requests.

  #receive(connection: Connection, bytes: Uint8Array): void {
    const { serving } = this;
    if (connection.state === 'closing' || connection.state === 'closed') return;
    connection.lastHeardMs = serving.nowMs;
    const { session } = connection;
    if (session !== null && !session.closing) {
      serving.expiry.touch(session.slot, serving.nowMs, connection.timeoutMs);
    }
    if (connection.inputLength > 0) {
      appendInput(connection, bytes, 0);
      this.#consumeInput(connection);
      return;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const consumed = this.#frames(connection, bytes, view, bytes.length);
    if (consumed < bytes.length && isReading(connection)) appendInput(connection, bytes, consumed);
  }

  /** Goes on with input that was kept. */
  #consumeInput(connection: Connection): void {
    const { input, inputLength } = connection;
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    const consumed = this.#frames(connection, input, view, inputLength);
    if (!isReading(connection)) return;
    connection.inputLength = inputLength - consumed;
    if (connection.inputLength > 0) input.copyWithin(0, consumed, inputLength);
    else if (input.length > KEEP_INPUT_BYTES) connection.input = NO_BYTES;
  }

  /** Handles the whole frames of `bytes[0, end)`; returns how far it came. */
  #frames(connection: Connection, bytes: Uint8Array, view: DataView, end: number): number {
    let at = 0;
    const r = this.#reader;
    while (at + 4 <= end) {
      if (connection.state === 'connecting' || !isReading(connection)) return at;
      // A few bytes of requests can ask for gigabytes of replies: one after the other, as the network takes them.
      if (connection.out.length >= limits.outputHighWater) connection.outputFull = true;
      if (connection.outputFull) return at;
      if (this.#isFull(connection)) {
        this.#stalled.push(connection);
        return at;
      }
      const length = view.getInt32(at);
      if (length < 0 || length > this.#settings.juteMaxBuffer) {
        this.serving.close(connection);
        return end;
      }
      const frameEnd = at + 4 + length;
      if (frameEnd > end) return at;
      r.reset(bytes, view, at + 4, frameEnd);
      at = frameEnd;
      if (connection.state === 'open') this.#request(connection, r);
      else this.#handshake(connection, r);
    }
    return at;
  }

  #request(connection: Connection, r: Reader): void {
    const { serving } = this;
    if (r.remaining() < REQUEST_HEADER_BYTES) {
      serving.close(connection);
      return;
    }
    const start = r.pos;
    const xid = r.int();
    const opcode = r.int();
    serving.statistics.packetsReceived++;
    connection.statistics.received++;
    const operation = operationOf(opcode);
    if (operation === null || operation.kind === 'read') {
      if (connection.order.size > 0) connection.order.pushRequest(r.bytes, start, r.end, connection.identities);
      else this.#read(connection, operation, connection.identities, r, xid, opcode);
      return;
    }
    if (operation.kind === 'immediate') {
      try {
        operation.run(serving, connection, r, xid);
      } catch (failure) {
        if (!(failure instanceof JuteError)) throw failure;
        serving.close(connection);
      }
      return;
    }
    const session = connection.session as Session;
    if (opcode === OpCode.closeSession) {
      if (session.closing) return;
      this.#proposeClose(session, connection, xid);
      connection.order.pushWrite();
      return;
    }
    const { idHigh, idLow } = session;
    const error = this.#proposals.propose(operation, opcode, xid, connection, session, idHigh, idLow, r);
    if (error === 0) connection.order.pushWrite();
    else if (connection.order.size > 0) connection.order.pushFailure(xid, error);
    else serving.replyError(connection, xid, error);
  }

  #read(
    connection: Connection,
    operation: ReadOperation | null,
    identities: Connection['identities'],
    r: Reader,
    xid: number,
    opcode: number,
  ): void {
    const { serving } = this;
    if (operation === null) {
      serving.replyBare(connection, xid, -1, ErrorCode.unimplemented);
      serving.close(connection);
      return;
    }
    const before = connection.out.length;
    try {
      operation.run(serving, connection, identities, r, xid);
    } catch (failure) {
      if (!(failure instanceof JuteError)) throw failure;
      invariant(connection.out.length >= before, 'a reply is only ever added to');
      serving.replyError(connection, xid, ErrorCode.marshallingError);
    }
    serving.statistics.answered(0);
    connection.statistics.answered(opcode, xid, serving.lastZxid, 0, serving.nowMs);
  }

  #handshake(connection: Connection, r: Reader): void {
    const { serving } = this;
    serving.statistics.packetsReceived++;
    connection.statistics.received++;
    const handshake = decodeOrNull(r);
    // A client that has seen a later zxid must not be taken back in time: it tries another server.
    if (handshake === null || handshake.lastZxidSeen > serving.lastZxid) {
      serving.close(connection);
      return;
    }
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#settings;
    connection.timeoutMs = Math.min(maxSessionTimeoutMs, Math.max(minSessionTimeoutMs, handshake.timeoutMs));
    connection.sendsReadOnly = handshake.sendsReadOnly;
    const { sessionHigh, sessionLow } = handshake;
    if (sessionHigh === 0 && sessionLow === 0) this.#createSession(connection);
    else if (this.#passwords.accepts(sessionHigh, sessionLow, handshake.password)) {
      this.#attach(connection, serving.sessions.find(sessionHigh, sessionLow));
    } else this.#attach(connection, null);
  }

  #createSession(connection: Connection): void {
    const ids = this.#sessionIds;
    while (this.serving.sessions.find(ids.high, ids.low) !== null) ids.advance();
    const body = new Writer(4);
    body.int(connection.timeoutMs);
    this.#body.reset(body.bytes, body.view, 0, 4);
    connection.state = 'connecting';
    const { high, low } = ids;
    ids.advance();
    this.#proposals.propose(createSession, OpCode.createSession, 0, connection, null, high, low, this.#body);
  }

  /** Answers a handshake: with the session, or, when there is none, that it is refused. */
  #attach(connection: Connection, session: Session | null): void {
    const { serving } = this;
    if (session === null || session.closing) {
      writeHandshakeReply(connection.out, 0, 0, 0, new Uint8Array(PASSWORD_BYTES), connection.sendsReadOnly);
      serving.markDirty(connection);
      serving.close(connection);
      return;
    }
    if (session.connection !== null) serving.close(session.connection);
    session.connection = connection;
    connection.session = session;
    connection.state = 'open';
    serving.expiry.touch(session.slot, serving.nowMs, connection.timeoutMs);
    const { idHigh, idLow } = session;
    const password = this.#passwords.issue(idHigh, idLow);
    writeHandshakeReply(connection.out, connection.timeoutMs, idHigh, idLow, password, connection.sendsReadOnly);
    serving.statistics.packetsSent++;
    connection.statistics.sent++;
    if (!connection.dirty) serving.markDirty(connection);
  }

  // Txns that have become durable.

  #durable(zxid: number): void {
    invariant(zxid >= this.#durableZxid, 'what is durable stays durable');
    this.#durableZxid = zxid;
    for (let next = this.#proposals.peekDurable(zxid); next !== null; next = this.#proposals.peekDurable(zxid)) {
      this.#apply(next);
    }
    if (this.#stalled.length === 0) return;
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const connection of stalled) {
      if (connection.state === 'open' && connection.inputLength > 0) this.#consumeInput(connection);
    }
  }

  #apply(proposal: Proposal): void {
    const { serving, applier } = this;
    const writer = (proposal.buffer as NonNullable<Proposal['buffer']>).writer;
    const { zxid, connection, opcode } = proposal;
    invariant(zxid === nextZxid(serving.lastZxid), `txn ${zxid} follows ${serving.lastZxid}`);
    this.#results.length = 0;
    serving.pendingZxid = zxid;
    applier.apply(writer.bytes, writer.view, proposal.start, proposal.end);
    invariant(applier.zxid === zxid, 'the txn applied is the one that was proposed');
    serving.setLastZxid(zxid);
    if (applier.hasDigest && this.#settings.digestEnabled) this.#compareDigest();
    this.#proposals.preparation.pending.applied(zxid);
    if (opcode === OpCode.createSession) this.#sessionCreated(proposal);
    else if (opcode === OpCode.closeSession) this.#sessionClosed(proposal);
    else if (connection !== null && connection.state === 'open') {
      this.#reply(connection, proposal, writer);
      this.#answered(connection, proposal);
    }
    this.#proposals.release(proposal);
    this.#snapshots.applied(this.#proposals.bytesProposed);
  }

  #compareDigest(): void {
    const { digest } = this.serving.tree;
    const { applier } = this;
    if (digest.high !== applier.digestHigh || digest.low !== applier.digestLow) {
      this.serving.statistics.digestMismatches++;
    }
  }

  #reply(connection: Connection, proposal: Proposal, writer: Writer): void {
    const { serving, applier } = this;
    const { out } = connection;
    const at = serving.beginTxnReply(connection, proposal.xid, proposal.zxid, applier.error);
    if (applier.error === ErrorCode.ok) {
      switch (proposal.opcode) {
        case OpCode.create:
          writePath(out, writer.bytes, applier.pathStart, applier.pathEnd);
          break;
        case OpCode.create2:
        case OpCode.createContainer:
        case OpCode.createTTL:
          writePath(out, writer.bytes, applier.pathStart, applier.pathEnd);
          serving.writeStat(out, applier.slot);
          break;
        case OpCode.setData:
        case OpCode.setACL:
          serving.writeStat(out, applier.slot);
          break;
        case OpCode.multi:
          out.raw(this.#results.bytes, 0, this.#results.length);
          out.int(-1);
          out.boolean(true);
          out.int(-1);
          break;
        default:
          break;
      }
    }
    serving.endReply(connection, at);
  }

  /** The write at the head of the connection's order has its reply: what waited behind it can go on. */
  #answered(connection: Connection, proposal: Proposal): void {
    const { serving } = this;
    const latency = serving.nowMs - proposal.arrivedMs;
    serving.statistics.answered(latency);
    connection.statistics.answered(proposal.opcode, proposal.xid, proposal.zxid, latency, serving.nowMs);
    const { order } = connection;
    invariant(order.headKind() === 'write', 'replies leave in the order of requests');
    order.take();
    const r = this.#waitingReader;
    while (order.size > 0 && order.headKind() !== 'write' && connection.state === 'open') {
      // These reads cannot wait for the network: the next write's reply comes behind them.
      if (connection.out.length > limits.outputMaximum) {
        serving.close(connection);
        return;
      }
      const isFailure = order.headKind() === 'failure';
      order.take();
      if (isFailure) {
        serving.replyError(connection, order.xid, order.error);
        continue;
      }
      const { bytes } = order;
      r.reset(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), order.start, order.end);
      const xid = r.int();
      const opcode = r.int();
      const operation = operationOf(opcode);
      if (operation !== null && operation.kind !== 'read') throw new InvariantViolation('only reads wait');
      this.#read(connection, operation, order.identities, r, xid, opcode);
    }
  }

  #sessionCreated(proposal: Proposal): void {
    const { serving, applier } = this;
    const session = serving.sessions.find(applier.sessionHigh, applier.sessionLow);
    invariant(session !== null, 'a session exists once its txn is applied');
    const { connection } = proposal;
    if (connection === null || connection.state !== 'connecting') {
      serving.expiry.touch(session.slot, serving.nowMs, session.timeoutMs);
      return;
    }
    this.#attach(connection, session);
    if (connection.inputLength > 0) this.#consumeInput(connection);
  }

  #sessionClosed(proposal: Proposal): void {
    const { serving } = this;
    const session = proposal.session as Session;
    const owner = session.connection;
    const { connection } = proposal;
    if (connection !== null && connection.state === 'open') {
      this.#reply(connection, proposal, (proposal.buffer as NonNullable<Proposal['buffer']>).writer);
      serving.close(connection);
    }
    if (owner !== null) serving.close(owner);
  }
}

function isReading(connection: Connection): boolean {
  return connection.state !== 'closing' && connection.state !== 'closed' && !(connection.session?.closing ?? false);
}

/** Adds `bytes` from `from` on to what waits, growing with what has really arrived. */
function appendInput(connection: Connection, bytes: Uint8Array, from: number): void {
  const need = connection.inputLength + bytes.length - from;
  if (need > connection.input.length) {
    const larger = new Uint8Array(Math.max(need, connection.input.length * 2, 256));
    larger.set(connection.input.subarray(0, connection.inputLength));
    connection.input = larger;
  }
  connection.input.set(bytes.subarray(from), connection.inputLength);
  connection.inputLength = need;
}

function decodeOrNull(r: Reader): ReturnType<typeof readHandshake> | null {
  try {
    return readHandshake(r);
  } catch (failure) {
    if (!(failure instanceof JuteError)) throw failure;
    return null;
  }
}

function writePath(out: Writer, bytes: Uint8Array, start: number, end: number): void {
  out.int(end - start);
  out.raw(bytes, start, end);
}

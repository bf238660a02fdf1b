import { ErrorCode, type Identity, JuteError, OpCode, Reader } from '@headkeeper/protocol';
import { limits } from '../limits.ts';
import type { Hashing } from '../ports.ts';
import { Connection, type Session } from './connection.ts';
import { InvariantViolation, invariant } from './invariants.ts';
import { eagerRefusal } from './ops/eager-acl.ts';
import { makesEphemeral } from './ops/ephemeral-requests.ts';
import type { ReadOperation } from './ops/operation.ts';
import { operationOf } from './ops/table.ts';
import type { Admission } from './overload/admission.ts';
import { ConnectionThrottle } from './overload/connection-throttle.ts';
import { areNextPings } from './overload/pings.ts';
import type { Serving } from './serving.ts';
import { readHandshakeOrNull, SessionIds, writeHandshakeReply } from './session/handshake.ts';
import { PASSWORD_BYTES, SessionPasswords } from './session/password.ts';
import type { CoreSettings } from './settings.ts';
import type { WritePath } from './write-path.ts';

/** Xid and opcode. */
const REQUEST_HEADER_BYTES = 8;
const NO_BYTES = new Uint8Array(0);
/** What a part of this server is to the access control lists, on an Apache leader too. */
const SUPER = Object.freeze({ scheme: 'super', id: '' });

/** What the clients of this server send: frames, handshakes, requests; and the order in which they are answered. */
export class Clients {
  readonly #serving: Serving;
  readonly #settings: CoreSettings;
  readonly #passwords: SessionPasswords;
  readonly #checksAclEagerly: boolean;
  #sessionIds: SessionIds;
  /** Null while this server cannot serve: connections that are kept wait, new ones are turned away. */
  #path: WritePath | null = null;
  /** The connection whose kept input is being gone through. */
  #consuming: Connection | null = null;
  readonly #admission: Admission;
  readonly throttle: ConnectionThrottle;
  readonly #reader: Reader = new Reader(NO_BYTES);
  readonly #waitingReader: Reader = new Reader(NO_BYTES);

  constructor(serving: Serving, settings: CoreSettings, hashing: Hashing) {
    this.#serving = serving;
    this.#settings = settings;
    this.#checksAclEagerly = settings.authentication.checksAclEagerly;
    this.#passwords = new SessionPasswords(settings, hashing);
    this.#sessionIds = new SessionIds(settings.serverId, 0);
    this.#admission = serving.admission;
    this.throttle = new ConnectionThrottle(settings.overload.connections, settings.hashSeed);
  }

  /** Whether requests wait where they are: a leader that hands over makes no new txns. */
  #isHeld = false;

  /** The last txn that this server has taken in. */
  historyEnd: () => number = () => 0;

  /** New session ids begin at this wall time. */
  start(wallMs: number): void {
    this.#sessionIds = new SessionIds(this.#settings.serverId, wallMs);
    this.throttle.start(this.#serving.nowMs);
  }

  /** Whether clients are served reads only. */
  get isReadOnly(): boolean {
    return this.#path?.isReadOnly ?? false;
  }

  get areServed(): boolean {
    return this.#path !== null;
  }

  /** Clients are served from now on; those that waited go on where they were. */
  serve(path: WritePath): void {
    this.#path = path;
    this.#isHeld = false;
    for (const connection of this.#serving.connections) {
      if (connection === null || connection === undefined) continue;
      const { session } = connection;
      if (session !== null) this.#touch(path, session, connection.timeoutMs);
      if (connection.inputLength > 0) this.#consumeInput(connection);
    }
  }

  /**
   * Clients are not served any more. Connections that wait for an answer of the role that has ended are closed, because
   * nobody knows what comes of their requests; the others are kept if `keep` says so: they go on when the server serves
   * again from a state that contains the one they have seen.
   */
  suspend(keep: boolean): void {
    const wasServing = this.#path !== null;
    this.#path = null;
    this.#isHeld = false;
    this.#admission.forgetStalled();
    for (const connection of this.#serving.connections) {
      if (connection === null || connection === undefined) continue;
      if (keep && connection.state === 'open' && connection.order.size === 0 && !connection.leaving) continue;
      // What was held back while nobody was served may tell of txns that have been cut off again.
      if (!wasServing && connection.state === 'open') connection.out.length = 0;
      this.#serving.close(connection);
    }
  }

  /** Requests, and handshakes, wait until clients are served again; answers to those before still go out. */
  hold(): void {
    this.#isHeld = true;
  }

  /** `proved`: who the client is by the certificate of its connection. */
  open(id: number, address: string, isOwn: boolean, proved: readonly Identity[]): void {
    const serving = this.#serving;
    invariant((serving.connections[id] ?? null) === null, 'a connection id is used once at a time');
    const connection = new Connection(id, address, serving.nowMs, serving.wallMs, this.#admission.held);
    connection.isOwn = isOwn;
    if (isOwn) connection.identities = [SUPER, ...connection.identities];
    if (proved.length > 0) connection.identities = [...connection.identities, ...proved];
    connection.isWanting = !isOwn && serving.authentication.isWanting(connection.identities);
    serving.connections[id] = connection;
  }

  data(id: number, bytes: Uint8Array): void {
    const connection = this.#serving.connections[id];
    if (connection === null || connection === undefined) return;
    const { statistics } = this.#serving;
    const before = statistics.requests;
    statistics.work.bytesReceived += bytes.length;
    this.#receive(connection, bytes);
    const reads = statistics.requests - before;
    if (reads > 0) statistics.work.readsTogether.add(reads);
  }

  /** While there is long work: answers what a client says if it is nothing but pings that nothing goes before, or does nothing. */
  answerPings(id: number, bytes: Uint8Array): boolean {
    const connection = this.#serving.connections[id] ?? null;
    if (this.#path === null || connection === null || !areNextPings(connection, bytes)) return false;
    this.data(id, bytes);
    return true;
  }

  gone(id: number): void {
    const connection = this.#serving.connections[id] ?? null;
    if (connection === null) return;
    if (connection.state !== 'closing' && !connection.leaving) this.#serving.statistics.work.dropped++;
    this.#serving.detach(connection);
    connection.state = 'closed';
    this.#serving.connections[id] = null;
  }

  drained(id: number): void {
    const connection = this.#serving.connections[id] ?? null;
    if (connection === null) return;
    connection.outputFull = false;
    if (connection.state === 'open' && connection.inputLength > 0) this.#consumeInput(connection);
  }

  /** Closes connections that have not completed their handshake, or a SASL exchange, in time. */
  tick(): void {
    const { nowMs, connections, statistics } = this.#serving;
    let waiting = 0;
    const { handshakeMs } = this.#settings.overload;
    this.resumeStalled();
    for (const { connection } of this.#serving.localSessions.expire(nowMs)) {
      if (connection !== null) this.#serving.close(connection);
    }
    for (const connection of connections) {
      if (connection === null || connection === undefined) continue;
      if (connection.order.size > 0) waiting++;
      const isTooSlow =
        connection.state === 'handshake'
          ? nowMs - connection.openedMs >= handshakeMs
          : this.#serving.authentication.isTooSlow(connection, nowMs);
      if (!isTooSlow) continue;
      if (connection.state === 'handshake') statistics.work.sessionless++;
      this.#serving.close(connection);
    }
    statistics.work.waitingConnections.add(waiting);
  }

  /** Whether reading from the connection should stop for now. */
  wantsPause(id: number): boolean {
    const connection = this.#serving.connections[id] ?? null;
    if (connection === null) return false;
    return (
      connection.state === 'connecting' ||
      connection.outputFull ||
      connection.syncing ||
      connection.isStalled ||
      this.#admission.isFull(connection) ||
      this.#isHeld ||
      (this.#path === null
        ? connection.state === 'open'
        : connection.order.size > 0 && this.#admission.isBehind(this.#path))
    );
  }

  /** Goes on with input that waited for room. */
  resumeStalled(): void {
    if (this.#path !== null) this.#admission.resume(this.#path, this.#consume);
  }

  /** A new turn of the loop: what was left to it goes on. */
  turn(): void {
    this.#admission.turn(this.#consume);
  }

  readonly #consume = (connection: Connection): void => this.#consumeInput(connection);

  #receive(connection: Connection, bytes: Uint8Array): void {
    const serving = this.#serving;
    if (connection.state === 'closing' || connection.state === 'closed') return;
    connection.lastHeardMs = serving.nowMs;
    connection.traffic.bytesReceived += bytes.length;
    const { session } = connection;
    if (session !== null && this.#path !== null) this.#touch(this.#path, session, connection.timeoutMs);
    if (connection.inputLength > 0 || (this.#path === null && connection.state === 'open')) {
      this.#admission.keep(connection, bytes, 0, serving.nowMs);
      if (!connection.isStalled && connection.inputLength > 0) this.#consumeInput(connection);
      return;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const consumed = this.#frames(connection, bytes, view, bytes.length);
    if (consumed === bytes.length || !isReading(connection)) return;
    this.#admission.keep(connection, bytes, consumed, serving.nowMs);
  }

  /** Goes on with input that was kept. */
  #consumeInput(connection: Connection): void {
    const { input, inputLength } = connection;
    // What a frame brings about may come back here before the frame counts as consumed; the loop goes on by itself.
    if (connection === this.#consuming) return;
    this.#consuming = connection;
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    const consumed = this.#frames(connection, input, view, inputLength);
    this.#consuming = null;
    if (!isReading(connection)) return;
    this.#admission.consumed(connection, input, inputLength, consumed, this.#serving.nowMs);
  }

  /** Handles the whole frames of `bytes[0, end)`; returns how far it came. */
  #frames(connection: Connection, bytes: Uint8Array, view: DataView, end: number): number {
    let at = 0;
    const r = this.#reader;
    const admission = this.#admission;
    const isThrottling = admission.isThrottling;
    let portion = limits.requestsPerConnection;
    while (at + 4 <= end) {
      if (connection.state === 'connecting' || !isReading(connection)) return at;
      if (connection.syncing || this.#isHeld || (this.#path === null && connection.state === 'open')) return at;
      // A few bytes of requests can ask for gigabytes of replies: one after the other, as the network takes them.
      if (connection.out.length >= limits.outputHighWater) connection.outputFull = true;
      if (connection.outputFull) return at;
      const length = view.getInt32(at);
      const isOpen = connection.state === 'open';
      if (length < 0 || length > this.#settings.juteMaxBuffer || (length > limits.handshakeBytes && !isOpen)) {
        this.#serving.close(connection);
        return end;
      }
      const frameEnd = at + 4 + length;
      if (isThrottling && isOpen && !admission.admitsLarge(length)) {
        this.#serving.close(connection);
        return end;
      }
      if (frameEnd > end) return at;
      if (isOpen && (connection.order.size > 0 || length > limits.smallRequestBytes || isThrottling)) {
        if (admission.stalls(connection, this.#path as WritePath, length)) return at;
      }
      if (--portion < 0) {
        if (isOpen && admission.endsTurn(connection)) return at;
        portion = limits.requestsPerConnection - 1;
      }
      r.reset(bytes, view, at + 4, frameEnd);
      at = frameEnd;
      if (isThrottling && isOpen && this.#isTooLate(connection, r)) continue;
      if (this.#path === null) {
        this.#serving.statistics.work.closedUnserved++;
        this.#serving.close(connection);
      } else if (connection.state === 'open') this.#request(this.#path, connection, r);
      else this.#handshake(this.#path, connection, r);
    }
    return at;
  }

  /** Whether the request has waited so long that it is refused, or its connection closed over it. */
  #isTooLate(connection: Connection, r: Reader): boolean {
    const verdict = this.#admission.judge(connection, r, this.#serving.nowMs);
    if (verdict === 'late') this.#refuse(connection, r.view.getInt32(r.pos), ErrorCode.throttledOp);
    else if (verdict === 'stale') this.#serving.close(connection);
    return verdict !== 'taken';
  }

  #request(path: WritePath, connection: Connection, r: Reader): void {
    const serving = this.#serving;
    if (r.remaining() < REQUEST_HEADER_BYTES) {
      serving.close(connection);
      return;
    }
    // Its end is proposed: an answer now would tell the client that it lives.
    if ((connection.session as Session).closing && !connection.leaving) {
      serving.close(connection);
      return;
    }
    const start = r.pos;
    const xid = r.int();
    const opcode = r.int();
    serving.statistics.packetsReceived++;
    connection.statistics.received++;
    if (connection.isWanting && opcode !== OpCode.auth && opcode !== OpCode.sasl) {
      serving.replyBare(connection, xid, 0, ErrorCode.sessionClosedRequireSaslAuth);
      serving.close(connection);
      return;
    }
    connection.traffic.requests++;
    const operation = operationOf(opcode);
    if (serving.paths !== null) serving.paths.seen(operation?.kind === 'write', r, serving.nowMs);
    if (opcode === OpCode.sync) {
      const answer = path.sync(connection, xid, r);
      if (answer === 'later' || answer === 'behind') {
        if (answer === 'later') connection.syncing = true;
        connection.order.pushSync(r.bytes, start, r.end, connection.identities, serving.nowMs);
        this.#admission.checkHeld();
        return;
      }
      if (answer === 'refused') {
        this.#refuse(connection, xid, ErrorCode.notReadOnly);
        return;
      }
    }
    if (operation === null || operation.kind === 'read') {
      if (connection.order.size > 0) {
        connection.order.pushRequest(r.bytes, start, r.end, connection.identities, serving.nowMs);
        serving.statistics.work.waitingRequests.add(connection.order.size);
        this.#admission.noteLarge(connection, r.end - start);
        this.#admission.checkHeld();
        return;
      }
      this.#read(connection, operation, connection.identities, r, xid, opcode, 0);
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
      if (connection.leaving) return;
      connection.leaving = true;
      if (session.isLocal) {
        serving.localSessions.remove(session);
        this.#refuse(connection, xid, ErrorCode.ok);
        if (connection.order.size === 0) serving.close(connection);
        return;
      }
      path.closeSession(connection, session, xid);
      connection.order.pushWrite();
      return;
    }
    // Behind a write of its own, which may change what is allowed, the server that makes the txn decides.
    if (this.#checksAclEagerly && connection.order.size === 0 && !path.isReadOnly) {
      const refusal = eagerRefusal(serving, opcode, connection.identities, r);
      if (refusal !== 0) {
        serving.audit?.refused(connection, opcode, r, refusal, serving.wallMs);
        serving.replyBare(connection, xid, 0, refusal);
        return;
      }
    }
    if (session.isLocal && !path.isReadOnly && makesEphemeral(opcode, r) && this.#settings.localSessionUpgrading) {
      // From here on it counts as one of all servers, which its txn makes it before that of this request.
      session.isLocal = false;
      path.upgrade(session);
    }
    serving.audit?.asked(connection, opcode, xid, r, this.historyEnd());
    const error = path.write(connection, operation, opcode, xid, r);
    if (error !== 0) serving.audit?.withdraw(session);
    if (error === 0) {
      connection.order.pushWrite();
      this.#admission.noteLarge(connection, r.end - start);
    } else if (error === ErrorCode.sessionMoved) serving.close(connection);
    else this.#refuse(connection, xid, error);
  }

  /** Answers with nothing but an error, in the request's turn. */
  #refuse(connection: Connection, xid: number, error: number): void {
    if (connection.order.size > 0) connection.order.pushFailure(xid, error);
    else this.#serving.replyError(connection, xid, error);
  }

  #touch(path: WritePath, session: Session, timeoutMs: number): void {
    if (session.isLocal) this.#serving.localSessions.touch(session, this.#serving.nowMs, timeoutMs);
    else path.touch(session, timeoutMs);
  }

  #read(
    connection: Connection,
    operation: ReadOperation | null,
    identities: Connection['identities'],
    r: Reader,
    xid: number,
    opcode: number,
    latencyMs: number,
  ): void {
    const serving = this.#serving;
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
    serving.statistics.answered(latencyMs);
    connection.statistics.answered(opcode, xid, serving.lastZxid, latencyMs, serving.nowMs);
  }

  #handshake(path: WritePath, connection: Connection, r: Reader): void {
    const serving = this.#serving;
    serving.statistics.packetsReceived++;
    connection.statistics.received++;
    serving.statistics.work.handshakes++;
    const handshake = readHandshakeOrNull(r);
    if (handshake !== null && !connection.isOwn && !this.throttle.takes(handshake, serving)) {
      serving.close(connection);
      return;
    }
    // A client that has seen a later zxid must not be taken back in time: it tries another server.
    if (handshake === null || handshake.lastZxidSeen > serving.lastZxid) {
      serving.close(connection);
      return;
    }
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#settings;
    connection.timeoutMs = Math.min(maxSessionTimeoutMs, Math.max(minSessionTimeoutMs, handshake.timeoutMs));
    connection.sendsReadOnly = handshake.sendsReadOnly;
    if (path.isReadOnly && !handshake.readOnly) {
      serving.close(connection);
      return;
    }
    const { sessionHigh, sessionLow } = handshake;
    const isReturn = sessionHigh !== 0 || sessionLow !== 0;
    if (isReturn) serving.statistics.work.returns++;
    if (!isReturn) this.#createSession(path, connection);
    else if (this.#passwords.accepts(sessionHigh, sessionLow, handshake.password)) {
      const local = serving.localSessions.find(sessionHigh, sessionLow);
      if (local?.isLocal) {
        this.attach(connection, local);
        return;
      }
      connection.state = 'connecting';
      // Its client has left the connection before: what is still to be read of that one is older than what it may have done
      // on another server meanwhile, and the leader would take it for new.
      const former = serving.sessions.find(sessionHigh, sessionLow)?.connection ?? null;
      if (former !== null) serving.close(former);
      path.revalidate(connection, sessionHigh, sessionLow);
    } else this.attach(connection, null);
  }

  #createSession(path: WritePath, connection: Connection): void {
    const ids = this.#sessionIds;
    while (this.#serving.sessionOf(ids.high, ids.low) !== null) ids.advance();
    const { high, low } = ids;
    ids.advance();
    if (path.isReadOnly || this.#settings.localSessionsEnabled) {
      const { localSessions, nowMs } = this.#serving;
      this.attach(connection, localSessions.create(high, low, connection.timeoutMs, nowMs));
      return;
    }
    connection.state = 'connecting';
    path.createSession(connection, high, low);
  }

  /** The leader has said whether a session is alive that a client wants to go on with. */
  revalidated(connection: Connection, idHigh: number, idLow: number, isValid: boolean): void {
    if (connection.state !== 'connecting') return;
    this.attach(connection, isValid ? this.#serving.sessions.find(idHigh, idLow) : null);
    if (connection.inputLength > 0 && isReading(connection)) this.#consumeInput(connection);
  }

  /** Answers a handshake: with the session, or, when there is none, that it is refused. */
  attach(connection: Connection, session: Session | null): void {
    const serving = this.#serving;
    if (session === null || session.closing) {
      writeHandshakeReply(connection.out, 0, 0, 0, new Uint8Array(PASSWORD_BYTES), connection.sendsReadOnly);
      serving.markDirty(connection);
      serving.close(connection);
      return;
    }
    if (session.connection !== null) serving.close(session.connection);
    session.connection = connection;
    connection.session = session;
    connection.attachedZxid = this.historyEnd();
    connection.state = 'open';
    if (this.#path !== null) this.#touch(this.#path, session, connection.timeoutMs);
    const { idHigh, idLow } = session;
    const password = this.#passwords.issue(idHigh, idLow);
    const isReadOnly = this.#path?.isReadOnly ?? false;
    const { timeoutMs, sendsReadOnly } = connection;
    writeHandshakeReply(connection.out, timeoutMs, idHigh, idLow, password, sendsReadOnly, isReadOnly);
    serving.statistics.packetsSent++;
    connection.statistics.sent++;
    if (!connection.dirty) serving.markDirty(connection);
  }

  /** The session that a connection asked for exists. */
  sessionCreated(connection: Connection, session: Session): void {
    if (connection.state !== 'connecting') return;
    this.attach(connection, session);
    if (connection.inputLength > 0) this.#consumeInput(connection);
  }

  /** A session that only this server knew has become one of all: its connection goes on with that. */
  upgraded(session: Session): void {
    const local = this.#serving.localSessions.find(session.idHigh, session.idLow);
    if (local === null) return;
    this.#serving.localSessions.remove(local);
    const { connection } = local;
    if (connection === null) return;
    local.connection = null;
    connection.session = session;
    session.connection = connection;
    if (this.#path !== null) this.#touch(this.#path, session, connection.timeoutMs);
  }

  /** The write at the head of the connection's order has its reply: what waited behind it can go on. */
  answered(connection: Connection, opcode: number, xid: number, zxid: number, arrivedMs: number): void {
    const serving = this.#serving;
    const latency = serving.nowMs - arrivedMs;
    serving.statistics.answered(latency);
    serving.statistics.work.updateLatency.add(latency);
    if (latency > connection.timeoutMs) this.#admission.countStaleReply(connection, latency);
    connection.statistics.answered(opcode, xid, zxid, latency, serving.nowMs);
    const { order } = connection;
    invariant(order.headKind() === 'write', 'replies leave in the order of requests');
    order.take();
    this.#goOn(connection);
  }

  /** What the connection's next sync waits for has been applied. */
  synced(connection: Connection): void {
    if (connection.state !== 'open') return;
    connection.order.releaseSync();
    connection.syncing = false;
    this.#goOn(connection);
    if (connection.inputLength > 0 && isReading(connection)) this.#consumeInput(connection);
  }

  /** Answers what waits at the head of a connection's order, up to its next write or sync that is not done. */
  #goOn(connection: Connection): void {
    const serving = this.#serving;
    const { order } = connection;
    const r = this.#waitingReader;
    const { work } = serving.statistics;
    const waited = order.size;
    let reads = 0;
    while (
      order.size > 0 &&
      order.headKind() !== 'write' &&
      order.headKind() !== 'sync' &&
      connection.state === 'open'
    ) {
      // These reads cannot wait for the network: the next write's reply comes behind them.
      if (connection.out.length > limits.outputMaximum) {
        serving.close(connection);
        return;
      }
      const isFailure = order.headKind() === 'failure';
      order.take();
      if (isFailure) {
        serving.replyError(connection, order.xid, order.error);
        // The last answer of a local session is that to its closing.
        if (order.size === 0 && connection.leaving && connection.session?.isLocal === true) serving.close(connection);
        continue;
      }
      const { bytes } = order;
      r.reset(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), order.start, order.end);
      const xid = r.int();
      const opcode = r.int();
      const operation = operationOf(opcode);
      if (operation !== null && operation.kind !== 'read') throw new InvariantViolation('only reads wait');
      const latency = serving.nowMs - order.arrivedMs;
      work.readLatency.add(latency);
      reads++;
      this.#read(connection, operation, order.identities, r, xid, opcode, latency);
    }
    if (reads > 0) work.readsAfterWrite.add(reads);
    if (waited > 0 && order.size === 0) work.ordersDrained.add(1);
  }
}

function isReading(connection: Connection): boolean {
  return connection.state !== 'closing' && connection.state !== 'closed' && !connection.leaving;
}

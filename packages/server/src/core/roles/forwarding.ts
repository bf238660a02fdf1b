import {
  beginPacket,
  endPacket,
  endPacketWith,
  OpCode,
  QuorumPacketType,
  type Reader,
  writePacket,
} from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { Connection, Session } from '../connection.ts';
import type { WriteOperation } from '../ops/operation.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Pipeline, TxnClaimer } from '../pipeline.ts';
import type { Proposal } from '../proposals.ts';
import { sessionIdText } from '../session/sessions.ts';
import type { Stage } from '../stage.ts';
import type { SyncAnswer, WritePath } from '../write-path.ts';
import { type LearnerHandler, MORE_SESSIONS } from '../zab/learner-handler.ts';

/** Who waits for the leader's word: a client here, or an observer that this server serves. */
type Waiting = Connection | LearnerHandler;

/** Client requests that are not txns carry no zxid. */
const NO_ZXID = -1;
/** A session's id and timeout, in an answer to a ping. */
const SESSION_TOUCH_BYTES = 12;
/** A session's id, and whether it goes on. */
const SESSION_VERDICT_BYTES = 9;

/**
 * The writes of a learner's clients: they go to the leader, in the order of each session, and are answered when their txns
 * have been applied here (quorum-protocol reference, 9 and 10).
 */
export class Forwarding implements WritePath, TxnClaimer {
  readonly isReadOnly = false;
  readonly #stage: Stage;
  readonly #pipeline: Pipeline;
  readonly #link: PeerLink;
  /** Connections that wait for the session that they are to have, by id. */
  readonly #creating: Map<string, Connection> = new Map();
  /** Connections that wait for the leader's word on their session, by id. */
  readonly #revalidating: Map<string, Waiting[]> = new Map();
  /** Connections whose syncs are with the leader, oldest first: its answers name none. */
  #syncs: Waiting[] = [];
  #touched: Session[] = [];

  constructor(stage: Stage, link: PeerLink) {
    this.#stage = stage;
    this.#pipeline = stage.pipeline;
    this.#link = link;
  }

  get isBehind(): boolean {
    const { outstanding, outstandingBytes } = this.#pipeline.proposals;
    return (
      outstanding > limits.outstandingProposals ||
      outstandingBytes > limits.outstandingBytes ||
      this.#link.out.length > limits.outputHighWater
    );
  }

  write(connection: Connection, _operation: WriteOperation, opcode: number, xid: number, r: Reader): number {
    const session = connection.session as Session;
    this.#forward(connection, session.idHigh, session.idLow, xid, opcode, r);
    this.#expect(connection, xid, opcode);
    return 0;
  }

  createSession(connection: Connection, idHigh: number, idLow: number): void {
    this.#creating.set(sessionIdText(idHigh, idLow), connection);
    this.#create(idHigh, idLow, connection.timeoutMs);
  }

  upgrade(session: Session): void {
    this.#create(session.idHigh, session.idLow, session.timeoutMs);
  }

  #create(idHigh: number, idLow: number, timeoutMs: number): void {
    const { out } = this.#link;
    const at = beginPacket(out, QuorumPacketType.request, NO_ZXID);
    out.longHalves(idHigh, idLow);
    out.int(0);
    out.int(OpCode.createSession);
    out.int(timeoutMs);
    endPacket(out, at);
    this.#stage.send(this.#link);
  }

  closeSession(connection: Connection, session: Session, xid: number): void {
    this.#forward(connection, session.idHigh, session.idLow, xid, OpCode.closeSession, null);
    this.#expect(connection, xid, OpCode.closeSession);
  }

  sync(connection: Connection, xid: number, r: Reader): SyncAnswer {
    const session = connection.session as Session;
    this.#forward(connection, session.idHigh, session.idLow, xid, OpCode.sync, r);
    this.#syncs.push(connection);
    return 'later';
  }

  /** The leader has answered the oldest sync. */
  synced(): void {
    const waiting = this.#syncs.shift();
    if (waiting === undefined) return;
    if ('link' in waiting) {
      if (waiting.link.closed) return;
      writePacket(waiting.link.out, QuorumPacketType.sync, 0);
      this.#stage.send(waiting.link);
    } else this.#pipeline.clients.synced(waiting);
  }

  revalidate(connection: Connection, idHigh: number, idLow: number): void {
    const key = sessionIdText(idHigh, idLow);
    this.#askAbout(key, connection);
    const { out } = this.#link;
    const at = beginPacket(out, QuorumPacketType.revalidate, NO_ZXID);
    out.longHalves(idHigh, idLow);
    out.int(connection.timeoutMs);
    endPacket(out, at);
    this.#stage.send(this.#link);
  }

  #askAbout(key: string, who: Waiting): void {
    const waiting = this.#revalidating.get(key);
    if (waiting === undefined) this.#revalidating.set(key, [who]);
    else waiting.push(who);
  }

  // What observers ask that this server serves in place of the leader.

  /** Passes a request on, in this server's name. */
  pass(handler: LearnerHandler): void {
    const { packet, bytes, view } = handler.link;
    const { dataStart, dataEnd } = packet;
    const { out } = this.#link;
    if (view.getInt32(dataStart + 12) === OpCode.sync) this.#syncs.push(handler);
    const at = beginPacket(out, QuorumPacketType.request, NO_ZXID);
    out.raw(bytes, dataStart, dataEnd);
    endPacket(out, at, packet.identities());
    this.#stage.send(this.#link);
  }

  /** Passes the question on whether a session is alive. */
  passRevalidate(handler: LearnerHandler): void {
    const { packet, bytes, view } = handler.link;
    const { dataStart, dataEnd } = packet;
    this.#askAbout(sessionIdText(view.getInt32(dataStart), view.getInt32(dataStart + 4)), handler);
    writePacket(this.#link.out, QuorumPacketType.revalidate, packet.zxid, bytes, dataStart, dataEnd);
    this.#stage.send(this.#link);
  }

  /** An observer is gone: its place among those that wait stays, since answers name nobody. */
  forget(handler: LearnerHandler): void {
    handler.link.closed = true;
  }

  /** The leader's word on a session; false when it does not say of which. */
  revalidated(): boolean {
    const { view, packet } = this.#link;
    if (packet.dataEnd - packet.dataStart < SESSION_VERDICT_BYTES) return false;
    const idHigh = view.getInt32(packet.dataStart);
    const idLow = view.getInt32(packet.dataStart + 4);
    this.#answer(idHigh, idLow, view.getInt8(packet.dataStart + 8) !== 0);
    return true;
  }

  #answer(idHigh: number, idLow: number, isValid: boolean): void {
    const key = sessionIdText(idHigh, idLow);
    const waiting = this.#revalidating.get(key);
    const first = waiting?.shift();
    if (waiting?.length === 0) this.#revalidating.delete(key);
    if (first === undefined) return;
    if (!('link' in first)) {
      this.#pipeline.clients.revalidated(first, idHigh, idLow, isValid);
      return;
    }
    if (first.link.closed) return;
    const { out } = first.link;
    const at = beginPacket(out, QuorumPacketType.revalidate, NO_ZXID);
    out.longHalves(idHigh, idLow);
    out.boolean(isValid);
    endPacket(out, at);
    this.#stage.send(first.link);
  }

  touch(session: Session, timeoutMs: number): void {
    session.touchedTimeoutMs = timeoutMs;
    if (session.touched) return;
    session.touched = true;
    this.#touched.push(session);
  }

  /** Answers the leader's ping with the sessions that have been heard of since the last one. */
  pong(zxid: number): void {
    const { out } = this.#link;
    const { sessions, settings } = this.#pipeline.serving;
    const most = Math.floor(settings.juteMaxBuffer / SESSION_TOUCH_BYTES);
    for (const session of this.#touched) session.touched = false;
    // Some may have been closed meanwhile.
    const heard = this.#touched.filter((session) => sessions.find(session.idHigh, session.idLow) === session);
    this.#touched = [];
    let next = 0;
    do {
      const end = Math.min(next + most, heard.length);
      const at = beginPacket(out, QuorumPacketType.ping, end < heard.length ? MORE_SESSIONS : zxid);
      for (; next < end; next++) {
        const { idHigh, idLow, touchedTimeoutMs } = heard[next];
        out.longHalves(idHigh, idLow);
        out.int(touchedTimeoutMs);
      }
      endPacket(out, at);
    } while (next < heard.length);
    this.#stage.send(this.#link);
  }

  claim(proposal: Proposal, sessionHigh: number, sessionLow: number, cxid: number): void {
    const writer = (proposal.buffer as NonNullable<Proposal['buffer']>).writer;
    if (this.#creating.size > 0 && writer.view.getInt32(proposal.start + 28) === OpCode.createSession) {
      const key = sessionIdText(sessionHigh, sessionLow);
      proposal.connection = this.#creating.get(key) ?? null;
      this.#creating.delete(key);
      return;
    }
    const connection = this.#pipeline.serving.sessionOf(sessionHigh, sessionLow)?.connection ?? null;
    if (connection === null) return;
    const { forwards } = connection;
    // A request of the session's former connection, on another server, can carry the same number: it was proposed before.
    if (forwards.size === 0 || forwards.xid !== cxid || proposal.zxid <= forwards.afterZxid) return;
    proposal.connection = connection;
    proposal.opcode = forwards.opcode;
    proposal.xid = cxid;
    proposal.arrivedMs = forwards.arrivedMs;
    forwards.take();
  }

  /** The role ends: nothing that was forwarded will be answered. */
  end(): void {
    for (const session of this.#touched) session.touched = false;
    this.#touched = [];
    this.#syncs = [];
  }

  #expect(connection: Connection, xid: number, opcode: number): void {
    connection.forwards.push(xid, opcode, this.#pipeline.serving.nowMs, this.#pipeline.appendedZxid);
    this.#stage.statistics.forwarded.add(connection.forwards.size);
  }

  #forward(
    connection: Connection,
    idHigh: number,
    idLow: number,
    cxid: number,
    opcode: number,
    r: Reader | null,
  ): void {
    const { out } = this.#link;
    const at = beginPacket(out, QuorumPacketType.request, NO_ZXID);
    out.longHalves(idHigh, idLow);
    out.int(cxid);
    out.int(opcode);
    if (r !== null) out.raw(r.bytes, r.pos, r.end);
    endPacketWith(out, at, connection.authinfo);
    this.#stage.send(this.#link);
  }
}

import { ErrorCode, type Identity, OpCode, Reader } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { type Connection, Session } from '../connection.ts';
import type { WriteOperation } from '../ops/operation.ts';
import { closeSession, createSession, endsInSlices } from '../ops/sessions.ts';
import { operationOf } from '../ops/table.ts';
import type { Pipeline } from '../pipeline.ts';
import { Reaper } from '../reaper.ts';
import { sessionIdText } from '../session/sessions.ts';
import type { SyncAnswer, WritePath } from '../write-path.ts';

const NOTHING: Reader = new Reader(new Uint8Array(0));

const TIMEOUT_BYTES = 4;

/** Owner of a session that this server's own clients use. */
export const OWN = -2;
/** Nobody is known to serve the session. */
export const NOBODY = -1;

/**
 * Makes txns: of what this server's clients ask for, of what learners forward, and of its own accord (expired sessions,
 * containers, TTL znodes). What a leader and a standalone server have in common.
 */
export abstract class LeaderWrites implements WritePath {
  readonly isReadOnly = false;
  readonly #pipeline: Pipeline;
  readonly #reaper: Reaper;
  /** Sessions proposed for learners and not yet applied: a session that becomes global is followed at once by requests. */
  readonly #creating: Map<string, Session> = new Map();

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    this.#reaper = new Reaper(pipeline.serving.settings);
  }

  /** Every session gets its full timeout from now on (quorum-protocol reference, 7.1). */
  start(): void {
    const { serving } = this.#pipeline;
    serving.sessions.forEach((session) => {
      session.closing = false;
      session.owner = NOBODY;
      serving.expiry.touch(session.slot, serving.nowMs, session.timeoutMs);
    });
    this.#reaper.start(serving.nowMs);
  }

  /** Every session gets its full timeout once more, except those whose end is proposed. */
  prolong(): void {
    this.#pipeline.serving.sessions.forEach((session) => {
      this.touch(session, session.timeoutMs);
    });
  }

  /** Proposes the end of sessions that nobody has heard of in time, and of znodes whose time is over. */
  tick(): void {
    const { serving, proposals } = this.#pipeline;
    const expired = serving.expiry.expire(serving.nowMs);
    for (let i = 0; i < expired.length; i++) {
      const session = serving.sessions.at(expired[i]);
      if (session === null || session.closing) continue;
      serving.statistics.work.sessionsExpired++;
      this.#pipeline.proposeClose(session);
    }
    this.#reaper.run(serving, proposals);
  }

  /** Proposes the end of one session, whether it was heard of in time or not. */
  expire(idHigh: number, idLow: number): void {
    const session = this.#pipeline.serving.sessions.find(idHigh, idLow);
    if (session !== null && !session.closing) this.#pipeline.proposeClose(session);
  }

  /** Whether the disk, or the quorum, is so far behind that clients should wait. */
  get isBehind(): boolean {
    const { outstanding, outstandingBytes } = this.#pipeline.proposals;
    return outstanding > limits.outstandingProposals || outstandingBytes > limits.outstandingBytes;
  }

  write(connection: Connection, operation: WriteOperation, opcode: number, xid: number, r: Reader): number {
    const session = connection.session as Session;
    if (session.owner === NOBODY) session.owner = OWN;
    // What comes late on a connection that the client has left must not take effect behind what it asked for elsewhere.
    if (session.owner !== OWN) return ErrorCode.sessionMoved;
    const { idHigh, idLow } = session;
    return this.#pipeline.propose(operation, opcode, xid, connection, session, idHigh, idLow, r);
  }

  createSession(connection: Connection, idHigh: number, idLow: number): void {
    this.#pipeline.proposeCreate(connection, idHigh, idLow, connection.timeoutMs);
  }

  closeSession(connection: Connection, session: Session, xid: number): void {
    const { serving, proposals } = this.#pipeline;
    serving.expiry.remove(session.slot);
    const { idHigh, idLow } = session;
    const { identities } = connection;
    if (endsInSlices(session) && !session.closing) {
      this.#pipeline.closeInSlices(session, xid, connection, identities);
      return;
    }
    proposals.propose(closeSession, OpCode.closeSession, xid, connection, session, idHigh, idLow, NOTHING, identities);
  }

  abstract sync(connection: Connection, xid: number, r: Reader): SyncAnswer;

  upgrade(session: Session): void {
    this.#pipeline.proposeCreate(null, session.idHigh, session.idLow, session.timeoutMs);
  }

  revalidate(connection: Connection, idHigh: number, idLow: number): void {
    const { serving, clients } = this.#pipeline;
    const session = serving.sessions.find(idHigh, idLow);
    if (session?.closing) {
      this.onceClosed(session, () => clients.revalidated(connection, idHigh, idLow, false));
      return;
    }
    if (session !== null) {
      session.owner = OWN;
      clients.revalidated(connection, idHigh, idLow, true);
      return;
    }
    this.onceConfirmed(() => clients.revalidated(connection, idHigh, idLow, false));
  }

  /** Calls back once it is sure that no other server has led since: nobody is told on the word of an old leader that he is gone. */
  onceConfirmed(tell: () => void): void {
    tell();
  }

  /** The session whose end is proposed, or null: nobody may be told of that before it is committed. */
  closingSession(idHigh: number, idLow: number): Session | null {
    const session = this.#pipeline.serving.sessions.find(idHigh, idLow);
    return session?.closing ? session : null;
  }

  onceClosed(session: Session, tell: () => void): void {
    session.whenClosed ??= [];
    session.whenClosed.push(tell);
  }

  touch(session: Session, timeoutMs: number): void {
    if (session.closing) return;
    const { serving } = this.#pipeline;
    serving.expiry.touch(session.slot, serving.nowMs, timeoutMs);
  }

  // What learners send.

  /** A session of a learner's client has been heard of; false when there is no such session. */
  touchRemote(idHigh: number, idLow: number, timeoutMs: number): boolean {
    const { serving } = this.#pipeline;
    const session = serving.sessions.find(idHigh, idLow);
    if (session === null || session.closing) return false;
    serving.expiry.touch(session.slot, serving.nowMs, timeoutMs);
    return true;
  }

  /** A client goes on with its session on another server: server `sid` serves it from now on. */
  moveSession(idHigh: number, idLow: number, timeoutMs: number, sid: number): boolean {
    if (!this.touchRemote(idHigh, idLow, timeoutMs)) return false;
    const session = this.#pipeline.serving.sessions.find(idHigh, idLow) as Session;
    session.owner = sid;
    return true;
  }

  /**
   * Makes a txn of a request that a learner has forwarded: always one, since the learner waits for it (quorum-protocol
   * reference, 8.1). `r` stands at the body.
   */
  forwarded(
    sid: number,
    idHigh: number,
    idLow: number,
    cxid: number,
    opcode: number,
    r: Reader,
    identities: readonly Identity[],
  ): void {
    const { serving, proposals } = this.#pipeline;
    if (opcode === OpCode.createSession) {
      const key = sessionIdText(idHigh, idLow);
      // Without its timeout it is no session, and its txn only an error.
      if (r.remaining() >= TIMEOUT_BYTES && serving.sessions.find(idHigh, idLow) === null && !this.#creating.has(key)) {
        const session = new Session(-1, idHigh, idLow, 0);
        session.owner = sid;
        this.#creating.set(key, session);
      }
      proposals.propose(createSession, opcode, cxid, null, null, idHigh, idLow, r, identities, true);
      return;
    }
    const session = serving.sessions.find(idHigh, idLow) ?? this.#creating.get(sessionIdText(idHigh, idLow)) ?? null;
    let refusal: number = ErrorCode.ok;
    if (session !== null) {
      if (session.owner === NOBODY) session.owner = sid;
      if (session.owner !== sid) refusal = ErrorCode.sessionMoved;
    }
    if (opcode === OpCode.closeSession) {
      if (session !== null && session.slot >= 0 && refusal === 0) serving.expiry.remove(session.slot);
      if (refusal === 0 && session !== null && !session.closing && endsInSlices(session)) {
        this.#pipeline.closeInSlices(session, cxid, null, identities);
        return;
      }
      proposals.propose(closeSession, opcode, cxid, null, session, idHigh, idLow, r, identities, true, refusal);
      return;
    }
    const operation = operationOf(opcode);
    const known = operation !== null && operation.kind === 'write' ? operation : unknownWrite;
    if (session !== null && session.slot >= 0 && !session.closing && refusal === 0) {
      serving.expiry.touch(session.slot, serving.nowMs, session.timeoutMs);
    }
    const actor = session ?? this.#localOf(idHigh, idLow, sid);
    proposals.propose(known, opcode, cxid, null, actor, idHigh, idLow, r, identities, true, refusal);
  }

  /**
   * A session that only the learner knows (quorum-protocol reference, 10): it may change znodes, and own none. Sessions
   * with this server's own number in their id would be known here.
   */
  #localOf(idHigh: number, idLow: number, sid: number): Session | null {
    const { settings } = this.#pipeline.serving;
    if (!settings.localSessionsEnabled || idHigh >>> 24 === (settings.serverId & 0xff)) return null;
    const session = new Session(-1, idHigh, idLow, 0);
    session.owner = sid;
    session.isLocal = true;
    return session;
  }

  /** The session's txn has been applied: it is in the table from now on. */
  sessionCreated(session: Session): void {
    const { serving } = this.#pipeline;
    const key = sessionIdText(session.idHigh, session.idLow);
    const proposed = this.#creating.get(key);
    if (proposed !== undefined) {
      this.#creating.delete(key);
      session.owner = proposed.owner;
      session.closing = proposed.closing;
    } else session.owner = OWN;
    if (!session.closing) serving.expiry.touch(session.slot, serving.nowMs, session.timeoutMs);
  }
}

const unknownWrite: WriteOperation = { kind: 'write', prepare: () => ErrorCode.unimplemented };

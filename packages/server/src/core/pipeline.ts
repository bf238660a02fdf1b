import { decodeUtf8, ErrorCode, type Identity, OpCode, Reader, Writer } from '@headkeeper/protocol';
import { limits } from '../limits.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { Clients } from './clients.ts';
import type { Connection, Session } from './connection.ts';
import type { Database } from './database.ts';
import { InvariantViolation, invariant } from './invariants.ts';
import { LongWork } from './long-work.ts';
import { writeData } from './ops/get-data.ts';
import type { WriteOperation } from './ops/operation.ts';
import { closeInSlices, closeSession, createSession, endsInSlices } from './ops/sessions.ts';
import { type Proposal, Proposals } from './proposals.ts';
import type { Serving } from './serving.ts';
import { SnapshotSchedule } from './snapshot-schedule.ts';
import type { Observations } from './statistics/observations.ts';
import type { TxnApplier } from './tree/apply.ts';
import { DigestLog } from './tree/digest-log.ts';

const TWO_32 = 4294967296;
const TXN_HEADER_BYTES = 32;
/** Of what is proposed and not applied, forgotten in one slice: about a millisecond. */
const CHANGES_PER_SLICE = 4096;
const NO_BYTES = new Uint8Array(0);
const NO_PATHS: readonly string[] = [];

/** Finds out whose request a leader's txn answers, if it is one of this server's. */
export interface TxnClaimer {
  claim(proposal: Proposal, sessionHigh: number, sessionLow: number, cxid: number): void;
}

/**
 * The way of a txn through this server, whatever its role: into the journal, durable, committed, applied, answered. Roles
 * decide what enters and what is committed.
 */
export class Pipeline {
  readonly serving: Serving;
  readonly clients: Clients;
  readonly proposals: Proposals;
  readonly snapshots: SnapshotSchedule;
  /** Everything up to here is on stable storage. */
  durableZxid = 0;
  #durableBefore = 0;
  /** On a learner: who waits for what. */
  claimer: TxnClaimer | null = null;
  /** Up to here digests of txns say nothing: the state came from a leader while it was changing. */
  fuzzyUntil = 0;
  /** What is too much for one step. */
  readonly work: LongWork = new LongWork();
  #isApplying = false;
  /** Up to here is committed. */
  #target = 0;
  /** For the audit log: what the session that ends owns. */
  #ending: readonly string[] = NO_PATHS;
  readonly #results: Writer = new Writer(1024);
  readonly #body: Reader = new Reader(NO_BYTES);

  constructor(serving: Serving, clients: Clients) {
    this.serving = serving;
    this.clients = clients;
    clients.historyEnd = () => this.appendedZxid;
    this.proposals = new Proposals(serving);
    this.snapshots = new SnapshotSchedule(serving);
  }

  /** Takes a state over, which is what snapshot and log on the disk say; `replayed` txns are newer than the snapshot. */
  adopt(database: Database, replayed: number): void {
    this.snapshots.replaced();
    this.proposals.dropAll();
    this.serving.adopt(database);
    this.durableZxid = database.lastZxid;
    this.fuzzyUntil = 0;
    database.tree.quotas.rebuild();
    database.applier.observe(this.serving, this.#results);
    this.proposals.start(database.lastZxid);
    this.snapshots.start(replayed);
  }

  /** The last txn taken in: in the journal, or on its way there. */
  get appendedZxid(): number {
    return this.proposals.lastZxid;
  }

  /** Everything appended up to `zxid` is on stable storage. */
  durable(zxid: number): void {
    invariant(zxid >= this.durableZxid, 'what is durable stays durable');
    this.#durableBefore = this.durableZxid;
    this.durableZxid = zxid;
    this.proposals.durable(zxid);
  }

  /** Notes how old those txns are that have just become durable and are not applied yet. */
  observeDurable(ages: Observations): void {
    const { proposals } = this;
    if (this.#durableBefore < this.durableZxid) {
      proposals.observeAges(proposals.indexAfter(this.#durableBefore), proposals.indexAfter(this.durableZxid), ages);
    }
    this.#durableBefore = this.durableZxid;
  }

  /** Applies the txns up to `zxid`, which are committed. */
  applyUpTo(zxid: number): void {
    const { outstanding } = this.proposals;
    for (let next = this.proposals.oldest; next !== null && next.zxid <= zxid; next = this.proposals.oldest) {
      this.#apply(next);
    }
    this.#countApplied(outstanding);
  }

  /** Counts what has been applied since there were so many outstanding. */
  #countApplied(outstanding: number): void {
    const applied = outstanding - this.proposals.outstanding;
    if (applied <= 0) return;
    const { work } = this.serving.statistics;
    work.committed += applied;
    work.writesTogether.add(applied);
    work.writesOutstanding.add(outstanding);
  }

  /** Proposes the end of a session. `remote`: another server waits for the txn. */
  proposeClose(session: Session): void {
    this.serving.expiry.remove(session.slot);
    if (endsInSlices(session)) this.closeInSlices(session, 0, null, []);
    else this.propose(closeSession, OpCode.closeSession, 0, null, session, session.idHigh, session.idLow, this.#body);
  }

  /** Proposes the end of a session with very many ephemerals, as long work; from now on it takes no requests. */
  closeInSlices(
    session: Session,
    xid: number,
    connection: Proposal['connection'],
    identities: readonly Identity[],
  ): void {
    const { proposals, work } = this;
    session.closing = true;
    work.add(function* () {
      session.closing = false;
      yield* proposals.proposeInSlices(closeInSlices, OpCode.closeSession, xid, connection, session, identities);
    });
  }

  proposeCreate(connection: Proposal['connection'], idHigh: number, idLow: number, timeoutMs: number): void {
    const body = new Writer(4);
    body.int(timeoutMs);
    this.#body.reset(body.bytes, body.view, 0, 4);
    this.propose(createSession, OpCode.createSession, 0, connection, null, idHigh, idLow, this.#body);
  }

  /** As `Proposals.propose`, with the identities of the connection. */
  propose(
    operation: WriteOperation,
    opcode: number,
    xid: number,
    connection: Proposal['connection'],
    session: Session | null,
    idHigh: number,
    idLow: number,
    r: Reader,
  ): number {
    const identities = connection === null ? [] : connection.identities;
    return this.proposals.propose(operation, opcode, xid, connection, session, idHigh, idLow, r, identities);
  }

  /**
   * As `applyUpTo`, but what takes long is applied in slices, as long work: until that is done `isApplying` is true, and
   * `zxid` is not reached.
   */
  applyInSlicesUpTo(zxid: number): void {
    this.#target = Math.max(this.#target, zxid);
    if (this.#isApplying || this.#applySome() === null) return;
    this.#isApplying = true;
    this.work.add(() => this.#applyRest());
  }

  /** Applies what is committed, until that is enough for one step; returns a txn that it has stopped at, or null. */
  #applySome(): Proposal | null {
    let bytes = 0;
    const { outstanding } = this.proposals;
    for (let next = this.proposals.oldest; next !== null && next.zxid <= this.#target; next = this.proposals.oldest) {
      if (bytes > limits.appliedBytesAtOnce || this.#takesLong(next)) {
        this.#countApplied(outstanding);
        return next;
      }
      bytes += next.end - next.start;
      this.#apply(next);
    }
    this.#countApplied(outstanding);
    return null;
  }

  *#applyRest(): Generator<void, void> {
    for (let next = this.#applySome(); next !== null; next = this.#applySome()) {
      if (this.#takesLong(next)) yield* this.#applyInSlices(next);
      yield;
    }
    this.#isApplying = false;
  }

  get isApplying(): boolean {
    return this.#isApplying;
  }

  /** The role ends: what it had planned is not done, what is committed is applied by the next one. */
  forgetWork(): void {
    this.work.clear();
    this.#isApplying = false;
    this.#target = 0;
  }

  #takesLong({ buffer, start }: Proposal): boolean {
    const { view } = (buffer as NonNullable<Proposal['buffer']>).writer;
    if (view.getInt32(start + 28) !== OpCode.closeSession) return false;
    return endsInSlices(this.serving.sessions.find(view.getInt32(start), view.getInt32(start + 4)));
  }

  *#applyInSlices(proposal: Proposal): Generator<void, void> {
    const { writer } = proposal.buffer as NonNullable<Proposal['buffer']>;
    const closing = this.#beginApply(proposal, writer.view);
    yield* this.serving.database.applier.closeInSlices(writer.bytes, writer.view, proposal.start, proposal.end);
    while (!this.proposals.preparation.pending.applied(proposal.zxid, CHANGES_PER_SLICE)) yield;
    const { outstanding } = this.proposals;
    this.#endApply(proposal, writer, closing);
    this.#countApplied(outstanding);
  }

  #apply(proposal: Proposal): void {
    const { writer } = proposal.buffer as NonNullable<Proposal['buffer']>;
    const closing = this.#beginApply(proposal, writer.view);
    this.serving.database.applier.apply(writer.bytes, writer.view, proposal.start, proposal.end);
    this.#endApply(proposal, writer, closing);
  }

  /** Returns the session that the txn ends, or null. */
  #beginApply(proposal: Proposal, view: DataView): Session | null {
    const { serving } = this;
    const { zxid, start } = proposal;
    const last = serving.lastZxid;
    const follows = zxid === last + 1 || (zxid % TWO_32 === 1 && Math.floor(zxid / TWO_32) > Math.floor(last / TWO_32));
    if (!follows) throw new InvariantViolation(`txn ${zxid} follows ${last}`);
    const idHigh = view.getInt32(start);
    const idLow = view.getInt32(start + 4);
    const type = view.getInt32(start + 28);
    this.claimer?.claim(proposal, idHigh, idLow, view.getInt32(start + 8));
    this.#closeStale(proposal, view, idHigh, idLow, type);
    this.#results.length = 0;
    serving.pendingZxid = zxid;
    if (type !== OpCode.closeSession) return null;
    const closing = serving.sessions.find(idHigh, idLow);
    const isToldOf = serving.audit !== null && closing !== null;
    this.#ending = isToldOf ? ephemeralPaths(closing, serving.database.applier) : NO_PATHS;
    return closing;
  }

  #endApply(proposal: Proposal, writer: Writer, closing: Session | null): void {
    const { serving } = this;
    const { applier, recent } = serving.database;
    const { connection, zxid, start, end } = proposal;
    invariant(applier.zxid === zxid, 'the txn applied is the one that was proposed');
    serving.setLastZxid(zxid);
    if (serving.audit !== null) this.#audit(serving.audit, writer, proposal, this.#ending);
    this.#observeAge(proposal, applier.time);
    recent.add(zxid, writer.bytes, start, end);
    if (applier.hasDigest && serving.settings.digestEnabled && zxid > this.fuzzyUntil) this.#compareDigest();
    if (DigestLog.isKept(serving.lastZxidLow)) this.#keepDigest(zxid);
    this.proposals.preparation.pending.applied(zxid);
    if (applier.type === OpCode.createSession) this.#sessionCreated(connection, applier);
    else if (applier.type === OpCode.closeSession) this.#sessionClosed(proposal, closing, writer);
    else if (connection !== null) this.#answer(connection, proposal, writer);
    this.proposals.release(proposal);
    this.snapshots.applied(this.proposals.bytesProposed);
  }

  #sessionCreated(connection: Connection | null, { sessionHigh, sessionLow }: TxnApplier): void {
    const session = this.serving.sessions.find(sessionHigh, sessionLow);
    invariant(session !== null, 'a session exists once its txn is applied');
    this.onSessionCreated(session);
    this.clients.upgraded(session);
    if (connection !== null) this.clients.sessionCreated(connection, session);
  }

  #answer(connection: Connection, proposal: Proposal, writer: Writer): void {
    const { serving } = this;
    if (connection.state !== 'open') {
      serving.admission.countStaleReply(connection, 0);
      return;
    }
    if (serving.database.applier.error === ErrorCode.sessionMoved) {
      // Not an answer: the client may be here still, while the leader heard last of a server that it has given up (ZK-710).
      serving.close(connection);
      return;
    }
    this.#reply(connection, proposal, writer);
    this.clients.answered(connection, proposal.opcode, proposal.xid, proposal.zxid, proposal.arrivedMs);
    const latencyMs = serving.nowMs - proposal.arrivedMs;
    if (latencyMs >= serving.slowRequestMs) this.#tellSlow(proposal, writer, connection.address);
  }

  #tellSlow({ opcode, zxid, start, end, arrivedMs }: Proposal, { bytes, view }: Writer, address: string): void {
    const { serving } = this;
    const { applier } = serving.database;
    const hasPath = applier.type !== OpCode.error && applier.type !== OpCode.multi;
    serving.slowRequest({
      ...{ opcode, zxid, address, bytes: end - start, error: applier.error },
      path: hasPath ? decodeUtf8(bytes, applier.pathStart, applier.pathEnd) : null,
      sessionHigh: view.getInt32(start),
      sessionLow: view.getInt32(start + 4),
      latencyMs: serving.nowMs - arrivedMs,
    });
  }

  #audit(audit: AuditTrail, { bytes, view }: Writer, proposal: Proposal, ending: readonly string[]): void {
    const { serving } = this;
    const { applier } = serving.database;
    const { zxid, start, end } = proposal;
    if (applier.type === OpCode.closeSession) {
      audit.sessionEnded(applier.sessionHigh, applier.sessionLow, ending, zxid, serving.wallMs);
    } else audit.applied(bytes, view, start, end, zxid, applier.error, serving.wallMs);
  }

  #observeAge({ connection, arrivedMs }: Proposal, madeMs: number): void {
    const { wallMs, nowMs, statistics } = this.serving;
    // The clock of the server that made it may be ahead of this one's.
    if (wallMs >= madeMs) statistics.work.propagation.add(wallMs - madeMs);
    if (connection === null) statistics.work.othersWriteTime.add(nowMs - arrivedMs);
  }

  /**
   * A txn that a session has made elsewhere shows that its client has left the connection which it has here. A leader that
   * knew of the move may be gone, so what still comes on that connection must not take effect behind it.
   */
  #closeStale(proposal: Proposal, view: DataView, idHigh: number, idLow: number, type: number): void {
    const { serving } = this;
    const holder = serving.sessions.find(idHigh, idLow)?.connection ?? null;
    if (holder === null || holder === proposal.connection || proposal.zxid <= holder.attachedZxid) return;
    if (type === OpCode.createSession || type === OpCode.closeSession) return;
    if (type === OpCode.error && view.getInt32(proposal.start + TXN_HEADER_BYTES) === ErrorCode.sessionMoved) return;
    serving.close(holder);
  }

  /** Told of every session whose createSession has been applied. */
  onSessionCreated: (session: Session) => void = () => {};

  /** Told behind each txn whether the tree has the digest that the txn gives. */
  onDigest: (agrees: boolean, zxid: number) => void = () => {};

  #compareDigest(): void {
    const { digest, isDigestKnown } = this.serving.tree;
    if (!isDigestKnown) return;
    const { applier } = this.serving.database;
    const agrees = digest.high === applier.digestHigh && digest.low === applier.digestLow;
    if (!agrees) this.serving.statistics.digestMismatches++;
    this.onDigest(agrees, applier.zxid);
  }

  #keepDigest(zxid: number): void {
    const { database, tree } = this.serving;
    if (tree.isDigestKnown && this.serving.settings.digestEnabled) database.digests.add(zxid, tree.digest);
  }

  #reply(connection: NonNullable<Proposal['connection']>, proposal: Proposal, writer: Writer): void {
    const { serving } = this;
    const { applier } = serving.database;
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
        case OpCode.reconfig:
          writeData(out, serving.tree.store, applier.slot);
          serving.writeStat(out, applier.slot);
          break;
        default:
          break;
      }
    }
    serving.endReply(connection, at);
  }

  #sessionClosed(proposal: Proposal, session: Session | null, writer: Writer): void {
    const { serving } = this;
    const { connection } = proposal;
    if (session !== null) serving.expiry.remove(session.slot);
    const owner = session?.connection ?? null;
    if (connection !== null && connection.state === 'open') {
      this.#reply(connection, proposal, writer);
      serving.close(connection);
    }
    if (owner !== null) serving.close(owner);
    for (const tell of session?.whenClosed ?? []) tell();
  }
}

function ephemeralPaths(session: Session, applier: TxnApplier): string[] {
  return [...(session.ephemerals ?? [])].map((slot) => decodeUtf8(applier.pathOf(slot)));
}

function writePath(out: Writer, bytes: Uint8Array, start: number, end: number): void {
  out.int(end - start);
  out.raw(bytes, start, end);
}

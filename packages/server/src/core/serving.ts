import {
  type Acl,
  decodeUtf8,
  ErrorCode,
  EVENT_STATE_SYNC_CONNECTED,
  encodeUtf8,
  type Identity,
  isValidUtf8,
  Permission,
  type ReconfigRequest,
  SpecialXid,
  Writer,
} from '@headkeeper/protocol';
import { limits } from '../limits.ts';
import type { Hashing, Logins } from '../ports.ts';
import type { AuditTrail } from './audit-trail.ts';
import { Authentication } from './auth/authentication.ts';
import type { Connection, Session } from './connection.ts';
import type { Database } from './database.ts';
import type { Membership } from './membership/membership.ts';
import { Admission } from './overload/admission.ts';
import { Held, OverloadCounters } from './overload/overload-counters.ts';
import { ExpiryQueue } from './session/expiry.ts';
import { LocalSessions } from './session/local-sessions.ts';
import type { SessionTable } from './session/sessions.ts';
import type { CoreSettings } from './settings.ts';
import type { PathSampler } from './statistics/path-sampler.ts';
import { WorkStatistics } from './statistics/work-statistics.ts';
import { permits } from './tree/acl-match.ts';
import type { ChangeObserver } from './tree/apply.ts';
import { Field, ROOT } from './tree/node-store.ts';
import { writeStat } from './tree/stat.ts';
import type { DataTree } from './tree/tree.ts';
import { TriggerResult, WatchTable } from './watch/watches.ts';

const TWO_32 = 4294967296;
const CONFIG_PATH = encodeUtf8('/zookeeper/config');
/** Length prefix and ReplyHeader. */
const REPLY_PREFIX_BYTES = 20;
/** What a read counts for a Stat, as on Apache. */
const STAT_BYTES = 68;
/** A znode's first element is looked for so many levels up; farther up its name is cheaper. */
const NEAR_LEVELS = 6;

/** Decides on reconfig requests (quorum-protocol reference, 13.4). */
export interface Reconfigurator {
  /** The text of the new membership, or the error that the client gets. */
  reconfigure(request: ReconfigRequest, zxid: number): string | number;
  /** The txn of the membership found last is being proposed. */
  proposed(): void;
}

/** A write that took long from its arrival to its answer. */
export interface SlowRequest {
  readonly opcode: number;
  /** null: it has none, or failed. */
  readonly path: string | null;
  readonly sessionHigh: number;
  readonly sessionLow: number;
  readonly address: string;
  readonly latencyMs: number;
  readonly zxid: number;
  /** Of its txn. */
  readonly bytes: number;
  /** What came of it: one of protocol's `ErrorCode`. */
  readonly error: number;
}

/** Counters of the whole server; latencies in milliseconds. */
export class ServerStatistics {
  packetsReceived = 0;
  packetsSent = 0;
  requests = 0;
  /** Of those that `reset` has forgotten. */
  #requestsBefore = 0;
  totalLatencyMs = 0;
  minLatencyMs = -1;
  maxLatencyMs = 0;
  digestMismatches = 0;
  snapshots = 0;
  authFailures = 0;
  /** What `reset` leaves alone. */
  readonly work: WorkStatistics = new WorkStatistics();
  readonly overload: OverloadCounters = new OverloadCounters();
  /** Bytes of replies, of the last, the smallest and the largest; -1 before the first. */
  readonly responseSize: { last: number; min: number; max: number } = { last: -1, min: -1, max: -1 };

  reset(): void {
    this.packetsReceived = 0;
    this.packetsSent = 0;
    this.#requestsBefore += this.requests;
    this.requests = 0;
    this.totalLatencyMs = 0;
    this.minLatencyMs = -1;
    this.maxLatencyMs = 0;
    this.responseSize.last = -1;
    this.responseSize.min = -1;
    this.responseSize.max = -1;
  }

  /** Reads that were answered in the step that brought them, since the process began. */
  get readsAtOnce(): number {
    const { updateLatency, readLatency } = this.work;
    return this.#requestsBefore + this.requests - updateLatency.count - readLatency.count;
  }

  replied(bytes: number): void {
    const size = this.responseSize;
    size.last = bytes;
    if (size.min < 0 || bytes < size.min) size.min = bytes;
    if (bytes > size.max) size.max = bytes;
  }

  answered(latencyMs: number): void {
    this.packetsSent++;
    this.requests++;
    this.totalLatencyMs += latencyMs;
    if (this.minLatencyMs < 0 || latencyMs < this.minLatencyMs) this.minLatencyMs = latencyMs;
    if (latencyMs > this.maxLatencyMs) this.maxLatencyMs = latencyMs;
  }
}

/**
 * The state that requests are answered from, and the ways to answer: what the operations in `ops/` see. Changes of the
 * replicated part (tree, sessions) happen only in `tree/apply.ts`.
 */
export class Serving implements ChangeObserver {
  readonly settings: CoreSettings;
  readonly hashing: Hashing;
  readonly authentication: Authentication;
  /** The replicated state; the parts below are its own. */
  database: Database;
  tree: DataTree;
  sessions: SessionTable;
  /** When sessions expire: kept by the server that leads. */
  expiry: ExpiryQueue;
  /** Sessions that only this server knows. */
  readonly localSessions: LocalSessions;
  readonly watches: WatchTable;
  /** Which requests are taken now. */
  readonly admission: Admission;
  /** Open connections by id. */
  readonly connections: (Connection | null)[] = [];
  readonly statistics: ServerStatistics = new ServerStatistics();
  /** Connections that have output since the driver last took it. */
  readonly dirty: Connection[] = [];
  /** Connections that the driver must close once their output is sent. */
  readonly closing: Connection[] = [];
  /** Monotonic and wall milliseconds of the event being handled. */
  nowMs = 0;
  wallMs = 0;
  /** Takes note of what clients change; null while nobody wants to know. */
  audit: AuditTrail | null = null;
  /** Counts requests by path; null while nobody wants to know. */
  paths: PathSampler | null = null;
  /** Hears of writes that take so many milliseconds or more. */
  slowRequestMs: number = Number.POSITIVE_INFINITY;
  slowRequest: (request: SlowRequest) => void = () => {};
  /** Makes memberships of reconfig requests; null while this server cannot. */
  reconfigurator: Reconfigurator | null = null;
  /** Zxid of the last txn applied: what reads are answered with. */
  lastZxid = 0;
  /** Its halves, ready for reply headers. */
  lastZxidHigh = 0;
  lastZxidLow = 0;
  readonly #triggered: TriggerResult = new TriggerResult();
  readonly #event: Writer = new Writer(256);

  constructor(settings: CoreSettings, hashing: Hashing, database: Database, logins: Logins | null = null) {
    this.settings = settings;
    this.hashing = hashing;
    this.authentication = new Authentication(settings, hashing, logins);
    this.database = database;
    this.tree = database.tree;
    this.sessions = database.sessions;
    this.expiry = new ExpiryQueue(settings.tickTimeMs);
    this.localSessions = new LocalSessions(settings.tickTimeMs);
    this.watches = new WatchTable(settings.hashSeed);
    const { overload, work } = this.statistics;
    this.admission = new Admission(
      settings.overload,
      new Held(),
      overload,
      this.connections,
      (one) => this.close(one),
      work.keptInput,
    );
  }

  /** Another state takes the place of the one before. */
  adopt(database: Database): void {
    this.database = database;
    this.tree = database.tree;
    this.sessions = database.sessions;
    this.expiry = new ExpiryQueue(this.settings.tickTimeMs);
    this.setLastZxid(database.lastZxid);
    this.statistics.work.reads.forgetAll();
  }

  /** The session of an id, known to all or to this server only. */
  sessionOf(idHigh: number, idLow: number): Session | null {
    return this.sessions.find(idHigh, idLow) ?? this.localSessions.find(idHigh, idLow);
  }

  setLastZxid(zxid: number): void {
    this.lastZxid = zxid;
    this.database.lastZxid = zxid;
    this.lastZxidHigh = Math.floor(zxid / TWO_32);
    this.lastZxidLow = zxid | 0;
  }

  /** Whether the identities have one of the wanted permissions under a list of the tree. */
  allowed(aclId: number, wanted: number, identities: readonly Identity[]): boolean {
    if (aclId === -1 || this.settings.skipAcl) return true;
    return permits(this.tree.acls.list(aclId), wanted, identities);
  }

  /** As `allowed`, for the list of a znode. */
  allowedOn(slot: number, wanted: number, identities: readonly Identity[]): boolean {
    const aclId = this.tree.store.get(slot, Field.aclId);
    return aclId === -1 || this.allowed(aclId, wanted, identities);
  }

  /** The access control list of `/`, which guards what concerns the whole tree. */
  get rootAcl(): readonly Acl[] {
    return this.tree.acls.list(this.tree.store.get(ROOT, Field.aclId));
  }

  /** As `allowed`, for the list of `/`. */
  rootAllows(wanted: number, identities: readonly Identity[]): boolean {
    return this.allowedOn(ROOT, wanted, identities);
  }

  /** Begins a reply with the zxid of reads and no error; returns its offset for `endReply`. */
  beginReply(connection: Connection, xid: number): number {
    const out = connection.out;
    const at = out.reserve(REPLY_PREFIX_BYTES);
    const view = out.view;
    view.setInt32(at + 4, xid);
    view.setInt32(at + 8, this.lastZxidHigh);
    view.setInt32(at + 12, this.lastZxidLow);
    view.setInt32(at + 16, 0);
    out.length = at + REPLY_PREFIX_BYTES;
    return at;
  }

  /** Begins a reply that carries the zxid of a txn. */
  beginTxnReply(connection: Connection, xid: number, zxid: number, error: number): number {
    const at = this.beginReply(connection, xid);
    const view = connection.out.view;
    const high = Math.floor(zxid / TWO_32);
    view.setInt32(at + 8, high);
    view.setUint32(at + 12, zxid - high * TWO_32);
    view.setInt32(at + 16, error);
    return at;
  }

  endReply(connection: Connection, at: number): void {
    const out = connection.out;
    const length = out.length - at - 4;
    out.view.setInt32(at, length);
    this.statistics.replied(length);
    if (!connection.dirty) this.markDirty(connection);
  }

  /** Appends the Stat of a znode. */
  writeStat(out: Writer, slot: number): void {
    writeStat(out, this.tree.store, slot, this.tree.kinds);
  }

  /** A reply that is nothing but an error, with the zxid of reads. */
  replyError(connection: Connection, xid: number, error: number): void {
    const at = this.beginReply(connection, xid);
    connection.out.view.setInt32(at + 16, error);
    this.endReply(connection, at);
  }

  /** A reply without a body whose zxid is given as it is: 0 for auth, -1 for unknown operations. */
  replyBare(connection: Connection, xid: number, zxid: number, error: number): void {
    this.endReply(connection, this.beginTxnReply(connection, xid, zxid, error));
  }

  markDirty(connection: Connection): void {
    connection.dirty = true;
    this.dirty.push(connection);
  }

  /** Sends what is queued and closes the connection; its watches are gone at once. */
  close(connection: Connection): void {
    if (connection.state === 'closing' || connection.state === 'closed') return;
    connection.state = 'closing';
    this.detach(connection);
    this.closing.push(connection);
  }

  /** Separates a connection from its session and its watches. */
  detach(connection: Connection): void {
    this.watches.removeConnection(connection.id);
    const session: Session | null = connection.session;
    if (session !== null && session.connection === connection) session.connection = null;
    this.admission.drop(connection);
  }

  /** Version of the membership that the tree holds: that of the last reconfiguration in the log, or of the last one that served. */
  get configVersion(): number {
    const slot = this.tree.find(CONFIG_PATH, 0, CONFIG_PATH.length);
    return slot < 0 ? 0 : this.tree.longOf(slot, Field.mzxid);
  }

  /** Brings the content of /zookeeper/config to the membership (quorum-protocol reference, 13.7). */
  refreshConfig(membership: Membership): void {
    this.tree.setConfig(encodeUtf8(membership.toText()), membership.version, this.wallMs);
  }

  written(bytes: Uint8Array, start: number, end: number, dataBytes: number, created: number): void {
    const { work } = this.statistics;
    work.writes.add(bytes, start, end, dataBytes);
    if (created >= 0) work.reads.forget(created);
  }

  /** The znode of this slot, with the path `bytes[start, end)`, was read: so many bytes of data, or of names of children. */
  read(slot: number, bytes: Uint8Array, start: number, end: number, dataBytes: number): void {
    const { store } = this.tree;
    let top = slot;
    let parent = slot === ROOT ? ROOT : store.get(slot, Field.parent);
    for (let levels = 1; parent !== ROOT && levels < NEAR_LEVELS; levels++) {
      top = parent;
      parent = store.get(top, Field.parent);
    }
    const known = parent === ROOT ? top : -1;
    this.statistics.work.reads.addOf(known, bytes, start, end, dataBytes + STAT_BYTES);
  }

  /** Whether a change would pass a hard quota: the error, or 0. */
  checkQuota(bytes: Uint8Array, start: number, end: number, countDifference: number, byteDifference: number): number {
    const error = this.tree.quotas.check(bytes, start, end, countDifference, byteDifference);
    if (error === ErrorCode.quotaExceeded) this.statistics.work.exceeded(bytes, start, end);
    return error;
  }

  /**
   * Whether so many more watches are too many for the connection, or for this server. The request has been refused then: a
   * client must not believe that it watches.
   */
  refusesWatches(connection: Connection, xid: number, count = 1): boolean {
    const { watches } = this;
    const isFull = watches.countOf(connection.id) + count > this.watchLimits.perConnection;
    if (!isFull && watches.pathBytes < this.watchLimits.pathBytes) return false;
    this.statistics.overload.watchesRefused++;
    this.replyError(connection, xid, ErrorCode.throttledOp);
    return true;
  }

  /** Watches of one connection, and bytes of all watched paths. */
  watchLimits: { readonly perConnection: number; readonly pathBytes: number } = {
    perConnection: limits.watchesPerConnection,
    pathBytes: limits.watchedPathBytes,
  };

  get isWatching(): boolean {
    return this.watches.pathCount > 0;
  }

  /** Delivers the events of one change (client-protocol reference, 6.3 and 6.7). */
  changed(eventType: number, bytes: Uint8Array, start: number, end: number, acl: readonly Acl[] | null): void {
    const triggered = this.#triggered;
    triggered.count = 0;
    const count = this.watches.trigger(eventType, bytes, start, end, triggered);
    if (count === 0) return;
    this.statistics.work.fired(eventType, count);
    this.#encodeEvent(eventType, this.pendingZxid, bytes, start, end);
    for (let i = 0; i < count; i++) {
      const connection = this.connections[triggered.slots[i]];
      if (connection === null || connection === undefined) continue;
      if (acl !== null && !this.settings.skipAcl && !permits(acl, Permission.read, connection.identities)) continue;
      this.#deliver(connection);
    }
  }

  /** Zxid of the txn being applied, for the headers of its events. */
  pendingZxid = 0;

  /**
   * An event for one connection alone, as setWatches sends them; its header carries zxid -1. The path is the client's own and
   * may be malformed: it is then sent as it was understood.
   */
  sendEvent(connection: Connection, eventType: number, bytes: Uint8Array, start: number, end: number): void {
    if (isValidUtf8(bytes, start, end)) this.#encodeEvent(eventType, -1, bytes, start, end);
    else {
      const path = encodeUtf8(decodeUtf8(bytes, start, end));
      this.#encodeEvent(eventType, -1, path, 0, path.length);
    }
    this.#deliver(connection);
  }

  #encodeEvent(eventType: number, zxid: number, bytes: Uint8Array, start: number, end: number): void {
    const event = this.#event;
    event.length = 0;
    event.int(28 + end - start);
    event.int(SpecialXid.watchEvent);
    event.long(zxid);
    event.int(0);
    event.int(eventType);
    event.int(EVENT_STATE_SYNC_CONNECTED);
    event.int(end - start);
    event.raw(bytes, start, end);
  }

  #deliver(connection: Connection): void {
    connection.out.raw(this.#event.bytes, 0, this.#event.length);
    this.statistics.packetsSent++;
    this.statistics.work.watchBytes += this.#event.length;
    connection.statistics.sent++;
    if (!connection.dirty) this.markDirty(connection);
  }
}

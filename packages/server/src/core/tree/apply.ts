import { type Acl, ErrorCode, EventType, JuteError, OpCode, Reader, type Writer } from '@headkeeper/protocol';
import { inOne } from '../long-work.ts';
import type { SessionTable } from '../session/sessions.ts';
import { readAcl } from './acl-record.ts';
import { DIGEST_VERSION } from './digest.ts';
import { Field, NONE, ROOT } from './node-store.ts';
import { CONTAINER_OWNER, STAT_BYTES, ttlOwnerHigh, writeStat } from './stat.ts';
import { type DataTree, lastSlash } from './tree.ts';

const DIGEST_BYTES = 12;
/** Of the end of a session with very many ephemerals: a few milliseconds. */
const ZNODES_PER_SLICE = 256;

/** Hears of every change that a watch can see, right after it happened and in order. */
export interface ChangeObserver {
  /** Whether anybody watches anything; changes need not be told while nobody does. */
  readonly isWatching: boolean;
  /**
   * `bytes[start, end)` is the path of the event, `acl` the list that guards it (the parent's for a change of children);
   * null when everybody may read it.
   */
  changed(eventType: number, bytes: Uint8Array, start: number, end: number, acl: readonly Acl[] | null): void;
  /** A znode was created (in slot `created`, else -1), deleted, or given other data of so many bytes; told before `changed`. */
  written(bytes: Uint8Array, start: number, end: number, dataBytes: number, created: number): void;
}

/**
 * The one way in which a txn changes the state: for live traffic, for replay, for what a leader sends. Errors of the kind
 * "is there already" are values, never exceptions, because replay over a fuzzy snapshot meets them; an unreadable txn
 * throws JuteError.
 *
 * After `apply` the fields tell what happened.
 */
export class TxnApplier {
  readonly #tree: DataTree;
  readonly #sessions: SessionTable;
  readonly #reader: Reader = new Reader(new Uint8Array(0));
  #observer: ChangeObserver | null = null;
  /** Results of a multi are written here as its reply needs them; null during replay. */
  #results: Writer | null = null;
  #bytes: Uint8Array = new Uint8Array(0);
  sessionHigh = 0;
  sessionLow = 0;
  zxid = 0;
  time = 0;
  type = 0;
  /** The txn's own error (an error txn), or that of applying it. */
  error = 0;
  /** Path of the znode that a single create or setData touched, in the txn's memory. */
  pathStart = 0;
  pathEnd = 0;
  /** Slot of that znode, or -1. */
  slot: number = NONE;
  /** Whether the txn carried a digest that we can compare, and its halves. */
  hasDigest = false;
  digestHigh = 0;
  digestLow = 0;

  constructor(tree: DataTree, sessions: SessionTable) {
    this.#tree = tree;
    this.#sessions = sessions;
  }

  observe(observer: ChangeObserver, results: Writer): void {
    this.#observer = observer;
    this.#results = results;
  }

  /** Applies the txn whose header, body and optional digest are `bytes[start, end)`. */
  apply(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const r = this.#begin(bytes, view, start, end);
    this.#applyBody(this.type, r);
    this.#readDigest(r);
  }

  /** As `apply`, of a closeSession, in slices, between which nothing else may be applied and nothing read. */
  *closeInSlices(bytes: Uint8Array, view: DataView, start: number, end: number): Generator<void, void> {
    const r = this.#begin(bytes, view, start, end);
    yield* this.#closeSession(r);
    this.#readDigest(r);
  }

  #begin(bytes: Uint8Array, view: DataView, start: number, end: number): Reader {
    const r = this.#reader;
    r.reset(bytes, view, start, end);
    this.#bytes = bytes;
    this.sessionHigh = r.int();
    this.sessionLow = r.int();
    r.skip(4);
    this.zxid = r.long();
    this.time = r.long();
    this.type = r.int();
    this.error = ErrorCode.ok;
    this.slot = NONE;
    this.hasDigest = false;
    return r;
  }

  #readDigest(r: Reader): void {
    if (r.remaining() < DIGEST_BYTES) return;
    const version = r.int();
    this.digestHigh = r.int();
    this.digestLow = r.int();
    this.hasDigest = version === DIGEST_VERSION;
  }

  #applyBody(type: number, r: Reader): void {
    switch (type) {
      case OpCode.error:
        this.error = r.int();
        return;
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        this.#create(type, r);
        return;
      case OpCode.delete:
      case OpCode.deleteContainer:
        this.#path(r);
        this.error = this.#delete(this.#bytes, this.pathStart, this.pathEnd);
        return;
      case OpCode.setData:
      case OpCode.reconfig:
        this.#setData(r);
        return;
      case OpCode.setACL:
        this.#setAcl(r);
        return;
      case OpCode.check:
        this.#path(r);
        r.skip(4);
        return;
      case OpCode.multi:
        this.#multi(r);
        return;
      case OpCode.createSession:
        this.#sessions.add(this.sessionHigh, this.sessionLow, r.int());
        return;
      case OpCode.closeSession:
        inOne(this.#closeSession(r));
        return;
      default:
        throw new JuteError('malformed', `unknown txn type ${type}`);
    }
  }

  #path(r: Reader): void {
    const length = r.length();
    this.pathStart = r.pos;
    this.pathEnd = r.pos + Math.max(0, length);
    r.skip(Math.max(0, length));
  }

  #create(type: number, r: Reader): void {
    this.#path(r);
    const start = this.pathStart;
    const end = this.pathEnd;
    const dataLength = r.length();
    const dataStart = r.pos;
    r.skip(Math.max(0, dataLength));
    const aclId = readAcl(r, this.#tree.acls);
    let ownerHigh = 0;
    let ownerLow = 0;
    if (type === OpCode.createContainer) {
      ownerHigh = CONTAINER_OWNER.high;
    } else if (type !== OpCode.createTTL && r.boolean()) {
      ownerHigh = this.sessionHigh;
      ownerLow = this.sessionLow;
    }
    // Logs older than 3.4 end here.
    const parentCversion = r.remaining() >= 4 ? r.int() : -1;
    if (type === OpCode.createTTL) {
      const ttl = r.long();
      ownerHigh = ttlOwnerHigh(ttl);
      ownerLow = ttl;
    }
    const tree = this.#tree;
    this.error = tree.create(
      this.#bytes,
      start,
      end,
      dataStart,
      dataLength,
      aclId,
      ownerHigh,
      ownerLow,
      parentCversion,
      this.zxid,
      this.time,
    );
    if (this.error === ErrorCode.nodeExists && type === OpCode.create) {
      tree.raiseParentCversion(this.#bytes, start, end, parentCversion, this.zxid);
    }
    if (this.error !== ErrorCode.ok) return;
    this.slot = tree.touched;
    this.#observer?.written(this.#bytes, start, end, Math.max(0, dataLength), this.slot);
    if (this.#observer?.isWatching !== true) return;
    this.#observer.changed(EventType.nodeCreated, this.#bytes, start, end, this.#aclOf(this.slot));
    this.#childrenChanged(this.#bytes, start, end);
  }

  /** Also used for the ephemerals of a closed session. */
  #delete(bytes: Uint8Array, start: number, end: number): number {
    const tree = this.#tree;
    let acl: readonly Acl[] | null = null;
    const isWatching = this.#observer?.isWatching === true;
    if (isWatching) {
      const slot = tree.find(bytes, start, end);
      if (slot !== NONE) acl = this.#aclOf(slot);
    }
    const error = tree.delete(bytes, start, end, this.zxid);
    if (error === ErrorCode.ok) this.#observer?.written(bytes, start, end, 0, NONE);
    if (error === ErrorCode.ok && isWatching) {
      this.#observer?.changed(EventType.nodeDeleted, bytes, start, end, acl);
      this.#childrenChanged(bytes, start, end);
    }
    return error;
  }

  #childrenChanged(bytes: Uint8Array, start: number, end: number): void {
    const slash = lastSlash(bytes, start, end);
    const parentEnd = slash === start ? start + 1 : slash;
    const parent = this.#tree.find(bytes, start, parentEnd);
    if (parent === NONE) return;
    this.#observer?.changed(EventType.nodeChildrenChanged, bytes, start, parentEnd, this.#aclOf(parent));
  }

  #setData(r: Reader): void {
    this.#path(r);
    const dataLength = r.length();
    const dataStart = r.pos;
    r.skip(Math.max(0, dataLength));
    const version = r.int();
    const { pathStart, pathEnd } = this;
    this.error = this.#tree.setData(
      this.#bytes,
      pathStart,
      pathEnd,
      dataStart,
      dataLength,
      version,
      this.zxid,
      this.time,
    );
    if (this.error !== ErrorCode.ok) return;
    this.slot = this.#tree.touched;
    this.#observer?.written(this.#bytes, pathStart, pathEnd, Math.max(0, dataLength), NONE);
    if (this.#observer?.isWatching !== true) return;
    this.#observer.changed(EventType.nodeDataChanged, this.#bytes, pathStart, pathEnd, this.#aclOf(this.slot));
  }

  #setAcl(r: Reader): void {
    this.#path(r);
    const aclId = readAcl(r, this.#tree.acls);
    this.error = this.#tree.setAcl(this.#bytes, this.pathStart, this.pathEnd, aclId, r.int());
    if (this.error === ErrorCode.ok) this.slot = this.#tree.touched;
  }

  #multi(r: Reader): void {
    const count = r.vectorCount(8);
    const first = r.pos;
    let failed = false;
    for (let i = 0; i < count; i++) {
      if (r.int() === OpCode.error) failed = true;
      r.skip(Math.max(0, r.length()));
    }
    const after = r.pos;
    r.pos = first;
    const end = r.end;
    let beforeFailure = failed;
    for (let i = 0; i < count; i++) {
      const type = r.int();
      const length = Math.max(0, r.length());
      const entryEnd = r.pos + length;
      r.end = entryEnd;
      if (type === OpCode.error) {
        beforeFailure = false;
        this.#failureResult(r.int());
      } else if (failed) {
        this.#failureResult(beforeFailure ? ErrorCode.ok : ErrorCode.runtimeInconsistency);
      } else {
        this.#applyBody(type, r);
        this.#successResult(type);
      }
      r.end = end;
      r.pos = entryEnd;
    }
    r.pos = after;
    this.error = ErrorCode.ok;
    this.slot = NONE;
  }

  #failureResult(error: number): void {
    const out = this.#results;
    if (out === null) return;
    writeMultiHeader(out, OpCode.error, error);
    out.int(error);
  }

  #successResult(type: number): void {
    const out = this.#results;
    if (out === null) return;
    switch (type) {
      case OpCode.create:
        writeMultiHeader(out, OpCode.create, 0);
        this.#writePath(out);
        return;
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        writeMultiHeader(out, OpCode.create2, 0);
        this.#writePath(out);
        this.#writeStat(out);
        return;
      case OpCode.setData:
        writeMultiHeader(out, OpCode.setData, 0);
        this.#writeStat(out);
        return;
      default:
        writeMultiHeader(out, type, 0);
    }
  }

  #writePath(out: Writer): void {
    out.int(this.pathEnd - this.pathStart);
    out.raw(this.#bytes, this.pathStart, this.pathEnd);
  }

  #writeStat(out: Writer): void {
    if (this.slot !== NONE) {
      writeStat(out, this.#tree.store, this.slot, this.#tree.kinds);
      return;
    }
    const at = out.reserve(STAT_BYTES);
    out.bytes.fill(0, at, at + STAT_BYTES);
    out.length = at + STAT_BYTES;
  }

  *#closeSession(r: Reader): Generator<void, void> {
    let done = 0;
    const session = this.#sessions.find(this.sessionHigh, this.sessionLow);
    const listed = this.#hasPaths(r) ? r.vectorCount(4) : -1;
    for (let i = 0; i < listed; i++) {
      this.#path(r);
      this.#delete(this.#bytes, this.pathStart, this.pathEnd);
      if (++done % ZNODES_PER_SLICE === 0) yield;
    }
    const owned = session === null ? this.#sessions.orphansOf(this.sessionHigh, this.sessionLow) : session.ephemerals;
    for (const slot of owned === null ? [] : [...owned]) {
      const path = this.pathOf(slot);
      this.#delete(path, 0, path.length);
      if (++done % ZNODES_PER_SLICE === 0) yield;
    }
    if (session !== null) this.#sessions.remove(session);
  }

  /**
   * Servers before 3.6 wrote no paths. A digest alone begins with its version, 2, and ends right behind: a list of two
   * paths cannot be that short.
   */
  #hasPaths(r: Reader): boolean {
    if (r.remaining() < 4) return false;
    return !(r.remaining() === DIGEST_BYTES && r.view.getInt32(r.pos) === DIGEST_VERSION && !twoEmptyPaths(r));
  }

  /** A znode's full path as bytes of its own. */
  pathOf(slot: number): Uint8Array {
    if (slot === ROOT) return Uint8Array.of(0x2f);
    const path = new Uint8Array(this.#tree.store.pathLength(slot));
    this.#tree.store.writePathBackwards(slot, path, path.length);
    return path;
  }

  #aclOf(slot: number): readonly Acl[] | null {
    const aclId = this.#tree.store.get(slot, Field.aclId);
    return aclId === -1 ? null : this.#tree.acls.list(aclId);
  }
}

/** MultiHeader of a result: type, not done, error. */
function writeMultiHeader(out: Writer, type: number, error: number): void {
  out.int(type);
  out.boolean(false);
  out.int(error);
}

function twoEmptyPaths(r: Reader): boolean {
  return r.view.getInt32(r.pos + 4) === 0 && r.view.getInt32(r.pos + 8) === 0;
}

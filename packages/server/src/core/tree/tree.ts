import { ErrorCode, encodeUtf8, Permission } from '@headkeeper/protocol';
import { invariant } from '../invariants.ts';
import type { CoreSettings } from '../settings.ts';
import { AclTable } from './acl-table.ts';
import { contentCrc, nodeDigest, TreeDigest } from './digest.ts';
import { DigestState, Field, NONE, NodeStore, ROOT } from './node-store.ts';
import { QuotaBook } from './quota.ts';
import { OwnerKinds } from './stat.ts';

/** Trees of up to so many znodes are checked against their digest while they are loaded. */
const CHECKED_AT_ONCE = 65_536;
const SLASH = 0x2f;
/** Instead of a slot: a snapshot has given a path twice. */
const TWICE = -2;
const SAME_TWICE = 'the same znode twice';
const TWO_32 = 4294967296;

const ZOOKEEPER_PATH = encodeUtf8('/zookeeper');
const QUOTA_PATH = encodeUtf8('/zookeeper/quota');
const CONFIG_PATH = encodeUtf8('/zookeeper/config');

/** Is told of a znode before its first change, so that a running snapshot can write its old state. */
export interface PreImageKeeper {
  beforeChange(slot: number): void;
  /** Marks a znode that did not exist when the snapshot began. */
  created(slot: number): void;
}

/** Is told which sessions own which ephemerals. */
export interface EphemeralBook {
  ephemeralCreated(slot: number, ownerHigh: number, ownerLow: number): void;
  ephemeralRemoved(slot: number, ownerHigh: number, ownerLow: number): void;
}

/** Offset of the last slash of a path. */
export function lastSlash(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at >= start && bytes[at] !== SLASH) at--;
  return at;
}

/**
 * The data tree and the rules by which txns change it (storage-formats reference, 5). Every mutator is total: it returns an
 * error code instead of throwing, because replay over a fuzzy snapshot meets changes that are there already.
 */
export class DataTree {
  readonly store: NodeStore;
  readonly acls: AclTable = new AclTable();
  readonly kinds: OwnerKinds;
  readonly digest: TreeDigest = new TreeDigest();
  readonly quotas: QuotaBook;
  /** Slots of containers and of TTL znodes, for the reaper. */
  readonly containers: Set<number> = new Set();
  readonly ttlNodes: Set<number> = new Set();
  readonly #digestEnabled: boolean;
  /** Slot of the znode that the last successful create, setData or setAcl was about. */
  touched: number = NONE;
  #preImages: PreImageKeeper | null = null;
  #ephemerals: EphemeralBook | null = null;
  #zookeeperSlot = NONE;
  /** Znodes whose digests are deferred, the sum of those that were and are known now, and what it should come to. */
  #deferred = 0;
  readonly #found: TreeDigest = new TreeDigest();
  #expected: { readonly high: number; readonly low: number } | null = null;
  #isDigestKnown = true;
  #nextUnchecked = 0;
  #lastParent = NONE;
  #lastParentPath: Uint8Array = new Uint8Array(0);

  constructor(
    settings: Pick<CoreSettings, 'hashSeed' | 'extendedTypesEnabled' | 'emulate353TTLNodes' | 'digestEnabled'>,
  ) {
    this.store = new NodeStore(settings.hashSeed);
    this.kinds = new OwnerKinds(settings.extendedTypesEnabled, settings.emulate353TTLNodes);
    this.#digestEnabled = settings.digestEnabled;
    this.quotas = new QuotaBook(this);
    this.store.set(ROOT, Field.aclId, -1);
    this.#refreshContent(ROOT, ZOOKEEPER_PATH, 0, 0);
  }

  keepPreImages(keeper: PreImageKeeper | null): void {
    this.#preImages = keeper;
  }

  keepEphemerals(book: EphemeralBook): void {
    this.#ephemerals = book;
  }

  /** Adds the system znodes of a new tree (client-protocol reference, 10.2) where they are missing. */
  addSystemNodes(): void {
    this.#addSystemNode(ZOOKEEPER_PATH, -1, 0);
    this.#addSystemNode(QUOTA_PATH, -1, 0);
    this.#addSystemNode(CONFIG_PATH, this.acls.intern([{ perms: Permission.read, scheme: 'world', id: 'anyone' }]), -1);
  }

  #addSystemNode(path: Uint8Array, aclId: number, aversion: number): void {
    if (this.store.find(path, 0, path.length) !== NONE) {
      this.acls.release(aclId);
      return;
    }
    const nameStart = lastSlash(path, 0, path.length) + 1;
    const parent = this.store.find(path, 0, nameStart - 1);
    const slot = this.#insert(parent, path, 0, nameStart, path.length, path, 0, 0, aclId);
    this.store.set(slot, Field.aversion, aversion);
    this.#refreshContent(slot, path, 0, path.length);
  }

  /**
   * Sets the content of /zookeeper/config, which every server keeps by itself, without a txn: what it holds is the
   * membership of `version` (quorum-protocol reference, 13.7).
   */
  setConfig(text: Uint8Array, version: number, time: number): void {
    const slot = this.store.find(CONFIG_PATH, 0, CONFIG_PATH.length);
    if (slot === NONE) return;
    this.#beforeChange(slot);
    this.store.setData(slot, text, 0, text.length);
    this.store.set(slot, Field.version, -1);
    this.#setLong(slot, Field.mzxid, version);
    this.#setLong(slot, Field.mtime, time);
    this.#refreshContent(slot, CONFIG_PATH, 0, CONFIG_PATH.length);
  }

  /** The slot of a path, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.store.find(bytes, start, end);
  }

  /**
   * Creates a znode. The ACL reference passes to the tree whatever the outcome. `parentCversion` is the parent's cversion
   * after the creation, -1 in logs older than 3.4.
   */
  create(
    bytes: Uint8Array,
    start: number,
    end: number,
    dataStart: number,
    dataLength: number,
    aclId: number,
    ownerHigh: number,
    ownerLow: number,
    parentCversion: number,
    zxid: number,
    time: number,
  ): number {
    const slash = lastSlash(bytes, start, end);
    const parent = slash < start ? NONE : this.store.find(bytes, start, slash);
    if (parent === NONE) {
      this.acls.release(aclId);
      return ErrorCode.noNode;
    }
    const existing = this.store.find(bytes, start, end);
    if (existing !== NONE) {
      // A fuzzy snapshot can hold the znode with an ACL that its table lacked (ZOOKEEPER-4846): the txn's is the right one.
      this.#beforeChange(existing);
      this.#replaceAcl(existing, aclId);
      return ErrorCode.nodeExists;
    }
    this.#beforeChange(parent);
    this.#raiseCversion(
      parent,
      parentCversion === -1 ? this.store.get(parent, Field.cversion) + 1 : parentCversion,
      zxid,
    );
    const slot = this.#insert(parent, bytes, start, slash + 1, end, bytes, dataStart, dataLength, aclId);
    this.#setLong(slot, Field.czxid, zxid);
    this.#setLong(slot, Field.mzxid, zxid);
    this.#setLong(slot, Field.pzxid, zxid);
    this.#setLong(slot, Field.ctime, time);
    this.#setLong(slot, Field.mtime, time);
    this.store.set(slot, Field.owner, ownerHigh);
    this.store.set(slot, Field.owner + 1, ownerLow);
    this.#fileByOwner(slot, ownerHigh, ownerLow);
    this.#refreshContent(slot, bytes, start, end);
    this.quotas.created(bytes, start, end, slash, Math.max(0, dataLength));
    this.touched = slot;
    return ErrorCode.ok;
  }

  /** What a create that met an existing znode still does to the parent during replay. */
  raiseParentCversion(bytes: Uint8Array, start: number, end: number, parentCversion: number, zxid: number): void {
    const parent = this.store.find(bytes, start, lastSlash(bytes, start, end));
    if (parent === NONE) return;
    this.#beforeChange(parent);
    this.#raiseCversion(parent, parentCversion, zxid);
  }

  delete(bytes: Uint8Array, start: number, end: number, zxid: number): number {
    const slash = lastSlash(bytes, start, end);
    const parent = slash < start ? NONE : this.store.find(bytes, start, slash);
    if (parent === NONE) return ErrorCode.noNode;
    this.#beforeChange(parent);
    if (zxid > this.longOf(parent, Field.pzxid)) {
      this.#setLong(parent, Field.pzxid, zxid);
      this.#refreshDigest(parent);
    }
    const slot = this.store.find(bytes, start, end);
    if (slot === NONE) return ErrorCode.noNode;
    const dataLength = Math.max(0, this.store.get(slot, Field.dataLength));
    // Only replay over a fuzzy snapshot finds children here: they are of a later life of the znode, and the log that is
    // still to come creates them again.
    while (this.store.get(slot, Field.firstChild) !== NONE) this.#removeLeaf(this.#deepestFirst(slot));
    this.#removeLeaf(slot);
    this.quotas.deleted(bytes, start, end, slash, dataLength);
    return ErrorCode.ok;
  }

  #deepestFirst(slot: number): number {
    let leaf = slot;
    for (let child = leaf; child !== NONE; child = this.store.get(child, Field.firstChild)) leaf = child;
    return leaf;
  }

  #removeLeaf(slot: number): void {
    this.#beforeChange(slot);
    this.#unfileByOwner(slot, this.store.get(slot, Field.owner), this.store.get(slot, Field.owner + 1));
    this.digest.subtract(this.store.get(slot, Field.digest));
    const aclId = this.store.get(slot, Field.aclId);
    this.store.remove(slot);
    this.acls.release(aclId);
  }

  setData(
    bytes: Uint8Array,
    start: number,
    end: number,
    dataStart: number,
    dataLength: number,
    version: number,
    zxid: number,
    time: number,
  ): number {
    const slot = this.store.find(bytes, start, end);
    if (slot === NONE) return ErrorCode.noNode;
    this.#beforeChange(slot);
    const before = Math.max(0, this.store.get(slot, Field.dataLength));
    this.store.setData(slot, bytes, dataStart, dataLength);
    this.store.set(slot, Field.version, version);
    this.#setLong(slot, Field.mzxid, zxid);
    this.#setLong(slot, Field.mtime, time);
    this.#refreshContent(slot, bytes, start, end);
    this.quotas.dataChanged(bytes, start, end, Math.max(0, dataLength) - before);
    this.touched = slot;
    return ErrorCode.ok;
  }

  /** The ACL reference passes to the tree whatever the outcome. */
  setAcl(bytes: Uint8Array, start: number, end: number, aclId: number, aversion: number): number {
    const slot = this.store.find(bytes, start, end);
    if (slot === NONE) {
      this.acls.release(aclId);
      return ErrorCode.noNode;
    }
    this.#beforeChange(slot);
    this.#replaceAcl(slot, aclId);
    this.store.set(slot, Field.aversion, aversion);
    this.#refreshDigest(slot);
    this.touched = slot;
    return ErrorCode.ok;
  }

  /** Replaces data without a txn of its own, as quota bookkeeping does: no stat field but the length changes. */
  replaceData(slot: number, data: Uint8Array): void {
    this.#beforeChange(slot);
    this.store.setData(slot, data, 0, data.length);
  }

  /**
   * Adds a znode as a snapshot describes it; `statAt` is the offset of its fifteen stat words. Returns what is wrong, or
   * null. The ACL reference passes to the tree.
   */
  load(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    dataStart: number,
    dataLength: number,
    aclId: number,
    statAt: number,
  ): string | null {
    let slot = ROOT;
    if (end === start) {
      this.acls.release(this.store.get(ROOT, Field.aclId));
      this.store.set(ROOT, Field.aclId, aclId);
      this.store.setData(ROOT, bytes, dataStart, dataLength);
    } else {
      const slash = lastSlash(bytes, start, end);
      if (slash < start) return 'a path without a slash';
      const parent = this.#loadedParent(bytes, start, slash);
      if (parent === TWICE) return SAME_TWICE;
      if (parent === NONE) return 'a znode whose parent has not appeared';
      slot = this.store.insertUnfiled(parent, bytes, start, slash + 1, end, bytes, dataStart, dataLength);
      this.#inserted(slot, parent, bytes, start, end, aclId);
    }
    const record = this.store.record(slot);
    const base = this.store.base(slot);
    for (let word = 0; word < 15; word++) record[base + word] = view.getInt32(statAt + word * 4);
    this.#fileByOwner(slot, record[base + Field.owner], record[base + Field.owner + 1]);
    if (this.#hasDigest(slot)) {
      this.store.set(slot, Field.digestState, DigestState.deferred);
      this.#deferred++;
    }
    return null;
  }

  /** All znodes of the snapshot are loaded: makes them to be found. Returns what is wrong, or null. */
  fileLoaded(): string | null {
    return this.store.fileAll() ? null : SAME_TWICE;
  }

  /**
   * Ends loading, after `fileLoaded`: the tree's digest is `expected`, what the snapshot gives for exactly this state, or
   * null when it gives none. The digests of the znodes of a large tree are then computed as they are needed, and by
   * `checkLoaded`; those of a smaller one at once.
   */
  endLoading(expected: { readonly high: number; readonly low: number } | null): void {
    invariant(this.store.fileAll(), 'a snapshot that gives a path twice is not used');
    if (this.#deferred === 0) return;
    this.#expected = expected;
    if (this.#deferred <= CHECKED_AT_ONCE) this.settleDigest();
    this.#isDigestKnown = this.#deferred === 0 || expected !== null;
    const { high, low } = this.#deferred === 0 || expected === null ? this.#found : expected;
    this.digest.set(high, low);
  }

  /** Whether `digest` is that of the tree: without a word of the snapshot it is not before all znodes are checked. */
  get isDigestKnown(): boolean {
    return this.#isDigestKnown;
  }

  /** Computes all digests that loading has put off, which takes a third of a second for a million znodes. */
  settleDigest(): void {
    this.checkLoaded(Number.POSITIVE_INFINITY);
  }

  /** Computes up to `count` digests that loading has put off; once all are known the snapshot's is checked. */
  checkLoaded(count: number): void {
    for (
      ;
      this.#deferred > 0 && count > 0 && this.#nextUnchecked < this.store.slotLimit;
      this.#nextUnchecked++, count--
    ) {
      this.knowDigest(this.#nextUnchecked);
    }
  }

  /** Whether no digest is put off any more. */
  get isChecked(): boolean {
    return this.#deferred === 0;
  }

  /** Whether the znodes that a snapshot held had not the digest that it gave for them; known when all are checked. */
  get loadedWrongly(): boolean {
    const expected = this.#expected;
    if (expected === null || this.#deferred > 0) return false;
    return this.#found.high !== expected.high || this.#found.low !== expected.low;
  }

  /** Computes a digest that loading has put off. Must come before the znode's first change. */
  knowDigest(slot: number): void {
    if (this.store.get(slot, Field.digestState) !== DigestState.deferred) return;
    this.store.set(slot, Field.digestState, DigestState.known);
    this.#deferred--;
    const path = new Uint8Array(this.store.pathLength(slot));
    this.store.writePathBackwards(slot, path, path.length);
    const dataLength = this.store.get(slot, Field.dataLength);
    const data = this.store.dataBytes(slot);
    const crc = contentCrc(path, 0, path.length, data, this.store.dataOffset(slot), dataLength);
    const digest = nodeDigest(this.store.record(slot), this.store.base(slot), crc);
    this.store.set(slot, Field.contentCrc, crc);
    this.store.set(slot, Field.digest, digest);
    this.#found.add(digest);
    if (this.#isDigestKnown) return;
    this.digest.add(digest);
    this.#isDigestKnown = this.#deferred === 0;
  }

  /**
   * As `find`, while a snapshot is loaded; `TWICE` when a path has come twice. Siblings mostly follow each other in a
   * snapshot, so that their parent need be looked up only once.
   */
  #loadedParent(bytes: Uint8Array, start: number, end: number): number {
    if (this.#lastParent !== NONE && pathIs(bytes, start, end, this.#lastParentPath)) return this.#lastParent;
    if (!this.store.fileAll()) return TWICE;
    this.#lastParent = this.store.find(bytes, start, end);
    this.#lastParentPath = bytes.slice(start, end);
    return this.#lastParent;
  }

  /** A zxid or time field as a number. */
  longOf(slot: number, field: number): number {
    return this.store.get(slot, field) * TWO_32 + (this.store.get(slot, field + 1) >>> 0);
  }

  /** Number of all descendants of a znode. */
  countDescendants(slot: number): number {
    return this.#fold(slot, () => 1) - 1;
  }

  /** Znodes and data bytes of a subtree, its root included. */
  measure(slot: number): { count: number; bytes: number } {
    let bytes = 0;
    const count = this.#fold(slot, (node) => {
      bytes += Math.max(0, this.store.get(node, Field.dataLength));
      return 1;
    });
    return { count, bytes };
  }

  #fold(top: number, visit: (slot: number) => number): number {
    const store = this.store;
    let total = 0;
    let node = top;
    for (;;) {
      total += visit(node);
      let next = store.get(node, Field.firstChild);
      while (next === NONE) {
        if (node === top) return total;
        next = store.get(node, Field.nextSibling);
        if (next === NONE) node = store.get(node, Field.parent);
      }
      node = next;
    }
  }

  #insert(
    parent: number,
    bytes: Uint8Array,
    start: number,
    nameStart: number,
    end: number,
    data: Uint8Array,
    dataStart: number,
    dataLength: number,
    aclId: number,
  ): number {
    const slot = this.store.insert(parent, bytes, start, nameStart, end, data, dataStart, dataLength);
    this.#inserted(slot, parent, bytes, start, end, aclId);
    return slot;
  }

  #inserted(slot: number, parent: number, bytes: Uint8Array, start: number, end: number, aclId: number): void {
    this.store.set(slot, Field.aclId, aclId);
    if (parent === this.#zookeeperSlot || this.store.get(parent, Field.digestState) === DigestState.outside) {
      this.store.set(slot, Field.digestState, DigestState.outside);
    } else if (parent === ROOT && this.#zookeeperSlot === NONE && pathIs(bytes, start, end, ZOOKEEPER_PATH)) {
      this.#zookeeperSlot = slot;
    }
    this.#preImages?.created(slot);
  }

  #fileByOwner(slot: number, high: number, low: number): void {
    if (high === 0 && low === 0) return;
    const kind = this.kinds.of(high, low);
    if (kind === 'ephemeral') this.#ephemerals?.ephemeralCreated(slot, high, low);
    else if (kind === 'container') this.containers.add(slot);
    else this.ttlNodes.add(slot);
  }

  #unfileByOwner(slot: number, high: number, low: number): void {
    if (high === 0 && low === 0) return;
    const kind = this.kinds.of(high, low);
    if (kind === 'ephemeral') this.#ephemerals?.ephemeralRemoved(slot, high, low);
    else if (kind === 'container') this.containers.delete(slot);
    else this.ttlNodes.delete(slot);
  }

  #raiseCversion(parent: number, cversion: number, zxid: number): void {
    if (cversion <= this.store.get(parent, Field.cversion)) return;
    this.store.set(parent, Field.cversion, cversion);
    this.#setLong(parent, Field.pzxid, zxid);
    this.#refreshDigest(parent);
  }

  #replaceAcl(slot: number, aclId: number): void {
    const before = this.store.get(slot, Field.aclId);
    this.store.set(slot, Field.aclId, aclId);
    this.acls.release(before);
  }

  #setLong(slot: number, field: number, value: number): void {
    const high = Math.floor(value / TWO_32);
    const record = this.store.record(slot);
    const base = this.store.base(slot);
    record[base + field] = high;
    record[base + field + 1] = value - high * TWO_32;
  }

  #beforeChange(slot: number): void {
    this.#preImages?.beforeChange(slot);
    this.knowDigest(slot);
  }

  #hasDigest(slot: number): boolean {
    return this.#digestEnabled && this.store.get(slot, Field.digestState) !== DigestState.outside;
  }

  /** After path or data changed. */
  #refreshContent(slot: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#hasDigest(slot)) return;
    const dataLength = this.store.get(slot, Field.dataLength);
    const crc = contentCrc(bytes, start, end, this.store.dataBytes(slot), this.store.dataOffset(slot), dataLength);
    this.store.set(slot, Field.contentCrc, crc);
    this.#refreshDigest(slot);
  }

  /** After a stat field changed. */
  #refreshDigest(slot: number): void {
    const record = this.store.record(slot);
    const base = this.store.base(slot);
    if (!this.#hasDigest(slot)) return;
    this.digest.subtract(record[base + Field.digest]);
    record[base + Field.digest] = nodeDigest(record, base, record[base + Field.contentCrc]);
    this.digest.add(record[base + Field.digest]);
  }
}

export function pathIs(bytes: Uint8Array, start: number, end: number, path: Uint8Array): boolean {
  if (end - start !== path.length) return false;
  for (let i = 0; i < path.length; i++) if (bytes[start + i] !== path[i]) return false;
  return true;
}

import { encodeUtf8, type Writer } from '@headkeeper/protocol';
import type { WorkStatistics } from '../statistics/work-statistics.ts';
import { contentCrc, nodeDigest, TreeDigest } from './digest.ts';
import { DigestState, Field, NONE, ROOT, STAT_WORDS } from './node-store.ts';
import type { DataTree } from './tree.ts';

const INITIAL_BUCKETS = 64;
const ZOOKEEPER_PREFIX = encodeUtf8('/zookeeper/');
/** Nodes kept for use again. */
const KEPT_NODES = 32_768;
/** Changes that have been applied, in front of the others, that are worth moving those over. */
const MOVE_CHANGES = 4096;
const TWO_32 = 4294967296;
const SLASH = 0x2f;

/** A znode as it will be once every txn proposed so far has been applied. */
export class PendingNode {
  exists = false;
  /** The fifteen stat words, in the order of the record. */
  readonly stat: Int32Array = new Int32Array(STAT_WORDS);
  childCount = 0;
  dataLength = 0;
  aclId = -1;
  contentCrc = 0;
  digest = 0;
  outsideDigest = false;
  /** The last txn that changed it; 0 while it is a mere copy of the tree's. */
  zxid = 0;
  hash = 0;
  /** Its path, in the log buffer of the txn that changed it last; empty for the root. */
  path: Writer | null = null;
  pathStart = 0;
  pathEnd = 0;
  nextInBucket: PendingNode | null = null;
  attached = false;

  copyFrom(other: PendingNode): void {
    this.exists = other.exists;
    this.stat.set(other.stat);
    this.childCount = other.childCount;
    this.dataLength = other.dataLength;
    this.aclId = other.aclId;
    this.contentCrc = other.contentCrc;
    this.digest = other.digest;
    this.outsideDigest = other.outsideDigest;
    this.zxid = other.zxid;
    this.path = other.path;
    this.pathStart = other.pathStart;
    this.pathEnd = other.pathEnd;
  }

  setLong(field: number, value: number): void {
    const high = Math.floor(value / TWO_32);
    this.stat[field] = high;
    this.stat[field + 1] = value - high * TWO_32;
  }
}

/**
 * The changes that are proposed and not yet applied, laid over the tree. Validation of new writes sees both, as if all had
 * been applied; the tree itself changes only once a txn is durable. A znode leaves the overlay when its last change has
 * been applied.
 *
 * Use: `find`, look at the node; to change it: `willChange`, set fields, `changed`.
 */
export class PendingChanges {
  readonly #tree: DataTree;
  readonly #digestEnabled: boolean;
  readonly #work: WorkStatistics;
  /** The tree's digest after all proposed txns. */
  readonly digest: TreeDigest = new TreeDigest();
  #follows = false;
  #buckets: (PendingNode | null)[] = new Array(INITIAL_BUCKETS).fill(null);
  #count = 0;
  /**
   * Changed nodes in order of change, and the zxid of each change: those from `#firstChange` on, before `#endOfChanges`. The
   * arrays are not cut, which costs a call into the engine each time.
   */
  readonly #changeNodes: PendingNode[] = [];
  readonly #changeZxids: number[] = [];
  #firstChange = 0;
  #endOfChanges = 0;
  /** Attached nodes that exist and have an owner: ephemerals, containers, TTL znodes. */
  readonly #owned: Set<PendingNode> = new Set();
  readonly #free: PendingNode[] = [];
  /** Nodes handed out by `find` that are in no bucket; they go back to the pool at `endOperation`. */
  readonly #loose: PendingNode[] = [];
  #looseCount = 0;
  /** While a multi is being prepared: nodes and their states before. */
  #undo: { node: PendingNode; before: PendingNode | null }[] | null = null;
  #undoChanges = 0;
  #undoHigh = 0;
  #undoLow = 0;

  /** `work` counts the changes. */
  constructor(tree: DataTree, digestEnabled: boolean, work: WorkStatistics) {
    this.#tree = tree;
    this.#work = work;
    this.#digestEnabled = digestEnabled;
  }

  /** Whether the tree digest leaves out the path, as it does everything below /zookeeper. */
  isOutsideDigest(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start <= ZOOKEEPER_PREFIX.length) return false;
    for (let i = 0; i < ZOOKEEPER_PREFIX.length; i++) if (bytes[start + i] !== ZOOKEEPER_PREFIX[i]) return false;
    return true;
  }

  /**
   * Begins from the tree's digest, before the first change. Not earlier: a server that proposes nothing need not know it,
   * and after a large state has come in that takes a while.
   */
  follow(): void {
    if (this.#follows) return;
    this.#follows = true;
    if (!this.#tree.isDigestKnown) this.#tree.settleDigest();
    this.digest.set(this.#tree.digest.high, this.#tree.digest.low);
  }

  get size(): number {
    return this.#count;
  }

  /** The znode of a path as it will be; `exists` is false when it will not be there. Valid until `endOperation`. */
  find(bytes: Uint8Array, start: number, end: number): PendingNode {
    const store = this.#tree.store;
    const isRoot = end === start || (end - start === 1 && bytes[start] === SLASH);
    const hash = isRoot ? 0 : store.hash(bytes, start, end);
    const known = this.#lookUp(hash, bytes, start, isRoot ? start : end);
    if (known !== null) return known;
    const node = this.#take();
    node.hash = hash;
    const slot = isRoot ? ROOT : store.findHashed(bytes, start, end, hash);
    node.exists = slot !== NONE;
    if (slot !== NONE) {
      this.#tree.knowDigest(slot);
      const record = store.record(slot);
      const base = store.base(slot);
      for (let word = 0; word < STAT_WORDS; word++) node.stat[word] = record[base + word];
      node.childCount = record[base + Field.childCount];
      node.dataLength = record[base + Field.dataLength];
      node.aclId = record[base + Field.aclId];
      node.contentCrc = record[base + Field.contentCrc];
      node.digest = record[base + Field.digest];
      node.outsideDigest = record[base + Field.digestState] === DigestState.outside;
      this.#tree.acls.retain(node.aclId);
    }
    this.#loose[this.#looseCount++] = node;
    return node;
  }

  /** Must be called before a node's fields change: remembers them while a multi may still fail. */
  willChange(node: PendingNode): void {
    if (this.#undo === null) return;
    if (!node.attached) {
      this.#undo.push({ node, before: null });
      return;
    }
    const before = new PendingNode();
    before.copyFrom(node);
    this.#tree.acls.retain(before.aclId);
    this.#undo.push({ node, before });
  }

  /**
   * Files a changed node. Its path lies in `log` at `[start, end)`, which must stay until the txn is applied.
   * `contentChanged` says that path or data are new; the data then lies in the same buffer at `dataStart`.
   */
  changed(
    node: PendingNode,
    zxid: number,
    log: Writer,
    start: number,
    end: number,
    contentChanged: boolean,
    dataStart: number,
  ): void {
    // Always the newest txn's buffer: that of an earlier one is used again once that one has been applied.
    node.path = log;
    node.pathStart = start;
    node.pathEnd = end - start <= 1 ? start : end;
    if (!node.attached) this.#attach(node);
    node.zxid = zxid;
    this.#fileByOwner(node);
    this.#changeNodes[this.#endOfChanges] = node;
    this.#changeZxids[this.#endOfChanges++] = zxid;
    this.#work.changesForeseen++;
    if (!this.#digestEnabled || node.outsideDigest) return;
    this.digest.subtract(node.digest);
    if (!node.exists) {
      node.digest = 0;
      return;
    }
    if (contentChanged) {
      node.contentCrc = contentCrc(log.bytes, start, end, log.bytes, dataStart, node.dataLength);
    }
    node.digest = nodeDigest(node.stat, 0, node.contentCrc);
    this.digest.add(node.digest);
  }

  /** Ends one operation's use of nodes that it did not change. */
  endOperation(): void {
    for (let i = 0; i < this.#looseCount; i++) {
      const node = this.#loose[i];
      if (!node.attached) this.#recycle(node);
    }
    this.#looseCount = 0;
  }

  /** From here on changes can be taken back by `rollBack`, until `keep`. */
  beginMulti(): void {
    this.#undo = [];
    this.#undoChanges = this.#endOfChanges;
    this.#undoHigh = this.digest.high;
    this.#undoLow = this.digest.low;
  }

  keep(): void {
    for (const entry of this.#undo ?? []) if (entry.before !== null) this.#tree.acls.release(entry.before.aclId);
    this.#undo = null;
  }

  /** Takes back every change since `beginMulti`. `endOperation` must have been called. */
  rollBack(): void {
    const undo = this.#undo ?? [];
    this.#undo = null;
    for (let i = undo.length - 1; i >= 0; i--) {
      const { node, before } = undo[i];
      if (before === null) {
        if (node.attached) {
          this.#detach(node);
          this.#recycle(node);
        }
      } else {
        this.#tree.acls.release(node.aclId);
        node.copyFrom(before);
        this.#fileByOwner(node);
      }
    }
    this.#work.changesSettled += this.#endOfChanges - this.#undoChanges;
    this.#endOfChanges = this.#undoChanges;
    this.digest.set(this.#undoHigh, this.#undoLow);
  }

  /**
   * Forgets what the txn `zxid` changed, unless a later one changed it again: at most so many of the changes. Whether that were
   * all of them.
   */
  applied(zxid: number, most: number = Number.POSITIVE_INFINITY): boolean {
    const end = this.#endOfChanges;
    let at = this.#firstChange;
    const stop = Math.min(end, at + most);
    while (at < stop && this.#changeZxids[at] === zxid) {
      const node = this.#changeNodes[at];
      if (node.zxid === zxid && node.attached) {
        this.#detach(node);
        this.#recycle(node);
      }
      at++;
    }
    this.#work.changesSettled += at - this.#firstChange;
    this.#firstChange = at;
    const isDone = at === end || this.#changeZxids[at] !== zxid;
    if (at === end) {
      this.#firstChange = 0;
      this.#endOfChanges = 0;
    } else if (at > MOVE_CHANGES && at * 2 > end) {
      this.#changeNodes.copyWithin(0, at, end);
      this.#changeZxids.copyWithin(0, at, end);
      this.#firstChange = 0;
      this.#endOfChanges = end - at;
    }
    return isDone;
  }

  /** The changed znodes that will exist and have this owner, each once. */
  ownedBy(ownerHigh: number, ownerLow: number): PendingNode[] {
    const found: PendingNode[] = [];
    for (const node of this.#owned) {
      if (node.stat[Field.owner] === ownerHigh && node.stat[Field.owner + 1] === ownerLow) found.push(node);
    }
    return found;
  }

  #fileByOwner(node: PendingNode): void {
    if (node.exists && (node.stat[Field.owner] !== 0 || node.stat[Field.owner + 1] !== 0)) this.#owned.add(node);
    else if (this.#owned.size > 0) this.#owned.delete(node);
  }

  #lookUp(hash: number, bytes: Uint8Array, start: number, end: number): PendingNode | null {
    if (this.#count === 0) return null;
    let node = this.#buckets[hash & (this.#buckets.length - 1)];
    while (node !== null) {
      if (node.hash === hash && samePath(node, bytes, start, end)) return node;
      node = node.nextInBucket;
    }
    return null;
  }

  #attach(node: PendingNode): void {
    if (this.#count > this.#buckets.length) this.#grow();
    const bucket = node.hash & (this.#buckets.length - 1);
    node.nextInBucket = this.#buckets[bucket];
    this.#buckets[bucket] = node;
    node.attached = true;
    this.#count++;
  }

  #detach(node: PendingNode): void {
    const bucket = node.hash & (this.#buckets.length - 1);
    let at = this.#buckets[bucket];
    if (at === node) this.#buckets[bucket] = node.nextInBucket;
    else {
      while (at !== null && at.nextInBucket !== node) at = at.nextInBucket;
      if (at !== null) at.nextInBucket = node.nextInBucket;
    }
    node.nextInBucket = null;
    node.attached = false;
    if (this.#owned.size > 0) this.#owned.delete(node);
    this.#count--;
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = new Array(old.length * 2).fill(null);
    for (let node of old) {
      while (node !== null) {
        const next: PendingNode | null = node.nextInBucket;
        const bucket = node.hash & (this.#buckets.length - 1);
        node.nextInBucket = this.#buckets[bucket];
        this.#buckets[bucket] = node;
        node = next;
      }
    }
  }

  #take(): PendingNode {
    return this.#free.pop() ?? new PendingNode();
  }

  #recycle(node: PendingNode): void {
    if (node.aclId !== -1) this.#tree.acls.release(node.aclId);
    node.aclId = -1;
    node.zxid = 0;
    node.digest = 0;
    node.path = null;
    if (this.#free.length < KEPT_NODES) this.#free.push(node);
  }
}

function samePath(node: PendingNode, bytes: Uint8Array, start: number, end: number): boolean {
  const length = node.pathEnd - node.pathStart;
  if (length !== end - start) return false;
  const own = (node.path as Writer).bytes;
  const at = node.pathStart;
  for (let i = 0; i < length; i++) if (own[at + i] !== bytes[start + i]) return false;
  return true;
}

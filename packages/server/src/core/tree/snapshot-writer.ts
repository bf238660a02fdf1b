import { SnapshotEncoder } from '../log/snapshot-encoder.ts';
import type { SessionTable } from '../session/sessions.ts';
import { Field, ROOT } from './node-store.ts';
import type { DataTree, PreImageKeeper } from './tree.ts';

const CHUNK_BYTES = 256 * 1024;
/** A slice ends early when it has produced this many chunks: znodes can be large. */
const CHUNKS_PER_SLICE = 4;

export interface SnapshotOptions {
  /** Whether the file gets its digest record. */
  readonly digest: boolean;
  /** Whether the file gets the trailer of 3.9 (`zookeeper.serializeLastProcessedZxid.enabled`). */
  readonly lastProcessedZxid: boolean;
  /** Whether the bytes are for a learner instead of a file. */
  readonly forLearner: boolean;
}

/**
 * Writes the tree as it is at one zxid, in slices, while txns go on changing it. A znode is written when the walk reaches it
 * or right before its first change, whichever comes first, and always after its ancestors, as the format wants. What is
 * created later is left out. So the file is exact: it equals its zxid and digest (docs/internals/laws.md).
 */
export class SnapshotWriter implements PreImageKeeper {
  readonly zxid: number;
  readonly #tree: DataTree;
  readonly #encoder: SnapshotEncoder;
  readonly #number: number;
  readonly #slotLimit: number;
  readonly #digestHigh: number;
  readonly #digestLow: number;
  readonly #options: SnapshotOptions;
  readonly #ancestors: number[] = [];
  #path: Uint8Array = new Uint8Array(256);
  #next: number = ROOT;
  #ended = false;

  /** `number` differs from that of every earlier snapshot of the tree and is not 0. */
  constructor(tree: DataTree, sessions: SessionTable, zxid: number, number: number, options: SnapshotOptions) {
    this.zxid = zxid;
    this.#tree = tree;
    this.#number = number;
    this.#options = options;
    this.#encoder = new SnapshotEncoder(CHUNK_BYTES, options.forLearner);
    if (options.digest) tree.settleDigest();
    this.#slotLimit = tree.store.slotLimit;
    this.#digestHigh = tree.digest.high;
    this.#digestLow = tree.digest.low;
    tree.store.holdSlots();
    tree.acls.hold();
    tree.keepPreImages(this);
    this.#encoder.begin(sessions.size);
    sessions.forEach((session) => {
      this.#encoder.session(session.idHigh, session.idLow, session.timeoutMs);
    });
    this.#encoder.beginAcls(tree.acls.size);
    for (let id = 1; id < tree.acls.end; id++) {
      const list = tree.acls.at(id);
      if (list !== null) this.#encoder.acl(id, list);
    }
    this.#encoder.beginNodes();
    this.#write(ROOT);
  }

  /** Goes on until `znodes` more have been looked at, or enough produced; false when the whole file has been produced. */
  advance(znodes: number): boolean {
    if (this.#ended) return false;
    const store = this.#tree.store;
    const stop = Math.min(this.#slotLimit, this.#next + znodes);
    for (; this.#next < stop && this.#encoder.fullChunks < CHUNKS_PER_SLICE; this.#next++) {
      if (store.get(this.#next, Field.capturedBy) !== this.#number && store.isLive(this.#next)) {
        this.beforeChange(this.#next);
      }
    }
    if (this.#next < this.#slotLimit) return true;
    this.#end();
    return false;
  }

  /** Bytes produced and not yet taken, or null. The caller owns them. */
  takeChunk(): Uint8Array | null {
    return this.#encoder.takeChunk();
  }

  /** A chunk is needed no more: its memory is used again. */
  giveBack(chunk: Uint8Array): void {
    this.#encoder.giveBack(chunk);
  }

  /** Stops without a file. */
  abandon(): void {
    if (!this.#ended) this.#letGo();
  }

  beforeChange(slot: number): void {
    const store = this.#tree.store;
    if (store.get(slot, Field.capturedBy) === this.#number) return;
    const ancestors = this.#ancestors;
    for (let node = slot; store.get(node, Field.capturedBy) !== this.#number; node = store.get(node, Field.parent)) {
      ancestors.push(node);
    }
    for (let node = ancestors.pop(); node !== undefined; node = ancestors.pop()) this.#write(node);
  }

  created(slot: number): void {
    this.#tree.store.set(slot, Field.capturedBy, this.#number);
  }

  #write(slot: number): void {
    const store = this.#tree.store;
    const length = slot === ROOT ? 0 : store.pathLength(slot);
    if (length > this.#path.length) this.#path = new Uint8Array(length * 2);
    store.writePathBackwards(slot, this.#path, length);
    const record = store.record(slot);
    const base = store.base(slot);
    this.#encoder.node(
      this.#path,
      0,
      length,
      store.dataBytes(slot),
      store.dataOffset(slot),
      record[base + Field.dataLength],
      record[base + Field.aclId],
      record,
      base,
    );
    record[base + Field.capturedBy] = this.#number;
  }

  #end(): void {
    this.#letGo();
    const digest = this.#options.digest ? { zxid: this.zxid, high: this.#digestHigh, low: this.#digestLow } : null;
    this.#encoder.end(digest, this.#options.lastProcessedZxid ? this.zxid : null);
  }

  #letGo(): void {
    this.#ended = true;
    this.#tree.keepPreImages(null);
    this.#tree.store.releaseSlots();
    this.#tree.acls.unhold();
  }
}

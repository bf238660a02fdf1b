import type { Acl } from '@headkeeper/protocol';
import type { StateSink, TreeDigest } from './log/state-sink.ts';
import type { Replica } from './replica.ts';

/** Stands for a list that a fuzzy snapshot refers to and does not hold: nobody matches it until replay sets the right one. */
const UNKNOWN_LIST: readonly Acl[] = Object.freeze([{ perms: 0, scheme: 'world', id: 'anyone' }]);
const OPEN = -1;

/** Fills a replica with what recovery reads from a data directory. */
export class RecoveredState implements StateSink {
  readonly replica: Replica;
  /** Numbers of the file's access control lists in our table. */
  readonly #aclIds: Map<number, number> = new Map();
  /** From this txn on the digests of the log can be compared: the range of a fuzzy snapshot is behind. */
  #comparableFrom = Number.POSITIVE_INFINITY;
  #snapshotDigest: TreeDigest | null = null;
  /** What does not agree with the digests that the directory holds: one sentence each, the first few. */
  readonly digestMismatches: string[] = [];
  mismatchCount = 0;

  constructor(replica: Replica) {
    this.replica = replica;
  }

  loadSession(idHigh: number, idLow: number, timeoutMs: number): void {
    this.replica.serving.sessions.add(idHigh, idLow, timeoutMs);
  }

  loadAcl(aclId: number, list: Acl[]): void {
    this.#aclIds.set(aclId, this.replica.serving.tree.acls.intern(list));
  }

  loadNode(
    bytes: Uint8Array,
    view: DataView,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataLength: number,
    aclId: number,
    statAt: number,
  ): string | null {
    const { tree } = this.replica.serving;
    let id = OPEN;
    if (aclId !== OPEN) {
      const known = this.#aclIds.get(aclId);
      if (known === undefined) id = tree.acls.intern(UNKNOWN_LIST);
      else {
        id = known;
        tree.acls.retain(id);
      }
    }
    return tree.load(bytes, view, pathStart, pathEnd, dataStart, dataLength, id, statAt);
  }

  loaded(zxid: number, digest: TreeDigest | null): void {
    const { serving } = this.replica;
    serving.tree.endLoading(digest !== null && digest.zxid === zxid ? digest : null);
    serving.tree.addSystemNodes();
    for (const id of this.#aclIds.values()) serving.tree.acls.release(id);
    this.#aclIds.clear();
    serving.setLastZxid(zxid);
    this.#snapshotDigest = digest;
    if (zxid === 0) this.#comparableFrom = 0;
    else if (digest !== null) this.#comparableFrom = digest.zxid;
    this.#compareWithSnapshot();
  }

  applyTxn(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { serving, applier } = this.replica;
    applier.apply(bytes, view, start, end);
    serving.setLastZxid(Math.max(serving.lastZxid, applier.zxid));
    this.#compareWithSnapshot();
    if (!applier.hasDigest || applier.zxid < this.#comparableFrom || !serving.settings.digestEnabled) return;
    const { digest } = serving.tree;
    if (digest.high !== applier.digestHigh || digest.low !== applier.digestLow) {
      this.#mismatch(`the tree after txn 0x${applier.zxid.toString(16)} has not the digest that the log gives it`);
    }
  }

  #compareWithSnapshot(): void {
    const expected = this.#snapshotDigest;
    const { serving } = this.replica;
    if (expected === null || !serving.settings.digestEnabled || serving.lastZxid !== expected.zxid) return;
    this.#snapshotDigest = null;
    const { digest } = serving.tree;
    if (digest.high !== expected.high || digest.low !== expected.low) {
      this.#mismatch(`the tree at 0x${expected.zxid.toString(16)} has not the digest that the snapshot gives it`);
    }
  }

  #mismatch(text: string): void {
    this.mismatchCount++;
    if (this.digestMismatches.length < 5) this.digestMismatches.push(text);
  }
}

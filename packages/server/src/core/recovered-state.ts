import { type Acl, epochOf } from '@headkeeper/protocol';
import type { Database } from './database.ts';
import type { StateSink, TreeDigest } from './log/state-sink.ts';
import type { TreeDigest as DigestOfTree } from './tree/digest.ts';
import { DigestLog } from './tree/digest-log.ts';

/** Stands for a list that a fuzzy snapshot refers to and does not hold: nobody matches it until replay sets the right one. */
const UNKNOWN_LIST: readonly Acl[] = Object.freeze([{ perms: 0, scheme: 'world', id: 'anyone' }]);
const OPEN = -1;
const TWO_32 = 4294967296;

/** Fills a database with what recovery reads from a data directory, or with what a leader sends. */
export class RecoveredState implements StateSink {
  readonly database: Database;
  /** Numbers of the file's access control lists in our table. */
  readonly #aclIds: Map<number, number> = new Map();
  /** From this txn on the digests of the log can be compared: the range of a fuzzy snapshot is behind. */
  #comparableFrom = Number.POSITIVE_INFINITY;
  #snapshotDigest: TreeDigest | null = null;
  /** What does not agree with the digests that the directory holds: one sentence each, the first few. */
  readonly digestMismatches: string[] = [];
  mismatchCount = 0;
  /**
   * Whether txns may be missing, or the snapshot be wrong. Within an epoch no txn is missing, for its counter would be, so a tree that
   * differs from the middle of one on is only another one than its leader had.
   */
  isInDoubt = false;
  /** The epoch of the digest compared last, and whether it was right. */
  #epoch = 0;
  #agrees = true;

  constructor(database: Database) {
    this.database = database;
  }

  loadSession(idHigh: number, idLow: number, timeoutMs: number): void {
    this.database.sessions.add(idHigh, idLow, timeoutMs);
  }

  loadAcl(aclId: number, list: Acl[]): void {
    this.#aclIds.set(aclId, this.database.tree.acls.intern(list));
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
    const { tree } = this.database;
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

  nodesLoaded(): string | null {
    return this.database.tree.fileLoaded();
  }

  loaded(zxid: number, digest: TreeDigest | null): void {
    const { database } = this;
    database.tree.endLoading(digest !== null && digest.zxid === zxid ? digest : null);
    database.tree.addSystemNodes();
    for (const id of this.#aclIds.values()) database.tree.acls.release(id);
    this.#aclIds.clear();
    database.startAt(zxid);
    this.#snapshotDigest = digest;
    if (zxid === 0) this.#comparableFrom = 0;
    else if (digest !== null) this.#comparableFrom = digest.zxid;
    this.#epoch = epochOf(zxid);
    this.#compareWithSnapshot();
  }

  applyTxn(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { database } = this;
    const { applier } = database;
    applier.apply(bytes, view, start, end);
    database.lastZxid = Math.max(database.lastZxid, applier.zxid);
    database.recent.add(applier.zxid, bytes, start, end);
    this.#compareWithSnapshot();
    if (!applier.hasDigest || applier.zxid < this.#comparableFrom || !database.settings.digestEnabled) return;
    const digest = this.#digest();
    const epoch = epochOf(applier.zxid);
    const agrees = digest.high === applier.digestHigh && digest.low === applier.digestLow;
    if (!agrees && this.#agrees && epoch > this.#epoch) this.isInDoubt = true;
    this.#epoch = epoch;
    this.#agrees = agrees;
    if (!agrees) {
      database.contradictsLeader = !this.isInDoubt;
      this.#mismatch(`the tree after txn 0x${applier.zxid.toString(16)} has not the digest that the log gives it`);
    }
    if (DigestLog.isKept(applier.zxid % TWO_32)) database.digests.add(applier.zxid, digest);
  }

  #compareWithSnapshot(): void {
    const expected = this.#snapshotDigest;
    const { database } = this;
    if (expected === null || !database.settings.digestEnabled || database.lastZxid !== expected.zxid) return;
    this.#snapshotDigest = null;
    const digest = this.#digest();
    if (digest.high !== expected.high || digest.low !== expected.low) {
      this.isInDoubt = true;
      database.contradictsLeader = false;
      this.#mismatch(`the tree at 0x${expected.zxid.toString(16)} has not the digest that the snapshot gives it`);
    }
  }

  #digest(): DigestOfTree {
    const { tree } = this.database;
    if (!tree.isDigestKnown) tree.settleDigest();
    return tree.digest;
  }

  #mismatch(text: string): void {
    this.mismatchCount++;
    if (this.digestMismatches.length < 5) this.digestMismatches.push(text);
  }
}

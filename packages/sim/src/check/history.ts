import type { Oracle } from '../model/oracle.ts';
import { law, zxidText } from './violation.ts';

const TWO_32 = 4294967296;

/** A txn that some server has applied. */
export interface AppliedTxn {
  readonly zxid: number;
  readonly hash: number;
  readonly bytes: Uint8Array;
  /** Zxid of the one that was applied before it; 0 when that is not known. */
  readonly before: number;
}

/** The one list of committed txns. Every server that serves has a prefix of it. */
export class History {
  readonly oracle: Oracle;
  readonly #zxids: number[] = [];
  readonly #hashes: Map<number, number> = new Map();
  /** Digest of the tree after a txn, as the first server that had it says. */
  readonly #digests: Map<number, { readonly high: number; readonly low: number }> = new Map();
  /** What some server has applied and is not known to be committed, by zxid: more than one where histories parted. */
  readonly #pending: Map<number, AppliedTxn[]> = new Map();
  /** Hears of each txn as it becomes part of the history. */
  committed: (zxid: number, hash: number, bytes: Uint8Array) => void = () => {};

  /** Runs what finds out whether a txn is what its client asked for. */
  judge: (check: () => void) => void = (check) => check();

  constructor(oracle: Oracle) {
    this.oracle = oracle;
  }

  get last(): number {
    return this.#zxids[this.#zxids.length - 1] ?? 0;
  }

  get length(): number {
    return this.#zxids.length;
  }

  /** The zxids of the txns behind one, in order. */
  after(zxid: number): number[] {
    let at = this.#zxids.length;
    while (at > 0 && this.#zxids[at - 1] > zxid) at--;
    return this.#zxids.slice(at);
  }

  /** The last txn committed whose zxid is smaller; 0: there is none. */
  lastBefore(zxid: number): number {
    let at = this.#zxids.length;
    while (at > 0 && (this.#zxids[at - 1] as number) >= zxid) at--;
    return this.#zxids[at - 1] ?? 0;
  }

  /** The hash of a committed txn, or undefined. */
  hashOf(zxid: number): number | undefined {
    return this.#hashes.get(zxid);
  }

  /** A server has applied a txn that may become part of the history. */
  keep(txn: AppliedTxn): void {
    const known = this.#pending.get(txn.zxid);
    if (known === undefined) {
      this.#pending.set(txn.zxid, [txn]);
      return;
    }
    const same = known.findIndex(({ hash }) => hash === txn.hash);
    if (same === -1) known.push(txn);
    else if (known[same]?.before === 0) known[same] = txn;
  }

  /**
   * A leader is established with a state, up to `end`, that it has not applied txn by txn in this life: it was loaded from its
   * own snapshot, or sent whole. Somebody has applied each of its txns, and what came before each is known; so the way is
   * found backwards. `inLog` tells the hash of what the leader's log has under a zxid, or null: where histories have parted it
   * says which of them is the leader's, and where a snapshot alone does, the digests will tell.
   */
  appendUpTo(end: number, inLog: (zxid: number) => number | null): void {
    const way: AppliedTxn[] = [];
    for (let zxid = end; zxid > this.last; ) {
      const logged = inLog(zxid);
      const known = this.#pending.get(zxid) ?? [];
      const txns = logged === null ? known : known.filter(({ hash }) => hash === logged);
      law(
        logged === null || txns.length === 1,
        'integrity',
        () => `${zxidText(zxid)} is in a leader's log, and nobody has ever applied it`,
      );
      const [txn] = txns;
      if (txn === undefined || txns.length > 1) return;
      way.push(txn);
      zxid = this.#before(txn);
    }
    for (const { zxid, hash, bytes } of way.reverse()) this.append(zxid, hash, bytes);
  }

  /** What came before a txn. The first of an epoch that nobody applied behind another follows what is committed. */
  #before({ zxid, before }: AppliedTxn): number {
    if (before > 0) return before;
    return zxid % TWO_32 === 1 ? this.last : zxid - 1;
  }

  append(zxid: number, hash: number, bytes: Uint8Array): void {
    const { last } = this;
    const follows =
      zxid === last + 1 ||
      (zxid > last && zxid % TWO_32 === 1 && Math.floor(zxid / TWO_32) > Math.floor(last / TWO_32));
    law(follows, 'order', () => `${zxidText(zxid)} is committed after ${zxidText(last)}`);
    this.#zxids.push(zxid);
    this.#hashes.set(zxid, hash);
    this.#pending.delete(zxid);
    this.committed(zxid, hash, bytes);
    this.judge(() => this.oracle.commit(bytes));
  }

  /** A server that serves says what the digest of its tree is at a zxid. */
  compareDigest(who: number, zxid: number, high: number, low: number): void {
    const known = this.#digests.get(zxid);
    if (known === undefined) this.#digests.set(zxid, { high, low });
    else {
      law(known.high === high && known.low === low, 'state digest', () => {
        const [mine, others] = [{ high, low }, known].map((digest) => `${digest.high >>> 0}:${digest.low >>> 0}`);
        return `server ${who} has digest ${mine} at ${zxidText(zxid)}, another had ${others}`;
      });
    }
  }
}

/** A hash of the bytes of a txn, beyond 32 bits so that two txns hardly share one. */
export function txnHash(bytes: Uint8Array, start: number, end: number): number {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9 | 0;
  for (let i = start; i < end; i++) {
    a = Math.imul(a ^ bytes[i], 0x01000193);
    b = Math.imul(b ^ bytes[i], 0x85ebca6b) + 0x27d4eb2f;
  }
  return (a >>> 0) * 2097152 + ((b ^ (b >>> 15)) & 0x1fffff);
}

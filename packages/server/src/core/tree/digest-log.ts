import type { TreeDigest } from './digest.ts';

/** One in so many txns is kept, and so many of them: Apache ZooKeeper's figures. */
const INTERVAL_MASK = 127;
const KEPT = 1024;

/** The digest of the tree right after a txn: a 64-bit number in two halves. */
export interface TxnDigest {
  readonly zxid: number;
  readonly high: number;
  readonly low: number;
}

/** What the tree's digest was after every 128th txn, the newest 1,024 of them: operators compare servers by it. */
export class DigestLog {
  #entries: TxnDigest[] = [];

  /** Whether the digest after this txn is one that is kept; `zxidLow` are its lower 32 bits. */
  static isKept(zxidLow: number): boolean {
    return (zxidLow & INTERVAL_MASK) === 0;
  }

  add(zxid: number, { high, low }: TreeDigest): void {
    this.#entries.push({ zxid, high, low });
    if (this.#entries.length >= 2 * KEPT) this.#entries = this.#entries.slice(-KEPT);
  }

  /** Oldest first. */
  get entries(): readonly TxnDigest[] {
    return this.#entries.slice(-KEPT);
  }
}

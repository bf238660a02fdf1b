import type { Oracle } from '../model/oracle.ts';
import { law, zxidText } from './violation.ts';

const TWO_32 = 4294967296;

/** The one list of committed txns. Every server that serves has a prefix of it. */
export class History {
  readonly oracle: Oracle;
  readonly #zxids: number[] = [];
  readonly #hashes: Map<number, number> = new Map();
  /** Digest of the tree after a txn, as the first server that had it says. */
  readonly #digests: Map<number, string> = new Map();
  /** What some server has applied and is not known to be committed, by zxid: more than one where histories parted. */
  readonly #pending: Map<number, { readonly hash: number; readonly bytes: Uint8Array }[]> = new Map();
  /** Hears of each txn as it becomes part of the history. */
  committed: (zxid: number, hash: number) => void = () => {};

  constructor(oracle: Oracle) {
    this.oracle = oracle;
  }

  get last(): number {
    return this.#zxids[this.#zxids.length - 1] ?? 0;
  }

  get length(): number {
    return this.#zxids.length;
  }

  /** The hash of a committed txn, or undefined. */
  hashOf(zxid: number): number | undefined {
    return this.#hashes.get(zxid);
  }

  /** A server has applied a txn that may become part of the history. */
  keep(zxid: number, hash: number, bytes: Uint8Array): void {
    const known = this.#pending.get(zxid);
    if (known === undefined) this.#pending.set(zxid, [{ hash, bytes }]);
    else if (!known.some((txn) => txn.hash === hash)) known.push({ hash, bytes });
  }

  /** A leader is established whose snapshot holds txns that it has not applied one by one in this life. */
  appendKept(zxid: number, hash: number): void {
    const found = this.#pending.get(zxid)?.find((txn) => txn.hash === hash);
    law(
      found !== undefined,
      'integrity',
      () => `${zxidText(zxid)} is in a leader's log, and nobody has ever applied it`,
    );
    this.append(zxid, hash, found.bytes);
  }

  /**
   * A leader is established with a state that it was sent whole by one that was established and handed over in one step. What
   * that had applied is known; where histories have parted the digests will tell.
   */
  appendSole(upTo: number): void {
    for (;;) {
      const txns = this.#pending.get(this.last + 1);
      const [txn] = txns ?? [];
      if (this.last >= upTo || txn === undefined || txns?.length !== 1) return;
      this.append(this.last + 1, txn.hash, txn.bytes);
    }
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
    this.committed(zxid, hash);
    this.oracle.commit(bytes);
  }

  /** A server that serves says what the digest of its tree is at a zxid. */
  compareDigest(who: number, zxid: number, high: number, low: number): void {
    const digest = `${high >>> 0}:${low >>> 0}`;
    const known = this.#digests.get(zxid);
    if (known === undefined) this.#digests.set(zxid, digest);
    else {
      law(known === digest, 'state digest', () => {
        return `server ${who} has digest ${digest} at ${zxidText(zxid)}, another had ${known}`;
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

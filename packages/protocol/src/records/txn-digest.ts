import type { Codec } from './codec.ts';

/**
 * The tree digest after a txn; may follow its body, 12 bytes (storage-formats reference, section 4.3).
 *
 * ```text
 * version     int
 * treeDigest  long
 * ```
 */
export interface TxnDigest {
  /** Of the algorithm: 2. */
  readonly version: number;
  /** Sum of the node digests modulo 2^64, signed. */
  readonly treeDigest: bigint;
}

export const txnDigest: Codec<TxnDigest> = {
  encode(out, value) {
    out.int(value.version);
    out.longBig(value.treeDigest);
  },
  decode(input) {
    return { version: input.int(), treeDigest: input.longBig() };
  },
};

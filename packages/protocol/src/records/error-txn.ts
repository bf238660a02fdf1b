import type { Codec } from './codec.ts';

/**
 * Body of a txn that only consumed its zxid, and of the entries of a failed multi (storage-formats reference, section
 * 4.2 and 4.4).
 *
 * ```text
 * err  int
 * ```
 */
export interface ErrorTxn {
  /** An `ErrorCode`. */
  readonly err: number;
}

export const errorTxn: Codec<ErrorTxn> = {
  encode(out, value) {
    out.int(value.err);
  },
  decode(input) {
    return { err: input.int() };
  },
};

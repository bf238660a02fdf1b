import type { Codec } from './codec.ts';

/**
 * Body of a createSession txn, and of the request that a learner forwards for it (storage-formats reference, section
 * 4.2).
 *
 * ```text
 * timeOut  int
 * ```
 */
export interface CreateSessionTxn {
  /** Session timeout, milliseconds. */
  readonly timeOut: number;
}

export const createSessionTxn: Codec<CreateSessionTxn> = {
  encode(out, value) {
    out.int(value.timeOut);
  },
  decode(input) {
    return { timeOut: input.int() };
  },
};

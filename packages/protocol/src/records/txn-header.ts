import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * Stands before every txn, 32 bytes (storage-formats reference, section 4.1).
 *
 * ```text
 * clientId  long
 * cxid      int
 * zxid      long
 * time      long
 * type      int
 * ```
 */
export interface TxnHeader {
  /** Session that made the txn, or that is closed by it; 0 for what servers do on their own. */
  readonly clientId: bigint;
  /** The client's xid; 0 for what servers issue. */
  readonly cxid: number;
  readonly zxid: number;
  /** The leader's wall clock, milliseconds since 1970. */
  readonly time: number;
  /** An `OpCode`. */
  readonly type: number;
}

export const txnHeader: Codec<TxnHeader> = {
  encode(out, value) {
    out.longBig(value.clientId);
    out.int(value.cxid);
    encodeSafeLong(out, value.zxid);
    encodeSafeLong(out, value.time);
    out.int(value.type);
  },
  decode(input) {
    return {
      clientId: input.longBig(),
      cxid: input.int(),
      zxid: decodeSafeLong(input),
      time: decodeSafeLong(input),
      type: input.int(),
    };
  },
};

import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * Stands before every reply and event (client-protocol reference, section 3.1). A body follows only if `err` is 0,
 * SASL excepted.
 *
 * ```text
 * xid   int
 * zxid  long
 * err   int
 * ```
 */
export interface ReplyHeader {
  readonly xid: number;
  /** zxid of the write, or the last one applied; -1 for events of older servers and for unknown operations. */
  readonly zxid: number;
  /** An `ErrorCode`. */
  readonly err: number;
}

export const replyHeader: Codec<ReplyHeader> = {
  encode(out, value) {
    out.int(value.xid);
    encodeSafeLong(out, value.zxid);
    out.int(value.err);
  },
  decode(input) {
    return { xid: input.int(), zxid: decodeSafeLong(input), err: input.int() };
  },
};

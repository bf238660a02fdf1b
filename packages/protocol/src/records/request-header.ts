import type { Codec } from './codec.ts';

/**
 * Stands before every request but the handshake (client-protocol reference, section 3.1).
 *
 * ```text
 * xid   int
 * type  int
 * ```
 */
export interface RequestHeader {
  /** Chosen by the client and echoed; -1, -2, -4 and -8 have a meaning of their own (`SpecialXid`). */
  readonly xid: number;
  /** An `OpCode`. */
  readonly type: number;
}

export const requestHeader: Codec<RequestHeader> = {
  encode(out, value) {
    out.int(value.xid);
    out.int(value.type);
  },
  decode(input) {
    return { xid: input.int(), type: input.int() };
  },
};

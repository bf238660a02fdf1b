import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * The first frame from a client (client-protocol reference, section 2.1): 45 bytes, 44 from old clients.
 *
 * ```text
 * protocolVersion  int
 * lastZxidSeen     long
 * timeOut          int
 * sessionId        long
 * passwd           buffer
 * readOnly         boolean  missing from old clients
 * ```
 */
export interface ConnectRequest {
  /** 0; servers ignore it. */
  readonly protocolVersion: number;
  readonly lastZxidSeen: number;
  /** The session timeout that the client asks for, milliseconds. */
  readonly timeOut: number;
  /** 0 for a new session. */
  readonly sessionId: bigint;
  /** 16 bytes, or null or anything for a new session. */
  readonly passwd: Uint8Array | null;
  /** Whether a read-only server will do; null if the byte is missing. */
  readonly readOnly: boolean | null;
}

export const connectRequest: Codec<ConnectRequest> = {
  encode(out, value) {
    out.int(value.protocolVersion);
    encodeSafeLong(out, value.lastZxidSeen);
    out.int(value.timeOut);
    out.longBig(value.sessionId);
    out.buffer(value.passwd);
    if (value.readOnly !== null) out.boolean(value.readOnly);
  },
  decode(input) {
    return {
      protocolVersion: input.int(),
      lastZxidSeen: decodeSafeLong(input),
      timeOut: input.int(),
      sessionId: input.longBig(),
      passwd: input.buffer(),
      readOnly: input.remaining() > 0 ? input.boolean() : null,
    };
  },
};

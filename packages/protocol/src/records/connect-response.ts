import type { Codec } from './codec.ts';

/**
 * The first frame to a client (client-protocol reference, section 2.1): 37 bytes, 36 to a client whose request had no
 * readOnly byte. The C client relies on those sizes.
 *
 * ```text
 * protocolVersion  int
 * timeOut          int
 * sessionId        long
 * passwd           buffer
 * readOnly         boolean  only if the request had it
 * ```
 */
export interface ConnectResponse {
  /** 0. */
  readonly protocolVersion: number;
  /** The session timeout granted, milliseconds; 0 says that the session is refused or expired. */
  readonly timeOut: number;
  /** 0 when refused. */
  readonly sessionId: bigint;
  /** Always 16 bytes from a server, zeros when refused. */
  readonly passwd: Uint8Array | null;
  /** Whether the server is in read-only mode; null leaves the byte out. */
  readonly readOnly: boolean | null;
}

export const connectResponse: Codec<ConnectResponse> = {
  encode(out, value) {
    out.int(value.protocolVersion);
    out.int(value.timeOut);
    out.longBig(value.sessionId);
    out.buffer(value.passwd);
    if (value.readOnly !== null) out.boolean(value.readOnly);
  },
  decode(input) {
    return {
      protocolVersion: input.int(),
      timeOut: input.int(),
      sessionId: input.longBig(),
      passwd: input.buffer(),
      readOnly: input.remaining() > 0 ? input.boolean() : null,
    };
  },
};

import type { Codec } from './codec.ts';

/**
 * Body of auth (client-protocol reference, section 8.2).
 *
 * ```text
 * type    int
 * scheme  ustring
 * auth    buffer
 * ```
 */
export interface AuthRequest {
  /** Ignored by servers; clients send 0. */
  readonly type: number;
  readonly scheme: string | null;
  readonly auth: Uint8Array | null;
}

export const authRequest: Codec<AuthRequest> = {
  encode(out, value) {
    out.int(value.type);
    out.string(value.scheme);
    out.buffer(value.auth);
  },
  decode(input) {
    return { type: input.int(), scheme: input.string(), auth: input.buffer() };
  },
};

import type { Codec } from './codec.ts';

/**
 * Body of sasl, of the request and of the reply (client-protocol reference, section 8.4).
 *
 * ```text
 * token  buffer
 * ```
 */
export interface SaslToken {
  readonly token: Uint8Array | null;
}

export const saslToken: Codec<SaslToken> = {
  encode(out, value) {
    out.buffer(value.token);
  },
  decode(input) {
    return { token: input.buffer() };
  },
};

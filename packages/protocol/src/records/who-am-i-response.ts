import type { Codec } from './codec.ts';

/** One identity of the connection, as whoAmI shows it. */
export interface ClientInfo {
  readonly authScheme: string | null;
  readonly user: string | null;
}

/**
 * Reply of whoAmI (client-protocol reference, section 3.5).
 *
 * ```text
 * count       int  -1 for null
 * authScheme  ustring  | count times
 * user        ustring  |
 * ```
 */
export interface WhoAmIResponse {
  /** In any order. */
  readonly clientInfo: readonly ClientInfo[] | null;
}

/** Two length prefixes. */
const MINIMUM_BYTES = 8;

export const whoAmIResponse: Codec<WhoAmIResponse> = {
  encode(out, value) {
    if (value.clientInfo === null) {
      out.int(-1);
      return;
    }
    out.int(value.clientInfo.length);
    for (const info of value.clientInfo) {
      out.string(info.authScheme);
      out.string(info.user);
    }
  },
  decode(input) {
    const count = input.vectorCount(MINIMUM_BYTES);
    if (count < 0) return { clientInfo: null };
    const clientInfo: ClientInfo[] = [];
    for (let i = 0; i < count; i++) clientInfo.push({ authScheme: input.string(), user: input.string() });
    return { clientInfo };
  },
};

import type { Codec } from './codec.ts';

/**
 * Body of addWatch (client-protocol reference, section 6.4).
 *
 * ```text
 * path  ustring
 * mode  int
 * ```
 */
export interface AddWatchRequest {
  readonly path: string | null;
  /** An `AddWatchMode`. */
  readonly mode: number;
}

export const addWatchRequest: Codec<AddWatchRequest> = {
  encode(out, value) {
    out.string(value.path);
    out.int(value.mode);
  },
  decode(input) {
    return { path: input.string(), mode: input.int() };
  },
};

import type { Codec } from './codec.ts';

/**
 * Reply of create and sync (client-protocol reference, section 3.2).
 *
 * ```text
 * path  ustring
 * ```
 */
export interface PathResponse {
  readonly path: string | null;
}

export const pathResponse: Codec<PathResponse> = {
  encode(out, value) {
    out.string(value.path);
  },
  decode(input) {
    return { path: input.string() };
  },
};

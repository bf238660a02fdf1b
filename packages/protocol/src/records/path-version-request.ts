import type { Codec } from './codec.ts';

/**
 * Body of delete and check (client-protocol reference, section 3.4).
 *
 * ```text
 * path     ustring
 * version  int
 * ```
 */
export interface PathVersionRequest {
  readonly path: string | null;
  /** The version the node must have; -1 for any. */
  readonly version: number;
}

export const pathVersionRequest: Codec<PathVersionRequest> = {
  encode(out, value) {
    out.string(value.path);
    out.int(value.version);
  },
  decode(input) {
    return { path: input.string(), version: input.int() };
  },
};

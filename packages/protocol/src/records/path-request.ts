import type { Codec } from './codec.ts';

/**
 * Body of getACL, sync, getAllChildrenNumber, and deleteContainer as 3.9 sends it (client-protocol reference, section
 * 3.2).
 *
 * ```text
 * path  ustring
 * ```
 */
export interface PathRequest {
  readonly path: string | null;
}

export const pathRequest: Codec<PathRequest> = {
  encode(out, value) {
    out.string(value.path);
  },
  decode(input) {
    return { path: input.string() };
  },
};

import type { Codec } from './codec.ts';

/**
 * Body of exists, getData, getChildren and getChildren2 (client-protocol reference, section 3.5).
 *
 * ```text
 * path   ustring
 * watch  boolean
 * ```
 */
export interface PathWatchRequest {
  readonly path: string | null;
  /** Whether to leave a one-shot watch. */
  readonly watch: boolean;
}

export const pathWatchRequest: Codec<PathWatchRequest> = {
  encode(out, value) {
    out.string(value.path);
    out.boolean(value.watch);
  },
  decode(input) {
    return { path: input.string(), watch: input.boolean() };
  },
};

import type { Codec } from './codec.ts';

/**
 * Body of checkWatches and removeWatches (client-protocol reference, section 6.6).
 *
 * ```text
 * path  ustring
 * type  int
 * ```
 */
export interface WatchesRequest {
  readonly path: string | null;
  /** A `WatcherType`. */
  readonly type: number;
}

export const watchesRequest: Codec<WatchesRequest> = {
  encode(out, value) {
    out.string(value.path);
    out.int(value.type);
  },
  decode(input) {
    return { path: input.string(), type: input.int() };
  },
};

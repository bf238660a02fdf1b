import type { Codec } from './codec.ts';

/**
 * Body of getEphemerals (client-protocol reference, section 3.5).
 *
 * ```text
 * prefixPath  ustring
 * ```
 */
export interface GetEphemeralsRequest {
  /** A plain string prefix; null, blank or `/` for all. */
  readonly prefixPath: string | null;
}

export const getEphemeralsRequest: Codec<GetEphemeralsRequest> = {
  encode(out, value) {
    out.string(value.prefixPath);
  },
  decode(input) {
    return { prefixPath: input.string() };
  },
};

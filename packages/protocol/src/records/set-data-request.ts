import type { Codec } from './codec.ts';

/**
 * Body of setData (client-protocol reference, section 3.4).
 *
 * ```text
 * path     ustring
 * data     buffer
 * version  int
 * ```
 */
export interface SetDataRequest {
  readonly path: string | null;
  readonly data: Uint8Array | null;
  /** The version the node must have; -1 for any. */
  readonly version: number;
}

export const setDataRequest: Codec<SetDataRequest> = {
  encode(out, value) {
    out.string(value.path);
    out.buffer(value.data);
    out.int(value.version);
  },
  decode(input) {
    return { path: input.string(), data: input.buffer(), version: input.int() };
  },
};

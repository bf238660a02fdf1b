import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';

/**
 * Body of a setData or reconfig txn (storage-formats reference, section 4.2).
 *
 * ```text
 * path     ustring
 * data     buffer
 * version  int
 * ```
 */
export interface SetDataTxn {
  readonly path: string;
  readonly data: Uint8Array | null;
  /** The version after the change. */
  readonly version: number;
}

export const setDataTxn: Codec<SetDataTxn> = {
  encode(out, value) {
    out.string(value.path);
    out.buffer(value.data);
    out.int(value.version);
  },
  decode(input) {
    return { path: decodeRequiredString(input), data: input.buffer(), version: input.int() };
  },
};

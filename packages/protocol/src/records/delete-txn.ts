import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';

/**
 * Body of a delete or deleteContainer txn (storage-formats reference, section 4.2).
 *
 * ```text
 * path  ustring
 * ```
 */
export interface DeleteTxn {
  readonly path: string;
}

export const deleteTxn: Codec<DeleteTxn> = {
  encode(out, value) {
    out.string(value.path);
  },
  decode(input) {
    return { path: decodeRequiredString(input) };
  },
};

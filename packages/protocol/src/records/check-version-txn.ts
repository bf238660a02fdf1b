import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';

/**
 * Body of a check, inside a multi only (storage-formats reference, section 4.2).
 *
 * ```text
 * path     ustring
 * version  int
 * ```
 */
export interface CheckVersionTxn {
  readonly path: string;
  /** The version checked plus 1; nobody uses it. */
  readonly version: number;
}

export const checkVersionTxn: Codec<CheckVersionTxn> = {
  encode(out, value) {
    out.string(value.path);
    out.int(value.version);
  },
  decode(input) {
    return { path: decodeRequiredString(input), version: input.int() };
  },
};

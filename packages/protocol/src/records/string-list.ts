import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';

/** A length prefix. */
const MINIMUM_BYTES = 4;

/**
 * A `vector<ustring>` (client-protocol reference, section 1.2). The list may be null, its elements may not.
 *
 * ```text
 * count    int  -1 for null
 * element  ustring, count times
 * ```
 */
export const stringList: Codec<readonly string[] | null> = {
  encode(out, value) {
    if (value === null) {
      out.int(-1);
      return;
    }
    out.int(value.length);
    for (const element of value) out.string(element);
  },
  decode(input) {
    const count = input.vectorCount(MINIMUM_BYTES);
    if (count < 0) return null;
    const list: string[] = [];
    for (let i = 0; i < count; i++) list.push(decodeRequiredString(input));
    return list;
  },
};

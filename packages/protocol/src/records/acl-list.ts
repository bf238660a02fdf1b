import type { Acl } from '../acl.ts';
import type { Codec } from './codec.ts';

/** The permissions and two length prefixes. */
const MINIMUM_BYTES = 12;

/**
 * A `vector<ACL>` (client-protocol reference, section 3.2); null and empty differ.
 *
 * ```text
 * count   int  -1 for null
 * perms   int      |
 * scheme  ustring  | count times
 * id      ustring  |
 * ```
 */
export const aclList: Codec<readonly Acl[] | null> = {
  encode(out, value) {
    if (value === null) {
      out.int(-1);
      return;
    }
    out.int(value.length);
    for (const entry of value) {
      out.int(entry.perms);
      out.string(entry.scheme);
      out.string(entry.id);
    }
  },
  decode(input) {
    const count = input.vectorCount(MINIMUM_BYTES);
    if (count < 0) return null;
    const list: Acl[] = [];
    for (let i = 0; i < count; i++) list.push({ perms: input.int(), scheme: input.string(), id: input.string() });
    return list;
  },
};

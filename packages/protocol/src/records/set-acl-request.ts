import type { Acl } from '../acl.ts';
import { aclList } from './acl-list.ts';
import type { Codec } from './codec.ts';

/**
 * Body of setACL (client-protocol reference, section 3.4).
 *
 * ```text
 * path     ustring
 * acl      vector<ACL>
 * version  int
 * ```
 */
export interface SetACLRequest {
  readonly path: string | null;
  readonly acl: readonly Acl[] | null;
  /** The ACL version (aversion) the node must have; -1 for any. */
  readonly version: number;
}

export const setACLRequest: Codec<SetACLRequest> = {
  encode(out, value) {
    out.string(value.path);
    aclList.encode(out, value.acl);
    out.int(value.version);
  },
  decode(input) {
    return { path: input.string(), acl: aclList.decode(input), version: input.int() };
  },
};

import type { Acl } from '../acl.ts';
import { aclList } from './acl-list.ts';
import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';

/**
 * Body of a setACL txn (storage-formats reference, section 4.2).
 *
 * ```text
 * path     ustring
 * acl      vector<ACL>
 * version  int
 * ```
 */
export interface SetACLTxn {
  readonly path: string;
  readonly acl: readonly Acl[] | null;
  /** The ACL version after the change. */
  readonly version: number;
}

export const setACLTxn: Codec<SetACLTxn> = {
  encode(out, value) {
    out.string(value.path);
    aclList.encode(out, value.acl);
    out.int(value.version);
  },
  decode(input) {
    return { path: decodeRequiredString(input), acl: aclList.decode(input), version: input.int() };
  },
};

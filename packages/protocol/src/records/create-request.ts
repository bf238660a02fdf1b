import type { Acl } from '../acl.ts';
import { aclList } from './acl-list.ts';
import type { Codec } from './codec.ts';

/**
 * Body of create, create2 and createContainer (client-protocol reference, section 3.3).
 *
 * ```text
 * path   ustring
 * data   buffer
 * acl    vector<ACL>
 * flags  int
 * ```
 */
export interface CreateRequest {
  readonly path: string | null;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[] | null;
  /** A `CreateMode`. */
  readonly flags: number;
}

export const createRequest: Codec<CreateRequest> = {
  encode(out, value) {
    out.string(value.path);
    out.buffer(value.data);
    aclList.encode(out, value.acl);
    out.int(value.flags);
  },
  decode(input) {
    return { path: input.string(), data: input.buffer(), acl: aclList.decode(input), flags: input.int() };
  },
};

import type { Acl } from '../acl.ts';
import { aclList } from './acl-list.ts';
import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * Body of createTTL (client-protocol reference, section 3.3).
 *
 * ```text
 * path   ustring
 * data   buffer
 * acl    vector<ACL>
 * flags  int
 * ttl    long
 * ```
 */
export interface CreateTTLRequest {
  readonly path: string | null;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[] | null;
  /** A `CreateMode`, 5 or 6. */
  readonly flags: number;
  /** Milliseconds, 1 to 2^40 - 1. */
  readonly ttl: number;
}

export const createTTLRequest: Codec<CreateTTLRequest> = {
  encode(out, value) {
    out.string(value.path);
    out.buffer(value.data);
    aclList.encode(out, value.acl);
    out.int(value.flags);
    encodeSafeLong(out, value.ttl);
  },
  decode(input) {
    return {
      path: input.string(),
      data: input.buffer(),
      acl: aclList.decode(input),
      flags: input.int(),
      ttl: decodeSafeLong(input),
    };
  },
};

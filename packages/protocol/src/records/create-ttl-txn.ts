import type { Acl } from '../acl.ts';
import { aclList } from './acl-list.ts';
import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * Body of a createTTL txn (storage-formats reference, section 4.2).
 *
 * ```text
 * path            ustring
 * data            buffer
 * acl             vector<ACL>
 * parentCVersion  int
 * ttl             long
 * ```
 */
export interface CreateTTLTxn {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[] | null;
  /** The parent's cversion after this create. */
  readonly parentCVersion: number;
  /** Milliseconds. */
  readonly ttl: number;
}

export const createTTLTxn: Codec<CreateTTLTxn> = {
  encode(out, value) {
    out.string(value.path);
    out.buffer(value.data);
    aclList.encode(out, value.acl);
    out.int(value.parentCVersion);
    encodeSafeLong(out, value.ttl);
  },
  decode(input) {
    return {
      path: decodeRequiredString(input),
      data: input.buffer(),
      acl: aclList.decode(input),
      parentCVersion: input.int(),
      ttl: decodeSafeLong(input),
    };
  },
};

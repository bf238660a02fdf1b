import type { Acl } from '../acl.ts';
import { aclList } from './acl-list.ts';
import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';

/**
 * Body of a create or create2 txn (storage-formats reference, section 4.2).
 *
 * ```text
 * path            ustring
 * data            buffer
 * acl             vector<ACL>
 * ephemeral       boolean
 * parentCVersion  int  missing from logs older than 3.4
 * ```
 */
export interface CreateTxn {
  /** Final, with its sequence number. */
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[] | null;
  readonly ephemeral: boolean;
  /** The parent's cversion after this create; -1 (also when missing) for one more than it is. */
  readonly parentCVersion: number;
}

export const createTxn: Codec<CreateTxn> = {
  encode(out, value) {
    out.string(value.path);
    out.buffer(value.data);
    aclList.encode(out, value.acl);
    out.boolean(value.ephemeral);
    out.int(value.parentCVersion);
  },
  decode(input) {
    return {
      path: decodeRequiredString(input),
      data: input.buffer(),
      acl: aclList.decode(input),
      ephemeral: input.boolean(),
      parentCVersion: input.remaining() === 0 ? -1 : input.int(),
    };
  },
};

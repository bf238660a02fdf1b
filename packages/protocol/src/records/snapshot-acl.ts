import type { Acl } from '../acl.ts';
import { aclList } from './acl-list.ts';
import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * One entry of the ACL table of a snapshot (storage-formats reference, section 8).
 *
 * ```text
 * aclId  long
 * acl    vector<ACL>
 * ```
 */
export interface SnapshotACL {
  /** Counts up from 1; -1 (world:anyone, all) is never in the table. */
  readonly aclId: number;
  readonly acl: readonly Acl[] | null;
}

export const snapshotACL: Codec<SnapshotACL> = {
  encode(out, value) {
    encodeSafeLong(out, value.aclId);
    aclList.encode(out, value.acl);
  },
  decode(input) {
    return { aclId: decodeSafeLong(input), acl: aclList.decode(input) };
  },
};

import type { Acl } from '../acl.ts';
import { type Stat, statRecord } from '../stat.ts';
import { aclList } from './acl-list.ts';
import type { Codec } from './codec.ts';

/**
 * Reply of getACL (client-protocol reference, section 3.2).
 *
 * ```text
 * acl   vector<ACL>
 * stat  Stat
 * ```
 */
export interface GetACLResponse {
  readonly acl: readonly Acl[] | null;
  readonly stat: Stat;
}

export const getACLResponse: Codec<GetACLResponse> = {
  encode(out, value) {
    aclList.encode(out, value.acl);
    statRecord.encode(out, value.stat);
  },
  decode(input) {
    return { acl: aclList.decode(input), stat: statRecord.decode(input) };
  },
};

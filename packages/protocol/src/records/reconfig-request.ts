import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * Body of reconfig (client-protocol reference, section 3.4). The incremental form has a null `newMembers`.
 *
 * ```text
 * joiningServers  ustring
 * leavingServers  ustring
 * newMembers      ustring
 * curConfigId     long
 * ```
 */
export interface ReconfigRequest {
  readonly joiningServers: string | null;
  readonly leavingServers: string | null;
  readonly newMembers: string | null;
  /** zxid of the configuration that is to be changed; -1 for any. */
  readonly curConfigId: number;
}

export const reconfigRequest: Codec<ReconfigRequest> = {
  encode(out, value) {
    out.string(value.joiningServers);
    out.string(value.leavingServers);
    out.string(value.newMembers);
    encodeSafeLong(out, value.curConfigId);
  },
  decode(input) {
    return {
      joiningServers: input.string(),
      leavingServers: input.string(),
      newMembers: input.string(),
      curConfigId: decodeSafeLong(input),
    };
  },
};

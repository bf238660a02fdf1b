import type { Codec } from './codec.ts';
import { stringList } from './string-list.ts';

/**
 * Reply of getEphemerals (client-protocol reference, section 3.5).
 *
 * ```text
 * ephemerals  vector<ustring>
 * ```
 */
export interface GetEphemeralsResponse {
  /** Paths as the server knows them, chroot included. */
  readonly ephemerals: readonly string[] | null;
}

export const getEphemeralsResponse: Codec<GetEphemeralsResponse> = {
  encode(out, value) {
    stringList.encode(out, value.ephemerals);
  },
  decode(input) {
    return { ephemerals: stringList.decode(input) };
  },
};

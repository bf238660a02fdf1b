import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';
import { stringList } from './string-list.ts';

/**
 * Body of setWatches (client-protocol reference, section 6.5).
 *
 * ```text
 * relativeZxid  long
 * dataWatches   vector<ustring>
 * existWatches  vector<ustring>
 * childWatches  vector<ustring>
 * ```
 */
export interface SetWatchesRequest {
  /** The last zxid that the client has seen. */
  readonly relativeZxid: number;
  readonly dataWatches: readonly string[] | null;
  readonly existWatches: readonly string[] | null;
  readonly childWatches: readonly string[] | null;
}

export const setWatchesRequest: Codec<SetWatchesRequest> = {
  encode(out, value) {
    encodeSafeLong(out, value.relativeZxid);
    stringList.encode(out, value.dataWatches);
    stringList.encode(out, value.existWatches);
    stringList.encode(out, value.childWatches);
  },
  decode(input) {
    return {
      relativeZxid: decodeSafeLong(input),
      dataWatches: stringList.decode(input),
      existWatches: stringList.decode(input),
      childWatches: stringList.decode(input),
    };
  },
};

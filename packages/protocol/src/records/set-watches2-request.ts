import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';
import { stringList } from './string-list.ts';

/**
 * Body of setWatches2 (client-protocol reference, section 6.5).
 *
 * ```text
 * relativeZxid                long
 * dataWatches                 vector<ustring>
 * existWatches                vector<ustring>
 * childWatches                vector<ustring>
 * persistentWatches           vector<ustring>
 * persistentRecursiveWatches  vector<ustring>
 * ```
 */
export interface SetWatches2Request {
  /** The last zxid that the client has seen. */
  readonly relativeZxid: number;
  readonly dataWatches: readonly string[] | null;
  readonly existWatches: readonly string[] | null;
  readonly childWatches: readonly string[] | null;
  readonly persistentWatches: readonly string[] | null;
  readonly persistentRecursiveWatches: readonly string[] | null;
}

export const setWatches2Request: Codec<SetWatches2Request> = {
  encode(out, value) {
    encodeSafeLong(out, value.relativeZxid);
    stringList.encode(out, value.dataWatches);
    stringList.encode(out, value.existWatches);
    stringList.encode(out, value.childWatches);
    stringList.encode(out, value.persistentWatches);
    stringList.encode(out, value.persistentRecursiveWatches);
  },
  decode(input) {
    return {
      relativeZxid: decodeSafeLong(input),
      dataWatches: stringList.decode(input),
      existWatches: stringList.decode(input),
      childWatches: stringList.decode(input),
      persistentWatches: stringList.decode(input),
      persistentRecursiveWatches: stringList.decode(input),
    };
  },
};

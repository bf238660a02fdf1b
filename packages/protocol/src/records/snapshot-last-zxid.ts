import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * What stands before the third seal of a snapshot of 3.9 (storage-formats reference, section 8).
 *
 * ```text
 * lastProcessedZxid  long
 * ```
 */
export interface SnapshotLastZxid {
  readonly lastProcessedZxid: number;
}

export const snapshotLastZxid: Codec<SnapshotLastZxid> = {
  encode(out, value) {
    encodeSafeLong(out, value.lastProcessedZxid);
  },
  decode(input) {
    return { lastProcessedZxid: decodeSafeLong(input) };
  },
};

import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * Closes a part of a snapshot, 13 bytes (storage-formats reference, section 8).
 *
 * ```text
 * checksum  long
 * path      ustring
 * ```
 */
export interface SnapshotSeal {
  /** Adler-32 of all bytes of the uncompressed file before this record, unsigned. */
  readonly checksum: number;
  /** Always `/`; readers do not compare it. */
  readonly path: string;
}

export const snapshotSeal: Codec<SnapshotSeal> = {
  encode(out, value) {
    encodeSafeLong(out, value.checksum);
    out.string(value.path);
  },
  decode(input) {
    return { checksum: decodeSafeLong(input), path: decodeRequiredString(input) };
  },
};

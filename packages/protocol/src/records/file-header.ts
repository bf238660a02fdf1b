import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * The first 16 bytes of a log or snapshot file (storage-formats reference, section 3 and 8).
 *
 * ```text
 * magic    int
 * version  int
 * dbid     long
 * ```
 */
export interface FileHeader {
  /** `LOG_MAGIC` or `SNAPSHOT_MAGIC`. */
  readonly magic: number;
  /** 2. */
  readonly version: number;
  /** 0 in logs, -1 in snapshots. */
  readonly dbid: number;
}

export const fileHeader: Codec<FileHeader> = {
  encode(out, value) {
    out.int(value.magic);
    out.int(value.version);
    encodeSafeLong(out, value.dbid);
  },
  decode(input) {
    return { magic: input.int(), version: input.int(), dbid: decodeSafeLong(input) };
  },
};

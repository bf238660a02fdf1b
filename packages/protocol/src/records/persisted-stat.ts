import type { Codec } from './codec.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * The fields of a node that a snapshot keeps, 60 bytes (storage-formats reference, section 8). The order differs from
 * that of `Stat`.
 *
 * ```text
 * czxid           long
 * mzxid           long
 * ctime           long
 * mtime           long
 * version         int
 * cversion        int
 * aversion        int
 * ephemeralOwner  long
 * pzxid           long
 * ```
 */
export interface PersistedStat {
  readonly czxid: number;
  readonly mzxid: number;
  /** Milliseconds since 1970. */
  readonly ctime: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
  readonly version: number;
  /** Children ever created; not the value that clients see. */
  readonly cversion: number;
  readonly aversion: number;
  /** 0, the session, or the mark of a container or TTL node. */
  readonly ephemeralOwner: bigint;
  readonly pzxid: number;
}

export const persistedStat: Codec<PersistedStat> = {
  encode(out, value) {
    encodeSafeLong(out, value.czxid);
    encodeSafeLong(out, value.mzxid);
    encodeSafeLong(out, value.ctime);
    encodeSafeLong(out, value.mtime);
    out.int(value.version);
    out.int(value.cversion);
    out.int(value.aversion);
    out.longBig(value.ephemeralOwner);
    encodeSafeLong(out, value.pzxid);
  },
  decode(input) {
    return {
      czxid: decodeSafeLong(input),
      mzxid: decodeSafeLong(input),
      ctime: decodeSafeLong(input),
      mtime: decodeSafeLong(input),
      version: input.int(),
      cversion: input.int(),
      aversion: input.int(),
      ephemeralOwner: input.longBig(),
      pzxid: decodeSafeLong(input),
    };
  },
};

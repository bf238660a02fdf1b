import type { Codec } from './records/codec.ts';
import { decodeSafeLong, encodeSafeLong } from './records/safe-long.ts';

/**
 * What clients are told about a znode, 68 bytes (client-protocol reference, section 4.2).
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
 * dataLength      int
 * numChildren     int
 * pzxid           long
 * ```
 */
export interface Stat {
  /** zxid of the creation. */
  readonly czxid: number;
  /** zxid of the last change of the data. */
  readonly mzxid: number;
  /** Time of the creation, milliseconds since 1970. */
  readonly ctime: number;
  /** Time of the last change of the data, milliseconds since 1970. */
  readonly mtime: number;
  /** Changes of the data. */
  readonly version: number;
  /** Creations and deletions of children. */
  readonly cversion: number;
  /** Changes of the ACL. */
  readonly aversion: number;
  /** The session, for ephemerals; 0 for all others, containers and TTL nodes included. */
  readonly ephemeralOwner: bigint;
  /** Bytes; 0 for null. */
  readonly dataLength: number;
  readonly numChildren: number;
  /** zxid of the last creation or deletion of a child. */
  readonly pzxid: number;
}

export const statRecord: Codec<Stat> = {
  encode(out, value) {
    encodeSafeLong(out, value.czxid);
    encodeSafeLong(out, value.mzxid);
    encodeSafeLong(out, value.ctime);
    encodeSafeLong(out, value.mtime);
    out.int(value.version);
    out.int(value.cversion);
    out.int(value.aversion);
    out.longBig(value.ephemeralOwner);
    out.int(value.dataLength);
    out.int(value.numChildren);
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
      dataLength: input.int(),
      numChildren: input.int(),
      pzxid: decodeSafeLong(input),
    };
  },
};

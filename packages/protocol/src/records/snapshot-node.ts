import type { Codec } from './codec.ts';
import { type PersistedStat, persistedStat } from './persisted-stat.ts';
import { decodeRequiredString } from './required-string.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * One znode of a snapshot (storage-formats reference, section 8). The root has the empty path; a path of `/` alone
 * ends the list, and is not such a record.
 *
 * ```text
 * path   ustring
 * data   buffer
 * aclId  long
 * stat   PersistedStat
 * ```
 */
export interface SnapshotNode {
  readonly path: string;
  readonly data: Uint8Array | null;
  /** A key of the ACL table, or -1 for world:anyone, all. */
  readonly aclId: number;
  readonly stat: PersistedStat;
}

export const snapshotNode: Codec<SnapshotNode> = {
  encode(out, value) {
    out.string(value.path);
    out.buffer(value.data);
    encodeSafeLong(out, value.aclId);
    persistedStat.encode(out, value.stat);
  },
  decode(input) {
    return {
      path: decodeRequiredString(input),
      data: input.buffer(),
      aclId: decodeSafeLong(input),
      stat: persistedStat.decode(input),
    };
  },
};

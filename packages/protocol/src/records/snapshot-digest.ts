import { JuteError } from '../bytes/jute-error.ts';
import type { Codec } from './codec.ts';
import { decodeRequiredString } from './required-string.ts';
import { decodeSafeLong, encodeSafeLong } from './safe-long.ts';

/**
 * The digest record of a snapshot, 20 bytes (storage-formats reference, section 8).
 *
 * ```text
 * zxid           long
 * digestVersion  int
 * treeDigest     long  (a ustring in hexadecimal if digestVersion is below 2)
 * ```
 */
export interface SnapshotDigest {
  /** The last txn applied when the node part was finished; 0 if there was none since the start. */
  readonly zxid: number;
  readonly digestVersion: number;
  /** Sum of the node digests modulo 2^64, signed. */
  readonly treeDigest: bigint;
}

const FIRST_BINARY_VERSION = 2;

export const snapshotDigest: Codec<SnapshotDigest> = {
  encode(out, value) {
    encodeSafeLong(out, value.zxid);
    out.int(value.digestVersion);
    if (value.digestVersion >= FIRST_BINARY_VERSION) out.longBig(value.treeDigest);
    else out.string(value.treeDigest.toString(16));
  },
  decode(input) {
    const zxid = decodeSafeLong(input);
    const digestVersion = input.int();
    const treeDigest =
      digestVersion >= FIRST_BINARY_VERSION ? input.longBig() : parseHexadecimal(decodeRequiredString(input));
    return { zxid, digestVersion, treeDigest };
  },
};

function parseHexadecimal(text: string): bigint {
  const parts = /^(-?)([0-9a-f]{1,16})$/i.exec(text);
  if (parts === null) throw new JuteError('malformed', 'the digest is not a hexadecimal number');
  const magnitude = BigInt(`0x${parts[2]}`);
  const value = parts[1] === '-' ? -magnitude : magnitude;
  if (BigInt.asIntN(64, value) !== value) throw new JuteError('malformed', 'the digest is beyond 64 bits');
  return value;
}

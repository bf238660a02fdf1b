import { counterOf } from '@headkeeper/protocol';
import type { SnapshotSummary } from './snapshot-decoder.ts';

/**
 * The zxid whose state a snapshot holds, when it tells that this is an earlier one than that of its file's name: somebody has
 * copied or renamed it, and the txns in between are in neither the snapshot nor what is replayed behind it. Else null.
 *
 * The trailer of 3.9 settles it. The digest record alone leaves room: Apache's leader begins an epoch with counter 0 before
 * any txn of it, and a txn is applied a moment before its digest is noted, so that a snapshot can have the digest of the txn
 * before. A digest of zxid 0 says nothing (storage-formats reference, sections 8 and 9).
 */
export function earlierThanNamed({ digest, lastProcessedZxid }: SnapshotSummary, namedZxid: number): number | null {
  if (lastProcessedZxid !== null) return lastProcessedZxid < namedZxid ? lastProcessedZxid : null;
  if (digest === null || digest.zxid <= 0 || counterOf(namedZxid) < 2) return null;
  return digest.zxid < namedZxid - 1 ? digest.zxid : null;
}

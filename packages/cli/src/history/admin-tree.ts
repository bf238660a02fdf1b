import { SnapshotDamaged, SnapshotDecoder } from '@headkeeper/server/internal';
import { askAdmin } from '../backup/admin-client.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { startProgress } from '../progress.ts';
import { DatabaseTree } from './database-tree.ts';
import { newRecoveredState } from './history-source.ts';

/** A path or data may be this long; a longer one is taken for damage. */
const MAX_RECORD_BYTES = 256 << 20;

/** The tree of a running server, with what its clients are not told: which znodes are containers and which have a time to live. */
export interface AdminTree {
  readonly tree: DatabaseTree;
  /** The last txn in it. */
  readonly zxid: number;
  /** Whether the tree changed while the server wrote it, as it can on Apache ZooKeeper: then the whole is not of one point in time. */
  readonly isMixed: boolean;
}

/**
 * Reads the whole tree from a server's AdminServer, `address` being `http://host:8080`. `auth`: `digest user:password`, or null.
 *
 * @throws CommandError when it cannot be reached, refuses, or sends no whole snapshot.
 */
export async function readAdminTree(address: string, auth: string | null): Promise<AdminTree> {
  const { headers, body } = await askAdmin(address, 'snapshot?streaming=true', auth, new AbortController().signal);
  const size = Number(headers.get('snapshot_size'));
  const progress = startProgress('Receiving', 'bytes', Number.isSafeInteger(size) && size > 0 ? size : null);
  const state = newRecoveredState();
  const decoder = new SnapshotDecoder(state, MAX_RECORD_BYTES);
  let received = 0;
  try {
    for await (const chunk of body) {
      decoder.push(chunk);
      received += chunk.length;
      progress.at(received);
    }
    const { digest, lastProcessedZxid } = decoder.finish();
    const named = Number(headers.get('last_zxid') ?? Number.NaN);
    const zxid = Math.max(Number.isSafeInteger(named) ? named : 0, digest?.zxid ?? 0, lastProcessedZxid ?? 0);
    state.loaded(zxid, null);
    return { tree: new DatabaseTree(state.database), zxid, isMixed: zxid > named };
  } catch (error) {
    if (!(error instanceof SnapshotDamaged)) throw error;
    throw new CommandError(`what ${address} sent is no whole snapshot: ${error.message}`, ExitCode.refused);
  } finally {
    progress.end();
  }
}

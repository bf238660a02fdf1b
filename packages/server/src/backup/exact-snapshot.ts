import { setImmediate as pause } from 'node:timers/promises';
import type { Database } from '../core/database.ts';
import { SnapshotWriter } from '../core/tree/snapshot-writer.ts';

const ZNODES_PER_STEP = 16_384;

/**
 * The snapshot file of a state at rest, in Apache's format. It can be taken once.
 * `withDigest`: whether it gets a digest record; a server that is configured without digests cannot read one that has it.
 */
export async function* exactSnapshot(database: Database, withDigest: boolean): AsyncGenerator<Uint8Array> {
  const { tree, sessions, lastZxid } = database;
  const options = { digest: withDigest, lastProcessedZxid: true, forLearner: false };
  const writer = new SnapshotWriter(tree, sessions, lastZxid, 1, options);
  let goesOn = true;
  while (goesOn) {
    goesOn = writer.advance(ZNODES_PER_STEP);
    for (let chunk = writer.takeChunk(); chunk !== null; chunk = writer.takeChunk()) yield chunk;
    // Others have a turn: signals, and what compresses and writes.
    await pause();
  }
}

import { setImmediate as pause } from 'node:timers/promises';
import type { Database } from '../core/database.ts';
import { SnapshotWriter } from '../core/tree/snapshot-writer.ts';
import type { SnapshotStore } from '../ports.ts';

const ZNODES_PER_TURN = 2048;
/** Snapshots of a serving tree are counted from 1 on, and marks of theirs must not be taken for this one's. */
const FIRST_NUMBER = 0x7fffffff;

/**
 * Writes a state that nobody serves yet into a snapshot file named by its zxid, a little at a time; durable when it resolves.
 * `attempt` counts the files made of this state, from 0 on. Rejects with the disk's error, and leaves no file then.
 */
export async function writeState(database: Database, store: SnapshotStore, attempt: number): Promise<void> {
  const { settings, tree, sessions, lastZxid } = database;
  const writer = new SnapshotWriter(tree, sessions, lastZxid, FIRST_NUMBER - attempt, {
    digest: settings.digestEnabled,
    lastProcessedZxid: settings.serializeLastProcessedZxid,
    forLearner: false,
  });
  let isFull = false;
  let drained: () => void = () => {};
  const sink = store.begin(lastZxid, () => {
    isFull = false;
    drained();
  });
  let goesOn = true;
  while (goesOn) {
    goesOn = writer.advance(ZNODES_PER_TURN);
    for (let chunk = writer.takeChunk(); chunk !== null; chunk = writer.takeChunk()) {
      if (!sink.write(chunk)) isFull = true;
    }
    if (isFull) {
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
    } else await pause();
  }
  await new Promise<void>((resolve, reject) => {
    sink.finish((error) => (error === null ? resolve() : reject(error)));
  });
}

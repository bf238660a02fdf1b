import { open } from 'node:fs/promises';
import { setImmediate as pause } from 'node:timers/promises';
import { Database } from '../core/database.ts';
import { SnapshotDecoder, type SnapshotSummary } from '../core/log/snapshot-decoder.ts';
import { RecoveredState } from '../core/recovered-state.ts';
import type { CoreSettings } from '../core/settings.ts';
import { RestoreFailure } from './restore-failure.ts';

const CHUNK_BYTES = 1 << 18;
/** Znodes whose digests are computed between two turns of the loop. */
const CHECKED_PER_TURN = 4096;

export interface LoadedState {
  readonly database: Database;
  /** The zxid that the snapshot stands for. */
  readonly zxid: number;
}

/**
 * Reads a whole snapshot file into a state of its own, a little at a time, so that the server goes on serving. Every
 * checksum and the digest are compared.
 *
 * @throws RestoreFailure when the file is not a whole, sound snapshot that tells its zxid.
 */
export async function loadState(path: string, settings: CoreSettings): Promise<LoadedState> {
  const state = new RecoveredState(new Database(settings));
  const summary = await decode(path, state, settings.juteMaxBuffer + settings.juteMaxBufferExtra);
  const zxid = summary.lastProcessedZxid ?? summary.digest?.zxid ?? null;
  if (zxid === null) {
    throw unusable('it does not tell its zxid: take it with serializeLastProcessedZxid.enabled=true');
  }
  if (zxid < 0 || !Number.isSafeInteger(zxid)) throw unusable(`its zxid ${zxid} is none`);
  const { digest } = summary;
  state.loaded(zxid, digest !== null && digest.zxid === zxid && settings.digestEnabled ? digest : null);
  const { tree } = state.database;
  while (!tree.isChecked) {
    tree.checkLoaded(CHECKED_PER_TURN);
    await pause();
  }
  if (tree.loadedWrongly || state.mismatchCount > 0) {
    throw unusable('its tree has not the digest that it states: it was taken while the tree changed, or is damaged');
  }
  return { database: state.database, zxid };
}

async function decode(path: string, state: RecoveredState, maxRecordBytes: number): Promise<SnapshotSummary> {
  const decoder = new SnapshotDecoder(state, maxRecordBytes);
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) throw unusable('the body is empty');
    const memory = new Uint8Array(CHUNK_BYTES);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(memory, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      decoder.push(memory.subarray(0, bytesRead));
      await pause();
    }
    return decoder.finish();
  } catch (error) {
    // Whatever the decoder or the tree stumbles over: this state is thrown away.
    throw error instanceof RestoreFailure ? error : unusable((error as Error).message, error);
  } finally {
    await file.close();
  }
}

function unusable(why: string, cause?: unknown): RestoreFailure {
  return new RestoreFailure('unusable', `the snapshot cannot be used, the state is unchanged: ${why}`, cause);
}

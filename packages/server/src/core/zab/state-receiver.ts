import { Database } from '../database.ts';
import type { ReceivedSnapshot } from '../log/received-snapshot.ts';
import { SnapshotDamaged, SnapshotDecoder } from '../log/snapshot-decoder.ts';
import { RecoveredState } from '../recovered-state.ts';
import type { CoreSettings } from '../settings.ts';

/** Takes in the whole state that follows SNAP (quorum-protocol reference, 5.4), beside the one that the server has. */
export class StateReceiver {
  /** The zxid that SNAP gives it: it may be ahead of that in parts, when Apache's leader sends it. */
  readonly zxid: number;
  /** What is wrong with it; nothing more may be pushed then. */
  damage: string | null = null;
  readonly #state: RecoveredState;
  readonly #decoder: SnapshotDecoder;

  constructor(settings: CoreSettings, zxid: number) {
    this.zxid = zxid;
    this.#state = new RecoveredState(new Database(settings));
    this.#decoder = new SnapshotDecoder(this.#state, settings.juteMaxBuffer + settings.juteMaxBufferExtra, true);
  }

  get isComplete(): boolean {
    return this.#decoder.isComplete;
  }

  /** Takes bytes, and gives the file those that belong to the state; returns how many they are. */
  push(bytes: Uint8Array, file: ReceivedSnapshot): number {
    try {
      this.#decoder.push(bytes);
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      this.damage = error.message;
      return bytes.length;
    }
    const count = bytes.length - (this.isComplete ? this.#decoder.rest.length : 0);
    file.push(bytes.subarray(0, count));
    return count;
  }

  /** The complete state. */
  finish(): Database {
    this.#state.loaded(this.zxid, null);
    return this.#state.database;
  }
}

import type { Reader } from '@headkeeper/protocol';
import type { Connection } from '../connection.ts';
import type { Pipeline } from '../pipeline.ts';
import type { SyncAnswer } from '../write-path.ts';
import { LeaderWrites } from './leader-writes.ts';

interface WaitingSync {
  readonly connection: Connection;
  /** The last txn that was proposed when it came. */
  readonly afterZxid: number;
}

/**
 * The writes of a server without an ensemble. It is as new as can be; but a sync also tells a client what has become of a
 * request that it sent on a connection that is lost, so it is answered behind everything proposed when it came
 * (client-protocol reference, 9.3).
 */
export class StandaloneWrites extends LeaderWrites {
  readonly #own: Pipeline;
  #waiting: WaitingSync[] = [];

  constructor(pipeline: Pipeline) {
    super(pipeline);
    this.#own = pipeline;
  }

  override sync(connection: Connection, _xid: number, _r: Reader): SyncAnswer {
    const { proposals } = this.#own;
    if (proposals.outstanding === 0) return 'now';
    this.#waiting.push({ connection, afterZxid: proposals.lastZxid });
    return 'behind';
  }

  /** Applies the txns up to `zxid`, which are durable, and answers each sync where it stands among them. */
  applyUpTo(zxid: number): void {
    for (let sync = this.#waiting[0]; sync !== undefined && sync.afterZxid <= zxid; sync = this.#waiting[0]) {
      this.#own.applyInSlicesUpTo(sync.afterZxid);
      if (this.#own.isApplying) return;
      this.#waiting.shift();
      this.#own.clients.synced(sync.connection);
    }
    this.#own.applyInSlicesUpTo(zxid);
  }
}

import { ErrorCode } from '@headkeeper/protocol';
import type { Pipeline } from '../pipeline.ts';
import type { SyncAnswer, WritePath } from '../write-path.ts';

/**
 * A server that is cut off from the quorum, for clients that have said that they bear it: reads of the state as it was,
 * no writes (client-protocol reference, 2.6; `readonlymode.enabled`).
 */
export class ReadOnlyWrites implements WritePath {
  readonly isBehind = false;
  readonly isReadOnly = true;
  readonly #pipeline: Pipeline;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  write(): number {
    return ErrorCode.notReadOnly;
  }

  /** Sessions of such clients are local ones. */
  createSession(): void {}

  closeSession(): void {}

  upgrade(): void {}

  sync(): SyncAnswer {
    return 'refused';
  }

  /** Whether the session was alive when this server lost the others. */
  revalidate(...[connection, idHigh, idLow]: Parameters<WritePath['revalidate']>): void {
    const { clients, serving } = this.#pipeline;
    clients.revalidated(connection, idHigh, idLow, serving.sessions.find(idHigh, idLow) !== null);
  }

  touch(): void {}
}

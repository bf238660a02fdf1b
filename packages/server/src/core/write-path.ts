import type { Reader } from '@headkeeper/protocol';
import type { Connection, Session } from './connection.ts';
import type { WriteOperation } from './ops/operation.ts';

/**
 * Where the writes of this server's clients go: into proposals when it leads or stands alone, to the leader when it
 * follows. Each role has its own.
 */
/**
 * `now`: a sync is answered like a read; `later`: in its turn by `Clients.synced`, and nothing that follows it on the
 * connection is looked at before; `behind`: by `Clients.synced`, too, and what follows is taken in; `refused`: by an error.
 */
export type SyncAnswer = 'now' | 'later' | 'behind' | 'refused';

export interface WritePath {
  /** Whether this server is cut off and takes reads only, of clients that have said that they bear it. */
  readonly isReadOnly: boolean;
  /** Whether so much is under way that clients with unanswered writes should wait. */
  readonly isBehind: boolean;
  /**
   * Takes a write; its reply comes when its txn is applied. Returns 0, or the error of a request that could not be decoded
   * and that nothing will come of.
   */
  write(connection: Connection, operation: WriteOperation, opcode: number, xid: number, r: Reader): number;
  createSession(connection: Connection, idHigh: number, idLow: number): void;
  /** The client's own wish to close; the reply comes when its txn is applied. */
  closeSession(connection: Connection, session: Session, xid: number): void;
  /** A session that only this server knows is to be known to all: what it asks for next may make ephemerals. */
  upgrade(session: Session): void;
  /** Takes a sync; `r` stands at its body. */
  sync(connection: Connection, xid: number, r: Reader): SyncAnswer;
  /** A client wants to go on with a session of another connection; answered by `Clients.revalidated`. */
  revalidate(connection: Connection, idHigh: number, idLow: number): void;
  /** A session has been heard of. */
  touch(session: Session, timeoutMs: number): void;
}

import type { Identity, Reader } from '@headkeeper/protocol';
import type { Connection } from '../connection.ts';
import type { Preparation } from '../preparation.ts';
import type { Serving } from '../serving.ts';

/**
 * A request that changes nothing replicated. `run` reads the body from `r` and writes the reply to the connection; the
 * identities are those of the request's arrival. A body that cannot be decoded throws JuteError before any reply byte.
 */
export interface ReadOperation {
  readonly kind: 'read';
  run(serving: Serving, connection: Connection, identities: readonly Identity[], r: Reader, xid: number): void;
}

/**
 * A request that becomes a txn. `prepare` validates it against the tree and all pending changes, writes the txn's body to
 * `p.log` and files its changes; it returns 0, or the error that the client gets, and then leaves no trace. A body that
 * cannot be decoded throws JuteError before anything has been changed.
 */
export interface WriteOperation {
  readonly kind: 'write';
  prepare(p: Preparation, r: Reader, opcode: number): number;
}

/** Answered at arrival, ahead of what waits (auth, sasl). A body that cannot be decoded closes the connection. */
export interface ImmediateOperation {
  readonly kind: 'immediate';
  run(serving: Serving, connection: Connection, r: Reader, xid: number): void;
}

export type Operation = ReadOperation | WriteOperation | ImmediateOperation;

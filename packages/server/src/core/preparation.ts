import { type Identity, Writer } from '@headkeeper/protocol';
import type { Session } from './connection.ts';
import type { Serving } from './serving.ts';
import { PendingChanges } from './tree/pending.ts';

/**
 * What a write is prepared with: the request's surroundings, the pending changes, and the log buffer that takes the txn.
 * One object, refilled for each request.
 */
export class Preparation {
  readonly serving: Serving;
  readonly pending: PendingChanges;
  /** Takes the txn's body. */
  log: Writer = new Writer(0);
  /** Of the txn being prepared. */
  zxid = 0;
  time = 0;
  /** Type of the txn, set by `prepare` when it is not the request's. */
  txnType = 0;
  /** The session that asks; null for what the server does itself. */
  session: Session | null = null;
  identities: readonly Identity[] = [];
  inMulti = false;
  /** Set by a `prepare` that throws, when not even an error txn may be made of the request. */
  leaveNoTxn = false;
  /** For paths with a sequence number. */
  readonly scratch: Writer = new Writer(256);

  constructor(serving: Serving) {
    this.serving = serving;
    this.pending = new PendingChanges(serving.tree, serving.settings.digestEnabled);
  }

  /** Whether the session may still propose changes. */
  sessionIsLive(): boolean {
    return this.session !== null && !this.session.closing;
  }

  allowed(aclId: number, wanted: number): boolean {
    return this.serving.allowed(aclId, wanted, this.identities);
  }

  /** Begins one operation: the type of its txn is the request's unless it says otherwise. */
  begin(opcode: number): void {
    this.txnType = opcode;
    this.leaveNoTxn = false;
  }
}

import { type Identity, JuteError, Writer } from '@headkeeper/protocol';
import type { Session } from './connection.ts';
import type { Serving } from './serving.ts';
import { PendingChanges } from './tree/pending.ts';

/** Fields of a txn beside path, data and access control list, its digest included; with room to spare. */
const FIELD_BYTES = 256;

/**
 * What a write is prepared with: the request's surroundings, the pending changes, and the log buffer that takes the txn.
 * One object, refilled for each request.
 */
export class Preparation {
  readonly serving: Serving;
  readonly pending: PendingChanges;
  /** Takes the txn's body. */
  log: Writer = new Writer(0);
  /** Where in `log` the longest record ends that can be read back. */
  logLimit = 0;
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
    this.pending = new PendingChanges(serving.tree, serving.settings.digestEnabled, serving.statistics.work);
  }

  /** Whether the session may still propose changes. */
  sessionIsLive(): boolean {
    return this.session !== null && !this.session.closing;
  }

  allowed(aclId: number, wanted: number): boolean {
    return this.serving.allowed(aclId, wanted, this.identities);
  }

  /** Whether the record can take a path, data and list of so many bytes and still be read back. */
  fits(bytes: number): boolean {
    return this.log.length + bytes + FIELD_BYTES <= this.logLimit;
  }

  /** Refuses the request when they do not fit: an access control list can expand, and a multi can hold many. */
  mustFit(bytes: number): void {
    if (!this.fits(bytes)) throw new JuteError('over-limit', 'the txn could not be read back');
  }

  /** Begins one operation: the type of its txn is the request's unless it says otherwise. */
  begin(opcode: number): void {
    this.txnType = opcode;
    this.leaveNoTxn = false;
  }
}

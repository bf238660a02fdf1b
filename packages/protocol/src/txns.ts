import { JuteError } from './bytes/jute-error.ts';
import type { Reader } from './bytes/reader.ts';
import type { Writer } from './bytes/writer.ts';
import { type OpName, opNameOf } from './opcodes.ts';
import { type CheckVersionTxn, checkVersionTxn } from './records/check-version-txn.ts';
import { type CloseSessionTxn, closeSessionTxn } from './records/close-session-txn.ts';
import type { Codec } from './records/codec.ts';
import { type CreateContainerTxn, createContainerTxn } from './records/create-container-txn.ts';
import { type CreateSessionTxn, createSessionTxn } from './records/create-session-txn.ts';
import { type CreateTTLTxn, createTTLTxn } from './records/create-ttl-txn.ts';
import { type CreateTxn, createTxn } from './records/create-txn.ts';
import { type DeleteTxn, deleteTxn } from './records/delete-txn.ts';
import { type ErrorTxn, errorTxn } from './records/error-txn.ts';
import { type MultiTxn, multiTxn } from './records/multi-txn.ts';
import { type SetACLTxn, setACLTxn } from './records/set-acl-txn.ts';
import { type SetDataTxn, setDataTxn } from './records/set-data-txn.ts';
import { type TxnDigest, txnDigest } from './records/txn-digest.ts';
import { type TxnHeader, txnHeader } from './records/txn-header.ts';

/** The operations that make txns. */
export type TxnName = Extract<
  OpName,
  | 'error'
  | 'create'
  | 'create2'
  | 'createTTL'
  | 'createContainer'
  | 'delete'
  | 'deleteContainer'
  | 'setData'
  | 'reconfig'
  | 'setACL'
  | 'check'
  | 'multi'
  | 'createSession'
  | 'closeSession'
>;

/** The body of each txn (storage-formats reference, section 4.2). */
export interface TxnBodies {
  error: ErrorTxn;
  create: CreateTxn;
  create2: CreateTxn;
  createTTL: CreateTTLTxn;
  createContainer: CreateContainerTxn;
  delete: DeleteTxn;
  deleteContainer: DeleteTxn;
  setData: SetDataTxn;
  reconfig: SetDataTxn;
  setACL: SetACLTxn;
  /** Inside a multi only. */
  check: CheckVersionTxn;
  multi: MultiTxn;
  createSession: CreateSessionTxn;
  closeSession: CloseSessionTxn;
}

/** The codec of each txn's body. */
export const txns: { readonly [Name in TxnName]: Codec<TxnBodies[Name]> } = Object.freeze({
  error: errorTxn,
  create: createTxn,
  create2: createTxn,
  createTTL: createTTLTxn,
  createContainer: createContainerTxn,
  delete: deleteTxn,
  deleteContainer: deleteTxn,
  setData: setDataTxn,
  reconfig: setDataTxn,
  setACL: setACLTxn,
  check: checkVersionTxn,
  multi: multiTxn,
  createSession: createSessionTxn,
  closeSession: closeSessionTxn,
});

/** A whole txn; `op`, which says the same as `header.type`, tells the type of `body`. */
export type Txn = {
  [Name in TxnName]: {
    readonly header: TxnHeader;
    readonly op: Name;
    readonly body: TxnBodies[Name];
    readonly digest: TxnDigest | null;
  };
}[TxnName];

/** Bytes of a TxnDigest. */
const DIGEST_BYTES = 12;

/** Appends header, body and digest (if any) of a txn: the body of a log record, and of a proposal. */
export function encodeTxn(out: Writer, txn: Txn): void {
  txnHeader.encode(out, txn.header);
  // `op` and `body` correspond by the type of Txn, which indexing with a union loses.
  const codec = txns[txn.op] as Codec<unknown>;
  codec.encode(out, txn.body);
  if (txn.digest !== null) txnDigest.encode(out, txn.digest);
}

/**
 * Reads a whole txn. Nothing flags the digest: it is there if 12 bytes are left (section 4.3). What follows is not an
 * error; the reader stands at it.
 *
 * @throws JuteError also ('malformed') for a type that is no txn.
 */
export function decodeTxn(input: Reader): Txn {
  const header = txnHeader.decode(input);
  const op = opNameOf(header.type);
  if (op === undefined || !isTxnName(op)) throw new JuteError('malformed', `type ${header.type} is no txn`);
  const body = txns[op].decode(input);
  const digest = input.remaining() >= DIGEST_BYTES ? txnDigest.decode(input) : null;
  // `op` and `body` correspond by the table's type, which a union over all names cannot express here.
  return { header, op, body, digest } as Txn;
}

function isTxnName(op: OpName): op is TxnName {
  return Object.hasOwn(txns, op);
}

import { JuteError } from '../bytes/jute-error.ts';
import type { Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';
import { OpCode } from '../opcodes.ts';
import { type CheckVersionTxn, checkVersionTxn } from './check-version-txn.ts';
import type { Codec } from './codec.ts';
import { type CreateContainerTxn, createContainerTxn } from './create-container-txn.ts';
import { type CreateTTLTxn, createTTLTxn } from './create-ttl-txn.ts';
import { type CreateTxn, createTxn } from './create-txn.ts';
import { type DeleteTxn, deleteTxn } from './delete-txn.ts';
import { type ErrorTxn, errorTxn } from './error-txn.ts';
import { type SetDataTxn, setDataTxn } from './set-data-txn.ts';

/** One entry of a multi txn. */
export type MultiTxnEntry =
  | { readonly type: typeof OpCode.create | typeof OpCode.create2; readonly body: CreateTxn }
  | { readonly type: typeof OpCode.createContainer; readonly body: CreateContainerTxn }
  | { readonly type: typeof OpCode.createTTL; readonly body: CreateTTLTxn }
  | { readonly type: typeof OpCode.delete; readonly body: DeleteTxn }
  | { readonly type: typeof OpCode.setData; readonly body: SetDataTxn }
  | { readonly type: typeof OpCode.check; readonly body: CheckVersionTxn }
  | { readonly type: typeof OpCode.error; readonly body: ErrorTxn };

/**
 * Body of a multi txn (storage-formats reference, section 4.4).
 *
 * ```text
 * count  int
 * type   int     | count times
 * body   buffer  | (the txn body of that type)
 * ```
 *
 * Any entry of type -1 makes it a failed multi, of which nothing is to be applied.
 */
export interface MultiTxn {
  readonly txns: readonly MultiTxnEntry[];
}

/** The type and a length prefix. */
const MINIMUM_BYTES = 8;

export const multiTxn: Codec<MultiTxn> = {
  encode(out, value) {
    out.int(value.txns.length);
    for (const entry of value.txns) {
      out.int(entry.type);
      const lengthAt = out.length;
      out.int(0);
      encodeBody(out, entry);
      out.view.setInt32(lengthAt, out.length - lengthAt - 4);
    }
  },
  decode(input) {
    const count = input.vectorCount(MINIMUM_BYTES);
    if (count < 0) throw new JuteError('malformed', 'the list of txns of a multi is null');
    const txns: MultiTxnEntry[] = [];
    for (let i = 0; i < count; i++) txns.push(decodeEntry(input));
    return { txns };
  },
};

function decodeEntry(input: Reader): MultiTxnEntry {
  const type = input.int();
  const length = input.length();
  if (length < 0) throw new JuteError('malformed', 'the body of a txn inside a multi is null');
  const outerEnd = input.end;
  const innerEnd = input.pos + length;
  // The same reader serves the body, so that its decoder cannot run into the next entry.
  input.end = innerEnd;
  try {
    return decodeBody(input, type);
  } finally {
    input.end = outerEnd;
    input.pos = innerEnd;
  }
}

function encodeBody(out: Writer, entry: MultiTxnEntry): void {
  switch (entry.type) {
    case OpCode.create:
    case OpCode.create2:
      createTxn.encode(out, entry.body);
      break;
    case OpCode.createContainer:
      createContainerTxn.encode(out, entry.body);
      break;
    case OpCode.createTTL:
      createTTLTxn.encode(out, entry.body);
      break;
    case OpCode.delete:
      deleteTxn.encode(out, entry.body);
      break;
    case OpCode.setData:
      setDataTxn.encode(out, entry.body);
      break;
    case OpCode.check:
      checkVersionTxn.encode(out, entry.body);
      break;
    case OpCode.error:
      errorTxn.encode(out, entry.body);
      break;
  }
}

function decodeBody(input: Reader, type: number): MultiTxnEntry {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
      return { type, body: createTxn.decode(input) };
    case OpCode.createContainer:
      return { type, body: createContainerTxn.decode(input) };
    case OpCode.createTTL:
      return { type, body: createTTLTxn.decode(input) };
    case OpCode.delete:
      return { type, body: deleteTxn.decode(input) };
    case OpCode.setData:
      return { type, body: setDataTxn.decode(input) };
    case OpCode.check:
      return { type, body: checkVersionTxn.decode(input) };
    case OpCode.error:
      return { type, body: errorTxn.decode(input) };
    default:
      throw new JuteError('malformed', `a txn of type ${type} cannot be inside a multi`);
  }
}

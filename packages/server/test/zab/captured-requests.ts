import { OpCode, type RequestName } from '@headkeeper/protocol';
import type { LoggedTxn } from './captures.ts';

const HEADER_BYTES = 32;
const DIGEST_BYTES = 12;
/** Names of the operations that a leader's own clients ask for in the captures. */
export const OP_NAMES: ReadonlyMap<number, RequestName> = new Map([
  [OpCode.create, 'create'],
  [OpCode.setData, 'setData'],
  [OpCode.delete, 'delete'],
  [OpCode.multi, 'multi'],
  [OpCode.closeSession, 'closeSession'],
]);

/** A request whose txn does not say it all. */
export interface KnownRequest {
  readonly opcode: number;
  readonly body: Uint8Array;
}

export interface TxnHeader {
  readonly idHigh: number;
  readonly idLow: number;
  readonly cxid: number;
  readonly timeMs: number;
  readonly type: number;
}

export function headerOf({ body }: LoggedTxn): TxnHeader {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return {
    idHigh: view.getInt32(0),
    idLow: view.getInt32(4),
    cxid: view.getInt32(8),
    timeMs: Number(view.getBigInt64(20)),
    type: view.getInt32(28),
  };
}

/** How many bytes of a txn stand before its digest, if it has one. */
export function lengthWithoutDigest({ body }: LoggedTxn): number {
  return body.length - (hasDigest({ body }) ? DIGEST_BYTES : 0);
}

function hasDigest({ body }: Pick<LoggedTxn, 'body'>): boolean {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return body.length >= HEADER_BYTES + DIGEST_BYTES && view.getInt32(body.length - DIGEST_BYTES) === 2;
}

/** The request that makes such a txn, if it is an ordinary one. */
export function requestOf(txn: LoggedTxn): KnownRequest {
  const { type } = headerOf(txn);
  const body = txn.body.slice(HEADER_BYTES, lengthWithoutDigest(txn));
  switch (type) {
    case OpCode.createSession:
      return { opcode: type, body: body.slice(0, 4) };
    case OpCode.closeSession:
      return { opcode: type, body: new Uint8Array(0) };
    case OpCode.setData:
      body.fill(0xff, body.length - 4);
      return { opcode: type, body };
    case OpCode.create: {
      // The request ends with flags, the txn with a byte for ephemeral and the parent's version.
      const isEphemeral = body[body.length - 5] === 1;
      const request = body.slice(0, body.length - 1);
      request.fill(0, request.length - 4);
      request[request.length - 1] = isEphemeral ? 1 : 0;
      return { opcode: type, body: request };
    }
    default:
      throw new Error(`the request behind a txn of type ${type} is not told`);
  }
}

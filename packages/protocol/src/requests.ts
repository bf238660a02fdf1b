import { JuteError } from './bytes/jute-error.ts';
import type { Reader } from './bytes/reader.ts';
import type { Writer } from './bytes/writer.ts';
import { OpCode, type OpName, opNameOf } from './opcodes.ts';
import { type AddWatchRequest, addWatchRequest } from './records/add-watch-request.ts';
import { type AuthRequest, authRequest } from './records/auth-request.ts';
import type { Codec } from './records/codec.ts';
import { type CreateRequest, createRequest } from './records/create-request.ts';
import { type CreateSessionTxn, createSessionTxn } from './records/create-session-txn.ts';
import { type CreateTTLRequest, createTTLRequest } from './records/create-ttl-request.ts';
import { emptyRecord } from './records/empty-record.ts';
import { type GetEphemeralsRequest, getEphemeralsRequest } from './records/get-ephemerals-request.ts';
import { type MultiRequest, multiRequest } from './records/multi-request.ts';
import { type PathRequest, pathRequest } from './records/path-request.ts';
import { type PathVersionRequest, pathVersionRequest } from './records/path-version-request.ts';
import { type PathWatchRequest, pathWatchRequest } from './records/path-watch-request.ts';
import { type ReconfigRequest, reconfigRequest } from './records/reconfig-request.ts';
import { type RequestHeader, requestHeader } from './records/request-header.ts';
import { type SaslToken, saslToken } from './records/sasl-token.ts';
import { type SetACLRequest, setACLRequest } from './records/set-acl-request.ts';
import { type SetDataRequest, setDataRequest } from './records/set-data-request.ts';
import { type SetWatchesRequest, setWatchesRequest } from './records/set-watches-request.ts';
import { type SetWatches2Request, setWatches2Request } from './records/set-watches2-request.ts';
import { type WatchesRequest, watchesRequest } from './records/watches-request.ts';

/** The operations that can be asked for; a notification only goes the other way, an error only stands in results. */
export type RequestName = Exclude<OpName, 'notification' | 'error'>;

/** The body of each request (client-protocol reference, section 3.2); null where there is none. */
export interface RequestBodies {
  create: CreateRequest;
  delete: PathVersionRequest;
  exists: PathWatchRequest;
  getData: PathWatchRequest;
  setData: SetDataRequest;
  getACL: PathRequest;
  setACL: SetACLRequest;
  getChildren: PathWatchRequest;
  sync: PathRequest;
  ping: null;
  getChildren2: PathWatchRequest;
  check: PathVersionRequest;
  multi: MultiRequest;
  create2: CreateRequest;
  reconfig: ReconfigRequest;
  checkWatches: WatchesRequest;
  removeWatches: WatchesRequest;
  createContainer: CreateRequest;
  deleteContainer: PathRequest;
  createTTL: CreateTTLRequest;
  multiRead: MultiRequest;
  auth: AuthRequest;
  setWatches: SetWatchesRequest;
  sasl: SaslToken;
  getEphemerals: GetEphemeralsRequest;
  getAllChildrenNumber: PathRequest;
  setWatches2: SetWatches2Request;
  addWatch: AddWatchRequest;
  whoAmI: null;
  createSession: CreateSessionTxn;
  closeSession: null;
}

/** The codec of each request's body. */
export const requests: { readonly [Name in RequestName]: Codec<RequestBodies[Name]> } = Object.freeze({
  create: createRequest,
  delete: pathVersionRequest,
  exists: pathWatchRequest,
  getData: pathWatchRequest,
  setData: setDataRequest,
  getACL: pathRequest,
  setACL: setACLRequest,
  getChildren: pathWatchRequest,
  sync: pathRequest,
  ping: emptyRecord,
  getChildren2: pathWatchRequest,
  check: pathVersionRequest,
  multi: multiRequest,
  create2: createRequest,
  reconfig: reconfigRequest,
  checkWatches: watchesRequest,
  removeWatches: watchesRequest,
  createContainer: createRequest,
  deleteContainer: pathRequest,
  createTTL: createTTLRequest,
  multiRead: multiRequest,
  auth: authRequest,
  setWatches: setWatchesRequest,
  sasl: saslToken,
  getEphemerals: getEphemeralsRequest,
  getAllChildrenNumber: pathRequest,
  setWatches2: setWatches2Request,
  addWatch: addWatchRequest,
  whoAmI: emptyRecord,
  createSession: createSessionTxn,
  closeSession: emptyRecord,
});

/** A whole request; `op` tells the type of `body`. */
export type Request = {
  [Name in RequestName]: { readonly xid: number; readonly op: Name; readonly body: RequestBodies[Name] };
}[RequestName];

/** Appends header and body of a request, without the frame's length. */
export function encodeRequest<Name extends RequestName>(
  out: Writer,
  xid: number,
  op: Name,
  body: RequestBodies[Name],
): void {
  requestHeader.encode(out, { xid, type: OpCode[op] });
  requests[op].encode(out, body);
}

/**
 * Reads header and body of a request. Bytes that follow it are not an error; the reader stands at them.
 *
 * @throws JuteError also ('malformed') for a type that is no request.
 */
export function decodeRequest(input: Reader): Request {
  const header: RequestHeader = requestHeader.decode(input);
  const op = opNameOf(header.type);
  if (op === undefined || op === 'notification' || op === 'error') {
    throw new JuteError('malformed', `type ${header.type} is no request`);
  }
  // The two fields correspond by the table's type, which a union over all names cannot express here.
  return { xid: header.xid, op, body: requests[op].decode(input) } as Request;
}

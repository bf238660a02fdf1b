import type { Reader } from './bytes/reader.ts';
import type { Writer } from './bytes/writer.ts';
import { ErrorCode } from './error-codes.ts';
import { type OpName, SpecialXid } from './opcodes.ts';
import type { Codec } from './records/codec.ts';
import { type ConnectResponse, connectResponse } from './records/connect-response.ts';
import { type Create2Response, create2Response } from './records/create2-response.ts';
import { emptyRecord } from './records/empty-record.ts';
import { type ErrorResponse, errorResponse } from './records/error-response.ts';
import { type GetACLResponse, getACLResponse } from './records/get-acl-response.ts';
import {
  type GetAllChildrenNumberResponse,
  getAllChildrenNumberResponse,
} from './records/get-all-children-number-response.ts';
import { type GetChildrenResponse, getChildrenResponse } from './records/get-children-response.ts';
import { type GetChildren2Response, getChildren2Response } from './records/get-children2-response.ts';
import { type GetDataResponse, getDataResponse } from './records/get-data-response.ts';
import { type GetEphemeralsResponse, getEphemeralsResponse } from './records/get-ephemerals-response.ts';
import { type MultiResponse, multiResponse } from './records/multi-response.ts';
import { type PathResponse, pathResponse } from './records/path-response.ts';
import { type ReplyHeader, replyHeader } from './records/reply-header.ts';
import { type SaslToken, saslToken } from './records/sasl-token.ts';
import { type StatResponse, statResponse } from './records/stat-response.ts';
import { type WatcherEvent, watcherEvent } from './records/watcher-event.ts';
import { type WhoAmIResponse, whoAmIResponse } from './records/who-am-i-response.ts';

/** The body of each reply (client-protocol reference, section 3.2); null where there is none. */
export interface ResponseBodies {
  /** A watch event, which answers nothing. */
  notification: WatcherEvent;
  create: PathResponse;
  delete: null;
  exists: StatResponse;
  getData: GetDataResponse;
  setData: StatResponse;
  getACL: GetACLResponse;
  setACL: StatResponse;
  getChildren: GetChildrenResponse;
  sync: PathResponse;
  ping: null;
  getChildren2: GetChildren2Response;
  check: null;
  multi: MultiResponse;
  create2: Create2Response;
  reconfig: GetDataResponse;
  checkWatches: null;
  removeWatches: null;
  createContainer: Create2Response;
  deleteContainer: null;
  createTTL: Create2Response;
  multiRead: MultiResponse;
  auth: null;
  setWatches: null;
  sasl: SaslToken;
  getEphemerals: GetEphemeralsResponse;
  getAllChildrenNumber: GetAllChildrenNumberResponse;
  setWatches2: null;
  addWatch: ErrorResponse;
  whoAmI: WhoAmIResponse;
  /** Sent without a reply header. */
  createSession: ConnectResponse;
  closeSession: null;
  /** A failed result inside a multi. */
  error: ErrorResponse;
}

/** The codec of each reply's body. */
export const responses: { readonly [Name in OpName]: Codec<ResponseBodies[Name]> } = Object.freeze({
  notification: watcherEvent,
  create: pathResponse,
  delete: emptyRecord,
  exists: statResponse,
  getData: getDataResponse,
  setData: statResponse,
  getACL: getACLResponse,
  setACL: statResponse,
  getChildren: getChildrenResponse,
  sync: pathResponse,
  ping: emptyRecord,
  getChildren2: getChildren2Response,
  check: emptyRecord,
  multi: multiResponse,
  create2: create2Response,
  reconfig: getDataResponse,
  checkWatches: emptyRecord,
  removeWatches: emptyRecord,
  createContainer: create2Response,
  deleteContainer: emptyRecord,
  createTTL: create2Response,
  multiRead: multiResponse,
  auth: emptyRecord,
  setWatches: emptyRecord,
  sasl: saslToken,
  getEphemerals: getEphemeralsResponse,
  getAllChildrenNumber: getAllChildrenNumberResponse,
  setWatches2: emptyRecord,
  addWatch: errorResponse,
  whoAmI: whoAmIResponse,
  createSession: connectResponse,
  closeSession: emptyRecord,
  error: errorResponse,
});

/** Appends header and body of a reply, without the frame's length; a null body adds nothing. */
export function encodeReply<Name extends OpName>(
  out: Writer,
  header: ReplyHeader,
  op: Name,
  body: ResponseBodies[Name] | null,
): void {
  replyHeader.encode(out, header);
  // Where the table's type is null, null encodes to nothing as well.
  if (body !== null) responses[op].encode(out, body);
}

/**
 * Reads the body of a reply whose header has been read, as an answer to `op`. It is null if the header carries an error;
 * only SASL may have a token then (section 3.1). Bytes that follow are not an error; the reader stands at them.
 */
export function decodeReplyBody<Name extends OpName>(
  input: Reader,
  header: ReplyHeader,
  op: Name,
): ResponseBodies[Name] | null {
  if (header.err !== ErrorCode.ok && !(op === 'sasl' && input.remaining() > 0)) return null;
  return responses[op].decode(input);
}

/** Appends header and body of a watch event, without the frame's length. `zxid` is that of the change, or -1. */
export function encodeEvent(out: Writer, zxid: number, event: WatcherEvent): void {
  encodeReply(out, { xid: SpecialXid.watchEvent, zxid, err: ErrorCode.ok }, 'notification', event);
}

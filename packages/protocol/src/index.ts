export { type Acl, type Identity, Permission, WORLD_ANYONE_ALL } from './acl.ts';
export { JuteError, type JuteErrorReason } from './bytes/jute-error.ts';
export { Reader } from './bytes/reader.ts';
export { decodeUtf8, encodeUtf8, encodeUtf8Into, isValidUtf8, utf8Length } from './bytes/utf8.ts';
export { copyBytes, Writer } from './bytes/writer.ts';
export { ErrorCode, type ErrorName } from './error-codes.ts';
export {
  type FourLetterName,
  FourLetterWord,
  fourLetterNameOf,
  TELNET_CLOSE,
  TRACE_MASK_BYTES,
} from './four-letter-words.ts';
export { beginFrame, endFrame, FrameSplitter } from './frame.ts';
export {
  AddWatchMode,
  CreateMode,
  EVENT_STATE_SYNC_CONNECTED,
  EventType,
  OpCode,
  type OpName,
  opNameOf,
  SpecialXid,
  WatcherType,
} from './opcodes.ts';
export { checkPathBytes, type PathFault, validatePath } from './path.ts';
export {
  ANONYMOUS_SID,
  encodeInitialMessage,
  type InitialMessage,
  InitialMessageVersion,
  type PeerAddress,
  parseInitialMessage,
} from './peer/initial-message.ts';
export {
  decodeLearnerInfo,
  LEARNER_PROTOCOL_VERSION,
  type LearnerInfo,
  writeLearnerInfo,
} from './peer/learner-info.ts';
export {
  decodeNotification,
  encodeNotification,
  MIN_LONG,
  NOTIFICATION_VERSION,
  type Notification,
  ServerState,
  type ServerStateNumber,
} from './peer/notification.ts';
export {
  beginsQuorumAuth,
  encodeQuorumAuth,
  MAX_AUTH_TOKEN_BYTES,
  type ParsedQuorumAuthPacket,
  parseQuorumAuth,
  type QuorumAuthPacket,
  QuorumAuthStatus,
  type QuorumAuthStatusNumber,
} from './peer/quorum-auth.ts';
export {
  beginPacket,
  encodeAuthinfo,
  endPacket,
  endPacketWith,
  packetLength,
  QuorumPacket,
  type QuorumPacketName,
  QuorumPacketType,
  quorumPacketNameOf,
  writePacket,
} from './peer/quorum-packet.ts';
export {
  beginsRepair,
  decodeRepairAnswer,
  decodeRepairRequest,
  encodeRepairRequest,
  hasRepairTrailer,
  MOST_RANGES,
  REPAIR_OVERHEAD_BYTES,
  type RepairAnswer,
  type RepairRequest,
  repairMessageLength,
  withRepairTrailer,
  writeRepairAnswer,
} from './peer/repair-messages.ts';
export { aclList } from './records/acl-list.ts';
export { type AddWatchRequest, addWatchRequest } from './records/add-watch-request.ts';
export { type AuthRequest, authRequest } from './records/auth-request.ts';
export { type CheckVersionTxn, checkVersionTxn } from './records/check-version-txn.ts';
export { type CloseSessionTxn, closeSessionTxn } from './records/close-session-txn.ts';
export type { Codec } from './records/codec.ts';
export { type ConnectRequest, connectRequest } from './records/connect-request.ts';
export { type ConnectResponse, connectResponse } from './records/connect-response.ts';
export { type CreateContainerTxn, createContainerTxn } from './records/create-container-txn.ts';
export { type CreateRequest, createRequest } from './records/create-request.ts';
export { type CreateSessionTxn, createSessionTxn } from './records/create-session-txn.ts';
export { type CreateTTLRequest, createTTLRequest } from './records/create-ttl-request.ts';
export { type CreateTTLTxn, createTTLTxn } from './records/create-ttl-txn.ts';
export { type CreateTxn, createTxn } from './records/create-txn.ts';
export { type Create2Response, create2Response } from './records/create2-response.ts';
export { type DeleteTxn, deleteTxn } from './records/delete-txn.ts';
export { emptyRecord } from './records/empty-record.ts';
export { type ErrorResponse, errorResponse } from './records/error-response.ts';
export { type ErrorTxn, errorTxn } from './records/error-txn.ts';
export { type FileHeader, fileHeader } from './records/file-header.ts';
export { type GetACLResponse, getACLResponse } from './records/get-acl-response.ts';
export {
  type GetAllChildrenNumberResponse,
  getAllChildrenNumberResponse,
} from './records/get-all-children-number-response.ts';
export { type GetChildrenResponse, getChildrenResponse } from './records/get-children-response.ts';
export { type GetChildren2Response, getChildren2Response } from './records/get-children2-response.ts';
export { type GetDataResponse, getDataResponse } from './records/get-data-response.ts';
export { type GetEphemeralsRequest, getEphemeralsRequest } from './records/get-ephemerals-request.ts';
export { type GetEphemeralsResponse, getEphemeralsResponse } from './records/get-ephemerals-response.ts';
export { END_OF_MULTI, type MultiHeader, multiHeader } from './records/multi-header.ts';
export { type MultiOperation, type MultiRequest, multiRequest } from './records/multi-request.ts';
export { type MultiResponse, type MultiResult, multiResponse } from './records/multi-response.ts';
export { type MultiTxn, type MultiTxnEntry, multiTxn } from './records/multi-txn.ts';
export { type PathRequest, pathRequest } from './records/path-request.ts';
export { type PathResponse, pathResponse } from './records/path-response.ts';
export { type PathVersionRequest, pathVersionRequest } from './records/path-version-request.ts';
export { type PathWatchRequest, pathWatchRequest } from './records/path-watch-request.ts';
export { type PersistedStat, persistedStat } from './records/persisted-stat.ts';
export { type ReconfigRequest, reconfigRequest } from './records/reconfig-request.ts';
export { type ReplyHeader, replyHeader } from './records/reply-header.ts';
export { type RequestHeader, requestHeader } from './records/request-header.ts';
export { decodeSafeLong, encodeSafeLong } from './records/safe-long.ts';
export { type SaslToken, saslToken } from './records/sasl-token.ts';
export { type SetACLRequest, setACLRequest } from './records/set-acl-request.ts';
export { type SetACLTxn, setACLTxn } from './records/set-acl-txn.ts';
export { type SetDataRequest, setDataRequest } from './records/set-data-request.ts';
export { type SetDataTxn, setDataTxn } from './records/set-data-txn.ts';
export { type SetWatchesRequest, setWatchesRequest } from './records/set-watches-request.ts';
export { type SetWatches2Request, setWatches2Request } from './records/set-watches2-request.ts';
export { type SnapshotACL, snapshotACL } from './records/snapshot-acl.ts';
export { type SnapshotDigest, snapshotDigest } from './records/snapshot-digest.ts';
export { type SnapshotLastZxid, snapshotLastZxid } from './records/snapshot-last-zxid.ts';
export { type SnapshotNode, snapshotNode } from './records/snapshot-node.ts';
export { type SnapshotSeal, snapshotSeal } from './records/snapshot-seal.ts';
export { type SnapshotSession, snapshotSession } from './records/snapshot-session.ts';
export { type StatResponse, statResponse } from './records/stat-response.ts';
export { stringList } from './records/string-list.ts';
export { type TxnDigest, txnDigest } from './records/txn-digest.ts';
export { type TxnHeader, txnHeader } from './records/txn-header.ts';
export { type WatcherEvent, watcherEvent } from './records/watcher-event.ts';
export { type WatchesRequest, watchesRequest } from './records/watches-request.ts';
export { type ClientInfo, type WhoAmIResponse, whoAmIResponse } from './records/who-am-i-response.ts';
export {
  decodeRequest,
  encodeRequest,
  type Request,
  type RequestBodies,
  type RequestName,
  requests,
} from './requests.ts';
export { decodeReplyBody, encodeEvent, encodeReply, type ResponseBodies, responses } from './responses.ts';
export { apacheSessionPassword, SESSION_PASSWORD_BYTES } from './session-password.ts';
export {
  decodeNodeOrEnd,
  END_OF_NODES,
  encodeEndOfNodes,
  LOG_FILE_HEADER,
  LOG_MAGIC,
  OPEN_ACL_ID,
  SNAPSHOT_FILE_HEADER,
  SNAPSHOT_MAGIC,
} from './snapshot-records.ts';
export { type Stat, statRecord } from './stat.ts';
export { decodeTxn, encodeTxn, type Txn, type TxnBodies, type TxnName, txns } from './txns.ts';
export { counterOf, epochOf, zxidIn } from './zxid.ts';

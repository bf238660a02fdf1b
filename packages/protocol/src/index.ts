export { type Acl, type Identity, Permission, WORLD_ANYONE_ALL } from './acl.ts';
export { JuteError, type JuteErrorReason } from './bytes/jute-error.ts';
export { Reader } from './bytes/reader.ts';
export { decodeUtf8, encodeUtf8, encodeUtf8Into, isValidUtf8, utf8Length } from './bytes/utf8.ts';
export { copyBytes, Writer } from './bytes/writer.ts';
export { ErrorCode, type ErrorName } from './error-codes.ts';
export {
  AddWatchMode,
  CreateMode,
  EVENT_STATE_SYNC_CONNECTED,
  EventType,
  OpCode,
  type OpName,
  SpecialXid,
  WatcherType,
} from './opcodes.ts';

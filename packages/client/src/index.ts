export { Client, type CreateOptions, type ReadOptions, type VersionOptions, type Watch } from './client.ts';
export { connect } from './connect.ts';
export type { CallOptions } from './core/call-options.ts';
export {
  isZooKeeperError,
  type LocalErrorCode,
  type Outcome,
  type ServerErrorCode,
  TransactionError,
  ZooKeeperError,
  type ZooKeeperErrorCode,
} from './core/errors.ts';
export type { ClientEvent, ClientLog, ClientState } from './core/events.ts';
export type { WatchEvent, WatchEventType, Watcher } from './core/watch-table.ts';
export {
  type AccessList,
  type Acl,
  type Children,
  CREATOR_ALL_ACL,
  type Created,
  type CreateMode,
  type DataInput,
  type Identity,
  OPEN_ACL,
  Perms,
  READ_ACL,
  type Stat,
  type Znode,
} from './core/znode.ts';
export type { Membership, Reconfiguration } from './membership.ts';
export type { MultiRead } from './multi-read.ts';
export type { ClientOptions, SessionInfo, TlsOptions } from './options.ts';
export type { RequestTrace, ServerAddress, Timer } from './ports.ts';
export type { Transaction, TransactionCreated } from './transaction.ts';
export { deleteAll, ensurePath, putData, walk } from './trees.ts';
export { type StreamOptions, watchChildren, watchData, watchEvents } from './watch-streams.ts';

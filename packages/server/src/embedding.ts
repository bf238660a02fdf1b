/**
 * The door for those who run servers on ports of their own making: a disk in memory, a clock that can be moved. For
 * `@headkeeper/testing`; no stable interface.
 */

export type { ClientPort } from './adapters/client/listener.ts';
export { lockFolder } from './adapters/disk/folder-lock.ts';
export { createNodeDisk } from './adapters/disk/node-disk.ts';
export { TcpNetwork } from './adapters/peer/tcp-network.ts';
export { type OpenLogins, openLogins } from './authentication-assembly.ts';
export { type Answer, type ClientDoor, DoorClient } from './backup/duty/door-client.ts';
export { type ClientGate, type OpenClientPort, openClientPort } from './client-port.ts';
export { ConfigError } from './config/config-error.ts';
export { parseServerConfig } from './config/parse.ts';
export type { ServerConfig } from './config/schema.ts';
export { Field } from './core/tree/node-store.ts';
export {
  type AssembledServer,
  assembleServer,
  type ServerPorts,
} from './main.ts';
export type {
  ClientLink,
  Clock,
  Disk,
  DiskFile,
  DiskSource,
  Endpoint,
  PeerNetwork,
  PeerStream,
  PeerStreamHandler,
  Timers,
} from './ports.ts';
export { type FatalExit, ServerExit, type ServerLog, StartError } from './start-error.ts';

import type { Socket } from 'node:net';
import { ClientListener, type ClientPort } from './adapters/client/listener.ts';
import type { DataDir } from './adapters/disk/data-dir.ts';
import { fourLetterAnswer } from './admin/four-letter.ts';
import { factsOf } from './admin/member-facts.ts';
import { StandaloneStatus } from './admin/standalone-status.ts';
import type { ServerConfig } from './config/schema.ts';
import type { Member } from './core/member.ts';
import type { Membership } from './core/membership/membership.ts';
import type { Replica } from './core/replica.ts';
import type { Driver } from './driver/driver.ts';
import type { Clock } from './ports.ts';
import { type FatalExit, ServerExit, type ServerLog, StartError } from './start-error.ts';

export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

/** The client port of a server that serves. */
export interface OpenClientPort {
  readonly address: BoundAddress;
  /** What operators see of the server. */
  readonly status: StandaloneStatus;
  /** Moves the port where the membership says; null for a standalone server. */
  readonly follow: ((membership: Membership) => void) | null;
  /** Accepts nothing more. */
  stop(): void;
  /** Resolves when every connection has sent what it had and is closed; ends those that take longer than this. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends every connection at once, whatever is still to be sent. */
  dropAll(): void;
}

/** What stands between a server and its clients, where something does. */
export interface ClientGate {
  /** Hears of the clients in the driver's place. */
  readonly clients: ClientPort;
  readonly admit: (socket: Socket, take: () => void) => void;
}

/** The server behind the port. */
export interface ServedServer {
  readonly replica: Replica;
  readonly driver: Driver;
  readonly dataDir: DataDir;
  readonly clock: Clock;
  /** Writes the snapshot that must be there before the first client, if one must, then calls back. */
  begin(ready: () => void): void;
}

/**
 * Begins to serve, and opens the client port once the server is ready. `failed` says when it never will be.
 *
 * @throws StartError when the server fails meanwhile, or the port cannot be had.
 */
export async function openClientPort(
  config: ServerConfig,
  log: ServerLog,
  server: ServedServer,
  failed: Promise<FatalExit>,
  gate: ClientGate | null,
): Promise<OpenClientPort> {
  const { replica, driver, dataDir, clock } = server;
  const ready = new Promise<null>((resolve) => server.begin(() => resolve(null)));
  const early = await Promise.race([ready, failed]);
  if (early !== null) throw new StartError(early.message, early.exitCode, null);
  const status = new StandaloneStatus(
    replica,
    driver,
    config,
    dataDir,
    clock,
    replica.member === null ? null : () => factsOf(replica.member as Member),
  );
  const listener = new ClientListener({
    port: config.clientPort,
    host: config.clientPortAddress,
    backlog: config.clientPortListenBacklog,
    keepAlive: config.clientTcpKeepAlive,
    maxPerAddress: config.maxClientCnxns,
    maxTotal: config.maxCnxns,
    silentMs: config.sessionlessConnectionTimeoutMs,
    clock,
    clients: gate?.clients ?? driver,
    answer: (word) => fourLetterAnswer(word, config.fourLetterWords, isServing(replica) ? status : null),
    admit: gate?.admit ?? null,
    refused: (address, reason) => log.warn({ address, reason }, 'connection refused'),
  });
  const address = await listener.listen().catch((error: Error) => {
    listener.stop();
    throw new StartError(`cannot listen on port ${config.clientPort}: ${error.message}`, ServerExit.port, error);
  });
  return {
    address,
    status,
    follow: clientAddressFollower(config, listener, log),
    stop: () => listener.stop(),
    drain: (timeoutMs) => listener.drain(timeoutMs),
    dropAll: () => listener.dropAll(),
  };
}

/** Moves the client port where the membership says; null for a standalone server. */
function clientAddressFollower(
  config: ServerConfig,
  listener: ClientListener,
  log: ServerLog,
): ((membership: Membership) => void) | null {
  const sid = config.ensemble?.sid;
  if (sid === undefined) return null;
  let current = `${config.clientPortAddress}:${config.clientPort}`;
  return (membership) => {
    const client = membership.members.get(sid)?.client ?? null;
    if (client === null) return;
    const host = client.host === '0.0.0.0' || client.host === '::' ? null : client.host;
    if (`${host}:${client.port}` === current) return;
    current = `${host}:${client.port}`;
    listener.move(client.port, host).then(
      (address) => log.info({ host: address.host, port: address.port }, 'the client port has moved'),
      (error: Error) => log.error({ ...client }, `the client port cannot be moved there: ${error.message}`),
    );
  };
}

/** A server of an ensemble serves nobody while it has no leader. */
export function isServing(replica: Replica): boolean {
  return replica.member === null || replica.clients.areServed;
}

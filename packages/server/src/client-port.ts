import type { Socket } from 'node:net';
import { ClientListener, type ClientPort } from './adapters/client/listener.ts';
import type { SecureDoor } from './adapters/client/secure-door.ts';
import type { DataDir } from './adapters/disk/data-dir.ts';
import type { StorageStatistics } from './adapters/disk/storage-statistics.ts';
import { ClientPortFacts } from './admin/client-port-facts.ts';
import { fourLetterAnswer } from './admin/four-letter.ts';
import { factsOf } from './admin/member-facts.ts';
import { serverMetrics } from './admin/metrics/server-metrics.ts';
import { StandaloneStatus } from './admin/standalone-status.ts';
import { clientTls, reloadClientStores, secureDoor, watchClientStores } from './client-tls.ts';
import type { LiveSettings } from './config/live-settings.ts';
import type { ServerConfig } from './config/schema.ts';
import type { Member } from './core/member.ts';
import type { Membership } from './core/membership/membership.ts';
import type { Replica } from './core/replica.ts';
import type { Driver } from './driver/driver.ts';
import { listenerLimits } from './limits-assembly.ts';
import type { Clock } from './ports.ts';
import { type FatalExit, ServerExit, type ServerLog, StartError } from './start-error.ts';

export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

/** The client ports of a server that serves. */
export interface OpenClientPort {
  /** Of the plain port; of the secure one where there is no other. */
  readonly address: BoundAddress;
  /** Of the port that takes TLS alone; null: there is none. */
  readonly secureAddress: BoundAddress | null;
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
  readonly storage: StorageStatistics;
  readonly dataDir: DataDir;
  readonly clock: Clock;
  readonly live: LiveSettings;
  /** Writes the snapshot that must be there before the first client, if one must, then calls back. */
  begin(ready: () => void): void;
}

/**
 * Begins to serve, and opens the client ports, plain and secure, once the server is ready. `failed` says when it never will be.
 *
 * @throws StartError when the server fails meanwhile, or a port cannot be had.
 * @throws ConfigError when a key or trust store cannot be used.
 */
export async function openClientPort(
  config: ServerConfig,
  log: ServerLog,
  server: ServedServer,
  failed: Promise<FatalExit>,
  gate: ClientGate | null,
): Promise<OpenClientPort> {
  const { replica, driver, dataDir, clock, live } = server;
  const ready = new Promise<null>((resolve) => server.begin(() => resolve(null)));
  const early = await Promise.race([ready, failed]);
  if (early !== null) throw new StartError(early.message, early.exitCode, null);
  const status = new StandaloneStatus(
    replica,
    driver,
    live,
    dataDir,
    clock,
    replica.member === null ? null : () => factsOf(replica.member as Member),
  );
  live.follow(['maxClientCnxns', 'maxCnxns', 'sessionlessConnectionTimeoutMs', 'fourLetterWords']);
  const tls = clientTls(config, log);
  if (tls !== null) reloadClientStores(tls, live);
  const atMost = listenerLimits(replica, clock, log);
  const listenerAt = (port: number, host: string | null, secure: SecureDoor | null): ClientListener =>
    new ClientListener({
      port,
      host,
      backlog: config.clientPortListenBacklog,
      keepAlive: config.clientTcpKeepAlive,
      get maxPerAddress() {
        return live.current.maxClientCnxns;
      },
      get maxTotal() {
        return live.current.maxCnxns;
      },
      get silentMs() {
        return live.current.sessionlessConnectionTimeoutMs;
      },
      clock,
      clients: gate?.clients ?? driver,
      answer: (word) => fourLetterAnswer(word, live.current.fourLetterWords, isServing(replica) ? status : null),
      admit: gate?.admit ?? null,
      secure,
      ...atMost,
    });
  const door = (acceptPlain: boolean): SecureDoor | null =>
    tls === null ? null : secureDoor(config, tls, acceptPlain, { clock, log, isServing: () => isServing(replica) });
  const { clientPort, secureClientPort } = config;
  const plain =
    clientPort < 0
      ? null
      : listenerAt(clientPort, config.clientPortAddress, config.clientPortUnification ? door(true) : null);
  const secure =
    secureClientPort < 0 ? null : listenerAt(secureClientPort, config.secureClientPortAddress, door(false));
  const listeners = [plain, secure].filter((one) => one !== null);
  const stopWatching = tls !== null && config.clientCertReload ? watchClientStores(tls, log) : null;
  const stop = (): void => {
    stopWatching?.();
    for (const listener of listeners) listener.stop();
  };
  const listen = (listener: ClientListener | null, port: number): Promise<BoundAddress | null> =>
    listener === null
      ? Promise.resolve(null)
      : listener.listen().catch((error: Error) => {
          stop();
          throw new StartError(`cannot listen on port ${port}: ${error.message}`, ServerExit.port, error);
        });
  const plainAddress = await listen(plain, clientPort);
  const secureAddress = await listen(secure, secureClientPort);
  status.tellSlowSyncs(() => server.storage.journal.slowSyncs);
  status.tellPorts(new ClientPortFacts(listeners, secureAddress?.port ?? -1));
  status.addMetrics(() => serverMetrics(server, listeners));
  return {
    address: (plainAddress ?? secureAddress) as BoundAddress,
    secureAddress,
    status,
    follow: plain === null ? null : clientAddressFollower(config, plain, log),
    stop,
    drain: async (timeoutMs) => {
      await Promise.all(listeners.map((listener) => listener.drain(timeoutMs)));
    },
    dropAll: () => {
      for (const listener of listeners) listener.dropAll();
    },
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

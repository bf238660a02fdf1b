import { readdirSync, readFileSync, statSync } from 'node:fs';
import { zxidIn } from '@headkeeper/protocol';
import type { DataDir } from '../adapters/disk/data-dir.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Connection, Session } from '../core/connection.ts';
import type { Replica } from '../core/replica.ts';
import type { TxnDigest } from '../core/tree/digest-log.ts';
import type { Driver } from '../driver/driver.ts';
import type { Clock } from '../ports.ts';
import { type EnsembleFacts, modeOf } from './ensemble-facts.ts';
import type { Metric } from './metrics/metric.ts';
import { overloadMetrics } from './metrics/overload-metrics.ts';
import { QuantileWindow } from './metrics/prometheus.ts';
import { ensembleNameMetrics, quotaMetrics, workMetrics } from './metrics/work-metrics.ts';
import { operationLetters } from './operation-letters.ts';
import type {
  ClientPortStatus,
  ConfigurationStatus,
  ConnectionStatus,
  ExpiryBucket,
  LatencyStatus,
  ServerStatus,
  Sized,
} from './server-status.ts';

const NO_PORTS: ClientPortStatus = Object.freeze({
  secureClientPort: -1,
  outstandingHandshakes: 0,
  unsuccessfulHandshakes: 0,
  exceededHandshakes: 0,
  anonymousLocal: 0,
  anonymousRemote: 0,
});
const READING = 1;
const WRITING = 4;

/** What the operators' commands see of a standalone server, or of one of an ensemble. */
export class StandaloneStatus implements ServerStatus {
  readonly #live: LiveSettings;
  readonly #replica: Replica;
  readonly #driver: Driver;
  readonly #dataDir: DataDir;
  readonly #clock: Clock;
  readonly #facts: (() => EnsembleFacts) | null;
  readonly #startedMs: number;
  #clientPorts: ClientPortStatus = NO_PORTS;
  #slowSyncs: () => number = () => 0;
  readonly #metricSources: (() => Iterable<Metric>)[] = [];
  readonly metricsProvider: ServerStatus['metricsProvider'];

  /** `facts` tells of the ensemble; without it the server is a standalone one. */
  constructor(
    replica: Replica,
    driver: Driver,
    live: LiveSettings,
    dataDir: DataDir,
    clock: Clock,
    facts: (() => EnsembleFacts) | null = null,
  ) {
    this.#replica = replica;
    this.#driver = driver;
    this.#dataDir = dataDir;
    this.#clock = clock;
    this.#facts = facts;
    this.#startedMs = clock.monotonicMs();
    const { metricsProvider } = live.current;
    this.metricsProvider =
      metricsProvider === 'prometheus' ? new QuantileWindow(() => clock.monotonicMs()) : metricsProvider;
    this.#live = live;
  }

  get mode(): ServerStatus['mode'] {
    const { ensemble } = this;
    return ensemble === null ? 'standalone' : modeOf(ensemble);
  }

  get ensemble(): EnsembleFacts | null {
    return this.#facts === null ? null : this.#facts();
  }

  /** With the client port that the membership gives this server, where it does. */
  get configuration(): ConfigurationStatus {
    const { ensemble } = this;
    const client = ensemble?.membership.members.get(ensemble.sid)?.client ?? null;
    const { current } = this.#live;
    return {
      clientPort: client?.port ?? current.clientPort,
      snapshotDir: this.#dataDir.snapshotFolder,
      logDir: this.#dataDir.logFolder,
      tickTimeMs: current.tickTimeMs,
      maxClientCnxns: current.maxClientCnxns,
      minSessionTimeoutMs: current.minSessionTimeoutMs,
      maxSessionTimeoutMs: current.maxSessionTimeoutMs,
      clientPortListenBacklog: current.clientPortListenBacklog,
    };
  }

  get latency(): LatencyStatus {
    const { minLatencyMs, maxLatencyMs, totalLatencyMs, requests } = this.#replica.serving.statistics;
    return latencyOf(minLatencyMs, maxLatencyMs, totalLatencyMs, requests);
  }

  get packetsReceived(): number {
    return this.#replica.serving.statistics.packetsReceived;
  }

  get packetsSent(): number {
    return this.#replica.serving.statistics.packetsSent;
  }

  get connectionCount(): number {
    return this.#driver.linkCount;
  }

  get outstandingRequests(): number {
    return this.#replica.outstanding;
  }

  /** A leader counts from the beginning of its epoch, even before its first txn, as Apache's does. */
  get lastZxid(): number {
    const { lastZxid } = this.#replica.serving;
    const { ensemble } = this;
    if (ensemble === null || ensemble.leading === null || ensemble.phase !== 'broadcast') return lastZxid;
    return Math.max(lastZxid, zxidIn(ensemble.currentEpoch, 0));
  }

  /** Apache counts the root twice, as "" and as "/". */
  get znodeCount(): number {
    return this.#replica.serving.tree.store.size + 1;
  }

  get watchCount(): number {
    return this.#replica.serving.watches.watchCount;
  }

  get ephemeralCount(): number {
    return this.#replica.serving.sessions.ephemeralCount();
  }

  get approximateDataSize(): number {
    return this.#replica.serving.tree.store.arena.bytesInUse;
  }

  get sessionCount(): number {
    return this.#replica.serving.sessions.size;
  }

  get uptimeMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  get responseSize(): { readonly last: number; readonly min: number; readonly max: number } {
    return this.#replica.serving.statistics.responseSize;
  }

  get slowSyncs(): number {
    return this.#slowSyncs();
  }

  /** The log tells how many of its syncs took long. */
  tellSlowSyncs(count: () => number): void {
    this.#slowSyncs = count;
  }

  get authFailures(): number {
    return this.#replica.serving.statistics.authFailures;
  }

  get clientPorts(): ClientPortStatus {
    return this.#clientPorts;
  }

  /** The client ports are open. */
  tellPorts(ports: ClientPortStatus & { metrics(): Iterable<Metric> }): void {
    this.#clientPorts = ports;
    this.addMetrics(() => ports.metrics());
  }

  dataDirSize(): number {
    return folderSize(this.#dataDir.snapshotFolder);
  }

  logDirSize(): number {
    return folderSize(this.#dataDir.logFolder);
  }

  fileDescriptors(): { readonly open: number; readonly max: number } {
    try {
      // Newer kernels give their number as the folder's size; the others must list it, which with many takes milliseconds.
      const open = statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length;
      const limit = /Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'));
      return { open, max: limit === null ? -1 : Number(limit[1]) };
    } catch {
      return { open: -1, max: -1 };
    }
  }

  metrics(): Iterable<Metric> {
    const { serving } = this.#replica;
    const others = this.#metricSources.flatMap((source) => [...source()]);
    return [
      ...workMetrics(serving.statistics),
      ...quotaMetrics(serving.tree.quotas),
      ...ensembleNameMetrics(serving.authentication),
      ...overloadMetrics(serving.statistics.overload, this.#replica.clients.throttle.dropProbability),
      ...others,
    ];
  }

  /** Another part of the server has metrics to show. */
  addMetrics(source: () => Iterable<Metric>): void {
    this.#metricSources.push(source);
  }

  *connections(): Generator<ConnectionStatus> {
    for (const connection of this.#open()) yield this.#describe(connection);
  }

  sessionExpiry(): readonly ExpiryBucket<bigint>[] {
    const { serving } = this.#replica;
    const buckets = new Map<number, bigint[]>();
    serving.sessions.forEach((session) => {
      const at = serving.expiry.expiryOf(session.slot);
      if (at !== null) bucketOf(buckets, at).push(idOf(session));
    });
    return this.#inOrder(buckets);
  }

  connectionExpiry(): readonly ExpiryBucket<ConnectionStatus>[] {
    const buckets = new Map<number, ConnectionStatus[]>();
    for (const connection of this.#open()) {
      const at = connection.lastHeardMs + connection.timeoutMs;
      bucketOf(buckets, at).push(this.#describe(connection));
    }
    return this.#inOrder(buckets);
  }

  ephemerals(): Sized<readonly [session: bigint, paths: Iterable<string>]> {
    const { serving } = this.#replica;
    const owners: Session[] = [];
    serving.sessions.forEach((session) => {
      if (session.ephemerals !== null && session.ephemerals.size > 0) owners.push(session);
    });
    return { size: owners.length, [Symbol.iterator]: () => ownedBy(owners, serving) };
  }

  digests(): readonly TxnDigest[] {
    return this.#replica.serving.database.digests.entries;
  }

  watchSummary(): { readonly connections: number; readonly paths: number; readonly watches: number } {
    const { watches } = this.#replica.serving;
    return {
      connections: watches.dataConnectionCount,
      paths: watches.dataPathCount,
      watches: watches.dataWatchCount,
    };
  }

  *watchesBySession(): Generator<readonly [session: bigint, paths: Iterable<string>]> {
    for (const [id, paths] of this.#replica.serving.watches.dataConnections()) {
      const session = this.#sessionOf(id);
      if (session !== null) yield [idOf(session), paths];
    }
  }

  *watchesByPath(): Generator<readonly [path: string, sessions: readonly bigint[]]> {
    for (const [path, ids] of this.#replica.serving.watches.dataPaths()) {
      const sessions = ids.map((id) => this.#sessionOf(id)).filter((session) => session !== null);
      yield [path, sessions.map(idOf)];
    }
  }

  resetServerStats(): void {
    this.#replica.serving.statistics.reset();
  }

  resetConnectionStats(): void {
    for (const connection of this.#open()) connection.statistics.reset();
  }

  #open(): Connection[] {
    return this.#replica.serving.connections.filter((one) => one !== null && one !== undefined);
  }

  #sessionOf(id: number): Session | null {
    return this.#replica.serving.connections[id]?.session ?? null;
  }

  #describe(connection: Connection): ConnectionStatus {
    const { session, statistics, order } = connection;
    const link = this.#driver.link(connection.id);
    const idle = link === null || connection.state === 'closing';
    return {
      remoteAddress: connection.address,
      remotePort: link?.port ?? 0,
      isSecure: link?.isSecure ?? false,
      interestOps: idle ? 0 : READING | (link.unsentBytes > 0 ? WRITING : 0),
      outstanding: order.size,
      received: statistics.received,
      sent: statistics.sent,
      session:
        session === null
          ? null
          : {
              id: idOf(session),
              lastOperation: operationLetters(statistics.lastOpcode),
              establishedAt: connection.establishedWallMs,
              timeoutMs: connection.timeoutMs,
              lastCxid: statistics.lastCxid,
              lastZxid: statistics.lastZxid,
              lastResponseAt: statistics.lastResponseMs,
              lastLatencyMs: statistics.lastLatencyMs,
              latency: latencyOf(
                statistics.minLatencyMs,
                statistics.maxLatencyMs,
                statistics.totalLatencyMs,
                statistics.answers,
              ),
            },
    };
  }

  /** Buckets by monotonic time become buckets by wall time, in order. */
  #inOrder<Thing>(buckets: ReadonlyMap<number, Thing[]>): ExpiryBucket<Thing>[] {
    const toWall = this.#clock.wallMs() - this.#clock.monotonicMs();
    return [...buckets].sort(([a], [b]) => a - b).map(([at, things]) => ({ at: at + toWall, things }));
  }
}

function latencyOf(min: number, max: number, total: number, count: number): LatencyStatus {
  return count === 0 ? { min: 0, average: 0, max: 0 } : { min: Math.max(0, min), average: total / count, max };
}

function bucketOf<Thing>(buckets: Map<number, Thing[]>, at: number): Thing[] {
  const bucket = buckets.get(at) ?? [];
  buckets.set(at, bucket);
  return bucket;
}

/** What goes meanwhile may be missing. */
function* ownedBy(
  owners: readonly Session[],
  serving: Replica['serving'],
): Generator<readonly [session: bigint, paths: Iterable<string>]> {
  for (const owner of owners) yield [idOf(owner), ephemeralsOf(owner, serving)];
}

function* ephemeralsOf(owner: Session, serving: Replica['serving']): Generator<string> {
  for (const slot of [...(owner.ephemerals ?? [])]) {
    if (owner.ephemerals?.has(slot)) yield Buffer.from(serving.database.applier.pathOf(slot)).toString();
  }
}

function idOf(session: Session): bigint {
  return (BigInt(session.idHigh) << 32n) | BigInt(session.idLow >>> 0);
}

/** Bytes of the files in a folder. */
function folderSize(folder: string): number {
  let total = 0;
  for (const name of readdirSync(folder)) {
    try {
      total += statSync(`${folder}/${name}`).size;
    } catch {
      // Removed meanwhile by a purge.
    }
  }
  return total;
}

import type { TxnDigest } from '../core/tree/digest-log.ts';
import type { EnsembleFacts } from './ensemble-facts.ts';
import type { Metric } from './metrics/metric.ts';
import type { QuantileWindow } from './metrics/prometheus.ts';

/** Smallest, mean and largest of some times, in milliseconds; all 0 when there are none. */
export interface LatencyStatus {
  readonly min: number;
  readonly average: number;
  readonly max: number;
}

export interface ConnectionStatus {
  /** IP address, as Node writes it. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Whether it goes through TLS. */
  readonly isSecure: boolean;
  /** 1 while it is read, plus 4 while unsent output waits; 0 when it is closing (and for one that asks a word). */
  readonly interestOps: number;
  /** Requests without a reply. */
  readonly outstanding: number;
  readonly received: number;
  readonly sent: number;
  /** null before the handshake. */
  readonly session: SessionOfConnection | null;
}

export interface SessionOfConnection {
  readonly id: bigint;
  /** Four letters for the last operation (PING, GETD, SESS ...), NA for none. */
  readonly lastOperation: string;
  /** Wall clock, milliseconds since 1970. */
  readonly establishedAt: number;
  readonly timeoutMs: number;
  /** -1 or less: none yet. */
  readonly lastCxid: number;
  readonly lastZxid: number;
  /** Clock of the last reply, milliseconds; monotonic, as in Apache. */
  readonly lastResponseAt: number;
  readonly lastLatencyMs: number;
  readonly latency: LatencyStatus;
}

/** Things of which it is known beforehand how many there are. */
export interface Sized<Thing> extends Iterable<Thing> {
  readonly size: number;
}

/** A bucket of things that expire together. */
export interface ExpiryBucket<Thing> {
  /** Wall clock, milliseconds since 1970. */
  readonly at: number;
  readonly things: readonly Thing[];
}

/** What is known of the client ports and their TLS. Connections are counted since the start. */
export interface ClientPortStatus {
  /** -1: there is none. */
  readonly secureClientPort: number;
  /** TLS handshakes under way. */
  readonly outstandingHandshakes: number;
  /** Connections that their handshake did not let in. */
  readonly unsuccessfulHandshakes: number;
  /** Connections that were closed because too many handshakes were under way. */
  readonly exceededHandshakes: number;
  /** Connections from this machine, and from elsewhere, whose clients have shown no certificate. */
  readonly anonymousLocal: number;
  readonly anonymousRemote: number;
}

/** What the words `conf` and `dirs` show beside the configuration's own values. */
export interface ConfigurationStatus {
  readonly clientPort: number;
  /** The folders that hold the files, absolute: `.../version-2`. */
  readonly snapshotDir: string;
  readonly logDir: string;
  readonly tickTimeMs: number;
  readonly maxClientCnxns: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly clientPortListenBacklog: number;
}

/**
 * What the operators' commands may ask of a serving server. Properties are cheap; methods may walk over everything the
 * server holds, and are called only by the words that need them.
 */
export interface ServerStatus {
  readonly mode: 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only' | 'looking';
  /** null on a standalone server. */
  readonly ensemble: EnsembleFacts | null;
  readonly latency: LatencyStatus;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly connectionCount: number;
  readonly outstandingRequests: number;
  readonly lastZxid: number;
  readonly znodeCount: number;
  readonly watchCount: number;
  readonly ephemeralCount: number;
  /** Bytes of all paths and data. */
  readonly approximateDataSize: number;
  readonly sessionCount: number;
  readonly uptimeMs: number;
  /** Bytes of replies; -1 before the first. */
  readonly responseSize: { readonly last: number; readonly min: number; readonly max: number };
  readonly authFailures: number;
  /** Syncs of the log beyond fsync.warningthresholdms. */
  readonly slowSyncs: number;
  readonly clientPorts: ClientPortStatus;
  readonly configuration: ConfigurationStatus;
  dataDirSize(): number;
  logDirSize(): number;
  /** Open and allowed file descriptors of the process; -1 when unknown. */
  fileDescriptors(): { readonly open: number; readonly max: number };
  /** What is counted, beside what the properties tell. */
  metrics(): Iterable<Metric>;
  /** The form of what `mntr` tells: Apache's usual one, that of its Prometheus provider, or nothing but the mode. */
  readonly metricsProvider: 'default' | 'null' | QuantileWindow;
  connections(): Iterable<ConnectionStatus>;
  /** Sessions by the time they expire at, in ascending order. */
  sessionExpiry(): readonly ExpiryBucket<bigint>[];
  /** Connections by the time they are dropped at if they stay silent, in ascending order. */
  connectionExpiry(): readonly ExpiryBucket<ConnectionStatus>[];
  /** The tree's digest after every 128th txn, oldest first. */
  digests(): readonly TxnDigest[];
  watchSummary(): { readonly connections: number; readonly paths: number; readonly watches: number };
  /** These three may be gone through bit by bit while the server goes on. */
  ephemerals(): Sized<readonly [session: bigint, paths: Iterable<string>]>;
  watchesBySession(): Iterable<readonly [session: bigint, paths: Iterable<string>]>;
  watchesByPath(): Iterable<readonly [path: string, sessions: readonly bigint[]]>;
  /** Forgets latencies and packet counts of the server. */
  resetServerStats(): void;
  /** The same of every connection. */
  resetConnectionStats(): void;
}

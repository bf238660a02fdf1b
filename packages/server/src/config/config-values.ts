import type { FourLetterName } from '@headkeeper/protocol';
import type { AdminValues } from './admin-values.ts';
import type { AuditValues } from './audit-values.ts';
import type { AuthValues } from './auth-values.ts';
import type { BackupValues } from './backup-values.ts';
import type { ClientTlsValues } from './client-tls-values.ts';
import type { EnsembleValues } from './ensemble-values.ts';
import type { InsightValues } from './insight-values.ts';
import type { LimitsValues } from './limits-values.ts';
import type { MetricsValues } from './metrics-values.ts';
import type { QuorumSecurityValues } from './quorum-security-values.ts';
import type { StorageValues } from './storage-values.ts';

export type SessionPasswordMode = 'apache' | 'keyed';
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** The values of all settings. Times in milliseconds, sizes in bytes, whatever unit the file uses. */
export interface ConfigValues
  extends EnsembleValues,
    QuorumSecurityValues,
    BackupValues,
    AdminValues,
    AuditValues,
    InsightValues,
    LimitsValues,
    MetricsValues,
    StorageValues,
    ClientTlsValues,
    AuthValues {
  readonly tickTimeMs: number;
  readonly dataDir: string;
  readonly dataLogDir: string;
  /** -1: there is none; 0: any free port. */
  readonly clientPort: number;
  /** null: all addresses. */
  readonly clientPortAddress: string | null;
  /** -1: the operating system's default. */
  readonly clientPortListenBacklog: number;
  readonly clientTcpKeepAlive: boolean;
  /** Connections of one address; 0 or less: no limit. */
  readonly maxClientCnxns: number;
  /** All connections; 0 or less: no limit. */
  readonly maxCnxns: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly sessionlessConnectionTimeoutMs: number;
  readonly juteMaxBuffer: number;
  readonly juteMaxBufferExtra: number;
  readonly purgeSnapRetainCount: number;
  /** 0: never. */
  readonly purgeIntervalMs: number;
  readonly snapCount: number;
  /** 0 or less: no limit. */
  readonly snapSizeLimitBytes: number;
  /** 0 or less: log files are not extended ahead of their writer. */
  readonly preAllocBytes: number;
  readonly flushDelayMs: number;
  readonly maxBatchSize: number;
  readonly digestEnabled: boolean;
  readonly serializeLastProcessedZxid: boolean;
  readonly snapshotTrustEmpty: boolean;
  readonly dataDirAutocreate: boolean;
  readonly dbAutocreate: boolean;
  readonly extendedTypesEnabled: boolean;
  readonly emulate353TTLNodes: boolean;
  readonly containerCheckIntervalMs: number;
  readonly containerMaxPerMinute: number;
  /** 0: a container that never had a child is kept. */
  readonly containerMaxNeverUsedIntervalMs: number;
  readonly enforceQuota: boolean;
  readonly skipAcl: boolean;
  /** `user:base64`, or null when there is no superuser. */
  readonly superDigest: string | null;
  /** Java name of a message digest. */
  readonly digestAlgorithm: string;
  /** `default`: keyed in a data directory that Headkeeper created, apache in one of Apache's. */
  readonly sessionPasswordIssue: SessionPasswordMode | 'default';
  /** `default`: the kind that is issued. */
  readonly sessionPasswordAccept: readonly SessionPasswordMode[] | 'default';
  readonly fourLetterWords: readonly FourLetterName[];
  readonly logLevel: LogLevel;
  /** Whether the server looks at its file every few seconds, and reloads it when it has changed. */
  readonly configWatch: boolean;
}

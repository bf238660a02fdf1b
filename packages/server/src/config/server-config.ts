import type { EnsembleSettings } from '../core/ensemble-settings.ts';
import type { AuthenticationSettings, CoreSettings, LiveCoreSettings, OverloadSettings } from '../core/settings.ts';
import { enforcedSchemes, knownSchemes } from './auth-families.ts';
import type { ConfigValues } from './config-values.ts';
import { LIMITS_SETTINGS } from './limits-schema.ts';
import type { LimitsValues } from './limits-values.ts';
import { parseServerConfig } from './parse.ts';
import { CHEAP_READING_WORDS, type ServerConfig, type SessionPasswordMode } from './schema.ts';
import type { SystemProperty } from './system-properties.ts';

/** What the core needs and the configuration cannot say: drawn or decided at start. */
export interface CoreStartValues {
  /** Seeds the hash of paths. */
  readonly hashSeed: number;
  /** Secret of keyed session passwords, at least 16 bytes. */
  readonly sessionPasswordKey: Uint8Array;
  /** What `default` means for this data directory. */
  readonly defaultSessionPassword: SessionPasswordMode;
  /** Whether SASL users can log in; by default they cannot. */
  readonly logsIn?: boolean;
}

/** Server id of a standalone server: Apache's puts it, too, into the top byte of session ids. */
const STANDALONE_SERVER_ID = 1;

/**
 * The configuration of `headkeeper server` without a file: loopback only, data in `dataDir`, every four-letter word that
 * only reads and costs little, old snapshots purged every hour.
 */
export function defaultServerConfig(dataDir: string, properties: readonly SystemProperty[] = []): ServerConfig {
  const embedded = [
    'clientPort=2181',
    'clientPortAddress=127.0.0.1',
    'tickTime=2000',
    'autopurge.purgeInterval=1',
    `4lw.commands.whitelist=${CHEAP_READING_WORDS.join(',')}`,
  ].join('\n');
  const folder: SystemProperty = { name: 'dataDir', value: dataDir, origin: 'the default', overridesFile: false };
  return parseServerConfig(embedded, { file: null, properties: [folder, ...properties] });
}

/** The part of a configuration that the core works by. */
export function toCoreSettings(config: ServerConfig, start: CoreStartValues): CoreSettings {
  const issue = config.sessionPasswordIssue === 'default' ? start.defaultSessionPassword : config.sessionPasswordIssue;
  return {
    serverId: config.ensemble?.sid ?? STANDALONE_SERVER_ID,
    overload: toOverloadSettings(config),
    tickTimeMs: config.tickTimeMs,
    minSessionTimeoutMs: config.minSessionTimeoutMs,
    maxSessionTimeoutMs: config.maxSessionTimeoutMs,
    juteMaxBuffer: config.juteMaxBuffer,
    juteMaxBufferExtra: config.juteMaxBufferExtra,
    extendedTypesEnabled: config.extendedTypesEnabled,
    emulate353TTLNodes: config.emulate353TTLNodes,
    enforceQuota: config.enforceQuota,
    skipAcl: config.skipAcl,
    superDigest: config.superDigest,
    digestAlgorithm: config.digestAlgorithm,
    authentication: toAuthenticationSettings(config, start.logsIn ?? false),
    digestEnabled: config.digestEnabled,
    serializeLastProcessedZxid: config.serializeLastProcessedZxid,
    closeSessionTxn: config.closeSessionTxn,
    reconfigEnabled: config.reconfigEnabled,
    containerCheckIntervalMs: config.containerCheckIntervalMs,
    containerMaxPerMinute: config.containerMaxPerMinute,
    containerMaxNeverUsedIntervalMs: config.containerMaxNeverUsedIntervalMs,
    sessionPasswordIssue: issue,
    sessionPasswordAccept: config.sessionPasswordAccept === 'default' ? [issue] : config.sessionPasswordAccept,
    sessionPasswordKey: start.sessionPasswordKey,
    localSessionsEnabled: config.ensemble !== null && config.localSessions,
    localSessionUpgrading: config.localSessionUpgrading,
    commitLogCount: config.ensemble === null ? 0 : config.commitLogCount,
    snapCount: config.snapCount,
    snapSizeLimitBytes: config.snapSizeLimitBytes,
    hashSeed: start.hashSeed,
  };
}

/** The settings that `toOverloadSettings` is made of. */
export const OVERLOAD_SETTINGS: readonly (keyof ConfigValues)[] = [
  'sessionlessConnectionTimeoutMs',
  ...(Object.keys(LIMITS_SETTINGS) as (keyof LimitsValues)[]),
];

/** The settings that the core can change while it runs: `toLiveCoreSettings`. */
export const LIVE_CORE_SETTINGS: readonly (keyof LiveCoreSettings)[] = [
  'minSessionTimeoutMs',
  'maxSessionTimeoutMs',
  'enforceQuota',
  'superDigest',
  'containerCheckIntervalMs',
  'containerMaxPerMinute',
  'containerMaxNeverUsedIntervalMs',
  'snapCount',
  'snapSizeLimitBytes',
];

/** The part of a configuration that the core can change while it runs. */
export function toLiveCoreSettings(config: ServerConfig): LiveCoreSettings {
  return Object.fromEntries(LIVE_CORE_SETTINGS.map((name) => [name, config[name]])) as unknown as LiveCoreSettings;
}

function toAuthenticationSettings(config: ServerConfig, logsIn: boolean): AuthenticationSettings {
  return Object.freeze<AuthenticationSettings>({
    schemes: knownSchemes(config, config.auth, logsIn),
    ensembleNames: new Set(config.ensembleNames),
    saslSuperUsers: config.auth.saslSuperUsers,
    enforcedSchemes: new Set(enforcedSchemes(config)),
    allowsSaslFailedClients: config.allowSaslFailedClients,
    checksAclEagerly: config.ensemble !== null && config.eagerAclCheck,
  });
}

/** What an operator can set of the core's limits: an object of its own, which may be changed while the server runs. */
export function toOverloadSettings(config: ServerConfig): OverloadSettings {
  return {
    handshakeMs: config.sessionlessConnectionTimeoutMs,
    outstandingRequests: config.globalOutstandingLimit,
    requestLimit: config.requestThrottleLimit,
    dropsStale: config.requestThrottleDropStale,
    staleByLatency: config.requestStaleLatencyCheck,
    staleByConnection: config.requestStaleConnectionCheck,
    throttledOpWaitMs: config.throttledOpWaitTimeMs,
    largeRequestBytes: config.largeRequestThreshold,
    largeRequestsBytes: config.largeRequestMaxBytes,
    connections: {
      tokens: config.connectionMaxTokens,
      fillTimeMs: config.connectionTokenFillTimeMs,
      fillCount: config.connectionTokenFillCount,
      freezeMs: config.connectionFreezeTimeMs,
      dropIncrease: config.connectionDropIncrease,
      dropDecrease: config.connectionDropDecrease,
      decreaseRatio: config.connectionDecreaseRatio,
      isWeighted: config.connectionWeightEnabled,
      globalWeight: config.connectionGlobalSessionWeight,
      localWeight: config.connectionLocalSessionWeight,
      renewWeight: config.connectionRenewSessionWeight,
    },
  };
}

/** What the core of an ensemble's server works by, beside `toCoreSettings`; null for a standalone server. */
export function toEnsembleSettings(config: ServerConfig): EnsembleSettings | null {
  const { ensemble } = config;
  if (ensemble === null) return null;
  return Object.freeze<EnsembleSettings>({
    sid: ensemble.sid,
    tickTimeMs: config.tickTimeMs,
    initLimitTicks: config.initLimitTicks,
    syncLimitTicks: config.syncLimitTicks,
    connectLimitTicks: config.connectLimitTicks,
    connectRetryDelayMs: config.connectRetryDelayMs,
    observer: ensemble.observer,
    membership: ensemble.membership,
    lastSeen: ensemble.lastSeen,
    reconfigEnabled: config.reconfigEnabled,
    singleVoterAllowed: !config.standaloneEnabled,
    localSessions: config.localSessions,
    localSessionUpgrading: config.localSessionUpgrading,
    leaderServes: config.leaderServes,
    readOnlyMode: config.readOnlyMode,
    commitLogCount: config.commitLogCount,
    snapshotSizeFactor: config.snapshotSizeFactor,
    forceSnapshotSync: config.forceSnapshotSync,
    maxTimeToWaitForEpochMs: config.maxTimeToWaitForEpochMs,
    minNotificationIntervalMs: config.minNotificationIntervalMs,
    maxNotificationIntervalMs: config.maxNotificationIntervalMs,
    observerMasterPort: config.observerMasterPort,
    observerMasterSizeLimit: config.observerMasterSizeLimit,
    multiAddress: config.multiAddress,
    oraclePath: config.oraclePath,
  });
}

import { type CoreSettings, NO_THROTTLES, PLAIN_AUTHENTICATION } from '../core/settings.ts';
import { limits } from '../limits.ts';

/**
 * What the core must know to read a history and write a snapshot of it. Nothing is served, so most of it does not matter.
 * `juteMaxBuffer`: that of the server, bytes.
 */
export function repairSettings(juteMaxBuffer: number = limits.juteMaxBuffer): CoreSettings {
  return Object.freeze<CoreSettings>({
    serverId: 1,
    tickTimeMs: 2000,
    minSessionTimeoutMs: 4000,
    maxSessionTimeoutMs: 40_000,
    juteMaxBuffer,
    juteMaxBufferExtra: Math.max(1024, juteMaxBuffer),
    // The owner of a TTL znode is kept as it is, whether the server knows such znodes or not.
    extendedTypesEnabled: true,
    emulate353TTLNodes: false,
    enforceQuota: false,
    skipAcl: true,
    superDigest: null,
    digestAlgorithm: 'SHA1',
    authentication: PLAIN_AUTHENTICATION,
    digestEnabled: true,
    closeSessionTxn: true,
    serializeLastProcessedZxid: true,
    reconfigEnabled: false,
    localSessionsEnabled: false,
    localSessionUpgrading: false,
    containerCheckIntervalMs: 60_000,
    containerMaxPerMinute: 10_000,
    containerMaxNeverUsedIntervalMs: 0,
    sessionPasswordIssue: 'apache',
    sessionPasswordAccept: ['apache'],
    sessionPasswordKey: new Uint8Array(32),
    snapCount: 100_000,
    snapSizeLimitBytes: 0,
    commitLogCount: 0,
    hashSeed: 0,
    overload: NO_THROTTLES,
  });
}

import type { EnsembleSettings } from '../../src/core/ensemble-settings.ts';
import type { Membership } from '../../src/core/membership/membership.ts';
import type { CoreSettings } from '../../src/core/settings.ts';

/** The defaults, but for timers that would disturb a replay, and a superuser. */
export const CORE_SETTINGS: CoreSettings = {
  serverId: 1,
  tickTimeMs: 2000,
  minSessionTimeoutMs: 4000,
  maxSessionTimeoutMs: 40_000,
  juteMaxBuffer: 1_048_575,
  juteMaxBufferExtra: 1_048_575,
  extendedTypesEnabled: true,
  emulate353TTLNodes: false,
  enforceQuota: false,
  skipAcl: false,
  superDigest: 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
  digestAlgorithm: 'SHA1',
  digestEnabled: true,
  serializeLastProcessedZxid: true,
  reconfigEnabled: false,
  localSessionsEnabled: false,
  localSessionUpgrading: false,
  commitLogCount: 500,
  containerCheckIntervalMs: 1e9,
  containerMaxPerMinute: 10_000,
  containerMaxNeverUsedIntervalMs: 0,
  sessionPasswordIssue: 'apache',
  sessionPasswordAccept: ['apache', 'keyed'],
  sessionPasswordKey: new Uint8Array(32).fill(7),
  snapCount: 100_000,
  snapSizeLimitBytes: 0,
  hashSeed: 0x5eed,
};

/** The settings of the captured servers. */
export function ensembleSettings(sid: number, membership: Membership, lastSeen: Membership): EnsembleSettings {
  return {
    sid,
    tickTimeMs: 2000,
    initLimitTicks: 10,
    syncLimitTicks: 5,
    connectLimitTicks: 10,
    connectRetryDelayMs: 100,
    observer: false,
    membership,
    lastSeen,
    reconfigEnabled: false,
    singleVoterAllowed: true,
    localSessions: false,
    localSessionUpgrading: false,
    leaderServes: true,
    readOnlyMode: false,
    commitLogCount: 500,
    snapshotSizeFactor: 0.33,
    forceSnapshotSync: false,
    maxTimeToWaitForEpochMs: null,
    minNotificationIntervalMs: 200,
    maxNotificationIntervalMs: 60_000,
    observerMasterPort: null,
    observerMasterSizeLimit: 1 << 20,
    multiAddress: false,
    oraclePath: null,
  };
}

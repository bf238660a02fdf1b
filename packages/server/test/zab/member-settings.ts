import { CORE_SETTINGS as DEFAULTS } from '@headkeeper/testkit';
import type { EnsembleSettings } from '../../src/core/ensemble-settings.ts';
import type { Membership } from '../../src/core/membership/membership.ts';
import type { CoreSettings } from '../../src/core/settings.ts';

/** Without timers that would disturb a replay, with a superuser. */
export const CORE_SETTINGS: CoreSettings = {
  ...DEFAULTS,
  enforceQuota: false,
  superDigest: 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
  commitLogCount: 500,
  containerCheckIntervalMs: 1e9,
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

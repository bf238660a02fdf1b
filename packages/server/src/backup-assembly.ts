import type { DataDir } from './adapters/disk/data-dir.ts';
import { createTimers } from './adapters/system/timers.ts';
import type { Rank } from './backup/duty/candidates.ts';
import { DutyKeeper } from './backup/duty/duty-keeper.ts';
import type { BackupLog } from './backup/ship/announcer.ts';
import { BackupService } from './backup/ship/backup-service.ts';
import type { FullDone } from './backup/ship/messages.ts';
import type { ShipSettings } from './backup/ship/ship-settings.ts';
import { SnapshotOrders } from './backup/ship/snapshot-orders.ts';
import { startWorker } from './backup/ship/worker-host.ts';
import type { BackupStatus } from './backup/status.ts';
import type { BackupRole } from './config/backup-values.ts';
import type { ServerConfig } from './config/schema.ts';
import type { Member } from './core/member.ts';
import type { Replica } from './core/replica.ts';
import type { Leading } from './core/roles/leading.ts';
import type { Driver } from './driver/driver.ts';
import type { Clock } from './ports.ts';

/** The parts of a server that its backups look at. */
export interface BackedUpServer {
  readonly replica: Replica;
  readonly driver: Driver;
  readonly dataDir: DataDir;
  readonly clock: Clock;
  /** `written` hears of every snapshot that is complete. */
  watchSnapshots(written: (zxid: number) => void): void;
}

/** The backups of a running server. */
export interface RunningBackups {
  status(): BackupStatus;
  /** Takes a full backup now; resolves once it is safe. Rejects with what an operator should know. */
  backupNow(): Promise<FullDone>;
  /** The log is needed from this zxid on, because it is not shipped; null: it need not be kept. */
  readonly logsNeededFrom: number | null;
  /** Lets another server have the duty; to be called while the driver still runs. */
  leave(): void;
  /** Ships what is committed, if that is soon done, and ends; to be called when the driver has stopped. */
  stop(): Promise<void>;
}

const RANKS: { readonly [Role in Member['role']['name']]: Rank | null } = {
  looking: null,
  observing: 0,
  following: 1,
  leading: 2,
};
const WORST_RANK: { readonly [Role in BackupRole]: Rank } = { any: 2, follower: 1, observer: 0 };

/** What targets read of the environment. */
const VARIABLES = 'AWS_';

/** Begins the backups of a server that serves; null when none are configured. `environment`: where credentials are. */
export function startBackups(
  config: ServerConfig,
  server: BackedUpServer,
  log: BackupLog,
  environment: Readonly<Record<string, string | undefined>>,
): RunningBackups | null {
  const { backupTarget } = config;
  if (backupTarget === null) return null;
  const { replica, driver, clock } = server;
  const timers = createTimers();
  const { member } = replica;
  const isSettled = (): boolean =>
    !driver.isChangingHistory && (member === null || (replica.clients.areServed && !replica.clients.isReadOnly));
  const committedZxid = (): number | null =>
    // Without a leader nobody knows whether the end of the log is committed.
    isSettled() ? Math.min(replica.serving.lastZxid, replica.pipeline.durableZxid) : null;
  const snapshots = new SnapshotOrders({ driver, replica, timers, isSettled });
  server.watchSnapshots((zxid) => snapshots.written(zxid));
  const service = new BackupService({
    settings: { ...shipSettings(config, backupTarget, server.dataDir, member), environment: variablesOf(environment) },
    committedZxid,
    snapshot: () => snapshots.order(),
    startWorker,
    clock,
    timers,
    log,
  });
  let keeper: DutyKeeper | null = null;
  if (member === null) service.setDuty('shipping', 'this server');
  else {
    let rank: Rank | null = null;
    keeper = new DutyKeeper({
      door: driver,
      clock,
      timers,
      sid: member.stage.settings.sid,
      rank: () => {
        // An election that is soon over changes nothing.
        rank = RANKS[member.role.name] ?? rank;
        return rank !== null && rank <= WORST_RANK[config.backupRole] ? rank : null;
      },
      isServed: isSettled,
      isMember: (sid) => member.stage.committed.members.has(sid),
      connected: () => connectedWith(member),
      changed: (duty, shipper) => service.setDuty(duty, shipper),
    });
  }
  return {
    status: () => service.status(),
    backupNow: () => service.backupNow(),
    get logsNeededFrom() {
      return service.logsNeededFrom;
    },
    leave: () => keeper?.stop(),
    stop: () => service.stop(),
  };
}

/** The servers that take part under this leader, itself included; null when this server does not lead. */
function connectedWith({ role, stage }: Member): ReadonlySet<number> | null {
  if (role.name !== 'leading') return null;
  const sids = new Set([stage.settings.sid]);
  for (const { sid, stage: progress } of (role as Leading).learners) if (progress === 'live') sids.add(sid);
  return sids;
}

function shipSettings(
  config: ServerConfig,
  backupTarget: string,
  dataDir: DataDir,
  member: Member | null,
): Omit<ShipSettings, 'environment'> {
  return {
    policy: {
      backupTarget,
      backupS3Endpoint: config.backupS3Endpoint,
      backupS3Region: config.backupS3Region,
      backupS3PathStyle: config.backupS3PathStyle,
      backupFullIntervalMs: config.backupFullIntervalMs,
      backupExposureMs: config.backupExposureMs,
      backupKeepCount: config.backupKeepCount,
      backupKeepDays: config.backupKeepDays,
      backupKeepHourly: config.backupKeepHourly,
      backupKeepDaily: config.backupKeepDaily,
      backupKeepWeekly: config.backupKeepWeekly,
      backupCompression: config.backupCompression,
      backupKeyFile: config.backupKeyFile,
      backupBandwidth: config.backupBandwidth,
      backupRole: config.backupRole,
    },
    folders: {
      dataDir: parentOf(dataDir.snapshotFolder),
      dataLogDir: parentOf(dataDir.logFolder),
      snapshotFolder: dataDir.snapshotFolder,
      logFolder: dataDir.logFolder,
    },
    name: member === null ? 'standalone server' : `server ${member.stage.settings.sid}`,
  };
}

function variablesOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith(VARIABLES) && value !== undefined) variables[name] = value;
  }
  return variables;
}

/** The folder above `version-2`. */
function parentOf(folder: string): string {
  return folder.slice(0, folder.lastIndexOf('/'));
}

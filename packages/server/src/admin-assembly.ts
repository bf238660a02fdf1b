import { readdirSync, readFileSync, statSync } from 'node:fs';
import { clientAddress } from './adapters/client/address.ts';
import type { DataDir } from './adapters/disk/data-dir.ts';
import { zxidOfName } from './adapters/disk/file-names.ts';
import { createNodeDisk } from './adapters/disk/node-disk.ts';
import { readSnapshotFile, snapshotPath } from './adapters/disk/snapshot-stream.ts';
import { createWaitingRoom } from './adapters/disk/waiting-room.ts';
import { createTimers } from './adapters/system/timers.ts';
import { Access, isLoopback } from './admin/http/access.ts';
import { AdminMetrics } from './admin/http/admin-metrics.ts';
import { AdminServer, type CallFacts } from './admin/http/admin-server.ts';
import type { Refusal } from './admin/http/authorization.ts';
import { backupCommand } from './admin/http/backup-command.ts';
import type { AdminCall } from './admin/http/command.ts';
import { withoutSecrets } from './admin/http/configuration-text.ts';
import { type Insight, insightCommands } from './admin/http/insight-commands.ts';
import { type OperatorDoors, operatorCommands } from './admin/http/operator-commands.ts';
import { restoreCommand } from './admin/http/restore-command.ts';
import { snapshotCommand } from './admin/http/snapshot-command.ts';
import { SnapshotTaker } from './admin/http/snapshot-taker.ts';
import type { StandaloneStatus } from './admin/standalone-status.ts';
import { ANNOUNCED_VERSION, HEADKEEPER_VERSION } from './admin/version.ts';
import { type OpenAdminTls, readinessChecks, serverDoors } from './admin-doors.ts';
import type { BackupStatus } from './backup/status.ts';
import { dumpConfig } from './config/dump.ts';
import type { LiveSettings } from './config/live-settings.ts';
import type { ServerConfig } from './config/schema.ts';
import type { Replica } from './core/replica.ts';
import type { Driver } from './driver/driver.ts';
import type { Clock } from './ports.ts';
import { StateRestore } from './restore/state-restore.ts';

/** What the operators' HTTP server stands on. */
export interface AdminParts {
  readonly replica: Replica;
  readonly driver: Driver;
  readonly dataDir: DataDir;
  readonly clock: Clock;
  readonly live: LiveSettings;
  readonly status: StandaloneStatus;
  /** The exposition for Prometheus. */
  readonly metricsText: () => string;
  /** Whether clients are served. */
  readonly isServing: () => boolean;
  /** `written` hears of every snapshot that is complete. */
  readonly watchSnapshots: (written: (zxid: number) => void) => void;
  /** How the backups are getting on; null: there are none. */
  readonly backupStatus: () => BackupStatus | null;
  /** Begins a full backup; null where there are none. */
  readonly backupNow: (() => void) | null;
  readonly insight: Insight;
  /** null: plain HTTP alone. */
  readonly secured: OpenAdminTls | null;
  /** null: the log is somebody else's. */
  readonly logLevel: OperatorDoors['logLevel'];
  readonly reload: OperatorDoors['reload'];
  /** Hears of the calls that do something. */
  readonly called: (facts: CallFacts) => void;
  readonly log: {
    info(facts: object, message: string): void;
    warn(facts: object, message: string): void;
  };
}

export interface RunningAdmin {
  /** null: it is off, or could not have its port. */
  readonly address: { readonly host: string; readonly port: number } | null;
  stop(): void;
}

const DEFAULT_PORT = 8080;
const OFF: RunningAdmin = { address: null, stop: () => {} };

/** Starts the operators' HTTP server, if it is on. A port that cannot be had is told, and the server goes on without. */
export async function startAdmin(config: ServerConfig, parts: AdminParts): Promise<RunningAdmin> {
  const { replica, driver, dataDir, clock, status, secured, isServing, log } = parts;
  const disk = createNodeDisk();
  const room = createWaitingRoom(disk, dataDir.snapshotFolder);
  // What a crash left of a restore may be large.
  room.clear();
  const metrics = new AdminMetrics();
  status.addMetrics(() => metrics.metrics());
  if (!config.adminEnabled) return OFF;
  const access = new Access({
    remoteAccess: config.adminRemoteAccess,
    proxies: config.adminUseForwardedFor ? config.adminTrustedProxies : [],
    serving: () => replica.serving,
  });
  const authorize = ({ caller, request }: AdminCall): Refusal | null =>
    access.refusal(caller, request.headers.authorization);
  const unavailable = (): string | null =>
    isServing() && !driver.isChangingHistory ? null : 'this server does not serve at the moment: try again';
  const taker = new SnapshotTaker({
    pathOf: (zxid) => snapshotPath(dataDir.snapshotFolder, zxid),
    clock,
    lastZxid: () => replica.serving.lastZxid,
    isRunning: () => replica.snapshotRunning,
    begin: () => {
      if (unavailable() === null) driver.snapshot();
    },
  });
  parts.watchSnapshots((zxid) => taker.written(zxid));
  const restore = new StateRestore({
    ...{ replica, driver, disk, room, clock },
    timers: createTimers(),
    history: dataDir.history,
    note: (message) => log.info({}, message),
  });
  const gate = {
    intervalMs: config.adminRateLimiterIntervalMs,
    namesZxid: config.serializeLastProcessedZxid,
    clock,
    metrics,
    authorize,
  };
  const doors: OperatorDoors = {
    ...serverDoors(replica, driver, status),
    snapshot: () => {
      const reason = unavailable();
      return reason === null ? taker.take() : Promise.reject(new Error(reason));
    },
    logLevel: parts.logLevel,
    reload: parts.reload,
    settings: () => dumpConfig(parts.live.current),
    positions: () => ({
      logged: replica.pipeline.appendedZxid,
      durable: replica.pipeline.durableZxid,
      applied: replica.serving.lastZxid,
      snapshot: lastSnapshot(dataDir.snapshotFolder)?.zxid ?? null,
    }),
    uptimeMs: () => status.uptimeMs,
    versions: { own: HEADKEEPER_VERSION, announced: ANNOUNCED_VERSION },
  };
  const server = new AdminServer({
    host: config.adminServerAddress,
    port: config.adminServerPort ?? DEFAULT_PORT,
    commandUrl: config.adminCommandUrl,
    idleTimeoutMs: config.adminIdleTimeoutMs,
    tls: secured?.tls ?? null,
    clock,
    access,
    addressOf: clientAddress,
    facts: {
      status,
      initialConfiguration: config.file === null ? null : withoutSecrets(readFileSync(config.file, 'latin1')),
      lastSnapshot: () => lastSnapshot(dataDir.snapshotFolder),
    },
    isServing,
    livez: [{ name: 'loop', fault: async () => null }],
    readyz: readinessChecks(status, isServing, [dataDir.snapshotFolder, dataDir.logFolder]),
    metricsText: parts.metricsText,
    commands: [
      snapshotCommand({
        ...gate,
        enabled: config.adminSnapshotEnabled,
        idleTimeoutMs: config.adminIdleTimeoutMs,
        unavailable,
        take: () => taker.take(),
        read: readSnapshotFile,
      }),
      restoreCommand({
        ...gate,
        enabled: config.adminRestoreEnabled,
        obstacle: () => restore.obstacle?.message ?? null,
        restore: (fill) => restore.run(fill),
        log,
      }),
      backupCommand({ status: parts.backupStatus, backupNow: parts.backupNow, authorize }),
      ...operatorCommands(doors, authorize),
      ...insightCommands(parts.insight, authorize),
    ],
    called: parts.called,
    insecure: () => metrics.insecureCalls++,
    failed: (command, error) => log.warn({ command }, `an operator's command failed: ${error.message}`),
  });
  try {
    const address = await server.listen();
    log.info({ ...address, tls: secured !== null }, `operators' commands at ${config.adminCommandUrl}`);
    warnOfExposure(config, secured !== null, log);
    return {
      address,
      stop: () => {
        taker.stop();
        secured?.stop();
        server.stop();
      },
    };
  } catch (error) {
    const port = config.adminServerPort ?? DEFAULT_PORT;
    log.warn(
      { host: config.adminServerAddress, port },
      `the operators' HTTP server is off: it cannot listen there: ${(error as Error).message}; set admin.serverPort`,
    );
    return OFF;
  }
}

/** Says what a port that other machines can reach means. */
function warnOfExposure(config: ServerConfig, isSecured: boolean, log: AdminParts['log']): void {
  const { adminServerAddress: host, adminRemoteAccess } = config;
  if (isLoopback(host)) return;
  if (adminRemoteAccess === 'apache') {
    log.warn(
      { host },
      "the operators' HTTP server shows sessions, addresses and paths to everybody who reaches it (admin.remoteAccess=apache)",
    );
  } else if (!isSecured) {
    log.warn(
      { host },
      "other machines get /livez and /readyz of the operators' HTTP server and nothing else: set admin.forceHttps=true and " +
        'ssl.quorum.keyStore.location for the rest',
    );
  }
}

function lastSnapshot(folder: string): { readonly zxid: number; readonly takenMs: number } | null {
  let newest: { readonly zxid: number; readonly name: string } | null = null;
  for (const name of readdirSync(folder)) {
    const zxid = zxidOfName('snapshot', name);
    if (zxid !== null && zxid >= (newest?.zxid ?? 0)) newest = { zxid, name };
  }
  return newest === null ? null : { zxid: newest.zxid, takenMs: statSync(`${folder}/${newest.name}`).mtimeMs };
}

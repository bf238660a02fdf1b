import { readdirSync, readFileSync, statSync } from 'node:fs';
import { clientAddress } from './adapters/client/address.ts';
import type { DataDir } from './adapters/disk/data-dir.ts';
import { zxidOfName } from './adapters/disk/file-names.ts';
import { createNodeDisk } from './adapters/disk/node-disk.ts';
import { readSnapshotFile, snapshotPath } from './adapters/disk/snapshot-stream.ts';
import { createWaitingRoom } from './adapters/disk/waiting-room.ts';
import { createTimers } from './adapters/system/timers.ts';
import { AdminMetrics } from './admin/http/admin-metrics.ts';
import { type AdminCall, AdminServer } from './admin/http/admin-server.ts';
import { type Refusal, refusalOf } from './admin/http/authorization.ts';
import { backupCommand } from './admin/http/backup-command.ts';
import { withoutSecrets } from './admin/http/configuration-text.ts';
import { restoreCommand } from './admin/http/restore-command.ts';
import { snapshotCommand } from './admin/http/snapshot-command.ts';
import { SnapshotTaker } from './admin/http/snapshot-taker.ts';
import type { StandaloneStatus } from './admin/standalone-status.ts';
import type { BackupStatus } from './backup/status.ts';
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
  readonly status: StandaloneStatus;
  /** Whether clients are served. */
  readonly isServing: () => boolean;
  /** `written` hears of every snapshot that is complete. */
  readonly watchSnapshots: (written: (zxid: number) => void) => void;
  /** How the backups are getting on; null: there are none. */
  readonly backupStatus: () => BackupStatus | null;
  /** Begins a full backup; null where there are none. */
  readonly backupNow: (() => void) | null;
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
  const { replica, driver, dataDir, clock, status, isServing, log } = parts;
  const disk = createNodeDisk();
  const room = createWaitingRoom(disk, dataDir.snapshotFolder);
  // What a crash left of a restore may be large.
  room.clear();
  const metrics = new AdminMetrics();
  status.addMetrics(() => metrics.metrics());
  if (!config.adminEnabled) return OFF;
  const authorize = (call: AdminCall): Refusal | null => {
    const address = clientAddress(call.request.socket.remoteAddress ?? '');
    return refusalOf(call.request.headers.authorization, address, replica.serving);
  };
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
  const server = new AdminServer({
    host: config.adminServerAddress,
    port: config.adminServerPort ?? DEFAULT_PORT,
    commandUrl: config.adminCommandUrl,
    idleTimeoutMs: config.adminIdleTimeoutMs,
    facts: {
      status,
      initialConfiguration: config.file === null ? null : withoutSecrets(readFileSync(config.file, 'latin1')),
      lastSnapshot: () => lastSnapshot(dataDir.snapshotFolder),
    },
    isServing,
    unready: () => unready(status, isServing()),
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
    ],
    failed: (command, error) => log.warn({ command }, `an operator's command failed: ${error.message}`),
  });
  try {
    const address = await server.listen();
    log.info(address, `operators' commands at ${config.adminCommandUrl}`);
    return {
      address,
      stop: () => {
        taker.stop();
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

function unready(status: StandaloneStatus, isServing: boolean): string | null {
  const { mode, ensemble } = status;
  if (isServing && mode !== 'read-only') return null;
  return ensemble === null ? 'starting' : `${mode}, ${ensemble.phase}`;
}

function lastSnapshot(folder: string): { readonly zxid: number; readonly takenMs: number } | null {
  let newest: { readonly zxid: number; readonly name: string } | null = null;
  for (const name of readdirSync(folder)) {
    const zxid = zxidOfName('snapshot', name);
    if (zxid !== null && zxid >= (newest?.zxid ?? 0)) newest = { zxid, name };
  }
  return newest === null ? null : { zxid: newest.zxid, takenMs: statSync(`${folder}/${newest.name}`).mtimeMs };
}

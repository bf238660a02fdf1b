import { randomBytes } from 'node:crypto';
import { type DataDir, DataDirError, openDataDir } from './adapters/disk/data-dir.ts';
import { FolderInUse, type FolderLock, lockFolder } from './adapters/disk/folder-lock.ts';
import { installedZxid } from './adapters/disk/install-mark.ts';
import { createJournal } from './adapters/disk/journal-files.ts';
import { createNodeDisk } from './adapters/disk/node-disk.ts';
import { purge } from './adapters/disk/purge.ts';
import { createSnapshotStore } from './adapters/disk/snapshot-files.ts';
import { StorageStatistics } from './adapters/disk/storage-statistics.ts';
import { withoutSyncs } from './adapters/disk/unsynced-disk.ts';
import { boundedReports } from './adapters/peer/failure-reports.ts';
import { createPeerNetwork } from './adapters/peer/peer-network.ts';
import { createClock } from './adapters/system/clock.ts';
import { createHashing } from './adapters/system/hashing.ts';
import { createLog, setLogLevel } from './adapters/system/log.ts';
import { createTimers } from './adapters/system/timers.ts';
import { TlsStoreError } from './adapters/tls/tls-stores.ts';
import { backupMetrics } from './admin/metrics/backup-metrics.ts';
import { startAdmin } from './admin-assembly.ts';
import { adminTls, type OpenAdminTls } from './admin-doors.ts';
import { openAudit, type RunningAudit } from './audit-assembly.ts';
import { failedLoginReports, type OpenLogins, openLogins } from './authentication-assembly.ts';
import { type RunningBackups, startBackups } from './backup-assembly.ts';
import { isServing, openClientPort } from './client-port.ts';
import { ConfigError } from './config/config-error.ts';
import { LiveSettings, type ReloadReport } from './config/live-settings.ts';
import type { ServerConfig } from './config/schema.ts';
import {
  LIVE_CORE_SETTINGS,
  OVERLOAD_SETTINGS,
  toCoreSettings,
  toLiveCoreSettings,
  toOverloadSettings,
} from './config/server-config.ts';
import { tlsFamilyOf } from './config/tls-family.ts';
import { InvariantViolation } from './core/invariants.ts';
import type { Recovery } from './core/log/recovery.ts';
import { RecoveryRefused, zxidText } from './core/log/recovery-refused.ts';
import type { RecoveredState } from './core/recovered-state.ts';
import { Replica } from './core/replica.ts';
import type { CoreSettings } from './core/settings.ts';
import { examineHistory, recoverOrSetAside, recoverState } from './data-recovery.ts';
import { Driver } from './driver/driver.ts';
import { type JoinedEnsemble, joinEnsemble } from './ensemble-assembly.ts';
import { startInsight } from './insight-assembly.ts';
import { metricsTls, startMetrics } from './metrics-assembly.ts';
import type { Clock, Disk, Logins, PeerNetwork, Timers } from './ports.ts';
import { MemberHosts } from './services/member-hosts.ts';
import { arePeersProved } from './services/peer-authentication.ts';
import { type FatalExit, ServerExit, type ServerLog, StartError } from './start-error.ts';

export interface RunningServer {
  /** Where clients connect; the port that takes TLS alone where there is no other. */
  readonly address: { readonly host: string; readonly port: number };
  /** Where clients connect by TLS alone; null: nowhere. */
  readonly secureAddress: { readonly host: string; readonly port: number } | null;
  /** Where the operators' HTTP server listens; null: it is off, or could not have its port. */
  readonly adminAddress: { readonly host: string; readonly port: number } | null;
  /** Where Prometheus asks for metrics; null: nowhere. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | null;
  /**
   * Reads the configuration again and puts into force what can be without a restart. A configuration that is wrong, or
   * cannot be read, changes nothing. The log says what has changed, too.
   */
  reload(): ReloadReport;
  /** If this server leads an ensemble, lets another lead, whoever is best; the log says what comes of it. */
  transfer(): void;
  /** Lets another lead, if this server does; acknowledges what is logged, closes the connections, releases the data directory. */
  stop(): Promise<void>;
  /** Resolves when the server can no longer do its duty: the process should end with the code. */
  readonly failed: Promise<FatalExit>;
}

export interface StartOptions {
  /** Where to log; by default JSON lines on standard error. */
  readonly log?: ServerLog;
  /** Reads the configuration anew, for `reload`; throws ConfigError when it is wrong. Without it there is nothing to reload. */
  readonly readConfig?: () => ServerConfig;
}

/** An error code of the operating system, such as ENOSPC. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/;
/** Logs that only wait to be backed up have so many bytes at most: a target that has failed must not fill the disk. */
const MOST_HELD_BYTES: number = 1 << 30;
/** How long a stopping server waits for its last replies to leave. */
const DRAIN_MS = 1000;

/** Answers of the disk that mean that a directory cannot be used. */
const DISK_CODES: ReadonlySet<string> = new Set(['EACCES', 'EROFS', 'ENOSPC', 'EIO', 'ENOTDIR', 'ENOENT', 'EPERM']);

/**
 * Starts a standalone server: recovers the data directory, then accepts clients. Resolves once it serves.
 *
 * @throws StartError when the directory cannot be used, or the port not be had.
 * @throws ConfigError when a file that the configuration names cannot be used.
 */
export async function startServer(config: ServerConfig, options: StartOptions = {}): Promise<RunningServer> {
  const log = options.log ?? createLog(config.logLevel);
  if (config.ensemble !== null && !arePeersProved(config)) {
    log.warn(
      {},
      'whoever reaches the quorum and election ports is believed to be a server of the ensemble: keep them in a private ' +
        'network, and set sslQuorum=true or quorum.auth.serverRequireSasl=true',
    );
  }
  metricsTls(config);
  const adminSecurity = adminTls(config, log);
  const failure = deferred<FatalExit>();
  const clock = createClock();
  const hosts = new MemberHosts(config.ensemble?.membership ?? null);
  const logins = openLogins(config, log);
  const ports: ServerPorts = {
    disk: createNodeDisk(),
    clock,
    timers: createTimers(),
    network: peerNetwork(config, hosts, clock, log),
    lock: lockFolder,
    defer: setImmediate,
    preciseMs: () => performance.now(),
    hashSeed: randomBytes(4).readInt32LE(0),
    logins,
    log,
  };
  const audit = openAudit(config, clock, log);
  let server: AssembledServer | null = null;
  try {
    server = assembleServer(config, ports, failure.resolve);
    audit?.attach(server.replica);
    server.ensemble?.watch((membership) => hosts.follow(membership));
    const { live } = server;
    if (options.log === undefined) live.follow(['logLevel'], ({ logLevel }) => setLogLevel(log, logLevel));
    const reload = (): ReloadReport => reloadAndTell(live, options.readConfig ?? (() => live.current), log);
    const canReload = options.readConfig !== undefined;
    const running = await serve(config, log, server, failure.promise, {
      logins,
      audit,
      adminSecurity,
      reload,
      canReload,
    });
    audit?.started(true);
    if (audit !== null) failure.promise.then(() => audit.stop());
    return running;
  } catch (error) {
    audit?.started(false);
    audit?.stop();
    adminSecurity?.stop();
    server?.dataDir.release();
    throw error;
  }
}

/** The network between servers; plain, or TLS as it is configured. */
function peerNetwork(config: ServerConfig, hosts: MemberHosts, clock: Clock, log: ServerLog): PeerNetwork {
  const failed = boundedReports(clock, (error) => log.warn({}, `a server's connection failed: ${error.message}`));
  try {
    return createPeerNetwork(config, tlsFamilyOf(config, 'quorum'), failed, () => hosts.current);
  } catch (error) {
    if (!(error instanceof TlsStoreError)) throw error;
    throw new ConfigError([error.message]);
  }
}

/** What a server has beside itself while it serves. */
interface ServingParts {
  readonly logins: OpenLogins | null;
  readonly audit: RunningAudit | null;
  readonly adminSecurity: OpenAdminTls | null;
  readonly reload: () => ReloadReport;
  /** Whether there is anything to reload. */
  readonly canReload: boolean;
}

async function serve(
  config: ServerConfig,
  log: ServerLog,
  server: AssembledServer,
  failed: Promise<FatalExit>,
  parts: ServingParts,
): Promise<RunningServer> {
  const { replica, driver, dataDir, clock, live, lastZxid } = server;
  const { logins, audit, adminSecurity, reload, canReload } = parts;
  const clientPort = await openClientPort(config, log, server, failed, null);
  const { address, secureAddress, status } = clientPort;
  const backups = startBackups(config, server, log, process.env);
  if (backups !== null) status.addMetrics(() => backupMetrics(backups.status()));
  const metrics = await startMetrics(config, { status, clock, log });
  const insight = startInsight(config, server, log);
  const admin = await startAdmin(config, {
    ...{
      replica,
      driver,
      dataDir,
      clock,
      live,
      status,
      log,
      metricsText: metrics.text,
      secured: adminSecurity,
      insight,
    },
    isServing: () => isServing(replica),
    watchSnapshots: server.watchSnapshots,
    backupStatus: () => backups?.status() ?? null,
    backupNow: backups === null ? null : () => beginBackup(backups, log),
    logLevel: 'level' in log ? levelOf(log as ServerLog & { level: string }) : null,
    reload: canReload ? reload : null,
    called: (facts) => audit?.note({ operation: 'adminCommand', wallMs: clock.wallMs(), ...facts }),
  });
  if (clientPort.follow !== null) server.ensemble?.watch(clientPort.follow);
  // After a pause of the whole process the pings that have arrived meanwhile are read first: their sessions live.
  let mismatchTold = false;
  const tick = (): void => {
    driver.tick();
    if (mismatchTold || replica.serving.statistics.digestMismatches === 0) return;
    mismatchTold = true;
    log.error(
      { lastZxid: zxidText(replica.serving.lastZxid) },
      'the tree does not have the digest that its log foretold',
    );
  };
  const ticker = setInterval(() => setImmediate(tick), config.tickTimeMs);
  const purge = (): void => server.purge(backups?.logsNeededFrom ?? null);
  let stopPurging = repeatNowAnd(purge, config.purgeIntervalMs);
  live.follow(['purgeIntervalMs'], ({ purgeIntervalMs }) => {
    stopPurging();
    stopPurging = repeatNowAnd(purge, purgeIntervalMs);
  });
  const places = { host: address.host, port: address.port, securePort: secureAddress?.port };
  log.info({ ...places, lastZxid: zxidText(lastZxid) }, 'serving');

  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    audit?.stopping();
    backups?.leave();
    const stopping = new Promise<Error | null>((resolve) => driver.stop(resolve));
    clientPort.stop();
    admin.stop();
    insight.stop();
    logins?.stop();
    metrics.stop();
    clearInterval(ticker);
    stopPurging();
    const error = await stopping;
    await Promise.all([clientPort.drain(DRAIN_MS), backups?.stop()]);
    await audit?.stop();
    dataDir.release();
    if (error !== null) throw error;
  };
  return {
    address,
    secureAddress,
    adminAddress: admin.address,
    metricsAddress: metrics.address ?? metrics.secureAddress,
    failed,
    reload,
    transfer: () => driver.transfer(null),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function levelOf(log: ServerLog & { level: string }): { get(): string; set(level: string): void } {
  return {
    get: () => log.level,
    set: (level) => {
      log.level = level;
    },
  };
}

/** Reloads, and says in the log what has come of it. */
function reloadAndTell(live: LiveSettings, readConfig: () => ServerConfig, log: ServerLog): ReloadReport {
  const report = live.reload(readConfig);
  for (const problem of report.problems) log.error({}, `the configuration is not reloaded: ${problem}`);
  for (const { key, from, to } of report.applied) log.info({ key, from, to }, 'a setting has changed');
  for (const { key, from, to } of report.needsRestart) log.warn({ key, from, to }, 'a setting changes with a restart');
  for (const what of report.readAnew) log.info({ what }, 'read anew');
  return report;
}

/** Begins a full backup; the log says what comes of it. */
function beginBackup(backups: RunningBackups, log: ServerLog): void {
  backups.backupNow().then(
    ({ zxid, bytes, object }) => log.info({ zxid: zxidText(zxid), bytes, object }, 'the full backup asked for is safe'),
    (error: Error) => log.warn({}, `the full backup asked for has failed: ${error.message}`),
  );
}

/** What a server stands on: the machine in production, twins in tests. */
export interface ServerPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly timers: Timers;
  /** For streams between servers. */
  readonly network: PeerNetwork;
  readonly lock: (folder: string) => FolderLock;
  /** Calls back after this turn of the loop. */
  readonly defer: (fn: () => void) => void;
  /** Monotonic milliseconds with a fraction. */
  readonly preciseMs: () => number;
  readonly hashSeed: number;
  /** Who can log in by SASL; null: nobody, SASL is off. */
  readonly logins: Logins | null;
  readonly log: ServerLog;
}

/** A server without its network: core, driver and disk, joined. */
export interface AssembledServer {
  readonly replica: Replica;
  readonly driver: Driver;
  readonly storage: StorageStatistics;
  readonly dataDir: DataDir;
  readonly clock: Clock;
  /** The settings in force; whoever can change one while the server runs says so here. */
  readonly live: LiveSettings;
  /** null: a standalone server. */
  readonly ensemble: JoinedEnsemble | null;
  /** The last txn that was recovered. */
  readonly lastZxid: number;
  /** Writes the snapshot that must be there before the first client, if one must, then calls back. */
  begin(ready: () => void): void;
  /** `written` hears of every snapshot that is complete. */
  watchSnapshots(written: (zxid: number) => void): void;
  /**
   * Removes the snapshots and logs that no start needs; does nothing while a purge is still at work. `logsNeededFrom`: logs
   * with txns behind this zxid are still to be backed up.
   */
  purge(logsNeededFrom?: number | null): void;
}

/**
 * Opens and recovers the data directory and joins the server's parts over it. `failed` hears when the server can no longer
 * do its duty, possibly more than once.
 *
 * @throws StartError when the directory cannot be used.
 */
export function assembleServer(
  config: ServerConfig,
  ports: ServerPorts,
  failed: (fatal: FatalExit) => void,
): AssembledServer {
  const { disk, lock } = ports;
  const { dataDir: folder, dataLogDir, dataDirAutocreate: autocreate } = config;
  const dataDir = atStart(() => openDataDir({ disk, dataDir: folder, dataLogDir, autocreate, lock }));
  try {
    return atStart(() => assemble(config, ports, dataDir, failed));
  } catch (error) {
    dataDir.release();
    throw error;
  }
}

function assemble(
  config: ServerConfig,
  ports: ServerPorts,
  dataDir: DataDir,
  failed: (fatal: FatalExit) => void,
): AssembledServer {
  const { disk, clock, defer, log } = ports;
  const settings = toCoreSettings(config, {
    hashSeed: ports.hashSeed,
    sessionPasswordKey: dataDir.sessionKey(),
    // Every server of an ensemble must know the others' passwords.
    defaultSessionPassword: dataDir.createdByUs && config.ensemble === null ? 'keyed' : 'apache',
    logsIn: ports.logins !== null,
  });
  warnOfPasswords(settings, log);
  if (!config.forceSync) log.warn({}, 'forceSync=no: writes are acknowledged before they are on the disk');
  const storage = new StorageStatistics(ports.preciseMs);
  const recoverDatabase = (isStart: boolean): Recovery<RecoveredState> =>
    recoverState(config, settings, dataDir, storage, log, isStart);
  if (!config.forceSync) dataDir.distrustMark();
  const recovery = recoverOrSetAside(config, ports, dataDir, () => recoverDatabase(true));
  const { fresh, lastZxid, replayed } = recovery;
  const fail = (error: Error): void => {
    storage.unrecoverableErrors++;
    failed(fatalExit(log, error));
  };
  const ensemble = joinEnsemble(config, ports, dataDir, lastZxid, {
    recover: () => recoverDatabase(false).state.database,
    examine: (source) => examineHistory(config, settings, source),
  });
  // Ephemerals without a session go at the start, without a txn: no later start may read them again, under what clients
  // have since put in their place.
  const hasOrphans = recovery.state.database.sessions.orphans().length > 0;
  const { database } = recovery.state;
  const replica = new Replica(settings, createHashing(), database, ensemble?.start ?? null, ports.logins);
  const live = new LiveSettings(config);
  live.follow(LIVE_CORE_SETTINGS, (next) => replica.changeSettings(toLiveCoreSettings(next)));
  live.follow(OVERLOAD_SETTINGS, (next) => replica.changeLimits(toOverloadSettings(next)));
  live.follow(['snapshotCompression', 'purgeSnapRetainCount']);
  let whenFirst: (() => void) | null = null;
  let purging = false;
  const whenPurged: (() => void)[] = [];
  const snapshotWatchers: ((zxid: number) => void)[] = [];
  const driver = new Driver({
    replica,
    clock,
    snapshots: storage.timing(
      createSnapshotStore({
        disk,
        folder: dataDir.snapshotFolder,
        // What a leader sends is looked for under its plain name.
        compression: () => (installedZxid(disk, config.dataDir) === null ? live.current.snapshotCompression : ''),
      }),
    ),
    journal: (listener, lastLogged) =>
      createJournal({
        disk: config.forceSync ? disk : withoutSyncs(disk, defer),
        folder: dataDir.logFolder,
        preAllocBytes: config.preAllocBytes,
        fileLimitBytes: config.txnLogSizeLimitBytes,
        lastZxid: lastLogged,
        listener,
        nowMs: ports.preciseMs,
        statistics: storage.journal,
        ...(config.forceSync ? { timers: ports.timers } : {}),
      }),
    lastZxid,
    ensemble: ensemble?.runner ?? null,
    filesAtRest: (done) => {
      if (purging) whenPurged.push(done);
      else done();
    },
    defer,
    listener: {
      fatal: fail,
      loginFailed: failedLoginReports(clock, log),
      snapshotWritten: (zxid) => {
        log.info({ zxid: zxidText(zxid) }, 'snapshot written');
        whenFirst?.();
        whenFirst = null;
        for (const written of snapshotWatchers) written(zxid);
      },
    },
  });
  ensemble?.attach(driver, () => replica.member?.role.name === 'looking');
  return {
    replica,
    driver,
    storage,
    dataDir,
    clock,
    live,
    ensemble,
    lastZxid,
    begin: (ready) => {
      const begin = (): void => {
        driver.start(replayed);
        ready();
      };
      if (!fresh && !hasOrphans) return begin();
      whenFirst = () => {
        try {
          if (fresh) dataDir.clearInitialize();
        } catch (error) {
          return fail(error as Error);
        }
        begin();
      };
      driver.snapshot();
    },
    watchSnapshots: (written) => {
      snapshotWatchers.push(written);
    },
    purge: (logsNeededFrom = null) => {
      if (purging || driver.isChangingHistory) return;
      purging = true;
      const { snapshotFolder, logFolder } = dataDir;
      const retain = live.current.purgeSnapRetainCount;
      const held = logsNeededFrom === null ? null : { fromZxid: logsNeededFrom, mostBytes: MOST_HELD_BYTES };
      purge({ disk, snapshotFolder, logFolder, retain, held }, (error, removed) => {
        purging = false;
        for (const done of whenPurged.splice(0)) done();
        if (error !== null) log.error({ reason: error.message }, 'old files could not be removed');
        else if (removed.length > 0) log.info({ removed }, 'old files removed');
      });
    },
  };
}

function warnOfPasswords(settings: CoreSettings, log: ServerLog): void {
  if (settings.sessionPasswordIssue !== 'apache') return;
  log.warn(
    {},
    'session passwords are those of Apache ZooKeeper, which anybody can compute from a session id; ' +
      'set sessionPassword.issue=keyed once every server accepts keyed ones',
  );
}

/** Runs a step of the start; what the disk or the directory's state refuses becomes a StartError. */
function atStart<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DataDirError || error instanceof FolderInUse || error instanceof RecoveryRefused) {
      throw new StartError(error.message, ServerExit.dataDirectory, error);
    }
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== undefined && DISK_CODES.has(code)) {
      throw new StartError(
        `the data directory cannot be used: ${(error as Error).message}`,
        ServerExit.dataDirectory,
        error,
      );
    }
    throw error;
  }
}

function fatalExit(log: ServerLog, error: Error): FatalExit {
  const fatal = fatalOf(error);
  log.error({ exitCode: fatal.exitCode }, fatal.message);
  return fatal;
}

function fatalOf(error: Error): FatalExit {
  if (error instanceof RecoveryRefused || error instanceof DataDirError) {
    const message = `what the disk holds cannot be read again, the server stops: ${error.message}`;
    return { exitCode: ServerExit.disk, message };
  }
  // Node's own complaints about a call have codes, too; only the operating system's mean the disk.
  const broken = error instanceof InvariantViolation || !SYSTEM_CODE.test((error as NodeJS.ErrnoException).code ?? '');
  const exitCode = broken ? ServerExit.invariant : ServerExit.disk;
  const message = broken
    ? `an assertion failed, the server stops to protect the data: ${error.stack ?? error.message}`
    : `the disk failed, the server stops; nothing has been acknowledged since: ${error.message}`;
  return { exitCode, message };
}

/** Runs at once and then every interval, if there is one; returns how to stop. */
function repeatNowAnd(run: () => void, intervalMs: number): () => void {
  if (intervalMs <= 0) return () => {};
  run();
  const timer = setInterval(run, intervalMs);
  return () => clearInterval(timer);
}

/** A promise and its resolver. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

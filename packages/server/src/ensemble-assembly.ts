import { resolve } from 'node:path';
import type { DataDir } from './adapters/disk/data-dir.ts';
import type { Examination } from './adapters/disk/repair-draft.ts';
import { ElectionLinks } from './adapters/peer/election-links.ts';
import { boundedNotes, boundedReports } from './adapters/peer/failure-reports.ts';
import { QuorumLinks } from './adapters/peer/quorum-links.ts';
import type { ServerConfig } from './config/schema.ts';
import { toEnsembleSettings } from './config/server-config.ts';
import type { Database } from './core/database.ts';
import type { RecoverySource } from './core/log/recovery-source.ts';
import type { Membership } from './core/membership/membership.ts';
import type { EnsembleStart } from './core/replica.ts';
import type { Driver } from './driver/driver.ts';
import type { PeerRunner, PeerRunnerOptions } from './driver/peer-runner.ts';
import type { Clock, Disk, Endpoint, PeerNetwork, Timers } from './ports.ts';
import { fileOracle } from './services/file-oracle.ts';
import { HistoryRepairKeeper } from './services/history-repair.ts';
import { membershipKeeper } from './services/membership-keeper.ts';
import { peerAuthenticator } from './services/peer-authentication.ts';

/** What is told a minute of the connections of other servers, whoever opens them. */
const PEER_NOTES = 256;

/** What the links to other servers stand on. */
export interface EnsemblePorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly network: PeerNetwork;
  readonly defer: (fn: () => void) => void;
  readonly log: {
    info(facts: object, message: string): void;
    warn(facts: object, message: string): void;
  };
}

/** How a history on the disk is read. */
export interface HistoryReading {
  /** The state in the data directory. */
  readonly recover: () => Database;
  /** What a start would make of another history. */
  readonly examine: (source: RecoverySource) => Examination;
}

export interface JoinedEnsemble {
  readonly start: EnsembleStart;
  readonly runner: PeerRunnerOptions;
  /** Gives the links the driver that hears of them; `isLooking` tells whether this server looks for a leader. */
  attach(driver: Driver, isLooking: () => boolean): void;
  /** `changed` hears of every membership that is committed after the start, of the last one at once. */
  watch(changed: (committed: Membership) => void): void;
}

/** Joins what a server of an ensemble has beside a standalone one; null for a standalone server. */
export function joinEnsemble(
  config: ServerConfig,
  ports: EnsemblePorts,
  dataDir: DataDir,
  lastZxid: number,
  reading: HistoryReading,
): JoinedEnsemble | null {
  const settings = toEnsembleSettings(config);
  if (settings === null) return null;
  const { disk, clock, timers, network, defer, log } = ports;
  const { sid } = settings;
  const epochs = dataDir.settleEpochs(lastZxid);
  const lost = dataDir.rebuildingReason;
  if (lost !== null) log.warn({ sid }, `this server does not vote until a leader has synchronised it: ${lost}`);
  let runner: PeerRunner | null = null;
  const failed = boundedReports(clock, (error) => log.warn({ sid }, error.message));
  const told = (message: string): void => log.info({ sid }, message);
  const noteOfPeer = boundedNotes(clock, told, 'words on connections with other servers', PEER_NOTES);
  const keep = membershipKeeper(config, disk, failed);
  const watching: ((committed: Membership) => void)[] = [];
  let latest: Membership | null = null;
  let isLooking = (): boolean => false;
  const handshakeTimeoutMs = config.electionReadTimeoutMs;
  const authenticator = peerAuthenticator(config, disk);
  const authenticate = authenticator === null ? {} : { authenticate: authenticator };
  /** Links of the quorum port that nobody has been told of yet. */
  const untold = new Map<number, Endpoint>();
  const elections = new ElectionLinks({
    sid,
    network,
    timers,
    clock,
    connectTimeoutMs: config.electionConnectTimeoutMs,
    handshakeTimeoutMs,
    multiAddress: settings.multiAddress,
    listenOnAllAddresses: config.quorumListenOnAllIPs,
    ...authenticate,
    listener: {
      notification: (from, payload) => {
        repair.heard(from, payload);
        runner?.notification(from, payload);
      },
      link: (other, up) => {
        if (!up) repair.lost(other);
        runner?.electionLink(other, up);
      },
      failed,
    },
  });
  const quorum = new QuorumLinks({
    network: config.quorumListenOnAllIPs ? listeningEverywhere(network) : network,
    timers,
    handshakeTimeoutMs,
    ...authenticate,
    listener: {
      open: (link, kind, remote) => {
        if (repair.opened(link)) return;
        // The first bytes, which come with it, tell what it is.
        if (kind === 'learner') untold.set(link, remote);
        else runner?.opened(link, kind, remote);
      },
      data: (link, bytes) => {
        if (untold.size === 0 && !repair.hasLinks) {
          runner?.data(link, bytes);
          return;
        }
        const remote = untold.get(link);
        untold.delete(link);
        if (repair.data(link, bytes, remote !== undefined)) return;
        if (remote !== undefined) runner?.opened(link, 'learner', remote);
        runner?.data(link, bytes);
      },
      closed: (link) => {
        if (!untold.delete(link) && !repair.closed(link)) runner?.closed(link);
      },
      drained: (link) => {
        if (!repair.drained(link)) runner?.drained(link);
      },
      failed,
    },
  });
  const repair = new HistoryRepairKeeper({
    sid,
    maxRecordBytes: config.juteMaxBuffer + config.juteMaxBufferExtra,
    ...{ quorum, timers, clock, defer },
    folders: () => dataDir.salvageable,
    isRebuilding: () => dataDir.rebuilding,
    begin: () => dataDir.beginRepair(config.juteMaxBuffer + config.juteMaxBufferExtra, reading.examine),
    membership: () => latest ?? settings.membership,
    isLooking: () => isLooking(),
    repaired: (zxid) => runner?.repaired(zxid),
    note: (message) => log.info({ sid }, message),
    noteOfPeer,
    warn: (message) => log.warn({ sid }, message),
  });
  return {
    start: { settings, epochs, rebuilding: dataDir.rebuilding },
    runner: {
      sid,
      membership: { committed: settings.membership, lastSeen: settings.lastSeen },
      epochs: dataDir.epochs,
      stored: epochs,
      history: dataDir.history,
      snapshotSizeFactor: settings.snapshotSizeFactor,
      observerMasterPort: settings.observerMasterPort,
      oracle:
        settings.oraclePath === null
          ? null
          : fileOracle(disk, resolve(settings.oraclePath), (message) => log.info({ sid }, message)),
      oracleEveryMs: Math.ceil(settings.tickTimeMs / 2),
      elections: {
        configure: (own, peers) => elections.configure(own, peers),
        send: (to, payload) => elections.send(to, repair.vote(to, payload)),
        connectMissing: () => elections.connectMissing(),
        stop: () => {
          repair.stop();
          elections.stop();
        },
      },
      quorum,
      clock,
      timers,
      defer,
      recover: reading.recover,
      synced: () => {
        if (!dataDir.rebuilding) return;
        dataDir.clearRebuilding();
        log.info({ sid }, 'a leader has synchronised this server: it votes again');
      },
      membershipChanged: (change) => {
        keep(change);
        latest = change.committed;
        repair.membershipChanged();
        for (const changed of watching) changed(latest);
      },
      note: (message) => log.info({ sid }, message),
      noteOfPeer,
      keptPackets: config.messageTracker ? config.messageTrackerSize : 0,
      packetLimit: config.juteMaxBuffer + config.juteMaxBufferExtra,
    },
    attach: (driver, looks) => {
      runner = driver.peers;
      isLooking = looks;
      repair.start();
    },
    watch: (listener) => {
      watching.push(listener);
      if (latest !== null) listener(latest);
    },
  };
}

/** The network with every port open on all addresses of the machine, once however many of them are asked for. */
function listeningEverywhere(network: PeerNetwork): PeerNetwork {
  const open = new Set<number>();
  return {
    listen: (at, accepted, listening) => {
      if (open.has(at.port)) {
        listening(null);
        return () => {};
      }
      open.add(at.port);
      const stop = network.listen({ host: '', port: at.port }, accepted, (error) => {
        if (error !== null) open.delete(at.port);
        listening(error);
      });
      return () => {
        open.delete(at.port);
        stop();
      };
    },
    connect: (to, timeoutMs, handler) => network.connect(to, timeoutMs, handler),
  };
}

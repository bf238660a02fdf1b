export type PeerType = 'participant' | 'observer';

/** The settings of an ensemble's servers, but for who they are. Times in milliseconds unless the name says ticks. */
export interface EnsembleValues {
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
  readonly connectLimitTicks: number;
  readonly connectRetryDelayMs: number;
  readonly standaloneEnabled: boolean;
  readonly reconfigEnabled: boolean;
  /** What this server calls itself; its `server.N` line decides. */
  readonly peerType: PeerType;
  readonly electionAlg: number;
  readonly leaderServes: boolean;
  readonly readOnlyMode: boolean;
  readonly localSessions: boolean;
  readonly localSessionUpgrading: boolean;
  readonly commitLogCount: number;
  readonly snapshotSizeFactor: number;
  readonly forceSnapshotSync: boolean;
  readonly maxConcurrentSnapSyncs: number;
  readonly maxConcurrentDiffSyncs: number;
  /** null: no limit of its own. */
  readonly maxTimeToWaitForEpochMs: number | null;
  readonly minNotificationIntervalMs: number;
  readonly maxNotificationIntervalMs: number;
  readonly observerElectionDelayMs: number;
  readonly observerReconnectDelayMs: number;
  readonly observersLog: boolean;
  /** null: no server is an observer master. */
  readonly observerMasterPort: number | null;
  readonly observerMasterSizeLimit: number;
  readonly oraclePath: string | null;
  readonly quorumListenOnAllIPs: boolean;
  readonly electionConnectTimeoutMs: number;
  readonly electionReadTimeoutMs: number;
  /** 0: without end. */
  readonly electionPortBindRetries: number;
  readonly peerTcpKeepAlive: boolean;
  readonly multiAddress: boolean;
  readonly reachabilityCheck: boolean;
  readonly reachabilityCheckTimeoutMs: number;
}

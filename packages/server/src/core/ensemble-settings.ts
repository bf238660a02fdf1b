import type { Membership } from './membership/membership.ts';

/**
 * What the core of an ensemble's server must know of the configuration, beside `CoreSettings`. Frozen; times in
 * milliseconds unless the name says ticks, sizes in bytes. Defaults are those of Apache ZooKeeper 3.9 (feature inventory,
 * section A.4).
 */
export interface EnsembleSettings {
  /** This server's id, out of the file `myid`. */
  readonly sid: number;
  readonly tickTimeMs: number;
  /** Ticks that a learner has to connect to the leader and to load its state. */
  readonly initLimitTicks: number;
  /** Ticks of silence after which leader and learner give each other up. */
  readonly syncLimitTicks: number;
  /** Ticks that a learner tries to reach its leader or observer master; by default `initLimitTicks`. */
  readonly connectLimitTicks: number;
  /** Pause between two tries to reach the leader. */
  readonly connectRetryDelayMs: number;
  /** Whether this server was started as an observer; from then on the membership decides. */
  readonly observer: boolean;
  /** The committed membership at the start. */
  readonly membership: Membership;
  /** The membership last seen: newer than `membership` when a reconfiguration was under way, else the same. */
  readonly lastSeen: Membership;
  readonly reconfigEnabled: boolean;
  /** Whether a single participant may be all that is left after a reconfiguration: `standaloneEnabled` is false. */
  readonly singleVoterAllowed: boolean;
  /** Whether new sessions live on one server only. */
  readonly localSessions: boolean;
  /** Whether a local session becomes global when it makes an ephemeral. */
  readonly localSessionUpgrading: boolean;
  /** Whether a leader takes clients. */
  readonly leaderServes: boolean;
  /** Whether a server that is cut off from the quorum serves reads to clients that ask for it. */
  readonly readOnlyMode: boolean;
  /** Committed transactions kept in memory for synchronisation by DIFF. */
  readonly commitLogCount: number;
  /** A learner is sent the log from disk while that is smaller than this part of the snapshot; negative: never. */
  readonly snapshotSizeFactor: number;
  /** Whether every learner is sent a snapshot. */
  readonly forceSnapshotSync: boolean;
  /** How long a leader waits for the epochs of a quorum; null: as long as for anything else in its start. */
  readonly maxTimeToWaitForEpochMs: number | null;
  /** How long an election waits before it sends its vote again; doubles up to the maximum. */
  readonly minNotificationIntervalMs: number;
  readonly maxNotificationIntervalMs: number;
  /** Port on which followers serve observers; null: none do. */
  readonly observerMasterPort: number | null;
  /** Bytes of recent packets that an observer master keeps for observers that come late. */
  readonly observerMasterSizeLimit: number;
  /** Whether the first message on an election connection is the one that carries several addresses. */
  readonly multiAddress: boolean;
  /** File that says whether one of two servers may go on alone; null: there is no oracle. */
  readonly oraclePath: string | null;
}

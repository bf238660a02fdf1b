import type { ConfigValues } from './config-values.ts';
import type { EnsembleValues, PeerType } from './ensemble-values.ts';
import { choice, decimal, flag, integer, type Setting, text, WRONG, yesOrNo } from './setting.ts';

/**
 * The rows of the settings of an ensemble's servers; defaults are those of Apache ZooKeeper 3.9 (feature inventory, section A.4).
 */
export const ENSEMBLE_SETTINGS: {
  readonly [Name in keyof EnsembleValues]: Setting<EnsembleValues[Name], ConfigValues>;
} = {
  initLimitTicks: integer({
    key: 'initLimit',
    unit: 'ticks',
    default: 0,
    from: 0,
    doc: 'Time that a learner of an ensemble has to connect and load. Must be set there; no effect on a standalone server.',
  }),
  syncLimitTicks: integer({
    key: 'syncLimit',
    unit: 'ticks',
    default: 0,
    from: 0,
    doc: 'Silence after which leader and learner give each other up. Must be set in an ensemble; no effect on a standalone server.',
  }),
  connectLimitTicks: integer({
    key: 'connectToLearnerMasterLimit',
    unit: 'ticks',
    default: (values) => values.initLimitTicks,
    from: 0,
    zeroIsDefault: true,
    doc: 'Time that a learner tries to reach its leader or observer master. By default initLimit.',
  }),
  connectRetryDelayMs: integer({
    key: 'leaderConnectDelayDuringRetryMs',
    unit: 'milliseconds',
    default: 100,
    from: 0,
    doc: 'Longest pause between two tries to reach the leader.',
  }),
  standaloneEnabled: flag(
    'standaloneEnabled',
    true,
    'Whether a configuration with a single participant runs as a standalone server; if not, as an ensemble of one.',
  ),
  reconfigEnabled: flag(
    'reconfigEnabled',
    false,
    'Whether an ensemble can be reconfigured while it runs, and keeps its members in a file of their own for it.',
  ),
  peerType: {
    ...choice<PeerType, never, ConfigValues>(
      'peerType',
      ['participant', 'observer'],
      'participant' as never,
      'What this server is; where its server.N line says something else, that one counts, with a warning.',
    ),
    read: readPeerType,
  },
  electionAlg: integer({
    key: 'electionAlg',
    unit: '',
    default: 3,
    from: 3,
    to: 3,
    doc: 'The kind of election; 3, fast leader election over TCP, is the only one left.',
  }),
  leaderServes: yesOrNo('leaderServes', true, 'Whether the leader takes clients.'),
  readOnlyMode: flag(
    'readonlymode.enabled',
    false,
    'Whether a server without a quorum serves reads to clients that ask for it. The word isro is answered then.',
  ),
  localSessions: flag(
    'localSessionsEnabled',
    false,
    'Whether new sessions live on the server that the client is connected to, and cost the ensemble no write.',
  ),
  localSessionUpgrading: flag(
    'localSessionsUpgradingEnabled',
    false,
    'Whether a local session becomes a global one when it makes an ephemeral znode; otherwise that is refused.',
  ),
  commitLogCount: integer({
    key: 'commitLogCount',
    unit: 'transactions',
    default: 500,
    from: -2147483648,
    minimum: 500,
    doc: 'Committed transactions that are kept in memory for learners that lag a little.',
  }),
  snapshotSizeFactor: decimal({
    key: 'snapshotSizeFactor',
    default: 0.33,
    doc: 'A learner that lags more is sent the log while that is smaller than this part of the snapshot; negative: never.',
  }),
  forceSnapshotSync: flag('forceSnapshotSync', false, 'Whether every learner is sent a snapshot. For tests.'),
  maxConcurrentSnapSyncs: integer({
    key: 'leader.maxConcurrentSnapSyncs',
    aliases: ['maxConcurrentSnapSyncs'],
    unit: 'learners',
    default: 10,
    from: 1,
    doc: 'Accepted for compatibility: all learners that need the whole state are sent it together, read once.',
  }),
  maxConcurrentDiffSyncs: integer({
    key: 'leader.maxConcurrentDiffSyncs',
    aliases: ['maxConcurrentDiffSyncs'],
    unit: 'learners',
    default: 100,
    from: 1,
    doc: 'Accepted for compatibility: every learner is sent what it misses as soon as it comes.',
  }),
  maxTimeToWaitForEpochMs: {
    key: 'leader.maxTimeToWaitForEpoch',
    aliases: ['maxTimeToWaitForEpoch'],
    unit: 'milliseconds',
    default: () => null,
    expected: 'a whole number of milliseconds above 0, or -1 for no limit of its own',
    read: readOptionalTime,
    doc: 'How long a new leader waits for the epochs of a quorum before it gives up leading.',
  },
  minNotificationIntervalMs: integer({
    key: 'fastleader.minNotificationInterval',
    unit: 'milliseconds',
    default: 200,
    from: 1,
    doc: 'How long an election waits before it sends its vote again; doubles each time.',
  }),
  maxNotificationIntervalMs: integer({
    key: 'fastleader.maxNotificationInterval',
    unit: 'milliseconds',
    default: 60_000,
    from: 1,
    doc: 'The longest that it waits so.',
  }),
  observerElectionDelayMs: integer({
    key: 'observer.election.DelayMs',
    unit: 'milliseconds',
    default: 200,
    from: 0,
    doc: 'Accepted for compatibility: an observer asks who leads at once, and disturbs no election by it.',
  }),
  observerReconnectDelayMs: integer({
    key: 'observer.reconnectDelayMs',
    unit: 'milliseconds',
    default: 0,
    from: 0,
    doc: 'Accepted for compatibility: an observer connects again at once.',
  }),
  observersLog: {
    ...flag<ConfigValues>(
      'syncEnabled',
      true,
      'Accepted for compatibility: an observer always keeps a log and snapshots, which makes its restarts quick.',
    ),
    aliases: ['observer.syncEnabled'],
  },
  observerMasterPort: {
    key: 'observerMasterPort',
    unit: '',
    default: () => null,
    expected: 'a port number from 1 to 65535, or 0 for none',
    read: readOptionalPort,
    doc: 'Port on which followers serve observers, and on which observers then look for a follower. The same on all servers.',
  },
  observerMasterSizeLimit: integer({
    key: 'observerMaster.sizeLimit',
    unit: 'bytes',
    default: 33_554_432,
    from: 0,
    doc: 'Accepted for compatibility: such a follower sends observers what they miss as a leader does, from memory or disk.',
  }),
  oraclePath: text<string | null, ConfigValues>({
    key: 'oraclePath',
    default: () => null,
    expected: 'the path of a file',
    pattern: /./,
    doc: 'File that begins with 1 while this server may go on alone; read every half tick. For ensembles of two.',
  }),
  quorumListenOnAllIPs: flag(
    'quorumListenOnAllIPs',
    false,
    'Whether the ports for other servers are bound to all addresses of the machine instead of those of the server.N line.',
  ),
  electionConnectTimeoutMs: integer({
    key: 'cnxTimeout',
    unit: 'milliseconds',
    default: 5000,
    from: 1,
    doc: 'Time that a connection to another server may take to be made.',
  }),
  electionReadTimeoutMs: integer({
    key: 'quorumCnxnTimeoutMs',
    unit: 'milliseconds',
    default: (values) => values.syncLimitTicks * values.tickTimeMs,
    from: 1,
    minusOneIsDefault: true,
    doc: 'Time that another server has to say who it is. By default syncLimit ticks.',
  }),
  electionPortBindRetries: integer({
    key: 'electionPortBindRetry',
    unit: 'tries',
    default: 3,
    from: 0,
    doc: 'Accepted for compatibility: a port for other servers that is taken is tried once a second, without end.',
  }),
  peerTcpKeepAlive: flag(
    'tcpKeepAlive',
    false,
    'Accepted for compatibility: TCP keep-alive is always on for connections between servers.',
  ),
  multiAddress: flag(
    'multiAddress.enabled',
    false,
    'Whether a server.N line may hold several addresses, joined by |. Every server must be 3.6 or newer then.',
  ),
  reachabilityCheck: flag(
    'multiAddress.reachabilityCheckEnabled',
    true,
    'Accepted for compatibility: Headkeeper tries the addresses of a server and takes the first that answers.',
  ),
  reachabilityCheckTimeoutMs: integer({
    key: 'multiAddress.reachabilityCheckTimeoutMs',
    unit: 'milliseconds',
    default: 1000,
    from: 1,
    doc: 'Accepted for compatibility: the first address of a server that answers is taken, there is nothing to wait for.',
  }),
};

function readPeerType(value: string): PeerType | typeof WRONG {
  const lower = value.toLowerCase();
  return lower === 'participant' || lower === 'observer' ? lower : WRONG;
}

function readOptionalTime(value: string): number | null | typeof WRONG {
  if (value === '-1') return null;
  return /^\d{1,9}$/.test(value) && Number(value) > 0 ? Number(value) : WRONG;
}

function readOptionalPort(value: string): number | null | typeof WRONG {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65535) return WRONG;
  return Number(value) === 0 ? null : Number(value);
}

/** Who clients may prove to be, and what comes of it (client-protocol reference, section 8). Frozen. */
export interface AuthenticationSettings {
  /**
   * Schemes that this server knows beside `world`, `ip` and `auth`: out of `digest`, `sasl`, `x509` and `ensemble`. Others
   * are refused in access control lists and auth requests.
   */
  readonly schemes: ReadonlySet<string>;
  /** Names that clients of scheme `ensemble` may give; empty: any. */
  readonly ensembleNames: ReadonlySet<string>;
  /** SASL users whom no access control list holds back. */
  readonly saslSuperUsers: ReadonlySet<string>;
  /** Without an identity of one of these schemes a connection is served nothing; empty: it is (`enforce.auth.schemes`). */
  readonly enforcedSchemes: ReadonlySet<string>;
  /** Whether a connection whose SASL exchange has failed goes on without that identity. */
  readonly allowsSaslFailedClients: boolean;
  /** Whether a server of an ensemble refuses, by its own state, writes that access control lists forbid. */
  readonly checksAclEagerly: boolean;
}

/** Identities by digest and address, and no need of any. */
export const PLAIN_AUTHENTICATION: AuthenticationSettings = Object.freeze({
  schemes: new Set(['digest']),
  ensembleNames: new Set<string>(),
  saslSuperUsers: new Set<string>(),
  enforcedSchemes: new Set<string>(),
  allowsSaslFailedClients: false,
  checksAclEagerly: false,
});

/**
 * What the core must know of the configuration. Times in milliseconds, sizes in bytes. All of it stays as it is, but for
 * `LiveCoreSettings`.
 */
export interface CoreSettings {
  /** Server id: the top byte of new session ids; 1 for a standalone server. */
  readonly serverId: number;
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Largest request frame accepted. */
  readonly juteMaxBuffer: number;
  /** Added to `juteMaxBuffer` for the strings and buffers inside a record. */
  readonly juteMaxBufferExtra: number;
  /** Whether TTL znodes exist (`zookeeper.extendedTypesEnabled`). */
  readonly extendedTypesEnabled: boolean;
  readonly emulate353TTLNodes: boolean;
  readonly enforceQuota: boolean;
  readonly skipAcl: boolean;
  /** `user:base64` of the superuser, or null when there is none. */
  readonly superDigest: string | null;
  /** Java name of the digest scheme's hash, by default SHA1. */
  readonly digestAlgorithm: string;
  readonly authentication: AuthenticationSettings;
  /** Whether txns and snapshots carry the digest of the tree. */
  readonly digestEnabled: boolean;
  /** Whether snapshots get the trailer that 3.9 writes (`zookeeper.serializeLastProcessedZxid.enabled`). */
  readonly serializeLastProcessedZxid: boolean;
  /** Whether the end of a session is logged with the paths of its ephemerals (`closeSessionTxn.enabled`). */
  readonly closeSessionTxn: boolean;
  readonly reconfigEnabled: boolean;
  /** Whether sessions may be known to a single server only. */
  readonly localSessionsEnabled: boolean;
  /** Whether such a session becomes known to all when it makes an ephemeral; else that is refused. */
  readonly localSessionUpgrading: boolean;
  readonly containerCheckIntervalMs: number;
  readonly containerMaxPerMinute: number;
  /** 0: a container that never had a child is kept. */
  readonly containerMaxNeverUsedIntervalMs: number;
  /** Which session password new and re-attached sessions get. */
  readonly sessionPasswordIssue: 'apache' | 'keyed';
  readonly sessionPasswordAccept: readonly ('apache' | 'keyed')[];
  /** Secret of keyed session passwords; at least 16 bytes. */
  readonly sessionPasswordKey: Uint8Array;
  /** Txns between snapshots (randomised between half of it and all of it). */
  readonly snapCount: number;
  /** Log bytes between snapshots; 0 or less: no limit. */
  readonly snapSizeLimitBytes: number;
  /** Txns kept in memory for learners that are behind; 0 on a standalone server. */
  readonly commitLogCount: number;
  /** Seeds the hash of paths, so that nobody can choose paths that collide. */
  readonly hashSeed: number;
  readonly overload: OverloadSettings;
}

/**
 * Settings that may change while the server runs: `Replica.changeSettings`. The core reads them at the moment when they
 * matter.
 */
export type LiveCoreSettings = Pick<
  CoreSettings,
  | 'minSessionTimeoutMs'
  | 'maxSessionTimeoutMs'
  | 'enforceQuota'
  | 'superDigest'
  | 'containerCheckIntervalMs'
  | 'containerMaxPerMinute'
  | 'containerMaxNeverUsedIntervalMs'
  | 'snapCount'
  | 'snapSizeLimitBytes'
>;

/**
 * How much of what clients send is taken at once, beside `limits.ts`: what an operator can set. Times in milliseconds, sizes
 * in bytes. The one part of the core's settings that may change while it runs: it is looked at each time.
 */
export interface OverloadSettings {
  /** A connection that has not completed its handshake after this long is closed. */
  handshakeMs: number;
  /** Connections with unanswered requests wait while more requests of all servers' clients are on their way. */
  outstandingRequests: number;
  /** Every request waits while so many are on their way on this server; 0: no limit. */
  requestLimit: number;
  /** Whether a request that goes stale while it waits for that is dropped with its connection. */
  dropsStale: boolean;
  /** What makes a request stale: it is older than its session timeout; its connection is gone. */
  staleByLatency: boolean;
  staleByConnection: boolean;
  /** A request that has waited longer than this is answered THROTTLEDOP; 0: none is. */
  throttledOpWaitMs: number;
  /** A longer request is large; -1: none is. */
  largeRequestBytes: number;
  /** What large requests on their way may have together. */
  largeRequestsBytes: number;
  readonly connections: ConnectionThrottleSettings;
}

/** The token bucket that handshakes take from (Apache's BlueThrottle). */
export interface ConnectionThrottleSettings {
  /** The size of the bucket; 0: handshakes are not throttled. */
  tokens: number;
  /** `fillCount` tokens come back each `fillTimeMs`. */
  fillTimeMs: number;
  fillCount: number;
  /** How often the probability of a refusal changes; -1: nothing is refused by chance. */
  freezeMs: number;
  /** Added when the bucket is empty; taken away when at most `decreaseRatio` of it is missing. */
  dropIncrease: number;
  dropDecrease: number;
  decreaseRatio: number;
  /** Whether kinds of sessions cost different numbers of tokens; otherwise each costs one. */
  isWeighted: boolean;
  globalWeight: number;
  localWeight: number;
  renewWeight: number;
}

/** Apache's defaults: nothing is throttled. */
export const NO_THROTTLES: OverloadSettings = Object.freeze({
  handshakeMs: 10_000,
  outstandingRequests: 16_000,
  requestLimit: 0,
  dropsStale: true,
  staleByLatency: false,
  staleByConnection: true,
  throttledOpWaitMs: 0,
  largeRequestBytes: -1,
  largeRequestsBytes: 104_857_600,
  connections: Object.freeze({
    tokens: 0,
    fillTimeMs: 1,
    fillCount: 1,
    freezeMs: -1,
    dropIncrease: 0.02,
    dropDecrease: 0.002,
    decreaseRatio: 0,
    isWeighted: false,
    globalWeight: 3,
    localWeight: 1,
    renewWeight: 2,
  }),
});

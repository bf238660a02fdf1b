/** Everything that somebody else can make the server hold has its limit here. Sizes in bytes, times in milliseconds. */
export const limits = {
  /** Default of `jute.maxbuffer`: the largest request frame. */
  juteMaxBuffer: 1_048_575,
  /** A connection stops being read while more reply bytes than this wait for its socket. */
  outputHighWater: 1_048_576,
  /** A connection whose unsent output exceeds this is cut off; so is a multiRead whose results do. */
  outputMaximum: 67_108_864,
  /** Such output over all connections before those with most of it are cut off. */
  unsentBytes: 268_435_456,
  /** A connection that takes nothing for this long while output waits for it is cut off. */
  outputStallMs: 30_000,
  /** Descriptors that clients do not get: for logs, snapshots, other servers. */
  reservedDescriptors: 128,
  /** What is read of one connection in one turn of the loop. */
  readBytes: 16_384,
  /** Requests of all connections in one turn, above which each gets no more than `requestsPerConnection` done. */
  requestsPerTurn: 2048,
  requestsPerConnection: 64,
  /** Requests that a connection which waited for room gets in before the next one does. */
  requestsPerShare: 128,
  /** Requests of one connection that wait behind its own writes before it stops being read. */
  deferredRequests: 4096,
  /** Bytes of such waiting requests before it stops being read. */
  deferredBytes: 4_194_304,
  /** Proposed and not yet durable txns, over all connections, before connections with outstanding requests stop being read. */
  outstandingProposals: 20_000,
  /** Bytes of such txns. */
  outstandingBytes: 67_108_864,
  /** Default of `outstandingHandshake.limit`: TLS handshakes under way on one client port. */
  tlsHandshakes: 500,
  /** Bytes of the identity that the certificate of a client makes. */
  certificateIdBytes: 16_384,
  /** A connection between servers, or a TLS handshake, that takes longer is closed. */
  handshakeMs: 10_000,
  /** The largest handshake. */
  handshakeBytes: 4096,
  /** Requests up to this size are taken from a connection without unanswered ones, whatever else is under way. */
  smallRequestBytes: 4096,
  /** Input of all connections that waits, and requests that wait behind writes, before those with most of it are cut off. */
  heldInputBytes: 268_435_456,
  /** Bytes of committed txns that are applied in one step; the others follow in the next ones, before anything else. */
  appliedBytesAtOnce: 524_288,
  /** Ephemerals of a session above which its end is proposed, and applied, in slices. */
  ephemeralsAtOnce: 2048,
  /** Connections that are sent something in one step; the others follow in the next turns of the loop. */
  outputsPerStep: 1024,
  /** Watches of one connection; one more is refused with THROTTLEDOP. */
  watchesPerConnection: 1_048_576,
  /** Bytes of all watched paths, each counted once. */
  watchedPathBytes: 1_073_741_824,
  /** Identities that auth requests may add to one connection. */
  identities: 64,
  /** Bytes of all of them together. */
  identityBytes: 65_536,
  /** A token of a DIGEST-MD5 exchange, as RFC 2831 limits it. */
  digestTokenBytes: 4096,
  /** A token with a ticket of Kerberos, which names the groups of its owner. */
  ticketTokenBytes: 65_536,
  /** Proofs of tickets that are remembered for ten minutes, so that none counts twice. */
  kerberosProofs: 100_000,
  /** A connection that has begun to authenticate by SASL and has not finished after this long is closed. */
  saslExchangeMs: 30_000,
  /** Failed authentications that an address may have at once; after that its attempts are turned away. */
  failedAuthentications: 30,
  /** An address is forgiven one of them after this long. */
  failedAuthenticationMs: 1000,
  /** Addresses whose failures are remembered; of IPv6 their first halves. */
  failedAuthenticationAddresses: 10_000,
  /** Bytes of a file of SASL users. */
  usersFileBytes: 4_194_304,
  /** Writes under way of which the audit log remembers who asked. */
  auditedRequests: 100_000,
  /** Records of the audit log that wait to be written before further ones are dropped, and counted. */
  auditRecords: 131_072,
  /** Long answers to four-letter words that wait for the one that is being given. */
  longAnswers: 16,
  /** A server whose disk has less room than this is not ready. */
  readyFreeBytes: 67_108_864,
  /** Bytes that entries of scheme `auth` may expand to in one access control list. */
  expandedAclBytes: 524_288,
  /** Snapshot bytes that may wait for the disk before the writer pauses. */
  snapshotQueue: 8_388_608,
  /** Bytes of the committed txns that are kept in memory for learners. */
  committedLogBytes: 16_777_216,
  /** Bytes that may wait for a learner before it is dropped; it then comes back and is brought up to date. */
  learnerQueueBytes: 268_435_456,
  /** Bytes of a packet between servers beside the two jute limits. */
  peerPacketOverhead: 1024,
  /** Bytes of a learner that comes while this server has no leader and no role yet. */
  earlyPeerBytes: 65_536,
  /** The longest txn, path or data that a backup is believed to hold, unless jute.maxbuffer of its servers is larger. */
  backupRecordBytes: 134_217_728,
  /** Epochs are the upper 21 bits of zxids that are safe integers. */
  largestEpoch: 2_097_151,
  /** Namespaces (first elements of paths) that metrics tell apart; the others are counted together. */
  metricNamespaces: 256,
  /** The longest name of one of them, bytes. */
  metricKeyBytes: 256,
  /** Txns under way, and their bytes, at which a learner that forwards one more is dropped: each bounds its own clients' far below. */
  forwardedTxns: 500_000,
  forwardedBytes: 1_073_741_824,
  /** Questions that only a leader may answer, and that learners wait for, at which one that asks another is dropped. */
  learnerQuestions: 500_000,
  /** Bytes of txns that a server holds which other servers give it to repair its history. */
  repairBytes: 268_435_456,
  /** Learners connected to a leader at a time. */
  learners: 256,
  /**
   * Txns that an epoch is used for: its leader steps down before the counter of 32 bits can wrap (known failure E11). What is
   * left is more than can be proposed between two looks at the counter.
   */
  txnsOfEpoch: 0xfeffffff,
} as const;

/**
 * Keys of Apache ZooKeeper 3.8 and 3.9 that are no settings of this server (feature inventory, sections A.1 to A.12):
 * `later` ones name something that Headkeeper does not do yet, `needless` ones tune threads and caches that it does not
 * have. A name ending in a dot or in `*` stands for all keys that begin with it.
 */
const LATER: readonly string[] = [
  'secureClientPort',
  'secureClientPortAddress',
  'ssl.',
  'quorum.auth.kerberos.servicePrincipal',
  'leader.ackLoggingFrequency',
  'client.portUnification',
  'client.certReload',
  'fips-mode',
  'admin.',
  'metricsProvider.',
  'audit.',
  'authProvider.',
  'superUser*',
  'DigestAuthenticationProvider.enabled',
  'X509AuthenticationProvider.superUser',
  'SASLAuthenticationProvider.superPassword',
  'IPAuthenticationProvider.usexforwardedfor',
  'ensembleAuthName',
  'sessionRequireClientSASLAuth',
  'enforce.auth.',
  'allowSaslFailedClients',
  'sasl.',
  'security.auth_to_local',
  'server.realm',
  'kerberos.',
  'enableEagerACLCheck',
  'txnLogSizeLimitInKb',
  'snapshot.compression.method',
  'fsync.warningthresholdms',
  'forceSync',
  'closeSessionTxn.enabled',
  'largeRequestThreshold',
  'largeRequestMaxBytes',
  'requestThrottle*',
  'requestStale*',
  'request_throttle*',
  'request_stale*',
  'throttledOpWaitTime',
  'throttled_op_wait_time',
  'connectionMaxTokens',
  'connectionToken*',
  'connectionFreezeTime',
  'connectionDrop*',
  'connectionDecreaseRatio',
  'connection_throttle_*',
  'netty.server.',
  'outstandingHandshake.limit',
  'jvm.pause.',
  'messageTracker.',
  'pathStats.',
];

const NEEDLESS: readonly string[] = [
  'serverCnxnFactory',
  'nio.',
  'netty.advancedFlowControl.enabled',
  'advancedFlowControlEnabled',
  'intBufferStartingSizeBytes',
  'maxWriteQueuePollTime',
  'quorum.cnxn.threads.size',
  'leader.nodelay',
  'follower.nodelay',
  'learner.asyncSending',
  'learner.closeSocketAsync',
  'leader.closeSocketAsync',
  'follower.skipLearnerRequestToNextProcessor',
  'version',
  'commitProcessor.',
  'maxResponseCacheSize',
  'maxGetChildrenResponseCacheSize',
  'watchManagerName',
  'watcherClean*',
  'maxInProcessingDeadWatchers',
  'bitHashCacheSize',
  'forward_learner_requests_to_commit_processor_disabled',
  'requireKerberosConfig',
  'letAnySaslUserDoX',
  'jmx.',
  'log.dir',
  'log.file',
  'log.threshold',
  'console.threshold',
  'root.logger',
];

/** What is known about a key that is not a setting: `later`, `needless`, or undefined when Apache does not have it either. */
export function knownElsewhere(key: string): 'later' | 'needless' | undefined {
  if (LATER.some((name) => covers(name, key))) return 'later';
  if (NEEDLESS.some((name) => covers(name, key))) return 'needless';
  return undefined;
}

function covers(name: string, key: string): boolean {
  if (name.endsWith('.')) return key.startsWith(name);
  if (name.endsWith('*')) return key.startsWith(name.slice(0, -1));
  return key === name;
}

/** The whole names among the known keys, for suggestions. */
export function knownNames(): string[] {
  return [...LATER, ...NEEDLESS].filter((name) => !name.endsWith('.') && !name.endsWith('*'));
}

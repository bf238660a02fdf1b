/**
 * Keys of Apache ZooKeeper 3.8 and 3.9 that are no settings of this server (feature inventory, sections A.1 to A.12):
 * `later` ones name something that Headkeeper does not do yet, `needless` ones tune threads and caches that it does not
 * have. A name ending in a dot or in `*` stands for all keys that begin with it.
 */
const LATER: readonly string[] = [];

const ONE_LOOP = 'one event loop does the work, there are no threads to count';
const ALWAYS_ASYNC = 'no socket between servers is ever written or closed while others wait';
const NO_WATCH_CLEANER = 'watches of a connection that goes are removed at once, nothing is cleaned up later';
const ONE_TLS = 'TLS is always that of OpenSSL';
const JAVA_CLASS = 'it names a Java class; the key and trust stores are read in its place';
const JAVA_ONLY = 'it belongs to the Java machine';
const JSON_LOG = 'the log goes to standard error as JSON lines; log.level says how much';

const NO_STALL = 'requests that are throttled go on as soon as there is room';

/** Why each of them has no effect: the end of a sentence. */
const NEEDLESS: Readonly<Record<string, string>> = {
  requestThrottleStallTime: NO_STALL,
  request_throttle_stall_time: NO_STALL,
  'request_throttler.shutdownTimeout':
    'throttled requests are not carried out at the end, there is nothing to wait for',
  'fips-mode': 'certificates and names are checked in one way, whatever its value',
  'ssl.sslProvider': ONE_TLS,
  'ssl.quorum.sslProvider': ONE_TLS,
  'ssl.context.supplier.class': JAVA_CLASS,
  'ssl.quorum.context.supplier.class': JAVA_CLASS,
  serverCnxnFactory: 'there is one network layer, with TLS in it',
  'nio.': ONE_LOOP,
  'netty.advancedFlowControl.enabled': 'a connection whose requests wait is always read more slowly',
  advancedFlowControlEnabled: 'a connection whose requests wait is always read more slowly',
  intBufferStartingSizeBytes: 'buffers for replies grow and shrink by themselves',
  maxWriteQueuePollTime: 'writes that wait are always written with one sync, at once',
  'quorum.cnxn.threads.size': ONE_LOOP,
  'leader.nodelay': 'TCP_NODELAY is always on between servers',
  'follower.nodelay': 'TCP_NODELAY is always on between servers',
  'leader.ackLoggingFrequency': 'the times of all acknowledgements are measured, none is sampled into the log',
  'metricsProvider.numWorkerThreads': 'metrics are added up in place, there are no threads to hand them to',
  'metricsProvider.maxQueueSize': 'metrics are added up in place, none is queued',
  'metricsProvider.workerShutdownTimeoutMs': 'metrics are added up in place, there are no threads to stop',
  'learner.asyncSending': ALWAYS_ASYNC,
  'learner.closeSocketAsync': ALWAYS_ASYNC,
  'leader.closeSocketAsync': ALWAYS_ASYNC,
  'follower.skipLearnerRequestToNextProcessor': "a follower keeps nothing of its observers' requests",
  'quorum.auth.kerberos.servicePrincipal':
    'servers prove themselves to each other by DIGEST-MD5 or TLS, not by Kerberos',
  version: 'the membership has its version in the dynamic file',
  'commitProcessor.': ONE_LOOP,
  maxResponseCacheSize: 'replies are encoded straight from the tree, none is kept',
  maxGetChildrenResponseCacheSize: 'replies are encoded straight from the tree, none is kept',
  watchManagerName: 'there is one way to keep watches, which is compact already',
  'watcherClean*': NO_WATCH_CLEANER,
  maxInProcessingDeadWatchers: NO_WATCH_CLEANER,
  bitHashCacheSize: NO_WATCH_CLEANER,
  forward_learner_requests_to_commit_processor_disabled: "a leader never waits behind its learners' requests",
  requireKerberosConfig: JAVA_ONLY,
  'kerberos.canonicalizeHostNames': 'a server looks up no names of its clients; keys are those of the keytab',
  'server.realm': 'it is for clients; the realm of this server is that of its keytab',
  letAnySaslUserDoX: 'it would make all SASL users equal; give each the rights in the ACLs',
  'testingonly.': "it is for the tests of Apache's server",
  controllerPort: "it is for the tests of Apache's server",
  'admin.httpVersion': 'HTTP/1.1 is spoken, and the older version with those who cannot',
  'audit.impl.class': 'there is one audit log; audit.format and audit.file say how and where it is written',
  'jmx.': JAVA_ONLY,
  'log.dir': JSON_LOG,
  'log.file': JSON_LOG,
  'log.threshold': JSON_LOG,
  'console.threshold': JSON_LOG,
  'root.logger': JSON_LOG,
};

/** What is known about a key that is not a setting. */
export type KnownElsewhere =
  | { readonly kind: 'later' }
  /** `why` is the end of a sentence. */
  | { readonly kind: 'needless'; readonly why: string };

/** What is known about a key that is not a setting; undefined when Apache does not have it either. */
export function knownElsewhere(key: string): KnownElsewhere | undefined {
  if (LATER.some((name) => covers(name, key))) return { kind: 'later' };
  for (const [name, why] of Object.entries(NEEDLESS)) if (covers(name, key)) return { kind: 'needless', why };
  return undefined;
}

function covers(name: string, key: string): boolean {
  if (name.endsWith('.')) return key.startsWith(name);
  if (name.endsWith('*')) return key.startsWith(name.slice(0, -1));
  return key === name;
}

/** The whole names among the known keys, for suggestions. */
export function knownNames(): string[] {
  return [...LATER, ...Object.keys(NEEDLESS)].filter((name) => !name.endsWith('.') && !name.endsWith('*'));
}

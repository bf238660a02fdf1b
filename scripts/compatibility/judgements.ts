/**
 * What no code can tell: in what a thing of ours differs from Apache's of the same name, and why some of Apache's has no
 * counterpart. Everything else in the tables is derived from the code, and a name that has neither is not there yet.
 */
export interface Judgement {
  readonly different?: string;
  readonly notApplicable?: string;
}

const NO_JVM = 'there is no Java machine';
const NO_KERBEROS_CLIENT = 'the shell knows DIGEST-MD5; Kerberos is for clients of other languages';
const NO_STAGES = 'requests pass through no queues and threads: one loop does the work';
const NO_REPLY_CACHE = 'replies are encoded straight from the tree, none is kept';
const NO_CLEANER = 'watches of a connection that goes are removed at once';

export const CLIENT_JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  'zookeeper.disableAutoWatchReset': { notApplicable: 'watches always come back with the connection' },
  'zookeeper.clientCnxnSocket': { notApplicable: 'there is one kind of socket, with and without TLS' },
  'zookeeper.ssl.crl': { notApplicable: 'revocation lists belong into the trust store of who runs the client' },
  'zookeeper.ssl.ocsp': { notApplicable: 'the runtime does not ask OCSP responders' },
  'zookeeper.ssl.context.supplier.class': { notApplicable: `it names a Java class, and ${NO_JVM}` },
  'zookeeper.sasl.client.username': { notApplicable: NO_KERBEROS_CLIENT },
  'zookeeper.sasl.client.canonicalize.hostname': { notApplicable: NO_KERBEROS_CLIENT },
  'zookeeper.server.principal': { notApplicable: NO_KERBEROS_CLIENT },
  'zookeeper.server.realm': { notApplicable: NO_KERBEROS_CLIENT },
  'zookeeper.kinit': { notApplicable: NO_KERBEROS_CLIENT },
};

export const VARIABLE_JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  ZK_CLIENT_HEAP: { notApplicable: 'the shell needs no heap worth a limit' },
  JMXDISABLE: { notApplicable: NO_JVM },
  JMXPORT: { notApplicable: NO_JVM },
  JMXAUTH: { notApplicable: NO_JVM },
  JMXSSL: { notApplicable: NO_JVM },
  JMXLOCALONLY: { notApplicable: NO_JVM },
  JMXHOSTNAME: { notApplicable: NO_JVM },
};

export const WORD_JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  envi: { different: 'Java names have the values that Node knows, or <NA>; node.version is added' },
  gtmk: { different: 'always the mask that Apache begins with: nothing is traced by it' },
  stmk: { different: 'answers the mask that Apache begins with, and changes nothing' },
};

export const COMMAND_JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  get_trace_mask: { different: 'always the mask that Apache begins with: nothing is traced by it' },
  set_trace_mask: { different: 'changes nothing' },
  initial_configuration: { different: 'shows no passwords' },
  system_properties: { different: 'what the machine is, not the settings' },
  observer_connection_stat_reset: { different: "there are no statistics of observers' connections to forget" },
  observers: { different: 'counts no packets' },
  snapshot: { different: 'the pause between two is in milliseconds, as documented; Apache counts microseconds' },
  restore: { different: 'the leader restores the whole ensemble, behind a zxid that nobody has had' },
};

export const METRIC_JUDGEMENTS: Readonly<Record<string, Judgement>> = Object.fromEntries([
  ...judged(NO_STAGES, [
    'time_waiting_empty_pool_in_commit_processor_read_ms',
    'concurrent_request_processing_in_commit_processor',
    'write_batch_time_in_commit_processor',
    'skip_learner_request_to_next_processor_count',
    'requests_not_forwarded_to_commit_processor',
    'netty_queued_buffer_capacity',
  ]),
  ...judged(NO_REPLY_CACHE, [
    'response_packet_cache_hits',
    'response_packet_cache_misses',
    'response_packet_get_children_cache_hits',
    'response_packet_get_children_cache_misses',
  ]),
  ...judged(NO_CLEANER, [
    'add_dead_watcher_stall_time',
    'dead_watchers_queued',
    'dead_watchers_cleared',
    'dead_watchers_cleaner_latency',
  ]),
  ...judged(NO_JVM, ['jvm_gc_collection_seconds', 'jvm_info', 'jvm_memory_bytes_committed', 'jvm_memory_bytes_init']),
]);

function judged(notApplicable: string, names: readonly string[]): [string, Judgement][] {
  return names.map((name) => [name, { notApplicable }]);
}

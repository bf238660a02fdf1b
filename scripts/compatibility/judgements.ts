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

const CRL = { different: 'revocation lists come from a file (crl.location), they are not fetched over the network' };
const OCSP = {
  different: 'true is refused: the runtime asks no authority over the network; there are revocation lists',
};

export const KEY_JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  'ssl.crl': CRL,
  'ssl.quorum.crl': CRL,
  'ssl.ocsp': OCSP,
  'ssl.quorum.ocsp': OCSP,
  'ssl.authProvider': { different: 'x509 alone: Java classes of others cannot be loaded' },
};

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

/** Of those that are not in the server's own catalogue. */
export const METRIC_JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  jvm_gc_collection_seconds: { notApplicable: `${NO_JVM}; nodejs_gc_duration_seconds tells of this one's garbage` },
  jvm_info: { notApplicable: `${NO_JVM}; nodejs_version_info tells the runtime` },
  jvm_memory_bytes_init: { notApplicable: NO_JVM },
};

import { environmentEntries } from '../environment.ts';
import { digestNumber, TRACE_MASK } from '../four-letter.ts';
import { fourDecimals, javaDouble, javaSocketAddress } from '../java-text.ts';
import { monitorEntries } from '../metrics/monitor.ts';
import type { ConnectionStatus, ServerStatus } from '../server-status.ts';
import { ANNOUNCED_VERSION } from '../version.ts';
import { leader, observers, votingView, zabState } from './ensemble-answers.ts';
import { type Json, type JsonFields, LazyFields, LazyList, NumberText } from './json-text.ts';

/** What the answers are made of. */
export interface Facts {
  readonly status: ServerStatus;
  /** Text of the configuration file, without its secrets; null when there is none. */
  readonly initialConfiguration: string | null;
  /** The newest snapshot, or null. */
  lastSnapshot(): { readonly zxid: number; readonly takenMs: number } | null;
}

export interface ReadingCommand {
  /** The primary name, then its aliases. */
  readonly names: readonly [string, ...string[]];
  /** Whether it is answered while the server does not serve, too. */
  readonly always: boolean;
  answer(facts: Facts, query: URLSearchParams): JsonFields;
}

/** Entries of the word `mntr` that are no numbers. */
const TEXTS: ReadonlySet<string> = new Set(['version', 'server_state', 'peer_state']);
const NO_ZXID = '0';
/** How the digests of trees are made: the only way since 3.6. */
const DIGEST_VERSION = 2;

/** The commands that only read, or forget statistics, under Apache's names (feature inventory, section B.2). */
export const READING_COMMANDS: readonly ReadingCommand[] = [
  command(['configuration', 'conf', 'config'], configuration),
  command(['connection_stat_reset', 'crst'], ({ status }) => {
    status.resetConnectionStats();
    return {};
  }),
  command(['connections', 'cons'], ({ status }) => connectionLists(status.connections(), false)),
  command(['dirs'], ({ status }) => ({ datadir_size: status.dataDirSize(), logdir_size: status.logDirSize() })),
  command(['dump'], dump),
  command(['environment', 'env', 'envi'], () => Object.fromEntries(environmentEntries()), true),
  command(['get_trace_mask', 'gtmk'], () => ({ tracemask: TRACE_MASK }), true),
  command(['hash'], ({ status }) => ({
    digests: status
      .digests()
      .map((one) => ({ zxid: one.zxid, digest: digestNumber(one), digest_version: DIGEST_VERSION })),
  })),
  command(['initial_configuration', 'icfg'], (facts) => ({ initial_configuration: facts.initialConfiguration })),
  command(['is_read_only', 'isro'], ({ status }) => ({ read_only: status.mode === 'read-only' })),
  command(['last_snapshot', 'lsnp'], lastSnapshot),
  command(['leader', 'lead'], ({ status }) => leader(status.ensemble)),
  command(['monitor', 'mntr'], monitor),
  // There are no statistics of observers' connections to forget: the answer is Apache's.
  command(['observer_connection_stat_reset', 'orst'], () => ({})),
  command(['observers', 'obsr'], ({ status }) => observers(status.ensemble)),
  command(['ruok'], () => ({})),
  command(['server_stats', 'srvr'], ({ status }) => serverStats(status)),
  command(['set_trace_mask', 'stmk'], setTraceMask, true),
  command(['stat_reset', 'srst'], ({ status }) => {
    status.resetServerStats();
    return {};
  }),
  command(['stats', 'stat'], ({ status }) => ({
    ...serverStats(status),
    ...connectionLists(status.connections(), true),
  })),
  command(['system_properties', 'sysp'], () => systemProperties(), true),
  command(['voting_view'], ({ status }) => votingView(status.ensemble)),
  command(['watch_summary', 'wchs'], ({ status }) => {
    const { connections, paths, watches } = status.watchSummary();
    return { num_connections: connections, num_paths: paths, num_total_watches: watches };
  }),
  command(['watches', 'wchc'], ({ status }) => ({ session_id_to_watched_paths: byText(status.watchesBySession()) })),
  command(['watches_by_path', 'wchp'], ({ status }) => ({ path_to_session_ids: byText(status.watchesByPath()) })),
  command(['zabstate'], ({ status }) => zabState(status.ensemble, status.lastZxid, status.configuration.clientPort)),
];

function command(
  names: readonly [string, ...string[]],
  answer: (facts: Facts, query: URLSearchParams) => JsonFields,
  always = false,
): ReadingCommand {
  return { names, always, answer };
}

function configuration({ status }: Facts): JsonFields {
  const conf = status.configuration;
  return {
    client_port: conf.clientPort,
    data_dir: conf.snapshotDir,
    data_log_dir: conf.logDir,
    tick_time: conf.tickTimeMs,
    max_client_cnxns: conf.maxClientCnxns,
    min_session_timeout: conf.minSessionTimeoutMs,
    max_session_timeout: conf.maxSessionTimeoutMs,
    server_id: status.ensemble?.sid ?? 0,
    client_port_listen_backlog: conf.clientPortListenBacklog,
  };
}

/** Those through TLS apart, on whichever port they came. */
function connectionLists(connections: Iterable<ConnectionStatus>, brief: boolean): JsonFields {
  const all = [...connections];
  const fields = (isSecure: boolean): JsonFields[] =>
    all.filter((one) => one.isSecure === isSecure).map((one) => connectionFields(one, brief));
  return { connections: fields(false), secure_connections: fields(true) };
}

function connectionFields(connection: ConnectionStatus, brief: boolean): JsonFields {
  const { session } = connection;
  const fields = {
    // As the words `cons` and `stat`, without the slash.
    remote_socket_address: javaSocketAddress(connection.remoteAddress, connection.remotePort).slice(1),
    interest_ops: connection.interestOps,
    outstanding_requests: connection.outstanding,
    packets_received: connection.received,
    packets_sent: connection.sent,
  };
  if (brief || session === null) return fields;
  return {
    ...fields,
    session_id: session.id,
    last_operation: session.lastOperation,
    established: session.establishedAt,
    session_timeout: session.timeoutMs,
    last_cxid: session.lastCxid,
    last_zxid: session.lastZxid,
    last_response_time: session.lastResponseAt,
    last_latency: session.lastLatencyMs,
    min_latency: session.latency.min,
    avg_latency: Math.trunc(session.latency.average),
    max_latency: session.latency.max,
  };
}

function dump({ status }: Facts): JsonFields {
  const expiry: Record<string, Json> = {};
  for (const { at, things } of status.sessionExpiry()) expiry[String(at)] = things;
  return { expiry_time_to_session_ids: expiry, session_id_to_ephemeral_paths: byText(status.ephemerals()) };
}

function byText(entries: Iterable<readonly [key: bigint | string, values: Iterable<Json>]>): LazyFields {
  return new LazyFields(inTexts(entries));
}

function* inTexts(
  entries: Iterable<readonly [key: bigint | string, values: Iterable<Json>]>,
): Generator<readonly [name: string, value: Json]> {
  for (const [key, values] of entries) yield [String(key), new LazyList(values)];
}

function lastSnapshot(facts: Facts): JsonFields {
  const last = facts.lastSnapshot();
  return { zxid: last?.zxid.toString(16) ?? NO_ZXID, timestamp: Math.floor((last?.takenMs ?? 0) / 1000) };
}

function monitor({ status }: Facts): JsonFields {
  return Object.fromEntries(
    monitorEntries(status).map(([name, value]) => [
      name,
      typeof value === 'number' || TEXTS.has(name) ? value : new NumberText(value),
    ]),
  );
}

function serverStats(status: ServerStatus): JsonFields {
  const { latency, responseSize, ensemble } = status;
  const responses = sizes(responseSize);
  const answer = {
    version: ANNOUNCED_VERSION,
    read_only: status.mode === 'read-only',
    server_stats: {
      packets_sent: status.packetsSent,
      packets_received: status.packetsReceived,
      fsync_threshold_exceed_count: status.slowSyncs,
      client_response_stats: responses,
      provider_null: false,
      uptime: status.uptimeMs,
      server_state: status.mode,
      outstanding_requests: status.outstandingRequests,
      min_latency: latency.min,
      avg_latency: new NumberText(javaDouble(fourDecimals(latency.average))),
      max_latency: latency.max,
      data_dir_size: status.dataDirSize(),
      log_dir_size: status.logDirSize(),
      last_processed_zxid: status.lastZxid,
      num_alive_client_connections: status.connectionCount,
      auth_failed_count: status.authFailures,
      non_mtlsremote_conn_count: status.clientPorts.anonymousRemote,
      non_mtlslocal_conn_count: status.clientPorts.anonymousLocal,
    },
    client_response: responses,
  };
  const proposals = ensemble?.leading ?? null;
  const leading = proposals === null ? {} : { proposal_stats: sizes(proposals.proposalSize) };
  return { ...answer, ...leading, node_count: status.znodeCount };
}

function sizes({ last, min, max }: { last: number; min: number; max: number }): JsonFields {
  return { last_buffer_size: last, min_buffer_size: min, max_buffer_size: max };
}

function setTraceMask(_facts: Facts, query: URLSearchParams): JsonFields {
  const text = query.get('traceMask');
  if (text === null) return { error: 'setTraceMask requires long traceMask argument' };
  if (!/^[+-]?\d{1,19}$/.test(text)) return { error: `setTraceMask requires long traceMask argument, got ${text}` };
  // Headkeeper keeps no trace mask: what stays in force is told.
  return { tracemask: TRACE_MASK };
}

/** The properties of a Java machine that have a meaning here. Settings are not among them: some of them are secrets. */
function systemProperties(): JsonFields {
  const wanted = new Map(environmentEntries());
  const names = ['java.io.tmpdir', 'os.arch', 'os.name', 'os.version', 'user.dir', 'user.home', 'user.name'];
  return {
    'file.encoding': 'UTF-8',
    'file.separator': '/',
    'line.separator': '\n',
    'path.separator': ':',
    ...Object.fromEntries(names.map((name) => [name, wanted.get(name) ?? null])),
  };
}

import type { CommandDescription } from './command.ts';
import { fields, list, named, number, orNull, type Schema, text, whole, yesOrNo } from './schema.ts';

const sizes = fields({ last_buffer_size: whole, min_buffer_size: whole, max_buffer_size: whole });

const brief: Readonly<Record<string, Schema>> = {
  remote_socket_address: text,
  interest_ops: whole,
  outstanding_requests: whole,
  packets_received: whole,
  packets_sent: whole,
};

const connection = fields({
  ...brief,
  'session_id?': whole,
  'last_operation?': text,
  'established?': whole,
  'session_timeout?': whole,
  'last_cxid?': whole,
  'last_zxid?': whole,
  'last_response_time?': whole,
  'last_latency?': whole,
  'min_latency?': whole,
  'avg_latency?': whole,
  'max_latency?': whole,
});

const serverStats: Readonly<Record<string, Schema>> = {
  version: text,
  read_only: yesOrNo,
  server_stats: fields({
    packets_sent: whole,
    packets_received: whole,
    fsync_threshold_exceed_count: whole,
    client_response_stats: sizes,
    provider_null: yesOrNo,
    uptime: whole,
    server_state: text,
    outstanding_requests: whole,
    min_latency: whole,
    avg_latency: number,
    max_latency: whole,
    data_dir_size: whole,
    log_dir_size: whole,
    last_processed_zxid: whole,
    num_alive_client_connections: whole,
    auth_failed_count: whole,
    non_mtlsremote_conn_count: whole,
    non_mtlslocal_conn_count: whole,
  }),
  client_response: sizes,
  'proposal_stats?': sizes,
  node_count: whole,
};

const addresses = fields({
  empty: yesOrNo,
  all_addresses: list(text),
  wildcard_addresses: list(text),
  all_ports: list(whole),
  all_host_strings: list(text),
  reachable_address: orNull(text),
  all_reachable_addresses: list(text),
  all_reachable_addresses_or_all: list(text),
  reachable_or_one: orNull(text),
  one: orNull(text),
});

/** What the commands that only read answer, by primary name. A number named by an id is a whole one of 64 bits. */
export const READING_DESCRIPTIONS: Readonly<Record<string, CommandDescription>> = {
  configuration: {
    summary: 'The main settings',
    answer: fields({
      client_port: whole,
      data_dir: text,
      data_log_dir: text,
      tick_time: whole,
      max_client_cnxns: whole,
      min_session_timeout: whole,
      max_session_timeout: whole,
      server_id: whole,
      client_port_listen_backlog: whole,
    }),
  },
  connection_stat_reset: { summary: "Forgets the connections' statistics", answer: fields({}) },
  connections: {
    summary: "Clients' connections",
    answer: fields({ connections: list(connection), secure_connections: list(connection) }),
  },
  dirs: { summary: 'Bytes of snapshots and logs', answer: fields({ datadir_size: whole, logdir_size: whole }) },
  dump: {
    summary: 'Sessions by the time that they expire at, and their ephemerals',
    answer: fields({
      expiry_time_to_session_ids: named(list(whole)),
      session_id_to_ephemeral_paths: named(list(text)),
    }),
  },
  environment: { summary: 'The machine and the process', answer: named(text) },
  get_trace_mask: { summary: "Apache's trace mask", answer: fields({ tracemask: whole }) },
  hash: {
    summary: 'The digest of the tree after every 128th txn',
    answer: fields({ digests: list(fields({ zxid: whole, digest: whole, digest_version: whole })) }),
  },
  initial_configuration: {
    summary: 'The text of the configuration file, without its secrets',
    answer: fields({ initial_configuration: orNull(text) }),
  },
  is_read_only: { summary: 'Whether clients are served reads alone', answer: fields({ read_only: yesOrNo }) },
  last_snapshot: { summary: 'The newest snapshot', answer: fields({ zxid: text, timestamp: whole }) },
  leader: {
    summary: 'Who leads the ensemble',
    answer: fields({ 'is_leader?': yesOrNo, 'leader_id?': orNull(whole), 'leader_ip?': text }),
  },
  monitor: {
    summary: 'Everything that is counted and measured',
    answer: named(orNull({ type: ['string', 'number'] })),
  },
  observer_connection_stat_reset: { summary: "Forgets the observers' statistics", answer: fields({}) },
  observers: {
    summary: 'Observers that this server serves',
    answer: fields({
      synced_observers: whole,
      observers: list(
        fields({ remote_socket_address: text, sid: whole, established: whole, queued_packets_size: whole }),
      ),
    }),
  },
  ruok: { summary: 'Whether the process answers', answer: fields({}) },
  server_stats: { summary: 'What the server has done', answer: fields(serverStats) },
  set_trace_mask: {
    summary: 'Accepted; Headkeeper keeps no trace mask',
    parameters: [{ name: 'traceMask', schema: whole, description: 'the new mask' }],
    answer: fields({ 'tracemask?': whole }),
  },
  stat_reset: { summary: "Forgets the server's statistics", answer: fields({}) },
  stats: {
    summary: 'What the server has done, and its connections',
    answer: fields({ ...serverStats, connections: list(fields(brief)), secure_connections: list(fields(brief)) }),
  },
  system_properties: { summary: 'Properties of the process', answer: named(orNull(text)) },
  voting_view: {
    summary: 'The members that vote',
    answer: fields({
      current_config: named(
        fields({
          server_addresses: list(text),
          election_addresses: list(text),
          client_address: text,
          learner_type: text,
        }),
      ),
    }),
  },
  watch_summary: {
    summary: 'How many watches there are',
    answer: fields({ num_connections: whole, num_paths: whole, num_total_watches: whole }),
  },
  watches: {
    summary: 'Watched paths by session',
    answer: fields({ session_id_to_watched_paths: named(list(text)) }),
  },
  watches_by_path: { summary: 'Sessions by watched path', answer: fields({ path_to_session_ids: named(list(whole)) }) },
  zabstate: {
    summary: 'How far this server is in the protocol',
    answer: fields({
      'myid?': whole,
      'is_leader?': yesOrNo,
      'quorum_address?': addresses,
      'election_address?': addresses,
      'client_address?': text,
      voting: yesOrNo,
      'last_zxid?': text,
      'zab_epoch?': whole,
      'zab_counter?': whole,
      zabstate: text,
    }),
  },
};

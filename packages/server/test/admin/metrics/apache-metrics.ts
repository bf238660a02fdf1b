import type { MetricType } from '../../../src/admin/metrics/metric.ts';

/** The metrics that Apache ZooKeeper 3.9 has for clients, ensemble, storage and operators, by their type there: a list of its own, so that the catalogue can be held against it. */
export const APACHE_METRICS: { readonly [Type in MetricType]: string } = {
  gauge: `
    avg_latency max_latency min_latency packets_received packets_sent num_alive_connections outstanding_requests
    uptime znode_count watch_count ephemerals_count approximate_data_size global_sessions local_sessions
    open_file_descriptor_count max_file_descriptor_count connection_drop_probability last_client_response_size
    max_client_response_size min_client_response_size outstanding_tls_handshake auth_failed_count
    non_mtls_remote_conn_count non_mtls_local_conn_count quorum_size learners synced_followers
    synced_non_voting_followers synced_observers pending_syncs leader_uptime last_proposal_size
    max_proposal_size min_proposal_size`,
  counter: `
    proposal_count commit_count looking_count quit_leading_due_to_disloyal_voter diff_count snap_count
    learner_proposal_received_count learner_commit_received_count skip_learner_request_to_next_processor_count
    requests_not_forwarded_to_commit_processor digest_mismatches_count unrecoverable_error_count
    sync_processor_request_queued prep_processor_request_queued outstanding_changes_queued
    outstanding_changes_removed request_commit_queued response_packet_cache_hits response_packet_cache_misses
    response_packet_get_children_cache_hits response_packet_get_children_cache_misses bytes_received_count
    response_bytes watch_bytes throttled_ops stale_requests stale_requests_dropped stale_replies
    request_throttle_wait_count large_requests_rejected connection_request_count connection_drop_count
    connection_rejected connection_revalidate_count revalidate_count sessionless_connections_expired
    stale_sessions_expired cnxn_closed_without_zk_server_running ensemble_auth_success ensemble_auth_fail
    ensemble_auth_skip unsuccessful_handshake tls_handshake_exceeded insecure_admin_count snapshot_error_count
    snapshot_rate_limited_count restore_error_count restore_rate_limited_count add_dead_watcher_stall_time
    dead_watchers_queued dead_watchers_cleared`,
  summary: `
    election_time unavailable_time leader_unavailable_time follower_sync_time observer_sync_time
    inflight_diff_count inflight_snap_count learner_request_processor_queue_size socket_closing_time fsynctime
    snapshottime dbinittime startup_txns_loaded startup_txns_load_time startup_snap_load_time
    sync_processor_queue_size sync_processor_batch_size sync_process_time prep_processor_queue_size
    prep_process_time proposal_process_time commit_process_time requests_in_session_queue
    pending_session_queue_size reads_after_write_in_session_queue reads_issued_from_session_queue
    session_queues_drained read_commit_proc_req_queued write_commit_proc_req_queued
    commit_commit_proc_req_queued read_commit_proc_issued write_commit_proc_issued
    concurrent_request_processing_in_commit_processor time_waiting_empty_pool_in_commit_processor_read_ms
    write_batch_time_in_commit_processor netty_queued_buffer_capacity connection_token_deficit restore_time
    node_created_watch_count node_deleted_watch_count node_changed_watch_count node_children_watch_count`,
  'advanced summary': `
    readlatency updatelatency propagation_latency proposal_latency proposal_ack_creation_latency
    commit_propagation_latency quorum_ack_latency om_proposal_process_time_ms om_commit_process_time_ms
    sync_processor_queue_time_ms sync_processor_queue_flush_time_ms sync_processor_queue_and_flush_time_ms
    prep_processor_queue_time_ms close_session_prep_time read_commitproc_time_ms write_commitproc_time_ms
    local_write_committed_time_ms server_write_committed_time_ms read_final_proc_time_ms
    write_final_proc_time_ms request_throttle_queue_time_ms dead_watchers_cleaner_latency jvm_pause_time_ms`,
  'gauge set': `
    quota_count_limit_per_namespace quota_bytes_limit_per_namespace quota_count_usage_per_namespace
    quota_bytes_usage_per_namespace`,
  'counter set': `
    quota_exceeded_error_per_namespace`,
  'summary set': `
    learner_handler_qp_size read_per_namespace write_per_namespace`,
  'advanced summary set': `
    ack_latency learner_handler_qp_time_ms`,
};

/** Names and types. */
export function apacheMetrics(): [name: string, type: MetricType][] {
  return Object.entries(APACHE_METRICS).flatMap(([type, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map((name): [string, MetricType] => [name, type as MetricType]),
  );
}

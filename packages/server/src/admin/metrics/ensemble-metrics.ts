import type { EnsembleStatistics } from '../../core/ensemble-statistics.ts';
import type { EnsembleFacts } from '../ensemble-facts.ts';
import type { Metric } from './metric.ts';
import { advanced, counter, gauge, summary } from './metrics-of.ts';

/** How a server of an ensemble stands (feature inventory, section C.2). */
export function ensembleGauges(facts: EnsembleFacts): Metric[] {
  const { leading, hostedObservers } = facts;
  const gauges = [gauge('quorum_size', facts.membership.voters.size)];
  if (hostedObservers !== null) gauges.push(gauge('synced_observers', hostedObservers));
  if (leading === null) return gauges;
  return [
    ...gauges,
    gauge('leader_uptime', leading.uptimeMs),
    gauge('learners', leading.learners),
    gauge('synced_followers', leading.syncedFollowers),
    gauge('synced_non_voting_followers', leading.syncedNonVoters),
    gauge('synced_observers', leading.syncedObservers),
    gauge('pending_syncs', leading.pendingSyncs),
    gauge('last_proposal_size', leading.proposalSize.last),
    gauge('max_proposal_size', leading.proposalSize.max),
    gauge('min_proposal_size', leading.proposalSize.min),
  ];
}

/** What it has done, in whatever role (section C.3). */
export function ensembleWork(done: EnsembleStatistics): Metric[] {
  const metrics: Metric[] = [
    counter('looking_count', done.elections),
    counter('quit_leading_due_to_disloyal_voter', done.disloyalVoters),
    counter('proposal_count', done.proposals),
    counter('commit_count', done.commits),
    counter('learner_proposal_received_count', done.proposalsReceived),
    counter('learner_commit_received_count', done.commitsReceived),
    counter('diff_count', done.diffSyncs),
    counter('snap_count', done.snapSyncs),
    counter('revalidate_count', done.revalidations),
    summary('election_time', done.electionTime),
    summary('leader_unavailable_time', done.leaderUnavailableTime),
    summary('unavailable_time', done.unavailableTime),
    summary('follower_sync_time', done.followerSyncTime),
    summary('observer_sync_time', done.observerSyncTime),
    summary('inflight_diff_count', done.diffsTogether),
    summary('inflight_snap_count', done.snapsTogether),
    summary('learner_request_processor_queue_size', done.forwarded),
    advanced('proposal_latency', done.proposalLatency),
    advanced('proposal_ack_creation_latency', done.ackCreation),
    advanced('commit_propagation_latency', done.commitPropagation),
    advanced('quorum_ack_latency', done.quorumAck),
    advanced('om_commit_process_time_ms', done.observersCommit),
  ];
  for (const [sid, learner] of done.learners) {
    const key = String(sid);
    metrics.push(advanced('ack_latency', learner.ackLatency, key));
    metrics.push(summary('learner_handler_qp_size', learner.unacknowledged, key));
    metrics.push(advanced('learner_handler_qp_time_ms', learner.sendDelay, key));
  }
  return metrics;
}

import type { EnsembleFacts } from './ensemble-facts.ts';
import type { Metric } from './server-status.ts';

/** The metrics of an ensemble's server under Apache's names (feature inventory, sections C.2 and C.3). */
export function* ensembleMetrics(facts: EnsembleFacts): Generator<Metric> {
  const { leading, hostedObservers } = facts;
  yield counter('quorum_size', facts.membership.voters.size);
  if (leading !== null) {
    yield counter('leader_uptime', leading.uptimeMs);
    yield counter('learners', leading.learners);
    yield counter('synced_followers', leading.syncedFollowers);
    yield counter('synced_non_voting_followers', leading.syncedNonVoters);
    yield counter('synced_observers', leading.syncedObservers);
    yield counter('pending_syncs', leading.pendingSyncs);
    yield counter('last_proposal_size', leading.proposalSize.last);
    yield counter('max_proposal_size', leading.proposalSize.max);
    yield counter('min_proposal_size', leading.proposalSize.min);
  } else if (hostedObservers !== null) {
    yield counter('synced_observers', hostedObservers);
  }
  yield counter('looking_count', facts.lookingCount);
  yield counter('quit_leading_due_to_disloyal_voter', facts.disloyalVoters);
  yield counter('proposal_count', facts.proposalCount);
  yield counter('commit_count', facts.commitCount);
  yield counter('learner_proposal_received_count', facts.proposalsReceived);
  yield counter('learner_commit_received_count', facts.commitsReceived);
  yield counter('diff_count', facts.diffSyncs);
  yield counter('snap_count', facts.snapSyncs);
  yield counter('connection_revalidate_count', facts.revalidations);
  yield { kind: 'summary', name: 'election_time', ...facts.electionTime };
  yield { kind: 'summary', name: 'leader_unavailable_time', ...facts.leaderUnavailableTime };
  yield { kind: 'summary', name: 'unavailable_time', ...facts.unavailableTime };
  yield { kind: 'summary', name: 'follower_sync_time', ...facts.followerSyncTime };
  yield { kind: 'summary', name: 'observer_sync_time', ...facts.observerSyncTime };
}

function counter(name: string, value: number): Metric {
  return { kind: 'counter', name, value };
}

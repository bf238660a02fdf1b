import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FourLetterName, FourLetterWord } from '@headkeeper/protocol';
import { type EnsembleFacts, type LeaderFacts, modeOf } from '../../src/admin/ensemble-facts.ts';
import { ensembleGauges, ensembleWork } from '../../src/admin/metrics/ensemble-metrics.ts';
import { EnsembleStatistics } from '../../src/core/ensemble-statistics.ts';
import { parseMembership } from '../../src/core/membership/membership.ts';
import { statusWith } from './sample-status.ts';
import { wordText } from './word-text.ts';

const ALL = Object.keys(FourLetterWord) as FourLetterName[];

/** The ensemble whose Apache ZooKeeper 3.9.5 servers gave the answers below. */
const LINES = [
  'server.1=127.0.0.1:29711:29721:participant;127.0.0.1:29701',
  'server.2=127.0.0.1:29712:29722:participant;127.0.0.1:29702',
  'server.3=127.0.0.1:29713:29723:participant;127.0.0.1:29703',
  'server.4=127.0.0.1:29714:29724:observer;127.0.0.1:29704',
  'version=0',
].join('\n');
const leading: LeaderFacts = {
  uptimeMs: 4836,
  learners: 3,
  syncedFollowers: 2,
  syncedNonVoters: 0,
  syncedObservers: 1,
  observers: [],
  pendingSyncs: 0,
  proposalSize: { last: -1, min: -1, max: -1 },
};
const leader: EnsembleFacts = {
  sid: 3,
  role: 'leader',
  phase: 'broadcast',
  readOnly: false,
  currentEpoch: 1,
  leaderSid: 3,
  observerMasterSid: null,
  localSessionCount: 0,
  initLimitTicks: 10,
  syncLimitTicks: 5,
  membership: parseMembership(LINES),
  leading,
  hostedObservers: null,
};
const done = new EnsembleStatistics();
done.elections = 1;
done.diffSyncs = 2;
done.snapSyncs = 1;
done.electionTime.add(355);
done.learner(2).ackLatency.add(3);
const follower: EnsembleFacts = { ...leader, sid: 1, role: 'follower', leading: null };
const observer: EnsembleFacts = { ...follower, sid: 4, role: 'observer', observerMasterSid: 3 };

function answer(word: FourLetterName, facts: EnsembleFacts): string {
  const metrics = () => [...ensembleGauges(facts), ...ensembleWork(done)];
  return wordText(word, ALL, statusWith({ mode: modeOf(facts), ensemble: facts, metrics }));
}

/** Values of mntr by their keys. */
function monitor(facts: EnsembleFacts): ReadonlyMap<string, string> {
  const lines = answer('mntr', facts).trimEnd().split('\n');
  return new Map(lines.map((line) => line.split('\t') as [string, string]));
}

describe("four-letter words of an ensemble's servers, as Apache ZooKeeper 3.9.5 answered them", () => {
  it('conf: role, ports and members', () => {
    const tail = (facts: EnsembleFacts): string =>
      answer('conf', facts).split('clientPortListenBacklog=-1\n')[1] as string;
    assert.equal(
      tail(follower),
      `serverId=1\ninitLimit=10\nsyncLimit=5\nelectionAlg=3\nelectionPort=29721\nquorumPort=29711\npeerType=0\nmembership: \n${LINES}`,
    );
    assert.match(tail(observer), /^serverId=4\n.*electionPort=29724\nquorumPort=29714\npeerType=1\n/s);
    assert.match(tail({ ...follower, sid: 9 }), /^serverId=9\n.*electionPort=-1\nquorumPort=-1\npeerType=0\n/s);
  });

  it('srvr and stat: the mode, and proposal sizes on the leader', () => {
    for (const word of ['srvr', 'stat'] as const) {
      assert.match(answer(word, leader), /\nMode: leader\nNode count: 9\nProposal sizes last\/min\/max: -1\/-1\/-1\n$/);
      assert.match(answer(word, follower), /\nMode: follower\nNode count: 9\n$/);
      assert.match(answer(word, observer), /\nMode: observer\nNode count: 9\n$/);
    }
  });

  it('isro: ro for a server that has no quorum', () => {
    const alone: EnsembleFacts = { ...follower, role: 'looking', phase: 'election', readOnly: true, leaderSid: null };
    assert.equal(answer('isro', alone), 'ro');
    assert.equal(answer('isro', follower), 'rw');
    assert.match(answer('srvr', alone), /READ-ONLY mode; serving only read-only clients\n.*\nMode: read-only\n/s);
  });

  it('mntr: state, quorum and times on every server', () => {
    const values = monitor(follower);
    assert.equal(values.get('zk_server_state'), 'follower');
    assert.equal(values.get('zk_peer_state'), 'following - broadcast');
    assert.equal(values.get('zk_quorum_size'), '3');
    assert.equal(values.get('zk_looking_count'), '1');
    assert.equal(values.get('zk_avg_election_time'), '355.0');
    assert.equal(values.get('zk_cnt_election_time'), '1');
    assert.equal(values.has('zk_synced_followers'), false);
    assert.equal(values.has('zk_observer_master_id'), false);
    assert.deepEqual([...values.keys()].slice(0, 3), ['zk_version', 'zk_server_state', 'zk_peer_state']);
  });

  it('mntr: learners on the leader, the master on an observer, hosted observers on a master', () => {
    const values = monitor(leader);
    const expected = {
      zk_peer_state: 'leading - broadcast',
      zk_leader_uptime: '4836',
      zk_learners: '3',
      zk_synced_followers: '2',
      zk_synced_non_voting_followers: '0',
      zk_synced_observers: '1',
      zk_pending_syncs: '0',
      zk_last_proposal_size: '-1',
      zk_max_proposal_size: '-1',
      zk_min_proposal_size: '-1',
      zk_diff_count: '2',
      zk_snap_count: '1',
      zk_p50_2_ack_latency: '3',
    };
    for (const [key, value] of Object.entries(expected)) assert.equal(values.get(key), value, key);
    assert.equal(monitor(observer).get('zk_observer_master_id'), '3');
    assert.equal(monitor({ ...follower, hostedObservers: 2 }).get('zk_synced_observers'), '2');
  });
});

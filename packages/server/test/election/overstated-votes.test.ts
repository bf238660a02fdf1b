/** Votes for a server that has lost, or cut off, what it had when they were first cast. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeNotification, encodeNotification, ServerState } from '@headkeeper/protocol';
import { FastElection } from '../../src/core/election/fast-election.ts';
import { Cluster, EPOCH, membershipOf, type ServerPlan } from './cluster.ts';

const HAD = 5 * EPOCH + 11;
const HAS = HAD - 1;

function five(zxids: readonly number[], apache: readonly number[] = []): ServerPlan[] {
  return zxids.map((zxid, i) => ({ sid: i + 1, zxid, peerEpoch: 5, apache: apache.includes(i + 1) }));
}

/** Server 5 of five looks, by itself. */
function looking(candidate: number | null): FastElection {
  const election = new FastElection({
    sid: 5,
    minNotificationIntervalMs: 200,
    maxNotificationIntervalMs: 60_000,
    finalizeWaitMs: 200,
    reconfigEnabled: false,
  });
  const membership = membershipOf(five([HAS, HAS, HAS, HAS, HAS]));
  election.configure(membership, membership);
  election.start(0, { zxid: HAS, peerEpoch: 5, participant: true, mayVote: 'yes', candidate });
  election.takeSends();
  return election;
}

describe('a vote for a server that claims more than that has', () => {
  test('sends it into the next round, in which everybody hears what it has', () => {
    const election = looking(null);
    const hear = (electionEpoch: number): void => {
      const claim = { state: ServerState.looking, leader: 5, zxid: HAD, peerEpoch: 5, version: 2, config: null };
      election.receive(2, encodeNotification({ ...claim, electionEpoch }), 1);
    };
    hear(8);
    assert.equal(election.round, 9);
    for (const { payload } of election.takeSends()) {
      const told = decodeNotification(payload);
      assert.deepEqual([told?.leader, told?.zxid, told?.electionEpoch], [5, HAS, 9]);
    }
    // Said again, it is a vote of an earlier round.
    hear(8);
    assert.equal(election.round, 9);
    // A round behind which there is none cannot be left.
    hear(Number.MAX_SAFE_INTEGER);
    assert.equal(election.round, Number.MAX_SAFE_INTEGER);
  });

  test('is none where the server merely wants another one elected', () => {
    const election = looking(3);
    const vote = { state: ServerState.looking, leader: 5, zxid: HAS, peerEpoch: 5, version: 2, config: null };
    election.receive(2, encodeNotification({ ...vote, electionEpoch: 8 }), 1);
    assert.equal(election.round, 8);
  });

  for (const [who, apache] of [
    ['of Headkeeper', []],
    ["of Apache's", [2, 4]],
  ] as const) {
    test(`does not keep three of five from electing one of them, with voters ${who} (simulator, lite 36674)`, () => {
      const cluster = new Cluster({ servers: five([HAD, HAS - 100, HAS, HAS, HAS], apache) });
      cluster.startAll([1, 2]);
      cluster.run(50);
      // It comes back without its last txn, which nobody else has; who knew it as it was is still in the round of that vote.
      cluster.crash(1);
      cluster.server(1).zxid = HAS;
      cluster.committed = HAS;
      cluster.run(50);
      cluster.startAll([1, 4]);
      const electsOne = (): boolean => [1, 2, 4].some((sid) => cluster.server(sid).established);
      const took = cluster.runUntil(electsOne, 5000);
      assert.ok(took < 2000, `${took} ms`);
    });
  }
});

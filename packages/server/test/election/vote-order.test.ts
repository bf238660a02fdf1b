import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MIN_LONG } from '@headkeeper/protocol';
import fc from 'fast-check';
import { agreeInRound, agreeOutOfElection, beats, type CastVote, NOBODY } from '../../src/core/election/vote.ts';

const anyCandidate = fc.record({
  leader: fc.constantFrom(1, 2, 3, 255, MIN_LONG),
  zxid: fc.constantFrom(-1, 0, 1, 0x1_0000_0000, 0x1_0000_0001, Number.MAX_SAFE_INTEGER, MIN_LONG),
  peerEpoch: fc.constantFrom(-1, 0, 1, 2, 0x7fff_ffff, MIN_LONG),
});

/** Section 4.1 with the integers that travel. */
function beatsByTheReference(a: typeof NOBODY, b: typeof NOBODY): boolean {
  const [e, z, s] = [BigInt(a.peerEpoch), BigInt(a.zxid), BigInt(a.leader)];
  const [e2, z2, s2] = [BigInt(b.peerEpoch), BigInt(b.zxid), BigInt(b.leader)];
  return e > e2 || (e === e2 && z > z2) || (e === e2 && z === z2 && s > s2);
}

test('votes are ordered by epoch, zxid and id', () => {
  fc.assert(
    fc.property(anyCandidate, anyCandidate, (a, b) => {
      assert.equal(beats(a, b), beatsByTheReference(a, b));
    }),
    { numRuns: 2000 },
  );
});

test('of two different votes exactly one beats the other, and the best of many beats them all', () => {
  fc.assert(
    fc.property(fc.array(anyCandidate, { minLength: 1, maxLength: 8 }), (votes) => {
      const best = votes.reduce((a, b) => (beats(b, a) ? b : a));
      for (const vote of votes) {
        const same = vote.leader === best.leader && vote.zxid === best.zxid && vote.peerEpoch === best.peerEpoch;
        assert.equal(beats(best, vote), !same);
        assert.equal(beats(vote, best), false);
      }
    }),
  );
});

test('any vote of a server beats the vote for nobody', () => {
  assert.equal(beats({ leader: 0, zxid: 0, peerEpoch: 0 }, NOBODY), true);
  assert.equal(beats({ leader: 0, zxid: 0, peerEpoch: -1 }, NOBODY), true);
  assert.equal(beats(NOBODY, NOBODY), false);
});

const vote: CastVote = {
  leader: 3,
  zxid: 7,
  electionEpoch: 2,
  peerEpoch: 1,
  looking: true,
  leading: false,
  version: 2,
};

test('votes of servers that look count as one only when everything in them is equal', () => {
  assert.equal(agreeInRound(vote, { ...vote }), true);
  for (const other of [{ leader: 2 }, { zxid: 8 }, { electionEpoch: 3 }, { peerEpoch: 2 }]) {
    assert.equal(agreeInRound(vote, { ...vote, ...other }), false, JSON.stringify(other));
    assert.equal(agreeInRound({ ...vote, looking: false }, { ...vote, ...other }), false, JSON.stringify(other));
  }
});

test('votes of servers that have a leader count as one within a round when they name the same leader', () => {
  const settled = { ...vote, looking: false };
  assert.equal(agreeInRound(settled, { ...settled, zxid: 1, peerEpoch: 9 }), true);
  assert.equal(agreeInRound(settled, { ...settled, leader: 2 }), false);
});

test('votes of servers that have a leader count as one across rounds when the epoch is equal', () => {
  const settled = { ...vote, looking: false };
  assert.equal(agreeOutOfElection(settled, { ...settled, zxid: 1, electionEpoch: 9 }), true);
  assert.equal(agreeOutOfElection(settled, { ...settled, peerEpoch: 9 }), true, 'one round');
  assert.equal(agreeOutOfElection(settled, { ...settled, electionEpoch: 9, peerEpoch: 9 }), false);
  assert.equal(agreeOutOfElection(settled, { ...settled, electionEpoch: 9, peerEpoch: 9, version: 0 }), true);
  assert.equal(agreeOutOfElection(settled, { ...settled, leader: 2 }), false);
});

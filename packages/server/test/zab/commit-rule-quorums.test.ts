/** The commit rule against the definition: txn after txn, each with the quorums that it needs (8.1, 13.3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Membership, parseMembership } from '../../src/core/membership/membership.ts';
import { CommitRule } from '../../src/core/zab/commit-rule.ts';

const MOST = 12;

function membership(sids: readonly number[], rest = '', observers: readonly number[] = []): Membership {
  const lines = sids.map((sid) => `server.${sid}=h${sid}:1:2:${observers.includes(sid) ? 'observer' : 'participant'}`);
  return parseMembership(`${lines.join('\n')}\n${rest}version=0`);
}

const MEMBERSHIPS: readonly Membership[] = [
  membership([1]),
  membership([1, 2]),
  membership([1, 2, 3]),
  membership([3, 4, 5]),
  membership([1, 2, 3, 4]),
  membership([1, 2, 3, 4, 5]),
  membership([1, 2, 3, 4, 5], '', [2, 3]),
  membership([1, 2, 3, 4, 5], 'group.1=1:2:3\ngroup.2=4\ngroup.3=5\n'),
  membership([1, 2, 3, 4, 5], 'group.1=1:2:3:4:5\nweight.1=3\nweight.2=0\n'),
];

function isAcknowledged(zxid: number, acked: ReadonlyMap<number, number>, by: Membership): boolean {
  return by.isQuorum(new Set([...acked].filter(([, upTo]) => upTo >= zxid).map(([sid]) => sid)));
}

function lastCommittable(
  acked: ReadonlyMap<number, number>,
  committed: Membership,
  proposed: Membership | null,
  reconfigZxid: number,
): number {
  let last = -1;
  for (let zxid = 0; zxid <= MOST; zxid++) {
    if (!isAcknowledged(zxid, acked, committed)) break;
    if (proposed !== null && zxid >= reconfigZxid && !isAcknowledged(zxid, acked, proposed)) break;
    last = zxid;
  }
  return last;
}

const sid = fc.integer({ min: 1, max: 6 });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('ack'), sid, zxid: fc.integer({ min: 0, max: MOST }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget'), sid, zxid: fc.constant(0) }) },
);
const question = fc.record({
  committed: fc.constantFrom(...MEMBERSHIPS),
  proposed: fc.option(fc.constantFrom(...MEMBERSHIPS), { freq: 3 }),
  reconfigZxid: fc.integer({ min: 1, max: MOST }),
});

test('what may be committed is what the quorums of the memberships in force have', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 14 }), fc.array(question, { minLength: 1, maxLength: 3 }), (steps, all) => {
      const rule = new CommitRule();
      const acked = new Map<number, number>();
      for (const { kind, sid: from, zxid } of steps) {
        if (kind === 'forget') {
          rule.forget(from);
          acked.delete(from);
        } else {
          rule.acknowledged(from, zxid);
          acked.set(from, Math.max(zxid, acked.get(from) ?? 0));
        }
        // Asked twice, and of several memberships in turn: an answer that is kept must not be another one's.
        for (const { committed, proposed, reconfigZxid } of [...all, ...all]) {
          const zxids = proposed === null ? 0 : reconfigZxid;
          const expected = lastCommittable(acked, committed, proposed, zxids);
          assert.equal(rule.committable(committed, proposed, zxids), expected);
        }
      }
    }),
    { numRuns: 1500 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MembershipParts } from '../../src/core/membership/member.ts';
import { Membership, parseMembership } from '../../src/core/membership/membership.ts';
import { anyParts } from './any-membership.ts';

/**
 * The law, written a second time from its words: a majority of the voters; or, in a majority of the groups that weigh
 * anything, voters with a majority of the group's weight. Votes are counted against those that are missing.
 */
function isQuorumByTheBook({ members, hierarchy }: MembershipParts, said: ReadonlySet<number>): boolean {
  const counts = (sid: number): boolean => said.has(sid) && members.get(sid)?.role === 'participant';
  if (hierarchy === null) {
    let balance = 0;
    for (const { sid, role } of members.values()) if (role === 'participant') balance += counts(sid) ? 1 : -1;
    return balance > 0;
  }
  let groups = 0;
  for (const sids of hierarchy.groups.values()) {
    let balance = 0;
    let total = 0;
    for (const sid of sids) {
      const weight = hierarchy.weights.get(sid) ?? 0;
      balance += counts(sid) ? weight : -weight;
      total += weight;
    }
    if (total > 0) groups += balance > 0 ? 1 : -1;
  }
  return groups > 0;
}

/** All subsets of the servers, and one stranger in each second of them. */
function subsets(sids: readonly number[]): Set<number>[] {
  return Array.from({ length: 2 ** sids.length }, (_, mask) => {
    const set = new Set(sids.filter((_sid, i) => (mask >> i) & 1));
    if (mask % 2 === 1) set.add(-7);
    return set;
  });
}

function checkLaw(parts: MembershipParts): number {
  const membership = new Membership(parts);
  const quorums: Set<number>[] = [];
  for (const set of subsets([...parts.members.keys()])) {
    const expected = isQuorumByTheBook(parts, set);
    const where = `${membership.toText()}\n${[...set]}`;
    assert.equal(membership.isQuorum(set), expected, where);
    assert.equal(
      membership.isQuorum((sid) => set.has(sid)),
      expected,
      where,
    );
    if (expected) quorums.push(set);
  }
  for (const one of quorums) {
    for (const other of quorums) {
      const common = [...one].some((sid) => membership.isVoter(sid) && other.has(sid));
      assert.ok(common, `${membership.toText()}\n${[...one]} and ${[...other]}`);
    }
  }
  return quorums.length;
}

function parts(text: string): MembershipParts {
  const { members, groups, weights, version } = parseMembership(text);
  return { members, hierarchy: groups === null || weights === null ? null : { groups, weights }, version };
}

function ensemble(voters: number, observers = 0): string {
  const line = (sid: number): string => `server.${sid}=h${sid}:1:2:${sid <= voters ? 'participant' : 'observer'}`;
  return Array.from({ length: voters + observers }, (_, i) => line(i + 1)).join('\n');
}

test('majorities of one to eight voters: every subset, and every two quorums meet', () => {
  for (let voters = 1; voters <= 8; voters++) checkLaw(parts(ensemble(voters)));
});

test('observers and strangers count nowhere', () => {
  const membership = parseMembership(ensemble(3, 4));
  assert.ok(!membership.isQuorum(new Set([1, 4, 5, 6, 7, 99])));
  assert.ok(membership.isQuorum(new Set([1, 3])));
  checkLaw(parts(ensemble(3, 4)));
});

test('three groups of three: two groups, in each two servers', () => {
  const nine = `${ensemble(9)}\ngroup.1=1:2:3\ngroup.2=4:5:6\ngroup.3=7:8:9`;
  const membership = parseMembership(nine);
  assert.ok(membership.isQuorum(new Set([1, 2, 4, 5])));
  assert.ok(!membership.isQuorum(new Set([1, 2, 3, 4, 7])));
  checkLaw(parts(nine));
});

test('weights decide inside a group, and a group without weight does not exist', () => {
  const text = `${ensemble(6)}\ngroup.1=1:2:3\ngroup.2=4:5\ngroup.3=6\nweight.1=3\nweight.6=0`;
  const membership = parseMembership(text);
  assert.ok(membership.isQuorum(new Set([1, 4, 5])));
  assert.ok(!membership.isQuorum(new Set([2, 3, 4, 5, 6])));
  assert.ok(!membership.isQuorum(new Set([1, 2, 3, 6])), 'one group of two that weigh anything');
  checkLaw(parts(text));
});

test('when nobody weighs anything there is no quorum', () => {
  const text = `${ensemble(2)}\ngroup.1=1:2\nweight.1=0\nweight.2=0`;
  assert.equal(checkLaw(parts(text)), 0);
});

test('a weight of somebody who never votes makes its group harder to win', () => {
  const text = `${ensemble(3, 1)}\ngroup.1=1:2:3:4\nweight.4=2`;
  const membership = parseMembership(text);
  assert.ok(!membership.isQuorum(new Set([1, 2])));
  assert.ok(membership.isQuorum(new Set([1, 2, 3])));
  assert.ok(!membership.isQuorum(new Set([1, 2, 4])));
  checkLaw(parts(text));
});

test('any membership keeps the law', () => {
  let quorums = 0;
  fc.assert(
    fc.property(anyParts, (some) => {
      quorums += checkLaw(some);
    }),
    { numRuns: 200 },
  );
  assert.ok(quorums > 200, `${quorums} quorums`);
});

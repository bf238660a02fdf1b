import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Membership, parseMembership } from '../../src/core/membership/membership.ts';
import { CommitRule } from '../../src/core/zab/commit-rule.ts';

function membershipOf(sids: readonly number[], version = '0'): Membership {
  const lines = sids.map((sid) => `server.${sid}=10.0.0.${sid}:2888:3888:participant`);
  return parseMembership([...lines, `version=${version}`].join('\n'));
}

const THREE = membershipOf([1, 2, 3]);

test('a txn may be committed when a majority of the voters has it, whoever they are', () => {
  const rule = new CommitRule();
  assert.equal(rule.committable(THREE, null, 0), -1);
  rule.acknowledged(1, 7);
  assert.equal(rule.committable(THREE, null, 0), -1);
  rule.acknowledged(3, 5);
  assert.equal(rule.committable(THREE, null, 0), 5);
  rule.acknowledged(2, 6);
  assert.equal(rule.committable(THREE, null, 0), 6);
});

test('an acknowledgement is never taken back by an older one, and only by a server that forgets', () => {
  const rule = new CommitRule();
  rule.acknowledged(1, 7);
  rule.acknowledged(2, 7);
  rule.acknowledged(2, 3);
  assert.equal(rule.committable(THREE, null, 0), 7);
  rule.forget(2);
  assert.equal(rule.committable(THREE, null, 0), -1);
});

test('who has no vote does not count', () => {
  const rule = new CommitRule();
  rule.acknowledged(1, 7);
  rule.acknowledged(4, 7);
  assert.equal(rule.committable(THREE, null, 0), -1);
  assert.equal(rule.committable(membershipOf([1, 4, 5]), null, 0), 7);
});

test('from a reconfiguration on both memberships must have a quorum; what is before it needs the old one alone', () => {
  const rule = new CommitRule();
  const proposed = membershipOf([3, 4, 5], '6');
  rule.acknowledged(1, 8);
  rule.acknowledged(2, 8);
  assert.equal(rule.committable(THREE, proposed, 6), 5);
  rule.acknowledged(4, 7);
  rule.acknowledged(5, 9);
  assert.equal(rule.committable(THREE, proposed, 6), 7);
  assert.equal(rule.committable(proposed, null, 0), 7, 'once it is committed it decides alone');
});

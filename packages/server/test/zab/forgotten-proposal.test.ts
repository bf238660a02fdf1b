/** A proposed membership whose txn is not in the log of the server that remembers it (simulator, seed 40 with --reconfigure). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMembership } from '../../src/core/membership/membership.ts';
import { EPOCH_1, loadTxn } from './histories.ts';
import { MemberHarness } from './member-harness.ts';
import { withClients } from './scenarios.ts';

const SESSION = { sessionHigh: 0x1000000, sessionLow: 1, timeoutMs: 10_000, createdMs: 1_790_000_000_000 };

/** The only voter, which remembers that server 3 is to become one by this txn. */
function restarted(zxid: number, txns: number): MemberHarness {
  const lastSeen = parseMembership(withClients([3, 4], zxid.toString(16)));
  return new MemberHarness({
    sid: 4,
    membership: withClients([4], EPOCH_1.toString(16)),
    core: { skipAcl: true },
    ensemble: { reconfigEnabled: true, lastSeen },
    log: Array.from({ length: txns }, (_, index) => loadTxn(SESSION, index + 1)),
    epochs: { accepted: 1, current: 1 },
  });
}

test('a proposal that was never durable here binds nobody: the only voter leads alone', () => {
  const member = restarted(EPOCH_1 + 2, 1);
  for (let turns = 0; turns < 20 && member.role === 'looking'; turns++) member.pass(200);
  assert.equal(member.role, 'leading');
});

test('one that is in the log may be committed elsewhere: it needs the quorums of both memberships', () => {
  const member = restarted(EPOCH_1 + 2, 2);
  for (let turns = 0; turns < 20; turns++) member.pass(200);
  assert.equal(member.role, 'looking');
});

test('a server without history binds itself to what it remembers', () => {
  const member = restarted(EPOCH_1 + 2, 0);
  for (let turns = 0; turns < 20; turns++) member.pass(200);
  assert.equal(member.role, 'looking');
});

/** A reconfiguration that is the first txn of its epoch (simulator, seed 1081 with --reconfigure). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpCode, QuorumPacketType, reconfigRequest, Writer } from '@headkeeper/protocol';
import { EPOCH_1, loadTxn } from './histories.ts';
import { MemberHarness } from './member-harness.ts';
import { withClients } from './scenarios.ts';
import { StandIn } from './stand-in.ts';

const SESSION = { sessionHigh: 0x1000000, sessionLow: 1, timeoutMs: 10_000, createdMs: 1_790_000_000_000 };
const FIRST = 2 * EPOCH_1 + 1;

test('held by the old quorum alone it commits nothing, and its leader goes on; held by both it is committed', () => {
  const member = new MemberHarness({
    sid: 3,
    membership: withClients([1, 2, 3], '100000000'),
    core: { skipAcl: true },
    ensemble: { reconfigEnabled: true },
    log: [loadTxn(SESSION, 1)],
    epochs: { accepted: 1, current: 1 },
  });
  member.elect(3);
  const history = { epoch: 1, lastZxid: EPOCH_1 + 1, configVersion: EPOCH_1 };
  const two = new StandIn(member, { sid: 2, ...history });
  const four = new StandIn(member, { sid: 4, ...history });
  new StandIn(member, { sid: 5, ...history });
  const body = new Writer(256);
  const newMembers = withClients([3, 4, 5], '0').replace(/\nversion=.*/, '');
  reconfigRequest.encode(body, { joiningServers: null, leavingServers: null, newMembers, curConfigId: -1 });
  two.request(SESSION.sessionHigh, SESSION.sessionLow, 1, OpCode.reconfig, body.toBytes(), true);
  const sent = (learner: StandIn): number[] =>
    learner.received.filter(({ zxid }) => zxid === FIRST).map(({ type }) => type);
  two.acknowledge(FIRST);
  assert.deepEqual(sent(two), [QuorumPacketType.proposal], 'proposed, and not committed by 2 and 3 alone');
  assert.equal(member.lastApplied, EPOCH_1 + 1);
  assert.equal(member.role, 'leading');
  four.acknowledge(FIRST);
  two.pump();
  assert.deepEqual(sent(two), [QuorumPacketType.proposal, QuorumPacketType.commitAndActivate]);
  assert.equal(member.lastApplied, FIRST);
});

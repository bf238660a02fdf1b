/** A whole state comes to a server whose list of members is another one than its leader's (R02). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeNotification, QuorumPacketType, ServerState } from '@headkeeper/protocol';
import { type CapturedConnection, captureOf, fromHex } from './captures.ts';
import { EPOCH_1 } from './histories.ts';
import { feed, leaderInfoOf, type Packet } from './leader-packets.ts';
import { MemberHarness } from './member-harness.ts';
import { withClients } from './scenarios.ts';
import type { TestLink } from './test-link.ts';

const { newLeader, upToDate } = QuorumPacketType;

const FEW = [1, 2, 3];
const MANY = [1, 2, 3, 4, 5];
const [OLD, NEW] = [EPOCH_1, EPOCH_1 + 7].map((version) => version.toString(16)) as [string, string];

function newLeaderWith(membership: string): Packet {
  return [newLeader, 2 * EPOCH_1, new TextEncoder().encode(membership)];
}

/** Server 1 without any history, to which server 3 has sent its state; what that says of the members is older than all lists. */
function sent(membership: string): { member: MemberHarness; link: TestLink } {
  const member = new MemberHarness({
    sid: 1,
    membership,
    // Its clients need nothing of the leader then.
    core: { localSessionsEnabled: true },
    ensemble: { reconfigEnabled: true },
  });
  member.elect(3, true);
  const link = member.accept();
  feed(member, link, leaderInfoOf(2));
  const [{ messages }] = captureOf('sync/snap') as [CapturedConnection];
  for (const { kind, hex } of messages) if (kind.startsWith('SNAP')) member.feed(link, fromHex(hex));
  return { member, link };
}

/** Its leader is gone, and these servers vote for server 2, as it would. */
function isElectedWith(member: MemberHarness, link: TestLink, sids: readonly number[]): boolean {
  member.cut(link);
  for (const from of sids) {
    const vote = { leader: 2, zxid: 9 * EPOCH_1, electionEpoch: 9, peerEpoch: 9, version: 2 };
    const bytes = encodeNotification({ ...vote, state: ServerState.looking, config: member.committed.toText() });
    member.step({ kind: 'notification', from, bytes });
  }
  member.pass(1000);
  return member.role !== 'looking';
}

function config(member: MemberHarness): string {
  const client = member.open();
  client.connect();
  const answer = client.must('getData', { path: '/zookeeper/config', watch: false });
  return new TextDecoder().decode((answer as { data: Uint8Array }).data);
}

test('a server with an old list counts by that of its leader once it has its state, and not by its own', () => {
  for (const [sids, isElected] of [
    [[2], false],
    [[2, 4], true],
  ] as const) {
    const { member, link } = sent(withClients(FEW, OLD));
    const leaders = withClients(MANY, NEW);
    feed(member, link, newLeaderWith(leaders), [upToDate, -1]);
    assert.equal(member.committed.toText(), leaders);
    assert.equal(config(member), leaders);
    assert.equal(isElectedWith(member, link, sids), isElected, `with the votes of ${sids.join()}`);
  }
});

test('a server with a newer list than its leader keeps it, whatever the state and NEWLEADER say', () => {
  const own = withClients(MANY, NEW);
  const { member, link } = sent(own);
  feed(member, link, newLeaderWith(withClients(FEW, OLD)), [upToDate, -1]);
  assert.equal(member.committed.toText(), own);
  assert.equal(config(member), own);
  assert.equal(isElectedWith(member, link, [2]), false);
});

test('until UPTODATE has come neither list alone elects', () => {
  for (const [sids, isElected] of [
    [[2], false],
    [[4, 5], false],
    [[2, 4], true],
  ] as const) {
    const { member, link } = sent(withClients(FEW, OLD));
    feed(member, link, newLeaderWith(withClients(MANY, NEW)));
    assert.deepEqual([...member.committed.voters], FEW);
    assert.equal(isElectedWith(member, link, sids), isElected, `with the votes of ${sids.join()}`);
  }
});

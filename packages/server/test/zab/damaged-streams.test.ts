/**
 * Streams between servers with damaged bytes: whoever reads them may close the link or end its role, and must not fall over,
 * nor send what its disk does not back (the harness checks that all the time).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '@headkeeper/testkit';
import { type CapturedConnection, captureOf, fromHex } from './captures.ts';
import { EPOCH_1, madeUpTxn } from './histories.ts';
import { MemberHarness } from './member-harness.ts';
import { joins, THREE, withClients } from './scenarios.ts';
import { StandIn } from './stand-in.ts';

const RUNS = 40;

/** A stream with some bytes changed, one piece left out, or one sent twice. */
function damaged(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const copy = bytes.slice();
  switch (random.below(3)) {
    case 0: {
      const at = random.below(copy.length);
      const end = Math.min(copy.length, at + 1 + random.below(40));
      return new Uint8Array(Buffer.concat([copy.subarray(0, at), copy.subarray(end)]));
    }
    case 1: {
      const at = random.below(copy.length);
      const end = Math.min(copy.length, at + 1 + random.below(40));
      return new Uint8Array(Buffer.concat([copy.subarray(0, end), copy.subarray(at)]));
    }
    default:
      for (let changes = 1 + random.below(3); changes > 0; changes--)
        copy[random.below(copy.length)] = random.below(256);
      return copy;
  }
}

function streamOf({ messages }: CapturedConnection, dir: '>' | '<'): Uint8Array {
  return fromHex(
    messages
      .filter((message) => message.dir === dir)
      .map(({ hex }) => hex)
      .join(''),
  );
}

for (const scenario of joins()) {
  const { name, connection, membership, reconfigEnabled, epochs, log, established } = scenario;
  test(`a learner survives damaged streams of its leader: sync/${name}`, () => {
    const whole = streamOf(connection, '<');
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = new SeededRandom(seed);
      const { fromServer: sid, toServer: leader } = connection;
      const member = new MemberHarness({ sid, membership, epochs, log, ensemble: { reconfigEnabled } });
      member.elect(leader, established);
      const link = member.accept();
      const bytes = damaged(whole, random);
      for (let at = 0; at < bytes.length && !link.closed; ) {
        const end = at + 1 + random.below(500);
        member.feed(link, bytes.subarray(at, end));
        at = end;
      }
      assert.ok(member.epochs.current <= member.epochs.accepted);
    }
  });
}

for (const [name, index] of [
  ['steady/requests', 0],
  ['steady/requests', 1],
  ['steady/all-transaction-types', 0],
  ['steady/reconfig-removes-leader', 0],
  ['sync/diff-with-txns', 0],
  ['steady/observer-master', 0],
] as const) {
  test(`a leader survives damaged streams of its learners: ${name} (connection ${index})`, () => {
    const connection = captureOf(name)[index] as CapturedConnection;
    const whole = streamOf(connection, '>');
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = new SeededRandom(seed);
      const isReconfig = name !== 'steady/requests' && name.startsWith('steady');
      const member = new MemberHarness({
        sid: 3,
        membership: isReconfig ? withClients([1, 2, 3], '0') : THREE,
        ensemble: { reconfigEnabled: isReconfig },
      });
      member.elect(3);
      const two = new StandIn(member, { sid: 2, epoch: 0, lastZxid: 0 });
      const own = connection.begunBeforeCapture === true;
      const link = own ? new StandIn(member, { sid: 1, epoch: 1, lastZxid: 0 }).link : member.learner();
      const bytes = damaged(whole, random);
      for (let at = 0; at < bytes.length && !link.closed; ) {
        const end = at + 1 + random.below(300);
        member.feed(link, bytes.subarray(at, end));
        two.pump();
        at = end;
      }
      // What it has made txns of can be read again.
      assert.equal(member.disk.recover(member.core).lastZxid, member.disk.lastZxid);
      if (!two.link.closed && member.role === 'leading') {
        // It goes on working for the others.
        member.open().handshake();
        two.acknowledge(member.disk.lastZxid);
        assert.equal(member.lastApplied, member.disk.lastZxid);
      }
    }
  });
}

test('a txn whose bytes make no sense is not applied by a learner', () => {
  const member = new MemberHarness({ sid: 1, membership: THREE, epochs: { accepted: 1, current: 1 } });
  member.elect(3, true);
  const link = member.accept();
  const txn = madeUpTxn(EPOCH_1 + 1, '/x');
  // The path claims to be longer than the txn.
  new DataView(txn.body.buffer).setInt32(32, 5000);
  const length = txn.body.length.toString(16).padStart(8, '0');
  const body = Buffer.from(txn.body).toString('hex');
  const stream =
    '0000001100000001000000000000000400010000ffffffff' +
    '0000000d0000000000000000ffffffffffffffff' +
    `000000020000000100000001${length}${body}ffffffff` +
    '000000040000000100000001ffffffffffffffff';
  member.feed(link, fromHex(stream));
  assert.equal(member.lastApplied, 0);
});

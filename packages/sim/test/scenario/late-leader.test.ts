import { describe, it } from 'node:test';
import { type Ensemble, withEnsemble } from '../../src/scenario/ensemble.ts';
import { Packet } from '../../src/scenario/packet-gate.ts';
import { led } from '../../src/scenario/setups.ts';

/**
 * Server 2 is elected without a txn that server 3 alone has, and stands still before it can say so. The next leader, server 3 in a later
 * epoch, commits that txn; then server 2 goes on, and says that it leads.
 */
function lateLeader(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  e.write(client, 3);
  const base = e.applied(3);
  const holds = [1, 2].map((to) => e.hold({ from: 3, to, type: Packet.proposal }));
  client.put();
  e.until('server 3 has a txn that nobody else has', () => e.watched(3).durable.last === base + 1);
  const { cluster } = e;
  const noted = cluster.noted.bind(cluster);
  cluster.noted = (node, text) => {
    noted(node, text);
    // What it has decided to send leaves at the end of its turn.
    if (node.sid === 2 && text.startsWith('follower 1: ')) e.node(2).pause();
  };
  e.isolate([3], 'refuse');
  e.reset(1, 3);
  e.reset(2, 3);
  e.until('server 2 is elected, and stands still', () => e.node(2).isPaused, 30_000);
  for (const hold of holds) hold.release();
  e.heal();
  e.until('server 3 leads again', () => e.leader === 3 && e.committed > base, 90_000);
  e.node(2).resume();
  e.agree();
  e.reached('server 2 has said that it leads', e.sent(2, 1, Packet.newLeader) > 0);
  e.commits();
  e.settles();
}

describe('a leader that stood still when it was elected', () => {
  it('owes nothing that was committed by a later one', () => withEnsemble({}, lateLeader));
});

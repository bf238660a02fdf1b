import { describe, it } from 'node:test';
import { type Ensemble, withEnsemble } from '../../src/scenario/ensemble.ts';
import { Packet } from '../../src/scenario/packet-gate.ts';
import { led } from '../../src/scenario/setups.ts';

/** Server 2 has a txn on its disk and has said so, and gets its old disk before the leader, whose disk is slow, has the txn, too. */
function lostAfterAck(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  e.write(client, 3);
  const base = e.applied(3);
  const old = e.node(2).disk.photograph();
  e.crash(1);
  e.node(3).diskSlowness = 3000;
  const acks = e.sent(2, 3, Packet.ack);
  for (let i = 0; i < 3; i++) client.put();
  e.until('server 2 has acknowledged', () => e.sent(2, 3, Packet.ack) > acks && e.watched(2).durable.last === base + 3);
  // That is on its way.
  e.run(1);
  e.reached('the leader does not have it yet', e.committed === base);
  const { promises } = e.watched(2);
  promises.strike();
  e.cluster.mayFail.add(2);
  e.node(2).end('lose');
  promises.remember();
  e.node(2).disk.bringBack(old);
  e.until('the leader commits', () => e.committed > base);
}

describe('a disk that is lost between an acknowledgement and the commit', () => {
  it('is not held against the leader', () => withEnsemble({ plan: { damagedVoters: 3 } }, lostAfterAck));
});

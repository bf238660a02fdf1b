import { describe, it } from 'node:test';
import type { SimDisk } from '@headkeeper/testkit';
import { type Ensemble, withEnsemble } from '../../src/scenario/ensemble.ts';
import { Packet } from '../../src/scenario/packet-gate.ts';
import { isEpochAck, led } from '../../src/scenario/setups.ts';

/** A server ends, and its disk is put back to what it was when `old` was taken. */
function loses(e: Ensemble, sid: number, old: ReturnType<SimDisk['photograph']>): void {
  const { promises } = e.watched(sid);
  promises.strike();
  e.cluster.mayFail.add(sid);
  e.node(sid).end('lose');
  promises.remember();
  e.node(sid).disk.bringBack(old);
}

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
  loses(e, 2, old);
  e.until('the leader commits', () => e.committed > base);
}

/** Server 2 has entered epoch 2 and has said so, and gets its old disk while the leader stands still. */
function lostAfterEntry(e: Ensemble): void {
  led(e);
  e.write(e.attached(3), 3);
  e.run(500);
  const old = e.node(2).disk.photograph();
  for (const sid of e.sids) e.crash(sid);
  let hasSaid = false;
  e.once({ from: 2, to: 3, type: Packet.ack, when: isEpochAck }, () => {
    e.soon(() => e.node(3).pause());
    hasSaid = true;
  });
  e.start(2, 3);
  e.until('server 2 has entered the epoch', () => hasSaid && e.node(3).isPaused, 30_000);
  e.reached('its leader does not know', e.leader === 0 && e.watched(2).durable.currentEpoch === 2);
  loses(e, 2, old);
  e.start(2);
  e.reached('it has forgotten', e.watched(2).durable.currentEpoch === 1);
  const told = e.sent(3, 2, Packet.upToDate);
  e.node(3).resume();
  e.until('the leader is established', () => e.sent(3, 2, Packet.upToDate) > told);
  e.reached('in the epoch that was forgotten', e.watched(2).durable.currentEpoch === 1);
}

describe('a disk that is lost between an acknowledgement and the commit', () => {
  it('is not held against the leader', () => withEnsemble({ plan: { damagedVoters: 3 } }, lostAfterAck));
  it('nor what it had entered', () => withEnsemble({ plan: { damagedVoters: 3 } }, lostAfterEntry));
});

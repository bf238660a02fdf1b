import { describe, it } from 'node:test';
import { type Ensemble, withEnsemble } from '../../src/scenario/ensemble.ts';
import { Packet } from '../../src/scenario/packet-gate.ts';

/** How long it may take until both serve: the patience of a leader whose voters look again, a ping, and an election. */
const SOON_MS = 4000;

/**
 * Two voters. The follower ends whenever the leader has sent it its history, and starts again a moment later. The first time the
 * leader's last word to it was its vote, which is sent again over the new connection: it joins that election. From then on it is told
 * that server 2 leads, by server 2 alone, and cannot follow; it looks in a round that is behind.
 */
function returns(e: Ensemble, times: number, end: (sid: number) => void): void {
  e.start();
  e.until('server 2 leads', () => e.leader === 2 && e.serves(1));
  const client = e.attached(2);
  const written = e.write(client, 3);
  e.kill(1);
  e.until('server 2 looks', () => e.roleName(2) === 'looking');
  for (let i = 0; i < times; i++) {
    const held = e.hold({ from: 2, to: 1, type: Packet.newLeader });
    e.start(1);
    e.until('the history is on its way', () => held.isReached);
    end(1);
    held.release();
    e.run(40);
  }
  e.reached('server 2 waits for its follower', e.roleName(2) === 'leading' && e.leader === 0);
  e.start(1);
  const took = e.until('both serve', () => e.serves(1) && e.leader === 2);
  e.expect(`soon (${took} ms)`, took < SOON_MS);
  written.push(...e.write(client, 2));
  e.has(written);
  e.agree();
  e.settles();
}

describe('a follower that ends while it is synchronised, and is back at once', () => {
  for (const times of [1, 2, 3]) {
    it(`after its process ended, ${times} times`, () =>
      withEnsemble({ voters: 2 }, (e) => returns(e, times, (sid) => e.kill(sid))));
    it(`after its machine ended, ${times} times`, () =>
      withEnsemble({ voters: 2 }, (e) => returns(e, times, (sid) => e.crash(sid))));
  }
});

import { describe, it } from 'node:test';
import { DurableState } from '../../src/check/durable-state.ts';
import { type Ensemble, withEnsemble } from '../../src/scenario/ensemble.ts';
import { led } from '../../src/scenario/setups.ts';

/**
 * Servers 3 and 1 have acknowledged txns of epoch 2, while server 2, which is alive, stayed in epoch 1 and only hears the votes of
 * server 1. Then server 3 is down, and server 1 comes back with its disk of epoch 1. `hears`: whether server 2 has heard a vote
 * of server 1 in epoch 2.
 */
function rolledBack(e: Ensemble, hears: boolean): void {
  led(e);
  e.write(e.attached(1), 3);
  e.run(500);
  const old = e.node(1).disk.photograph();
  e.isolate([2]);
  e.crash(3);
  e.until('server 1 has lost its leader', () => !e.serves(1));
  e.start(3);
  e.until('server 3 leads again', () => e.leader === 3 && e.serves(1), 30_000);
  e.write(e.attached(1), 4);
  e.until('server 2 looks for a leader', () => e.roleName(2) === 'looking', 30_000);
  if (hears)
    for (const [from, to] of [
      [1, 2],
      [2, 1],
    ] as const)
      e.link(from, to, 'up');
  e.crash(1);
  e.start(1);
  e.until('server 1 follows', () => e.serves(1), 30_000);
  e.run(2_000);
  e.crash(3);
  e.crash(1);
  e.node(1).disk.bringBack(old);
  const watched = e.cluster.servers[0] as { durable: DurableState };
  watched.durable = new DurableState(e.node(1).disk, 1);
  e.heal();
  e.start(1);
}

describe('an old disk in the place of a newer one', () => {
  it('does not count for a server that remembers the newer one', () => {
    withEnsemble({}, (e) => {
      rolledBack(e, true);
      e.run(60_000);
      e.expect('nobody leads', e.leader === 0);
      e.start(3);
      e.until('all serve', () => e.sids.every((sid) => e.serves(sid)), 30_000);
      e.agree();
      e.commits();
      e.settles();
    });
  });
});

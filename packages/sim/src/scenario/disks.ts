import { type Ensemble, withEnsemble } from './ensemble.ts';
import { guard } from './guards.ts';
import type { Scenario } from './scenario.ts';
import { led } from './setups.ts';

/** Each operation of such a disk takes five seconds, while the others take a tenth of a millisecond. */
const STALLED = 50_000;
const COMMIT_BOUND_MS = 1000;

/** The disk of one server comes nearly to a stop. */
function d25(e: Ensemble, victim: number): void {
  led(e);
  const client = e.attached(victim === 1 ? 2 : 1);
  e.write(client, 2);
  e.node(victim).diskSlowness = STALLED;
  const before = e.watched(victim).durable.last;
  for (let i = 0; i < 10; i++) {
    // Of one write alone the simulated disk is done at once.
    const writes = [client.put(), client.put(), client.put()];
    const took = e.until('writes are answered', () => writes.every(({ zxid }) => zxid !== null), 30_000);
    e.expect(`nobody waits for the disk of one server (${took} ms)`, took < COMMIT_BOUND_MS);
  }
  e.reached('the disk has not taken what was committed', e.watched(victim).durable.last < e.committed);
  e.reached('it worked before', before > 0);
  e.run(60_000);
  e.commits();
  e.node(victim).diskSlowness = 1;
  e.agree();
  e.settles();
}

export const DISKS: readonly Scenario[] = [
  {
    id: 'D25',
    name: 'the disk of the leader, or of a follower, takes seconds for each operation',
    guard: guard(
      'core/zab/commit-rule.ts: quorumZxid asks for a quorum, whoever it is',
      'core/zab/commit-rule.js',
      'if (membership.isQuorum(this.#has))',
      'if (membership.isQuorum(this.#has) && candidates.every((zxid) => zxid >= this.#wanted))',
    ),
    run: (tell) => {
      for (const victim of [3, 1, 2]) withEnsemble({ tell }, (e) => d25(e, victim));
    },
  },
];

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withEnsemble } from '../../src/scenario/ensemble.ts';
import { led } from '../../src/scenario/setups.ts';

const NOTICED = 'the tree after txn 0x500000002 has not the digest that the log gives it';

describe('a learner that is told a log without the end of an epoch', () => {
  it('may say so once some disk has lost something, and before that nobody may', () =>
    withEnsemble({}, (e) => {
      led(e);
      const client = e.attached(3);
      const { serving } = e.node(1).server?.replica ?? assert.fail();
      serving.statistics.digestMismatches++;
      const { world } = e.cluster;
      const blamesFor = (text: string): boolean => {
        e.cluster.complained(e.node(1), text);
        const isBlamed = /a server logs an error/.test(`${world.failure}`);
        world.failure = null;
        return isBlamed;
      };
      assert.ok(blamesFor(NOTICED));
      assert.throws(() => e.write(client), /another digest than its txn foretold/);
      e.cluster.counts.damages++;
      assert.ok(!blamesFor(NOTICED));
      e.write(client);
      assert.ok(blamesFor('something else'));
    }));
});

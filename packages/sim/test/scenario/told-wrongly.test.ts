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
      assert.throws(() => e.cluster.complained(e.node(1), NOTICED), /a server logs an error/);
      assert.throws(() => e.write(client), /another digest than its txn foretold/);
      e.cluster.counts.damages++;
      e.cluster.complained(e.node(1), NOTICED);
      e.write(client);
      assert.throws(() => e.cluster.complained(e.node(1), 'something else'), /a server logs an error/);
    }));
});

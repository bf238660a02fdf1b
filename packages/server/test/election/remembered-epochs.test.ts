import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RememberedEpochs } from '../../src/core/election/remembered-epochs.ts';
import { limits } from '../../src/limits.ts';

describe('what is remembered of other servers', () => {
  it('lets a server count that says as much as ever, or is unknown', () => {
    const remembered = new RememberedEpochs();
    assert.equal(remembered.counts(2, 0, 0), true);
    remembered.says(2, 5);
    remembered.says(2, 4);
    assert.equal(remembered.counts(2, 5, 0), true);
    assert.equal(remembered.counts(2, 6, 0), true);
    assert.equal(remembered.counts(3, 1, 0), true);
    assert.equal(remembered.hasWords, false);
  });

  it('does not let one count that says less, but for who has been there too', () => {
    const remembered = new RememberedEpochs();
    remembered.says(2, 5);
    assert.equal(remembered.counts(2, 4, 4), false);
    assert.equal(remembered.counts(2, 4, 5), true);
    assert.equal(remembered.counts(2, 4, 4), false);
    assert.match(
      remembered.takeWords().join('; '),
      /^server 2 .* epoch 4, and has been in 5: its disk is not the one that it had$/,
    );
    assert.deepEqual(remembered.takeWords(), []);
    remembered.says(2, 6);
    assert.equal(remembered.counts(2, 6, 4), true, 'a leader has synchronised it');
  });

  it('believes no epoch that there cannot be', () => {
    const remembered = new RememberedEpochs();
    remembered.says(2, limits.largestEpoch + 1);
    assert.equal(remembered.counts(2, 1, 0), true);
  });
});

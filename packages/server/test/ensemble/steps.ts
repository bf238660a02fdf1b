import assert from 'node:assert/strict';
import { it } from 'node:test';

/** A test that goes on where the one before it has left the servers. */
export type Step = (name: string, body: () => Promise<void>) => void;

/** For one `describe`: once a step has failed, those after it fail at once instead of waiting for what cannot come. */
export function inSteps(): Step {
  let hasFailed = false;
  return (name, body) => {
    it(name, async () => {
      assert.ok(!hasFailed, 'an earlier test has failed');
      hasFailed = true;
      await body();
      hasFailed = false;
    });
  };
}

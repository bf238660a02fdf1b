import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimDisk } from '@headkeeper/testkit';
import type { DurableState } from '../src/check/durable-state.ts';
import { DiskPromises } from '../src/check/promises.ts';

test('an old disk forgets what was on the one before, also where that had been set aside as damaged', () => {
  const durable = { last: 12, acceptedEpoch: 3, holds: () => false, trust: () => {}, distrust: () => {} };
  const promises = new DiskPromises(1, new SimDisk(), durable as unknown as DurableState);
  promises.serves();
  assert.equal(promises.mayLack(12, 0), false, 'it had it, and nothing has happened');
  // The server sets its history aside, and knows that it must not vote.
  durable.last = 0;
  promises.strike();
  promises.remember();
  durable.last = 2;
  durable.acceptedEpoch = 2;
  promises.broughtBack();
  assert.equal(promises.mayLack(12, 0), true);
  assert.equal(promises.mayLack(2, 0), false, 'the old one has that');
  assert.equal(promises.mayNotKnow(3), true);
  assert.equal(promises.mayNotKnow(2), false);
});

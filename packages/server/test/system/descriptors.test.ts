import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionsByDescriptors } from '../../src/adapters/system/descriptors.ts';
import { limits } from '../../src/limits.ts';

const text = (soft: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                 1048576              files\n`;

test('clients get all descriptors but those in reserve, and half of few', () => {
  assert.equal(
    connectionsByDescriptors(() => text('10000')),
    10_000 - limits.reservedDescriptors,
  );
  assert.equal(
    connectionsByDescriptors(() => text('100')),
    50,
  );
  assert.equal(
    connectionsByDescriptors(() => text('1')),
    1,
  );
});

test('without a limit that can be read none is kept', () => {
  assert.equal(
    connectionsByDescriptors(() => text('unlimited')),
    null,
  );
  assert.equal(
    connectionsByDescriptors(() => {
      throw new Error('not Linux');
    }),
    null,
  );
});

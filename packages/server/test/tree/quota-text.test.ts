import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '@headkeeper/protocol';
import fc from 'fast-check';
import { adjustQuotaUsage, formatQuotaUsage, parseQuota } from '../../src/core/tree/quota-text.ts';

const NONE = { count: -1, bytes: -1, countHardLimit: -1, byteHardLimit: -1, malformed: false };

const TEXTS: [string, Partial<typeof NONE>][] = [
  ['', {}],
  ['count=2,bytes=8', { count: 2, bytes: 8 }],
  ['count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=4', { byteHardLimit: 20, countHardLimit: 4 }],
  ['bytes=5;count=4', { count: 4, bytes: 5 }],
  ['count=1,;,bytes=2;;', { count: 1, bytes: 2 }],
  ['count==7,bytes=3', { count: -1, bytes: 3 }],
  ['count=+5,bytes=-0', { count: 5, bytes: 0 }],
  ['count=1,count=2', { count: 2 }],
  ['other=9', {}],
  ['count=9223372036854775807', { count: 2 ** 63 }],
  // Apache throws at these.
  ['count', { malformed: true }],
  ['count=', { malformed: true }],
  ['=', { malformed: true }],
  [',count=3', { count: 3, malformed: true }],
  ['count=x,bytes=4', { bytes: 4, malformed: true }],
  ['count=1.5', { malformed: true }],
  ['count= 1', { malformed: true }],
  ['count=9223372036854775808', { malformed: true }],
];

for (const [text, expected] of TEXTS) {
  test(`10.1: reads ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseQuota(encodeUtf8(text)), { ...NONE, ...expected });
  });
}

test('10.1: writes count, then bytes, then the other keys sorted behind an odd =', () => {
  const cases: [string, number, number, string][] = [
    ['count=2,bytes=8', 1, 3, 'count=3,bytes=11'],
    ['count=2,bytes=8', -1, -8, 'count=1,bytes=0'],
    ['', 1, 3, 'count=0,bytes=2'],
    ['zz=1;b=2,count=1,bytes=1', 0, 0, 'count=1,bytes=1=;b=2;zz=1'],
    ['count=1,bytes=1=;byteHardLimit=20;countHardLimit=4', 1, 1, 'count=2,bytes=2=;byteHardLimit=20;countHardLimit=4'],
    ['count=9223372036854775807,bytes=1', 1, 0, 'count=-9223372036854775808,bytes=1'],
    ['count=-9007199254740993,bytes=1', -1, 0, 'count=-9007199254740994,bytes=1'],
    ['count=1,=5,bytes=1', 0, 0, 'count=1,bytes=1=;=5'],
    ['count=oops,bytes=5', 1, 1, 'count=0,bytes=6'],
  ];
  for (const [text, count, bytes, expected] of cases) {
    assert.equal(adjustQuotaUsage(encodeUtf8(text), count, bytes), expected);
  }
  assert.equal(formatQuotaUsage(2, 8), 'count=2,bytes=8');
});

test('what was written is read back, whatever order and separators it had', () => {
  const amount = fc.integer({ min: -1, max: 2 ** 40 });
  fc.assert(
    fc.property(amount, amount, amount, amount, fc.boolean(), (count, bytes, countHardLimit, byteHardLimit, swap) => {
      const pairs = [`count=${count}`, `bytes=${bytes}`, `countHardLimit=${countHardLimit}`];
      const text = [...(swap ? pairs.reverse() : pairs), `byteHardLimit=${byteHardLimit}`].join(swap ? ';' : ',');
      const expected = { count, bytes, countHardLimit, byteHardLimit, malformed: false };
      assert.deepEqual(parseQuota(encodeUtf8(text)), expected);
      assert.deepEqual(parseQuota(encodeUtf8(adjustQuotaUsage(encodeUtf8(text), 0, 0))), expected);
    }),
  );
});

test('any bytes are read without an error, and quickly', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
      const text = adjustQuotaUsage(data, 1, 1);
      assert.equal(parseQuota(encodeUtf8(text)).malformed, false);
    }),
  );
  assert.equal(parseQuota(encodeUtf8(`${'=,'.repeat(200_000)}x`)).malformed, true);
});

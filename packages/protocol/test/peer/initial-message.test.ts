import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ANONYMOUS_SID,
  encodeInitialMessage,
  JuteError,
  type PeerAddress,
  parseInitialMessage,
  Writer,
} from '@headkeeper/protocol';
import fc from 'fast-check';
import { fromHex, toHex } from '../vectors.ts';
import { readCaptures } from './captures.ts';

/** Records that deepEqual takes for what the decoders make. */
const PLAIN = { noNullPrototype: true } as const;
const V1 = 'ffffffffffff0000';
const V2 = 'ffffffffffff0001';
const SID_2 = '0000000000000002';
const EXAMPLE = `${V1}${SID_2}0000000f3132372e302e302e313a3233333832`;

function withText(text: string, version: string = V1): Uint8Array {
  const out = new Writer();
  out.raw(fromHex(`${version}${SID_2}`));
  out.string(text);
  return out.toBytes();
}

function addressesOf(bytes: Uint8Array): readonly PeerAddress[] | undefined {
  return parseInitialMessage(bytes, 0, bytes.length)?.addresses;
}

test('every captured initial message reads as its description says and is written again byte by byte', () => {
  let count = 0;
  for (const { connection } of readCaptures('election')) {
    for (const { kind, hex, decoded } of connection.messages) {
      if (kind !== 'INITIAL_MESSAGE') continue;
      const bytes = fromHex(hex);
      const message = parseInitialMessage(bytes, 0, bytes.length);
      assert.ok(message !== null);
      assert.equal(message.sid, decoded.sid);
      assert.deepEqual(
        message.addresses.map(({ host, port }) => `${host}:${port}`),
        [decoded.addr],
      );
      assert.equal(message.length, bytes.length);
      assert.equal(toHex(encodeInitialMessage(message.sid, message.addresses, false)), hex);
      count++;
    }
  }
  assert.equal(count, 20);
});

test('a message that has not arrived as a whole is waited for, wherever it is cut', () => {
  const bytes = fromHex(EXAMPLE);
  for (let end = 0; end < bytes.length; end++) assert.equal(parseInitialMessage(bytes, 0, end), null, `${end} bytes`);
});

test('the older form is the sid alone', () => {
  assert.deepEqual(parseInitialMessage(fromHex(`${SID_2}ffff`), 0, 10), { sid: 2, addresses: [], length: 8 });
  assert.equal(parseInitialMessage(fromHex('7fffffffffffffff'), 0, 8)?.sid, ANONYMOUS_SID);
});

test('an observer without an id announces where it is', () => {
  const bytes = fromHex(`${V1}7fffffffffffffff0000000561623a3939`);
  assert.deepEqual(parseInitialMessage(bytes, 0, bytes.length), {
    sid: ANONYMOUS_SID,
    addresses: [{ host: 'ab', port: 99 }],
    length: bytes.length,
  });
});

test('several addresses are taken from both newer forms', () => {
  const expected = [
    { host: '10.0.0.1', port: 3888 },
    { host: '2001:db8::1', port: 3889 },
    { host: 'zoo', port: 1 },
  ];
  for (const version of [V1, V2]) {
    assert.deepEqual(addressesOf(withText('10.0.0.1:3888|[2001:db8::1]:3889|zoo:1', version)), expected);
  }
  assert.deepEqual(addressesOf(encodeInitialMessage(2, expected, true)), expected);
  assert.deepEqual(addressesOf(encodeInitialMessage(2, expected, false)), expected.slice(0, 1));
  assert.equal(toHex(encodeInitialMessage(2, expected, true)).slice(0, 16), V2);
});

test('wildcards are no addresses', () => {
  assert.deepEqual(addressesOf(withText('0.0.0.0:3888|[::]:3888|[0:0:0:0:0:0:0:0]:1|[::0.0.0.0]:1')), []);
  assert.deepEqual(addressesOf(withText('0.0.0.0:3888|10.0.0.0:3888')), [{ host: '10.0.0.0', port: 3888 }]);
});

test('versions, lengths and addresses that make no sense are refused', () => {
  const refused = [
    fromHex('fffffffffffefffe'),
    fromHex('ffffffffffffffff'),
    fromHex(`${V1}${SID_2}00000000`),
    fromHex(`${V1}${SID_2}ffffffff`),
    fromHex(`${V1}${SID_2}00000801`),
    fromHex(`${V1}${SID_2}7fffffff`),
    ...[
      'zoo',
      'zoo:',
      ':3888',
      'zoo:x',
      'zoo:0',
      'zoo:65536',
      'zoo:1:2',
      '[::1]',
      '[::1]3888',
      '::1:3888',
      'a:1||b:2',
    ].map((text) => withText(text)),
  ];
  for (const bytes of refused)
    assert.throws(() => parseInitialMessage(bytes, 0, bytes.length), JuteError, toHex(bytes));
});

test('2048 bytes of addresses are the most that is taken and given', () => {
  const host = 'a'.repeat(2043);
  assert.deepEqual(addressesOf(withText(`${host}:3888`)), [{ host, port: 3888 }]);
  assert.equal(encodeInitialMessage(2, [{ host, port: 3888 }], false).length, 20 + 2048);
  assert.throws(() => encodeInitialMessage(2, [{ host: `${host}a`, port: 3888 }], false), JuteError);
  assert.throws(() => encodeInitialMessage(2, [], false), JuteError);
});

test('any addresses, read from the middle of a larger array', () => {
  const address = fc.record(
    {
      host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
      port: fc.integer({ min: 1, max: 65535 }),
    },
    PLAIN,
  );
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      fc.array(address, { minLength: 1, maxLength: 4 }),
      fc.nat(9),
      (sid, list, offset) => {
        const bytes = encodeInitialMessage(sid, list, true);
        const larger = new Uint8Array(bytes.length + offset + 5).fill(0x41);
        larger.set(bytes, offset);
        const message = parseInitialMessage(larger, offset, larger.length);
        assert.equal(message?.sid, sid);
        assert.equal(message?.length, bytes.length);
        const real = list.filter(({ host }) => !/^[0:.]+$/.test(host));
        assert.deepEqual(message?.addresses, real);
      },
    ),
  );
});

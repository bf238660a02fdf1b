import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beginsQuorumAuth,
  decodeNotification,
  encodeQuorumAuth,
  FrameSplitter,
  JuteError,
  MAX_AUTH_TOKEN_BYTES,
  parseInitialMessage,
  parseQuorumAuth,
  QuorumAuthStatus,
} from '@headkeeper/protocol';
import fc from 'fast-check';
import { fromHex, toHex } from '../vectors.ts';
import { bytesOf, direction, readCaptures } from './captures.ts';

const MAGIC = '5f2435013501edcc';

test('every captured packet reads as its description says and is written again byte by byte', () => {
  let count = 0;
  for (const { connection } of readCaptures('sasl')) {
    for (const { kind, hex, decoded } of connection.messages) {
      if (kind !== 'QUORUM_AUTH') continue;
      const bytes = fromHex(hex);
      const packet = parseQuorumAuth(bytes, 0, bytes.length);
      assert.ok(packet !== null);
      assert.equal(packet.status, decoded.status);
      assert.equal(packet.token === null ? null : Buffer.from(packet.token).toString(), decoded.token);
      assert.equal(packet.length, bytes.length);
      assert.equal(toHex(encodeQuorumAuth(packet)), hex);
      for (let end = 0; end < bytes.length; end++) assert.equal(parseQuorumAuth(bytes, 0, end), null);
      count++;
    }
  }
  assert.equal(count, 12);
});

test('a whole election connection: who it is, the authentication, then votes', () => {
  const { connection } = readCaptures('sasl').find((capture) => capture.connection.kind === 'election') ?? {};
  assert.ok(connection !== undefined);
  let votes = 0;
  for (const dir of ['>', '<'] as const) {
    const bytes = bytesOf(direction(connection, dir));
    let at = dir === '>' ? (parseInitialMessage(bytes, 0, bytes.length)?.length ?? 0) : 0;
    const statuses: number[] = [];
    while (beginsQuorumAuth(bytes, at, bytes.length)) {
      const packet = parseQuorumAuth(bytes, at, bytes.length);
      assert.ok(packet !== null);
      statuses.push(packet.status);
      at += packet.length;
    }
    assert.deepEqual(statuses, dir === '>' ? [0, 0] : [0, 1]);
    for (const frame of new FrameSplitter(524288).push(bytes.subarray(at))) {
      assert.notEqual(decodeNotification(frame), null);
      votes++;
    }
  }
  assert.ok(votes >= 3, `${votes} votes`);
});

test('a peer that does not authenticate is told by its first byte that differs', () => {
  const begins = (hex: string): boolean | null => beginsQuorumAuth(fromHex(hex), 0, hex.length / 2);
  assert.equal(begins(''), null);
  assert.equal(begins('5f24'), null);
  assert.equal(begins(MAGIC), true);
  assert.equal(begins(`${MAGIC}00`), true);
  assert.equal(begins('00'), false);
  assert.equal(begins('5f2435013501edcd'), false);
  assert.throws(() => parseQuorumAuth(fromHex('0000000b'), 0, 4), JuteError);
});

test('bad statuses and lengths are refused', () => {
  for (const rest of [
    `${'00000002'}00000000`,
    `${'00000000'}fffffffe`,
    `${'00000000'}00010001`,
    `${'00000000'}7fffffff`,
  ]) {
    assert.throws(() => parseQuorumAuth(fromHex(`${MAGIC}${rest}`), 0, 16), JuteError, rest);
  }
  const longest = encodeQuorumAuth({ status: 0, token: new Uint8Array(MAX_AUTH_TOKEN_BYTES) });
  assert.equal(parseQuorumAuth(longest, 0, longest.length)?.token?.length, MAX_AUTH_TOKEN_BYTES);
});

test('any packet, read from the middle of a larger array; its token is a copy', () => {
  const status = fc.constantFrom(...Object.values(QuorumAuthStatus));
  fc.assert(
    fc.property(status, fc.option(fc.uint8Array({ maxLength: 60 })), fc.nat(9), (code, token, offset) => {
      const bytes = encodeQuorumAuth({ status: code, token });
      const larger = new Uint8Array(bytes.length + offset + 5).fill(0xee);
      larger.set(bytes, offset);
      const packet = parseQuorumAuth(larger, offset, larger.length);
      larger.fill(0);
      assert.deepEqual(packet, { status: code, token, length: bytes.length });
    }),
  );
});

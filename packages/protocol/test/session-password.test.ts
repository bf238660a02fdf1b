import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apacheSessionPassword, Reader } from '@headkeeper/protocol';
import fc from 'fast-check';
import { fromHex, readVectorJson, toHex } from './vectors.ts';

function passwordOf(id: bigint): string {
  const target = new Uint8Array(16);
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt.asIntN(64, id));
  apacheSessionPassword(view.getInt32(0), view.getInt32(4), target, 0);
  return toHex(target);
}

/** The rule as the reference words it, in arithmetic without limits. */
function wordedRule(id: bigint): string {
  const mask = 2n ** 48n - 1n;
  let state = (BigInt.asUintN(64, id) ^ 0xb3415c00n ^ 0x5deece66dn) & mask;
  const bytes: number[] = [];
  for (let i = 0; i < 4; i++) {
    state = (state * 0x5deece66dn + 11n) & mask;
    const word = Number((state >> 16n) & 0xffffffffn);
    bytes.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24);
  }
  return toHex(new Uint8Array(bytes));
}

test('passwords of Apache servers', () => {
  const golden = readVectorJson<{ passwords: { sessionId: string; password: string }[] }>('session-passwords.json');
  assert.equal(golden.passwords.length, 6);
  for (const { sessionId, password } of golden.passwords) assert.equal(passwordOf(BigInt(sessionId)), password);
});

test('passwords in the golden handshakes', () => {
  const frames = readVectorJson<{ name: string; hex: string }[]>('client-protocol.json');
  let checked = 0;
  for (const { name, hex } of frames) {
    if (!/^connect.*\/response$/.test(name) || name === 'connect-expired/response') continue;
    const reader = new Reader(fromHex(hex), 12);
    assert.equal(passwordOf(reader.longBig()), toHex(reader.buffer()!), name);
    checked++;
  }
  assert.equal(checked, 7);
});

test('every session id gives what the rule says', () => {
  const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(fc.property(id, (value) => assert.equal(passwordOf(value), wordedRule(value))));
});

test('only the 16 bytes asked for are written', () => {
  const target = new Uint8Array(20).fill(0xaa);
  apacheSessionPassword(0, 1, target, 2);
  assert.equal(toHex(target), 'aaaa054cc74a37327db215e702e20c73f005aaaa');
});

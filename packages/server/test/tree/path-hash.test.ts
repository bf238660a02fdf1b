import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '@headkeeper/protocol';
import { hashPath } from '../../src/core/tree/path-index.ts';

const SEED = 0x5eed5eed;
const NAMES = 200_000;

function hash(name: string, seed: number): number {
  const bytes = encodeUtf8(name);
  return hashPath(bytes, 0, bytes.length, seed);
}

test('paths that collide under one seed do not under others', () => {
  const seen = new Map<number, string>();
  const pairs: [string, string][] = [];
  for (let i = 0; i < NAMES; i++) {
    const name = `/${i.toString(36).padStart(4, '0')}`;
    const at = hash(name, SEED);
    const other = seen.get(at);
    if (other !== undefined) pairs.push([other, name]);
    seen.set(at, name);
  }
  // NAMES squared over twice 2^32 are expected.
  assert.ok(pairs.length > 0 && pairs.length < 20, `${pairs.length} pairs`);
  for (const seed of [SEED ^ 0x100, SEED ^ 0x10000, SEED ^ 0x1000000]) {
    const again = pairs.filter(([one, other]) => hash(one, seed) === hash(other, seed));
    assert.ok(again.length < pairs.length, 'the same paths collide again');
  }
});

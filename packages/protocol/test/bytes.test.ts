import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBytes, Reader, Writer } from '@headkeeper/protocol';
import fc from 'fast-check';

const any64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test('longs as numbers are the same bytes as longs as bigints', () => {
  const edges = [0, 1, -1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER];
  const check = (value: number) => {
    const out = new Writer(0);
    out.long(value);
    const bytes = out.toBytes();
    assert.equal(Buffer.from(bytes).readBigInt64BE(), BigInt(value));
    assert.equal(new Reader(bytes).long(), value);
  };
  for (const value of [...edges, Number.MIN_SAFE_INTEGER, -(2 ** 63)]) check(value);
  fc.assert(fc.property(fc.maxSafeInteger(), check));
});

test('longs beyond 2^53 read as the nearest number, so their order holds', () => {
  fc.assert(
    fc.property(any64, (value) => {
      const out = new Writer();
      out.longBig(value);
      assert.equal(new Reader(out.written()).long(), Number(value));
      assert.equal(new Reader(out.written()).longBig(), value);
      out.length = 0;
      out.longHalves(Number(value >> 32n), Number(BigInt.asIntN(32, value)));
      assert.equal(new Reader(out.written()).longBig(), value);
    }),
  );
});

test('every kind of field in a row, in a writer that has to grow', () => {
  const out = new Writer(0);
  out.byte(0xfe);
  out.boolean(true);
  out.boolean(false);
  out.int(-2);
  out.buffer(null);
  out.buffer(new Uint8Array(0));
  out.buffer(new Uint8Array(100).fill(7));
  out.string(null);
  out.string('');
  out.string('é漢😀');
  out.raw(new Uint8Array([1, 2, 3]), 1, 2);
  const input = new Reader(out.toBytes());
  assert.equal(input.byte(), 0xfe);
  assert.equal(input.boolean(), true);
  assert.equal(input.boolean(), false);
  assert.equal(input.uint(), 0xfffffffe);
  assert.equal(input.buffer(), null);
  assert.deepEqual(input.buffer(), new Uint8Array(0));
  assert.deepEqual(input.buffer(), new Uint8Array(100).fill(7));
  assert.equal(input.string(), null);
  assert.equal(input.string(), '');
  assert.equal(input.string(), 'é漢😀');
  assert.equal(input.byte(), 2);
  assert.equal(input.remaining(), 0);
});

test('any byte but 0 is true', () => {
  for (let byte = 0; byte < 256; byte++) assert.equal(new Reader(new Uint8Array([byte])).boolean(), byte !== 0);
});

test('every read past the end of the window is refused, though the memory goes on', () => {
  const memory = new Uint8Array(64);
  const reads: [string, number, (input: Reader) => unknown][] = [
    ['byte', 1, (input) => input.byte()],
    ['boolean', 1, (input) => input.boolean()],
    ['int', 4, (input) => input.int()],
    ['uint', 4, (input) => input.uint()],
    ['long', 8, (input) => input.long()],
    ['longBig', 8, (input) => input.longBig()],
    ['length', 4, (input) => input.length()],
    ['vectorCount', 4, (input) => input.vectorCount(4)],
    ['skip', 5, (input) => input.skip(5)],
  ];
  for (const [name, size, read] of reads) {
    read(new Reader(memory, 3, 3 + size));
    for (let short = 0; short < size; short++) {
      assert.throws(() => read(new Reader(memory, 3, 3 + short)), { reason: 'truncated' }, `${name} in ${short} bytes`);
    }
  }
  assert.throws(() => new Reader(memory).skip(-1), { reason: 'truncated' });
});

test('lengths: -1 is null, below is refused, beyond the window is refused', () => {
  const lengthOf = (value: number, following: number) => {
    const out = new Writer();
    out.int(value);
    out.raw(new Uint8Array(following));
    return new Reader(out.toBytes()).length();
  };
  assert.equal(lengthOf(-1, 0), -1);
  assert.equal(lengthOf(3, 3), 3);
  for (const value of [-2, -(2 ** 31)]) assert.throws(() => lengthOf(value, 9), { reason: 'negative-length' });
  for (const value of [4, 2 ** 31 - 1]) assert.throws(() => lengthOf(value, 3), { reason: 'truncated' });
});

test('vector counts: -1 is null, below reads as empty, more than could fit is refused', () => {
  const countOf = (value: number, following: number) => {
    const out = new Writer();
    out.int(value);
    out.raw(new Uint8Array(following));
    return new Reader(out.toBytes()).vectorCount(12);
  };
  assert.equal(countOf(-1, 0), -1);
  assert.equal(countOf(-2, 0), 0);
  assert.equal(countOf(-(2 ** 31), 0), 0);
  assert.equal(countOf(2, 24), 2);
  for (const value of [3, 2 ** 31 - 1]) assert.throws(() => countOf(value, 24), { reason: 'truncated' });
});

test('a reader works on a view with an offset, and can be pointed elsewhere', () => {
  const memory = new Uint8Array([9, 9, 9, 0, 0, 1, 2, 9]);
  const part = memory.subarray(3, 7);
  const input = new Reader(part);
  assert.equal(input.int(), 0x102);
  input.reset(memory, new DataView(memory.buffer), 2, 8);
  assert.equal(input.int(), 0x09000001);
  assert.equal(input.remaining(), 2);
});

test('a reused writer starts over in the same memory', () => {
  const out = new Writer(8);
  out.long(1);
  const memory = out.bytes;
  out.length = 0;
  out.int(5);
  assert.equal(out.bytes, memory);
  assert.deepEqual([...out.toBytes()], [0, 0, 0, 5]);
});

test('copies are exact on both sides of the threshold', () => {
  const source = new Uint8Array(200).map((_, i) => i + 1);
  for (const count of [0, 1, 47, 48, 49, 100]) {
    const target = new Uint8Array(120);
    copyBytes(source, 3, target, 5, count);
    assert.deepEqual(target.subarray(5, 5 + count), source.subarray(3, 3 + count));
    assert.ok(target.subarray(0, 5).every((byte) => byte === 0));
    assert.ok(target.subarray(5 + count).every((byte) => byte === 0));
  }
});

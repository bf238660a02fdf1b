import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Codec, connectRequest, createRequest, JuteError, Reader, setDataTxn, Writer } from '@headkeeper/protocol';
import fc from 'fast-check';
import { type Sample, samples } from './record-samples.ts';

test('every record has its samples', () => {
  assert.equal(samples.size, 59);
});

for (const [name, sample] of samples) {
  test(`${name}: what was encoded comes back, and the same bytes again`, () => roundTrips(sample));
  test(`${name}: input cut short gives a JuteError only`, () => survivesTruncation(sample));
  test(`${name}: damaged input gives a value or a JuteError`, () => survivesDamage(sample));
}

function encoded(codec: Codec<unknown>, value: unknown): Uint8Array {
  const out = new Writer(0);
  codec.encode(out, value);
  return out.toBytes();
}

function roundTrips({ codec, values, openEnded }: Sample): void {
  fc.assert(
    fc.property(values, fc.uint8Array({ maxLength: 16 }), (value, trailing) => {
      const bytes = encoded(codec, value);
      const window = new Uint8Array(3 + bytes.length + trailing.length);
      window.set(bytes, 3);
      window.set(trailing, 3 + bytes.length);
      const input = new Reader(window, 3, 3 + bytes.length);
      const decoded = codec.decode(input);
      assert.deepEqual(decoded, value);
      assert.equal(input.remaining(), 0);
      assert.deepEqual(encoded(codec, decoded), bytes);
      if (openEnded) return;
      const longer = new Reader(window, 3);
      assert.deepEqual(codec.decode(longer), value);
      assert.equal(longer.remaining(), trailing.length);
    }),
  );
}

function survivesTruncation({ codec, values, openEnded }: Sample): void {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encoded(codec, value);
      for (let end = 0; end < bytes.length; end++) {
        // The memory behind the window is poisoned: reading on would show.
        const window = bytes.slice().fill(0xff, end);
        const complete = decodes(codec, new Reader(window, 0, end));
        if (complete && !openEnded) assert.fail(`complete after ${end} of ${bytes.length} bytes`);
      }
    }),
    { numRuns: 30 },
  );
}

function survivesDamage({ codec, values }: Sample): void {
  const extreme = fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff);
  const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(extreme, fc.nat(255))), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(values, damage, (value, changes) => {
      const bytes = encoded(codec, value);
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      decodes(codec, new Reader(bytes));
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodes(codec, new Reader(bytes))));
}

/** Whether the input decodes; anything thrown but a JuteError fails the test. */
function decodes(codec: Codec<unknown>, input: Reader): boolean {
  const { end } = input;
  try {
    codec.decode(input);
  } catch (error) {
    if (!(error instanceof JuteError)) throw error;
    return false;
  } finally {
    assert.equal(input.end, end);
    assert.ok(input.pos <= end);
  }
  return true;
}

test('lengths and counts that promise the most, in every place, take no memory', () => {
  const before = process.memoryUsage();
  for (const [name, { codec, values }] of samples) {
    for (const value of fc.sample(values, { numRuns: 20, seed: 1 })) {
      const bytes = encoded(codec, value);
      for (let at = 0; at + 4 <= bytes.length; at++) {
        const hostile = bytes.slice();
        new DataView(hostile.buffer).setInt32(at, 2 ** 31 - 1);
        decodes(codec, new Reader(hostile));
        const now = process.memoryUsage();
        assert.ok(now.arrayBuffers - before.arrayBuffers < 64 << 20, `${name} took memory for a promise`);
        assert.ok(now.heapTotal - before.heapTotal < 256 << 20, `${name} took memory for a promise`);
      }
    }
  }
});

test('a list of the longest promise in a frame of 1 MB is refused before its elements are read', () => {
  const bytes = new Uint8Array(1 << 20);
  const out = new Writer();
  out.string('/a');
  out.buffer(null);
  out.int(bytes.length / 12);
  bytes.set(out.written());
  const input = new Reader(bytes);
  assert.throws(() => createRequest.decode(input), { name: 'JuteError', reason: 'truncated' });
  assert.equal(input.pos, out.length);
});

test('numbers that a field cannot hold exactly are refused on both sides', () => {
  const request = { protocolVersion: 0, timeOut: 0, sessionId: 0n, passwd: null, readOnly: null };
  for (const lastZxidSeen of [2 ** 53, -(2 ** 53), 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => connectRequest.encode(new Writer(), { ...request, lastZxidSeen }), RangeError);
  }
  for (const lastZxidSeen of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
    const bytes = encoded(connectRequest as Codec<unknown>, { ...request, lastZxidSeen: 0 });
    new DataView(bytes.buffer).setBigInt64(4, lastZxidSeen);
    assert.throws(() => connectRequest.decode(new Reader(bytes)), { reason: 'malformed' });
  }
});

test('a null where a string must be is malformed', () => {
  const out = new Writer();
  out.string(null);
  out.buffer(null);
  out.int(1);
  assert.throws(() => setDataTxn.decode(new Reader(out.toBytes())), { reason: 'malformed' });
});

test('buffers are views of the input', () => {
  const bytes = encoded(setDataTxn as Codec<unknown>, { path: '/a', data: new Uint8Array([1, 2]), version: 1 });
  assert.equal(setDataTxn.decode(new Reader(bytes)).data!.buffer, bytes.buffer);
});

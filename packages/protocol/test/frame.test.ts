import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginFrame, endFrame, FrameSplitter, JuteError, Writer } from '@headkeeper/protocol';
import fc from 'fast-check';
import { readVectorJson, toHex } from './vectors.ts';

const LIMIT = 0xfffff;

function streamOf(payloads: readonly Uint8Array[]): Uint8Array {
  const out = new Writer();
  for (const payload of payloads) {
    const at = beginFrame(out);
    out.raw(payload);
    endFrame(out, at);
  }
  return out.toBytes();
}

/** Copies each frame at once, as a view lasts only as long as its chunk. */
function cut(splitter: FrameSplitter, chunks: readonly Uint8Array[]): string[] {
  return chunks.flatMap((chunk) => {
    const own = chunk.slice();
    const frames = [...splitter.push(own)].map(toHex);
    own.fill(0xee);
    return frames;
  });
}

test('the golden stream, cut in two at every point', () => {
  const frames = readVectorJson<{ name: string; hex: string }[]>('client-protocol.json')
    .filter(({ name }) => !name.startsWith('4lw-') && !name.includes('config'))
    .map(({ hex }) => hex);
  const stream = new Uint8Array(Buffer.from(frames.join(''), 'hex'));
  const expected = frames.map((hex) => hex.slice(8));
  for (let at = 0; at <= stream.length; at++) {
    const splitter = new FrameSplitter(LIMIT);
    assert.deepEqual(cut(splitter, [stream.subarray(0, at), stream.subarray(at)]), expected, `cut at ${at}`);
    assert.equal(splitter.pending, 0);
  }
});

test('any frames in any chunks', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(payloads, fc.array(fc.nat(12), { maxLength: 60 }), (frames, sizes) => {
      let rest = streamOf(frames);
      const chunks: Uint8Array[] = [];
      for (const size of sizes) {
        chunks.push(rest.subarray(0, size));
        rest = rest.subarray(size);
      }
      chunks.push(rest);
      assert.deepEqual(cut(new FrameSplitter(40), chunks), frames.map(toHex));
    }),
  );
});

test('a large frame that arrives byte by byte and in blocks', () => {
  const payload = new Uint8Array(LIMIT).map((_, i) => (i * 31) >>> 3);
  const stream = streamOf([payload]);
  for (const size of [1000, 65_536]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    assert.deepEqual(cut(new FrameSplitter(LIMIT), chunks), [toHex(payload)]);
  }
});

test('a frame inside one chunk is a view of it, and one that spans chunks has its own memory', () => {
  const stream = streamOf([new Uint8Array([1, 2]), new Uint8Array([3, 4])]);
  const splitter = new FrameSplitter(LIMIT);
  const [first] = [...splitter.push(stream.subarray(0, 11))];
  assert.equal(first!.buffer, stream.buffer);
  assert.equal(splitter.pending, 5);
  const [second] = [...splitter.push(stream.subarray(11))];
  assert.notEqual(second!.buffer, stream.buffer);
  assert.deepEqual([...second!], [3, 4]);
});

test('the limit itself is allowed, one more is refused, and what stood before is delivered', () => {
  const good = streamOf([new Uint8Array(8)]);
  assert.equal([...new FrameSplitter(8).push(good)].length, 1);
  const delivered: Uint8Array[] = [];
  const splitter = new FrameSplitter(8);
  const both = new Uint8Array([...good, 0, 0, 0, 9]);
  const refused = { name: 'JuteError', reason: 'over-limit' };
  assert.throws(() => {
    for (const frame of splitter.push(both)) delivered.push(frame);
  }, refused);
  assert.equal(delivered.length, 1);
  assert.throws(() => [...splitter.push(good)], refused);
});

test('a negative length is refused, wherever its bytes are cut', () => {
  const bytes = new Uint8Array([0xff, 0xff, 0xff, 0xff]);
  for (let at = 0; at < 4; at++) {
    const splitter = new FrameSplitter(LIMIT);
    assert.deepEqual([...splitter.push(bytes.subarray(0, at))], []);
    assert.throws(
      () => [...splitter.push(bytes.subarray(at))],
      (error) => error instanceof JuteError && error.reason === 'negative-length',
    );
  }
});

test('a promised length alone takes no memory', () => {
  const promise = new Uint8Array([0x00, 0x0f, 0xff, 0xff, 1]);
  const before = process.memoryUsage().arrayBuffers;
  const splitters = Array.from({ length: 256 }, () => new FrameSplitter(LIMIT));
  for (const splitter of splitters) assert.deepEqual([...splitter.push(promise)], []);
  const taken = process.memoryUsage().arrayBuffers - before;
  assert.ok(splitters.every(({ pending }) => pending === 5));
  assert.ok(taken < 4 << 20, `${taken} bytes for 1280 received`);
});

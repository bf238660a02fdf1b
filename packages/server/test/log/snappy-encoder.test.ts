import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SnappyStreamDecoder } from '../../src/core/log/snappy.ts';
import { SNAPPY_BLOCK_BYTES, SnappyStreamEncoder } from '../../src/core/log/snappy-encoder.ts';

function encode(chunks: readonly Uint8Array[]): Uint8Array {
  const encoder = new SnappyStreamEncoder();
  return Buffer.concat([...chunks.map((chunk) => encoder.encode(chunk)), encoder.finish()]);
}

function decode(stream: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [];
  const decoder = new SnappyStreamDecoder((bytes) => blocks.push(bytes.slice()));
  decoder.push(stream);
  decoder.finish();
  return Buffer.concat(blocks);
}

test('whatever is encoded is decoded to the same', () => {
  const word = fc.uint8Array({ maxLength: 90 });
  const chunk = fc
    .tuple(fc.array(word, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(), { maxLength: 400 }))
    .map(([words, picks]) => Buffer.concat(picks.map((pick) => words[pick % words.length] as Uint8Array)));
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 4 }), (chunks) => {
      assert.deepEqual(decode(encode(chunks)), Buffer.concat(chunks));
    }),
    { numRuns: 300 },
  );
});

test('repetitions shrink, noise hardly grows, blocks are those of the Java library', () => {
  const text = Buffer.from('{"service":"orders","port":8080}\n'.repeat(20_000));
  assert.ok(encode([text]).length < text.length / 10);
  assert.deepEqual(decode(encode([text])), text);
  let seed = 1;
  const noise = Buffer.from(
    Array.from({ length: 300_000 }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 24;
    }),
  );
  const packed = encode([noise]);
  assert.ok(packed.length < noise.length * 1.001, `${packed.length}`);
  assert.deepEqual(decode(packed), noise);
  for (const size of [SNAPPY_BLOCK_BYTES - 1, SNAPPY_BLOCK_BYTES, SNAPPY_BLOCK_BYTES + 1, 3, 1, 0]) {
    assert.deepEqual(decode(encode([noise.subarray(0, size)])), Buffer.from(noise.subarray(0, size)), `${size}`);
  }
});

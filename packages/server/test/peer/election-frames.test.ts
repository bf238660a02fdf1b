import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '@headkeeper/testkit';
import { FrameParser } from '../../src/adapters/peer/election-frames.ts';
import { PeerProtocolError } from '../../src/adapters/peer/peer-protocol-error.ts';

const LENGTHS = [1, 3, 40, 300, 5000, 2, 9000, 1];
const LARGEST = 524_288;

function framesOf(lengths: readonly number[]): { stream: Uint8Array; payloads: Uint8Array[] } {
  const payloads = lengths.map((length, i) => Uint8Array.from({ length }, (_, at) => (at * 7 + i) & 0xff));
  const stream = new Uint8Array(lengths.reduce((sum, length) => sum + 4 + length, 0));
  let at = 0;
  for (const payload of payloads) {
    new DataView(stream.buffer).setInt32(at, payload.length);
    stream.set(payload, at + 4);
    at += 4 + payload.length;
  }
  return { stream, payloads };
}

test('a stream chopped up in any way has the same frames, each in memory of its own', () => {
  const { stream, payloads } = framesOf(LENGTHS);
  for (let seed = 1; seed <= 200; seed++) {
    const random = new SeededRandom(seed);
    const found: Uint8Array[] = [];
    const parser = new FrameParser((payload) => found.push(payload));
    // Memory that is written over by each read, as sockets share it.
    const shared = Buffer.alloc(stream.length);
    for (let at = 0; at < stream.length; ) {
      const count = Math.min(stream.length - at, 1 + random.below(seed % 2 === 0 ? 12 : stream.length));
      shared.set(stream.subarray(at, at + count));
      parser.push(shared.subarray(0, count), 0);
      shared.fill(0xee);
      at += count;
    }
    assert.deepEqual(found, payloads, `seed ${seed}`);
  }
});

test('what stands before the start is passed over, and nothing comes behind a stop', () => {
  const { stream, payloads } = framesOf([5, 6, 7]);
  const found: Uint8Array[] = [];
  const parser = new FrameParser((payload) => {
    found.push(payload);
    if (found.length === 2) parser.stop();
  });
  parser.push(Uint8Array.of(9, 9, ...stream), 2);
  assert.deepEqual(found, payloads.slice(0, 2));
});

test('a length that is not allowed is refused, whether all of the frame is there or not', () => {
  for (const length of [0, -1, LARGEST + 1]) {
    for (const behind of [0, 1, LARGEST + 8]) {
      const stream = new Uint8Array(4 + behind);
      new DataView(stream.buffer).setInt32(0, length);
      const parser = new FrameParser(() => assert.fail());
      assert.throws(() => parser.push(stream, 0), PeerProtocolError, `${length}, ${behind}`);
    }
  }
});

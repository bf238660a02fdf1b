import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReceivedSnapshot } from '../../src/core/log/received-snapshot.ts';
import { passesQuickCheck, SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import { SIGNATURE } from '../../src/core/log/snapshot-encoder.ts';
import { snapshot3f } from './golden.ts';
import { encodeState, joined, MapState } from './map-state.ts';

const LIMIT = 1 << 20;
const FILE_HEADER_BYTES = 16;
/** An Adler-32 as a long, then "/" as a string. */
const SEAL_BYTES = 13;

const state = new MapState();
const decoder = new SnapshotDecoder(state, LIMIT);
decoder.push(snapshot3f);
decoder.finish();
const plain = encodeState(state, { digest: null, lastProcessedZxid: null }, 4096).bytes;
/** What a leader sends of the same state. */
const stream = joined([plain.subarray(FILE_HEADER_BYTES, plain.length - SEAL_BYTES), Uint8Array.from(SIGNATURE)]);

function received(sizes: readonly number[], lastProcessedZxid: number | null): Uint8Array {
  const file = new ReceivedSnapshot();
  const chunks: Uint8Array[] = [];
  for (let at = 0, i = 0; at < stream.length; i++) {
    const piece = stream.slice(at, at + (sizes[i % sizes.length] as number));
    file.push(piece);
    at += piece.length;
    piece.fill(0xaa);
    for (let chunk = file.takeChunk(); chunk !== null; chunk = file.takeChunk()) chunks.push(chunk);
  }
  assert.equal(file.isComplete, false);
  file.complete(lastProcessedZxid);
  for (let chunk = file.takeChunk(); chunk !== null; chunk = file.takeChunk()) chunks.push(chunk);
  return joined(chunks);
}

test('a state that comes in any pieces makes the file that an encoder would make', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
      fc.option(fc.constant(0x3f)),
      (sizes, lastProcessedZxid) => {
        const expected = encodeState(state, { digest: null, lastProcessedZxid }, 4096).bytes;
        assert.deepEqual(received(sizes, lastProcessedZxid), expected);
      },
    ),
    { numRuns: 200 },
  );
});

test('the file passes the check that a start makes of it', () => {
  const bytes = received([stream.length], null);
  assert.ok(passesQuickCheck('', bytes.length, bytes.subarray(0, 8), bytes.subarray(bytes.length - 5)));
});

import { SeededRandom } from '@headkeeper/testkit';

/** How a stream is cut into the pieces in which it arrives. */
export type Cutting = (bytes: Uint8Array) => Iterable<Uint8Array>;

export const WHOLE: Cutting = (bytes) => [bytes];

/** One byte at a time: every cut that there is. */
export function* BYTEWISE(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let i = 0; i < bytes.length; i++) yield bytes.subarray(i, i + 1);
}

/** Pieces of random lengths, each seed other ones. */
export function randomCuts(seed: number): Cutting {
  const random = new SeededRandom(seed);
  return function* (bytes) {
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + random.below(90));
      yield bytes.subarray(at, end);
      at = end;
    }
  };
}

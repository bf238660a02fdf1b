import type { SeededRandom } from '@headkeeper/testkit';
import type { Draft } from './draft.ts';

/** `jute.maxbuffer` of the server under test. */
export const JUTE_MAX = 1_048_575;
const LENGTHS = [
  0,
  -1,
  -2,
  1,
  JUTE_MAX,
  JUTE_MAX + 1,
  2_147_483_647,
  -2_147_483_648,
  0x7ffffff0,
  65_536,
  500_000,
  1_000_000,
];
const NUMBERS = [0, -1, 1, 2_147_483_647, -2_147_483_648, 255, 256, 65_535, -128];

/** The frame around a body, and whether what follows it would be read in step. */
export interface Mutated {
  readonly frame: Buffer;
  /** False: the length in front is wrong, nothing can be sent behind it. */
  readonly inStep: boolean;
  /** Of the mutations, for the summary. */
  readonly kinds: readonly string[];
}

type Mutation = (bytes: Buffer, draft: Draft, random: SeededRandom) => Buffer;

function setInt(bytes: Buffer, at: number, value: number): Buffer {
  if (at + 4 <= bytes.length) bytes.writeInt32BE(value | 0, at);
  return bytes;
}

const MUTATIONS: readonly (readonly [kind: string, weight: number, mutation: Mutation])[] = [
  ['valid', 2, (bytes) => bytes],
  [
    'length',
    6,
    (bytes, { lengths }, random) => {
      if (lengths.length === 0) return bytes;
      const at = lengths[random.below(lengths.length)] as number;
      const present = at + 4 <= bytes.length ? bytes.readInt32BE(at) : 0;
      const near = [present + 1, present - 1, bytes.length - at - 4, bytes.length - at - 3, random.below(1 << 20)];
      const values = random.chance() ? LENGTHS : near;
      return setInt(bytes, at, values[random.below(values.length)] as number);
    },
  ],
  [
    'number',
    4,
    (bytes, { numbers }, random) => {
      // The first number is the xid.
      const at = numbers[1 + random.below(Math.max(1, numbers.length - 1))] ?? 4;
      const value = random.chance() ? (NUMBERS[random.below(NUMBERS.length)] as number) : random.below(256) - 128;
      return setInt(bytes, at, value);
    },
  ],
  ['cut', 3, (bytes, _draft, random) => bytes.subarray(0, random.below(bytes.length + 1))],
  [
    'extended',
    2,
    (bytes, _draft, random) => {
      const more = Buffer.alloc(1 + random.below(64));
      for (let i = 0; i < more.length; i++) more[i] = random.below(256);
      return Buffer.concat([bytes, more]);
    },
  ],
  [
    'flipped',
    5,
    (bytes, _draft, random) => {
      for (let flips = 1 + random.below(8); flips > 0 && bytes.length > 4; flips--) {
        const at = 4 + random.below(bytes.length - 4);
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      }
      return bytes;
    },
  ],
  [
    'opcode',
    1,
    (bytes, _draft, random) =>
      setInt(bytes, 4, random.below(4) === 0 ? random.below(0x40000000) : random.below(256) - 128),
  ],
  [
    'moved',
    2,
    (bytes, _draft, random) => {
      if (bytes.length < 12) return bytes;
      const from = 8 + random.below(bytes.length - 8);
      const to = 8 + random.below(bytes.length - 8);
      bytes.copyWithin(to, from, Math.min(bytes.length, from + random.below(64)));
      return bytes;
    },
  ],
];
const TOTAL_WEIGHT = MUTATIONS.reduce((sum, [, weight]) => sum + weight, 0);

function anyMutation(random: SeededRandom): (typeof MUTATIONS)[number] {
  let at = random.below(TOTAL_WEIGHT);
  for (const one of MUTATIONS) {
    at -= one[1];
    if (at < 0) return one;
  }
  return MUTATIONS[0] as (typeof MUTATIONS)[number];
}

/** One to three things done to a valid body; and now and then the frame's own length is wrong. */
export function mutate(draft: Draft, random: SeededRandom): Mutated {
  let bytes: Buffer = draft.written();
  const kinds: string[] = [];
  for (let times = 1 + (random.below(4) === 0 ? random.below(3) : 0); times > 0; times--) {
    const [kind, , mutation] = anyMutation(random);
    kinds.push(kind);
    bytes = mutation(bytes, draft, random);
  }
  if (random.below(150) === 0)
    return { frame: framed(bytes, LENGTHS[random.below(LENGTHS.length)]), inStep: false, kinds: ['frame'] };
  return { frame: framed(bytes), inStep: true, kinds };
}

/** Bytes that never were a request. */
export function garbage(random: SeededRandom): Mutated {
  const bytes = Buffer.alloc(random.below(random.below(50) === 0 ? 5_000 : 80));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  // Most of them have an opcode that there is, so that the body is looked at.
  if (bytes.length >= 8 && random.below(10) > 0)
    bytes.writeInt32BE(random.chance() ? 1 + random.below(22) : 100 + random.below(8), 4);
  return { frame: framed(bytes), inStep: true, kinds: ['garbage'] };
}

export function framed(bytes: Uint8Array, length: number = bytes.length): Buffer {
  const frame = Buffer.alloc(4 + bytes.length);
  frame.writeInt32BE(length | 0);
  frame.set(bytes, 4);
  return frame;
}

/** Four-letter words as they are, spoiled, in pieces, in heaps, and with what does not belong to them. */

import { connect } from 'node:net';
import { FourLetterWord } from '@headkeeper/protocol';
import { SeededRandom } from '@headkeeper/testkit';
import { Violation } from './raw-connection.ts';

const WORDS = Object.keys(FourLetterWord);
const AT_ONCE = 16;
/** A connection that has said no word is the server's to keep for a while; it is left after this. */
const PATIENCE_MS = 40;
const ANSWER_MS = 20_000;

export interface WordFuzzOptions {
  readonly port: number;
  readonly words: number;
  readonly seed: number;
}

/** @returns how many connections were answered with a text. @throws Violation when a whole word is not. */
export async function fuzzWords({ port, words, seed }: WordFuzzOptions): Promise<{ asked: number; answered: number }> {
  let asked = 0;
  let answered = 0;
  const one = async (index: number): Promise<void> => {
    const random = new SeededRandom(seed * 1_000 + 500 + index);
    while (asked < words) {
      asked++;
      const { pieces, isWhole, what } = anyWords(random);
      const text = await say(port, `127.0.${20 + index}.${1 + (asked % 250)}`, pieces, isWhole, random.below(3) === 0);
      if (text.length > 0) answered++;
      else if (isWhole) throw new Violation(`no answer to ${what}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(index)));
  return { asked, answered };
}

interface Saying {
  readonly pieces: readonly Buffer[];
  /** Whether the server has to answer: it is a word as it should be. */
  readonly isWhole: boolean;
  readonly what: string;
}

function anyWords(random: SeededRandom): Saying {
  const word = WORDS[random.below(WORDS.length)] as string;
  const mask = Buffer.alloc(8);
  for (let i = 0; i < 8; i++) mask[i] = random.below(256);
  let bytes = word === 'stmk' ? Buffer.concat([Buffer.from(word), mask]) : Buffer.from(word);
  let isWhole = true;
  const kind = random.below(10);
  if (kind === 0) {
    bytes = bytes.subarray(0, random.below(bytes.length));
    isWhole = false;
  } else if (kind === 1) {
    const at = random.below(4);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    isWhole = false;
  } else if (kind === 2) {
    bytes = Buffer.from(word.toUpperCase());
    isWhole = false;
  } else if (kind === 3) {
    const junk = Buffer.alloc(random.below(2_000));
    for (let i = 0; i < junk.length; i++) junk[i] = random.below(256);
    bytes = Buffer.concat([bytes, junk]);
  } else if (kind === 4) bytes = Buffer.concat([bytes, Buffer.from(`\r\n${WORDS.join('\n')}\r\n`)]);
  else if (kind === 5) {
    bytes = Buffer.from([0xff, 0xf4, 0xff, 0xfd, 0x06]);
    isWhole = false;
  }
  if (random.below(4) !== 0) return { pieces: [bytes], isWhole, what: word };
  return {
    pieces: Array.from(bytes.subarray(0, 16), (byte) => Buffer.from([byte])),
    isWhole,
    what: `${word} in pieces`,
  };
}

function say(
  port: number,
  localAddress: string,
  pieces: readonly Buffer[],
  isWhole: boolean,
  halfCloses: boolean,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true, allowHalfOpen: true });
    let text = '';
    const timer = setTimeout(() => socket.resetAndDestroy(), isWhole ? ANSWER_MS : PATIENCE_MS);
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    const next = (at: number): void => {
      const piece = pieces[at];
      if (piece !== undefined) socket.write(piece, () => next(at + 1));
      else if (halfCloses) socket.end();
    };
    socket.on('connect', () => next(0));
  });
}

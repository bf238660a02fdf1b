import { fourLetterAnswer } from '../../src/admin/four-letter.ts';

/** The whole answer to a word. */
export function wordText(...asked: Parameters<typeof fourLetterAnswer>): string {
  const answer = fourLetterAnswer(...asked);
  return typeof answer === 'string' ? answer : [...answer].join('');
}

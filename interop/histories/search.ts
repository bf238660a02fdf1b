/** The search that takes no server's word for anything: Porcupine, with our models (porcupine/models.go). */

import { buildHistorySearch } from '../peers/client-programs.ts';
import { runToEnd } from '../peers/command.ts';

export interface SearchVerdict {
  readonly verdict: 'ok' | 'illegal' | 'unknown';
  /** What the search printed. */
  readonly output: string;
  /** One sentence, unless the verdict is `ok`: a history that is not decided is judged by nobody, which is no better than illegal. */
  readonly fault: string | null;
}

/** Longest time for one history, in seconds, when none is given. */
const LONGEST_S = 120;

/**
 * Judges the files of one history.
 * @throws Error when the search does not come to a verdict of its own
 */
export async function search(files: readonly string[], longestS: number = LONGEST_S): Promise<SearchVerdict> {
  const { output } = await runToEnd([await buildHistorySearch(), String(longestS), ...files]);
  const verdict = (['ok', 'illegal', 'unknown'] as const).find((word) => output.startsWith(`${word}\n`));
  if (verdict === undefined) throw new Error(`the search says: ${output}`);
  const fault = verdict === 'ok' ? null : faultOf(verdict, output, longestS);
  return { verdict, output, fault };
}

function faultOf(verdict: 'illegal' | 'unknown', output: string, longestS: number): string {
  const [, counted = '', ...objects] = output.trim().split('\n');
  const what = `${counted}, ${objects.join(', ')}`;
  if (verdict === 'illegal') return `the search says illegal: ${what}`;
  return `the search says unknown, it was not done in its ${longestS} s: ${what}`;
}

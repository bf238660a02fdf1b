/** The search that takes no server's word for anything: Porcupine, with our models (porcupine/models.go). */

import { buildHistorySearch } from '../peers/client-programs.ts';
import { runToEnd } from '../peers/command.ts';

export interface SearchVerdict {
  readonly verdict: 'ok' | 'illegal' | 'unknown';
  /** What the search printed. */
  readonly output: string;
}

/** Longest time for one history, in seconds, when none is given. */
const LONGEST_S = 60;

/**
 * Judges the files of one history.
 * @throws Error when the search does not come to a verdict of its own
 */
export async function search(files: readonly string[], longestS: number = LONGEST_S): Promise<SearchVerdict> {
  const { output } = await runToEnd([await buildHistorySearch(), String(longestS), ...files]);
  const verdict = (['ok', 'illegal', 'unknown'] as const).find((word) => output.startsWith(`${word}\n`));
  if (verdict === undefined) throw new Error(`the search says: ${output}`);
  return { verdict, output };
}

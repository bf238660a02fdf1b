/** The judge of histories: Porcupine, with our model of a register (linearizability/main.go). */

import { writeFileSync } from 'node:fs';
import { buildLinearizabilityChecker } from '../peers/client-programs.ts';
import { runToEnd } from '../peers/command.ts';
import { historyText, type Operation } from './history.ts';

export interface Verdict {
  readonly verdict: 'ok' | 'illegal' | 'unknown';
  /** What the checker printed. */
  readonly output: string;
}

/** Longest time for one history, in seconds. */
const LONGEST_S = 120;

/**
 * Writes the history into `file` and has it judged.
 * @throws Error when the checker does not come to a verdict of its own
 */
export async function judge(history: readonly Operation[], file: string): Promise<Verdict> {
  writeFileSync(file, historyText(history));
  const { output } = await runToEnd([await buildLinearizabilityChecker(), file, String(LONGEST_S)]);
  const verdict = (['ok', 'illegal', 'unknown'] as const).find((word) => output.startsWith(`${word}\n`));
  if (verdict === undefined) throw new Error(`the checker says: ${output}`);
  return { verdict, output };
}

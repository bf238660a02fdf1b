/** The judge of what clients saw of registers: the search of all histories (histories/search.ts). */

import { writeFileSync } from 'node:fs';
import { type SearchVerdict, search } from '../histories/search.ts';
import { historyText, type Operation } from './history.ts';

/**
 * Writes the history into `file` and has it judged.
 * @throws Error when the search does not come to a verdict of its own
 */
export function judge(history: readonly Operation[], file: string): Promise<SearchVerdict> {
  writeFileSync(file, historyText(history));
  return search([file]);
}

import { type Cell, FAULTS, kindOf, nameOf, ROLES } from './cell.ts';
import type { CellResult, Outcome } from './trial.ts';

const OUTCOMES: readonly Outcome[] = ['recovered', 'stopped safely', 'unreached', 'wrong'];

/** What came of the cells: a line for each file and fault, columns for each role and outcome; below it what was said. */
export class Report {
  readonly #results: (readonly [Cell, CellResult])[] = [];

  add(cell: Cell, result: CellResult): void {
    this.#results.push([cell, result]);
  }

  get wrong(): number {
    return this.#count(({ outcome }) => outcome === 'wrong');
  }

  #count(isOf: (result: CellResult, cell: Cell) => boolean): number {
    return this.#results.filter(([cell, result]) => isOf(result, cell)).length;
  }

  table(): string {
    const kinds = [...new Set(this.#results.map(([{ file }]) => kindOf(file.path)))].sort();
    const columns = ROLES.flatMap((role) => OUTCOMES.map((outcome) => ({ role, outcome })));
    const lines = [
      `| file | fault | ${columns.map(({ role, outcome }) => `${role}: ${outcome}`).join(' | ')} |`,
      `| --- | --- |${' --- |'.repeat(columns.length)}`,
    ];
    for (const kind of kinds) {
      for (const fault of FAULTS) {
        const counts = columns.map(({ role, outcome }) =>
          this.#count(
            (result, cell) =>
              kindOf(cell.file.path) === kind &&
              cell.fault === fault &&
              cell.role === role &&
              result.outcome === outcome,
          ),
        );
        lines.push(`| ${kind} | ${fault} | ${counts.join(' | ')} |`);
      }
    }
    return lines.join('\n');
  }

  /** Why servers stopped and why cells were not reached: an example of each kind of file and fault. */
  examples(): string {
    const said = new Map<string, string>();
    for (const [cell, { outcome, words }] of this.#results) {
      if (outcome !== 'stopped safely' && outcome !== 'unreached') continue;
      const what = `${kindOf(cell.file.path)}, ${cell.fault}, ${outcome}`;
      if (!said.has(what)) said.set(what, legible(words));
    }
    return [...said].map(([what, words]) => `${what}: ${words}`).join('\n');
  }

  totals(): string {
    const counts = OUTCOMES.map((outcome) => `${this.#count((result) => result.outcome === outcome)} ${outcome}`);
    return `${this.#results.length} cells: ${counts.join(', ')}`;
  }
}

export function verdict(cell: Cell, { outcome, words }: CellResult): string {
  return words === '' ? `${nameOf(cell)}: ${outcome}` : `${nameOf(cell)}: ${outcome}: ${legible(words)}`;
}

/** Junk out of a file is nothing for a terminal. */
function legible(words: string): string {
  return words.replaceAll(/[^\x20-\x7e\n]/g, '?').slice(0, 1500);
}

import { reasonAgainst } from './impossible.ts';
import { PHASES, type Phase } from './phase.ts';

/** A fault and the phase in which it strikes. */
export interface Cell {
  readonly fault: string;
  readonly phase: Phase;
}

/** How often each fault has struck a server in each phase. */
export class FaultMatrix {
  readonly #counts: Map<string, number> = new Map();

  struck(fault: string, phase: Phase): void {
    const cell = `${fault}|${phase}`;
    this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + 1);
  }

  add(other: FaultMatrix): void {
    for (const [cell, count] of other.#counts) this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + count);
  }

  count(fault: string, phase: Phase): number {
    return this.#counts.get(`${fault}|${phase}`) ?? 0;
  }
}

export interface MatrixSummary {
  readonly text: string;
  /** Cells in which a fault has struck. */
  readonly filled: number;
  readonly explained: number;
  /** Cells that are empty without a reason. */
  readonly unexplained: readonly Cell[];
  /** Cells that have a reason for being empty, and are not: the reason is wrong. */
  readonly contradicted: readonly Cell[];
}

/** The matrix as a table: a line for each phase, a column for each fault; letters stand for reasons. */
export function summarize(matrix: FaultMatrix, faults: readonly string[]): MatrixSummary {
  const reasons: string[] = [];
  const unexplained: Cell[] = [];
  const contradicted: Cell[] = [];
  let filled = 0;
  let explained = 0;
  const cellOf = (fault: string, phase: Phase): string => {
    const count = matrix.count(fault, phase);
    const reason = reasonAgainst(fault, phase);
    if (count > 0) {
      filled++;
      if (reason !== null) contradicted.push({ fault, phase });
      return String(count);
    }
    if (reason === null) {
      unexplained.push({ fault, phase });
      return '**0**';
    }
    explained++;
    if (!reasons.includes(reason)) reasons.push(reason);
    return letter(reasons.indexOf(reason));
  };
  const lines = [`| role, phase | ${faults.join(' | ')} |`, `| --- |${' --- |'.repeat(faults.length)}`];
  for (const phase of PHASES) lines.push(`| ${phase} | ${faults.map((fault) => cellOf(fault, phase)).join(' | ')} |`);
  lines.push('', ...reasons.map((reason, i) => `${letter(i)}: ${reason}.`));
  return { text: lines.join('\n'), filled, explained, unexplained, contradicted };
}

function letter(index: number): string {
  return String.fromCharCode(97 + index);
}

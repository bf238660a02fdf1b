import { PHASES, type Phase } from './phase.ts';

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

const UNPOWERED = 'a machine that is down has no process, no streams and no disk at work';
const ALONE = 'a server alone has nobody to be parted from, and nobody to give its state back';
const CALM = 'a disk is only lost while every voter serves and has everything: then nothing can be lost with it';
const UNCUT = 'observers hear only of what is committed, which nobody is told to cut off';
const AT_ONCE = 'observers hear of txns when they are committed, and apply them in the same step';
const IDLE_DISK = 'who looks for a leader, or waits for its first word, has nothing to write';

const ALONE_DAMAGED =
  'a server alone has nobody to take anything from: it ends at its start, as the disk matrix with real servers shows';

/** Why a fault never strikes in a phase; null where it can. */
export function reasonAgainst(fault: string, phase: Phase): string | null {
  if (phase === 'observing, TRUNC') return UNCUT;
  if (phase === 'observing, txns under way') return AT_ONCE;
  switch (fault) {
    case 'crash':
    case 'kill':
    case 'stop':
    case 'pause':
    case 'diskError':
    case 'halfOpen':
    case 'reset':
      return phase === 'down' ? UNPOWERED : null;
    case 'crashAtDisk':
      if (phase === 'down') return UNPOWERED;
      return phase === 'looking' || /^(following|observing), discovery$/.test(phase) ? IDLE_DISK : null;
    case 'partition':
      return phase.startsWith('alone') ? ALONE : null;
    case 'lostWrite':
    case 'misdirectedWrite':
    case 'failedSync':
    case 'lyingDisk':
      if (phase === 'down') return UNPOWERED;
      return phase.startsWith('alone') ? ALONE_DAMAGED : null;
    case 'rot':
    case 'unreadable':
    case 'lostTail':
    case 'fullDisk':
    case 'oldDisk':
      return phase.startsWith('alone') ? ALONE_DAMAGED : null;
    case 'wipe':
      if (phase.startsWith('alone')) return ALONE;
      return / (idle|snapshot)$/.test(phase) ? null : CALM;
    default:
      return null;
  }
}

export interface MatrixSummary {
  readonly text: string;
  /** Cells in which a fault has struck. */
  readonly filled: number;
  readonly explained: number;
  /** Cells that are empty without a reason. */
  readonly unexplained: readonly string[];
}

/** The matrix as a table: a line for each phase, a column for each fault; letters stand for reasons. */
export function summarize(matrix: FaultMatrix, faults: readonly string[]): MatrixSummary {
  const reasons: string[] = [];
  const unexplained: string[] = [];
  let filled = 0;
  let explained = 0;
  const cellOf = (fault: string, phase: Phase): string => {
    const count = matrix.count(fault, phase);
    if (count > 0) {
      filled++;
      return String(count);
    }
    const reason = reasonAgainst(fault, phase);
    if (reason === null) {
      unexplained.push(`${fault} in ${phase}`);
      return '**0**';
    }
    explained++;
    if (!reasons.includes(reason)) reasons.push(reason);
    return letter(reasons.indexOf(reason));
  };
  const lines = [`| role, phase | ${faults.join(' | ')} |`, `| --- |${' --- |'.repeat(faults.length)}`];
  for (const phase of PHASES) lines.push(`| ${phase} | ${faults.map((fault) => cellOf(fault, phase)).join(' | ')} |`);
  lines.push('', ...reasons.map((reason, i) => `${letter(i)}: ${reason}.`));
  return { text: lines.join('\n'), filled, explained, unexplained };
}

function letter(index: number): string {
  return String.fromCharCode(97 + index);
}

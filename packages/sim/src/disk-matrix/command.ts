import { RandomStream } from '@headkeeper/testkit';
import { optionIn } from '../arguments.ts';
import { ExitCode } from '../check/violation.ts';
import { type Cell, cellsOf, nameOf, ROLES } from './cell.ts';
import { Report, verdict } from './report.ts';
import { stagedFiles, tryCell } from './trial.ts';

export const DISK_MATRIX_USAGE: string =
  '       npm run sim -- --disk-matrix [--cell NAME [--trace]] [--slice I/N, the Ith of N equal parts]';

const USAGE_EXIT = 64;

/** Every used block of every file on the disk of the leader, and of a follower, with every fault. */
export function allCells(): Cell[] {
  return ROLES.flatMap((role) => cellsOf(role, stagedFiles(role)));
}

/** Cells of all kinds are in every slice; null when the text names none. */
export function sliceOf(cells: readonly Cell[], text: string): Cell[] | null {
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const [i, n] = [Number(part), Number(parts)];
  if (!(i >= 1 && i <= n)) return null;
  return new RandomStream(1, 'slices').shuffled(cells).filter((_, at) => at % n === i - 1);
}

/** Tries the cells and prints what came of them. Returns 0 when nothing was wrong. */
export function diskMatrix(argv: readonly string[]): number {
  const all = allCells();
  const name = optionIn(argv, '--cell');
  const slice = optionIn(argv, '--slice');
  const chosen = name !== null ? all.filter((cell) => nameOf(cell) === name) : sliceOf(all, slice ?? '1/1');
  if (chosen === null || chosen.length === 0) {
    process.stderr.write(`no such cell or slice\nusage:\n${DISK_MATRIX_USAGE}\n`);
    return USAGE_EXIT;
  }
  const tell = argv.includes('--trace') ? (line: string): void => void process.stderr.write(`${line}\n`) : undefined;
  const report = new Report();
  for (const cell of chosen) {
    const result = tryCell(cell, tell);
    report.add(cell, result);
    if (name !== null) process.stdout.write(`${verdict(cell, result)}\n`);
    else if (result.outcome === 'wrong')
      process.stdout.write(`${verdict(cell, result)}\n    npm run sim -- --disk-matrix --cell ${nameOf(cell)}\n`);
  }
  if (name === null) {
    process.stdout.write(
      `${report.table()}\n\n${report.examples()}\n\n${chosen.length} of ${all.length} cells tried\n`,
    );
  }
  process.stdout.write(`${report.totals()}\n`);
  return report.wrong === 0 ? 0 : ExitCode.safety;
}

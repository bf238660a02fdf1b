/**
 * The disk matrices, with real servers:
 *
 *   node interop/dist/chaos/matrix/main.js [--every 1] [--from 0] [--to 100000] [--seed N]
 *   node interop/dist/chaos/matrix/main.js --slice [--seed N]
 *
 * `--every N`: one cell in N, by a shuffle that the seed decides; `--from`, `--to`: of these, some only. `--slice`: two cells of
 * each kind of file, with different faults, which the seed decides, too. Prints a table of what came of them; exit code 1 when an
 * answer was wrong, or a server ended for another reason than its disk.
 */

import { RandomStream } from '@headkeeper/testkit';
import { numberOf, programOptions, wrongUse } from '../../peers/program-options.ts';
import { seedOfRun } from '../../seed.ts';
import { CELL_FAULTS, type Cell, type CellFault, type CellResult, cellsOf, kindOf, tryCell } from './cells.ts';
import { Stage } from './stage.ts';

/** Cells of each kind of file in a slice. */
const SLICE_EACH = 2;

const values = programOptions(import.meta.filename, {
  every: { type: 'string', default: '1' },
  from: { type: 'string', default: '0' },
  to: { type: 'string', default: '100000' },
  slice: { type: 'boolean', default: false },
  seed: { type: 'string' },
});
const seed = seedOfRun(values.seed);
process.setMaxListeners(100);
if (values.slice && (values.every !== '1' || values.from !== '0' || values.to !== '100000'))
  wrongUse('--slice chooses for itself');
const [every, from, to] = [numberOf('every', values.every), numberOf('from', values.from), numberOf('to', values.to)];
const stage = await Stage.prepare({ snapCount: 130, znodes: 400, znodeBytes: 160 });
const all = cellsOf(stage);
const shuffled = new RandomStream(seed, 'cells').shuffled(all);
const chosen = values.slice ? sliceOf(shuffled) : shuffled.slice(0, Math.ceil(all.length / every)).slice(from, to);
console.log(`${chosen.length} of ${all.length} cells`);
const results: (readonly [Cell, CellResult])[] = [];
const said = new Map<string, string>();
for (const [index, cell] of chosen.entries()) {
  const where = `${cell.fault} in block ${cell.block} of ${cell.file.name}, ${cell.role}`;
  const begun = performance.now();
  const result = await tryCell(stage, cell, new RandomStream(seed, where));
  results.push([cell, result]);
  console.log(`${index + from}: ${where}: ${result.outcome} (${(performance.now() - begun).toFixed(0)} ms)`);
  if (result.outcome === 'wrong') console.log(result.words.replaceAll(/^/gm, '    '));
  if (result.outcome === 'stopped safely') said.set(`${kindOf(cell.file)}, ${cell.fault}`, result.words);
}
const wrong = results.filter(([, { outcome }]) => outcome === 'wrong').length;
await stage.end(wrong === 0);
for (const [what, words] of [...said].sort()) console.log(`${what}: ${words}`);
const kinds = [...new Set(all.map(({ file }) => kindOf(file)))].sort();
const columns = ['recovered', 'stopped safely', 'unreached', 'wrong'] as const;
console.log(
  `\n| file | fault | role | ${columns.join(' | ')} |\n| --- | --- | --- | ${columns.map(() => '---').join(' | ')} |`,
);
for (const kind of kinds) {
  for (const fault of CELL_FAULTS) {
    for (const role of ['leader', 'follower'] as const) {
      const row = results.filter(([cell]) => kindOf(cell.file) === kind && cell.fault === fault && cell.role === role);
      const counts = columns.map((column) => row.filter(([, { outcome }]) => outcome === column).length);
      console.log(`| ${kind} | ${fault} | ${role} | ${counts.join(' | ')} |`);
    }
  }
}
const tried = results.filter(([, { outcome }]) => outcome !== 'unreached').length;
console.log(`${tried} cells tried, ${wrong} wrong`);
process.exit(wrong === 0 ? 0 : 1);

/** The first two of each kind of file that have different faults. */
function sliceOf(cells: readonly Cell[]): Cell[] {
  const faultsOfKind = new Map<string, Set<CellFault>>();
  return cells.filter(({ file, fault }) => {
    const faults = faultsOfKind.get(kindOf(file)) ?? new Set();
    if (faults.size === SLICE_EACH || faults.has(fault)) return false;
    faultsOfKind.set(kindOf(file), faults.add(fault));
    return true;
  });
}

/**
 * TypeScript, Java (Curator) and Python (kazoo) share locks, semaphores, elections, double barriers, a counter, queues, a service
 * and parties, and are killed meanwhile:
 *
 *   node interop/dist/recipes/contention.js --rounds 1000   so many rounds in all, with a kill in every 20
 *   node interop/dist/recipes/contention.js --slice          60 rounds, of most of them
 *
 * First each judge has to see through something planted. Exit code 1 when anything was wrong.
 */

import { numberOf, programOptions, wrongUse } from '../peers/program-options.ts';
import { contention, contentionSlice, wholeContention } from './contention-run.ts';

const values = programOptions(import.meta.filename, {
  rounds: { type: 'string' },
  slice: { type: 'boolean', default: false },
});
if ((values.rounds === undefined) !== values.slice) wrongUse('either --rounds or --slice');
const size = values.rounds === undefined ? contentionSlice : wholeContention(numberOf('rounds', values.rounds, 1));
const { passed, faults, summary } = await contention(size, (line) => console.log(line));
console.log(summary);
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(`${passed.length} passed, ${faults.length} failed`);
process.exitCode = faults.length === 0 ? 0 : 1;

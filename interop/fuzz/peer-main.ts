/**
 * Three servers under fire at the ports that they have for each other: mutated votes, greetings and packets of learners, while
 * bystanders watch, lock and wait.
 *
 *   node interop/dist/fuzz/peer-main.js [--packets 300000] [--seed N]
 *   node interop/dist/fuzz/peer-main.js --slice            what CI runs
 *
 * Ends with a table. Exit code 1: the ensemble did what it must never do; the table says what.
 */

import { numberOf, programOptions } from '../peers/program-options.ts';
import { seedOfRun } from '../seed.ts';
import { fuzzEnsemble, PEER_SLICE } from './peer-run.ts';

const values = programOptions(import.meta.filename, {
  packets: { type: 'string', default: '300000' },
  seed: { type: 'string' },
  slice: { type: 'boolean', default: false },
});

const seed = seedOfRun(values.seed);
try {
  const { rows, faults } = await fuzzEnsemble({
    ...{ seed, progress: (text: string) => console.log(text) },
    ...(values.slice ? PEER_SLICE : { packets: numberOf('packets', values.packets) }),
  });
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${value}`);
  for (const fault of faults) console.log(`FAULT: ${fault}`);
  console.log(faults.length === 0 ? 'nothing wrong' : `${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
process.exit();

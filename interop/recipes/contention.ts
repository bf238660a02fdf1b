/**
 * TypeScript, Java (Curator) and Python (kazoo) share locks, semaphores, elections, double barriers, a counter and queues, and are
 * killed meanwhile:
 *
 *   node interop/dist/recipes/contention.js --rounds 1000   so many rounds in all, with a kill in every 20
 *   node interop/dist/recipes/contention.js --slice          60 rounds
 *
 * First each judge has to see through something planted. Exit code 1 when anything was wrong.
 */

import { contention } from './contention-run.ts';

const [mode, number] = process.argv.slice(2);
const rounds = mode === '--slice' ? 60 : mode === '--rounds' ? Number(number) : Number.NaN;
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error('usage: node interop/dist/recipes/contention.js --rounds N | --slice');
  process.exit(64);
}
const { passed, faults, summary } = await contention(rounds, mode === '--slice' ? 1_500 : 4_000, (line) =>
  console.log(line),
);
console.log(summary);
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(`${passed.length} passed, ${faults.length} failed`);
process.exitCode = faults.length === 0 ? 0 : 1;

/**
 * Real servers, real clients in three languages, and everything that can break between them:
 *
 *   node interop/dist/chaos/main.js --for 3m [--servers 3,5] [--pace 200] [--seed N]
 *
 * `--for`: s, m or h. `--servers`: sizes of the ensembles, by turns. `--pace`: mean milliseconds between two rounds of a client
 * in one workload. `--seed`: of everything that is drawn, so that the plan of a run can be had again: faults, their victims and times,
 * deaths of clients, and what each client does. Prints a table; exit code 1 when anything was wrong, and then histories and folders are kept.
 */

import { numberOf, programOptions, wrongUse } from '../peers/program-options.ts';
import { seedOfRun } from '../seed.ts';
import { chaosRun } from './chaos-run.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

const values = programOptions(import.meta.filename, {
  for: { type: 'string', default: '3m' },
  servers: { type: 'string', default: '3,5' },
  pace: { type: 'string', default: '200' },
  seed: { type: 'string' },
});
const [, amount = '', unit = ''] = /^(\d+)([smh])$/.exec(values.for) ?? [];
const forMs = Number(amount) * (UNITS[unit] ?? 0);
const servers = values.servers.split(',').map(Number);
const paceMs = numberOf('pace', values.pace);
if (!(forMs > 0) || !(paceMs > 0) || servers.some((size) => !Number.isInteger(size) || size < 3 || size > 5)) {
  wrongUse('--for is like 30s, 3m or 1h, --servers are numbers from 3 to 5, --pace is more than 0');
}
// One for each process that must not outlive this one.
process.setMaxListeners(100);
const { rows, faults } = await chaosRun({ forMs, servers, paceMs, seed: seedOfRun(values.seed) }, console.log);
const width = Math.max(...rows.map(([name]) => name.length));
for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${value}`);
for (const fault of faults.slice(0, 30)) console.log(`FAULT ${fault}`);
console.log(faults.length === 0 ? 'ok' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

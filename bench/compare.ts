/**
 * Headkeeper and Apache ZooKeeper under the same load, in turn, on the same machine and disk, both with fsync:
 *
 *   node bench/dist/compare.js [--ensemble [--kills N]] [--quick] [--rounds N] [--seconds S] [--rows ID,...]
 *                              [--only apache|headkeeper] [--self-check] [--zkload SOURCE] [--work FOLDER] [--json FILE]
 *
 * With --ensemble each side is three servers on this machine; otherwise one standalone server. A self-check runs Apache
 * ZooKeeper on both sides: its ratios have to be near 1.
 *
 * Exit code 0 when all was measured (whatever the verdicts), 1 when a server or a load failed, 64 for wrong options.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { apacheVersion, installApacheZooKeeper } from '#peers/apache-zookeeper';
import { run } from '#peers/command';
import { programOptions, wrongUse } from '#peers/program-options';
import { type EnsembleSetting, measureEnsemble } from './ensemble/measurement.ts';
import { ensembleRows } from './ensemble/rows.ts';
import { type WriteFloor, writeFloor } from './ensemble/write-floor.ts';
import { loadGenerator } from './load-generator.ts';
import { measure } from './measurement.ts';
import { table } from './report.ts';
import { judge, millionRows, type Row, type Side, rows as standaloneRows } from './rows.ts';

interface Sample {
  readonly round: number;
  readonly side: Side;
  readonly row: string;
  readonly value: number;
  readonly note: string;
}

const options = programOptions(import.meta.filename, {
  ensemble: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  'self-check': { type: 'boolean', default: false },
  kills: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  rows: { type: 'string' },
  only: { type: 'string' },
  zkload: { type: 'string' },
  work: { type: 'string', default: tmpdir() },
  json: { type: 'string' },
});
const { quick, ensemble } = options;
const rows = ensemble ? ensembleRows : standaloneRows;

function noRow(name: string): never {
  const [alone, three] = [standaloneRows, ensembleRows].map((known) => known.map((row) => row.id).join(' '));
  return wrongUse(`there is no row ${name}\nrows: ${alone}\nrows with --ensemble: ${three}`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) wrongUse(`--${name} is a number up to 3600`);
  return value;
}

function chooseRows(names: string | undefined, quick: boolean): readonly Row[] {
  if (names === undefined) return quick ? rows.filter((row) => !millionRows.includes(row.id)) : rows;
  return names.split(',').map((name) => rows.find((row) => row.id === name) ?? noRow(name));
}

function chooseSides(only: string | undefined): readonly Side[] {
  if (only === undefined) return ['Apache ZooKeeper', 'Headkeeper'];
  if (only === 'apache') return ['Apache ZooKeeper'];
  return only === 'headkeeper' ? ['Headkeeper'] : wrongUse('--only is apache or headkeeper');
}

const chosen = chooseRows(options.rows, quick);
const sides = chooseSides(options.only);
const rounds = Math.round(positive('rounds', options.rounds ?? (quick ? '1' : '3')));
const samples: Sample[] = [];
let round = 0;

mkdirSync(options.work, { recursive: true });
const workFolder = mkdtempSync(join(options.work, 'headkeeper-compare-'));
const setting: EnsembleSetting = {
  generator: await loadGenerator(options.zkload),
  seconds: positive('seconds', options.seconds ?? (quick ? '3' : '10')),
  warmUpSeconds: quick ? 3 : 8,
  workFolder,
  heap: '1g',
  largeHeap: '2g',
  znodes: 1_000_000,
  kills: Math.round(positive('kills', options.kills ?? (quick ? '3' : '7'))),
  stops: quick ? 1 : 3,
  coldStarts: quick ? 1 : 3,
  simulatorSeconds: quick ? 20 : 60,
  txnsBehind: quick ? 50_000 : 1_000_000,
  programOf: (side) => (side === 'Headkeeper' && !options['self-check'] ? 'headkeeper' : 'apache'),
  sample: (side, row, value, note) => {
    samples.push({ round, side, row, value, note });
    const unit = rows.find((each) => each.id === row)?.unit ?? '';
    console.log(`  ${side.padEnd(16)} ${row.padEnd(26)} ${value.toFixed(1).padStart(11)} ${unit.padEnd(5)} ${note}`);
  },
};
if (sides.includes('Apache ZooKeeper')) await installApacheZooKeeper();
const machine = {
  apache: apacheVersion,
  java: (await run(['sh', '-c', 'java -version 2>&1 | head -1'])).trim(),
  heap: `-Xmx${setting.heap}, -Xmx${setting.largeHeap} for the million${ensemble ? '; each of three servers' : ''}`,
  node: process.version,
  cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  kernel: release(),
  disk: `${(await run(['stat', '-f', '-c', '%T', workFolder])).trim()}, fsync on for both`,
  load: setting.generator.description,
  warmUp: `${setting.warmUpSeconds} s of getData, then of setData, after every start`,
};
if (options['self-check']) console.log('self-check: Apache ZooKeeper on both sides');
for (const [name, value] of Object.entries(machine)) console.log(`${name}: ${value}`);

const floors: WriteFloor[] = [];
try {
  for (round = 1; round <= rounds; round++) {
    console.log(`round ${round} of ${rounds}, ${setting.seconds} s a load`);
    // The order alternates, so that neither side always finds the machine as the other left it.
    for (const side of round % 2 === 1 ? sides : sides.toReversed()) {
      await (ensemble ? measureEnsemble : measure)(side, chosen, setting);
    }
    if (ensemble && chosen.some(({ id }) => id === 'set-c1-w1')) floors.push(await writeFloor(workFolder));
  }
} finally {
  rmSync(workFolder, { recursive: true, force: true });
}

const of = (side: Side, row: Row): number[] =>
  samples.filter((sample) => sample.side === side && sample.row === row.id).map((sample) => sample.value);
const judged = chosen.map((row) => judge(row, of('Apache ZooKeeper', row), of('Headkeeper', row)));
console.log(`\nMedians of ${rounds} rounds:\n\n${table(judged)}`);
for (const { opsPerSecond, p50Us, p99Us } of floors) {
  console.log(
    `set-c1-w1 by processes that send the messages and sync, and do nothing else: ${opsPerSecond} ops/s, p50 ${p50Us} us, p99 ${p99Us} us`,
  );
}
if (options.json !== undefined) {
  const results = judged.map(({ row, ...rest }) => ({ row: row.id, unit: row.unit, target: row.target, ...rest }));
  writeFileSync(
    options.json,
    `${JSON.stringify({ machine, rounds, seconds: setting.seconds, results, floors, samples }, null, 2)}\n`,
  );
}

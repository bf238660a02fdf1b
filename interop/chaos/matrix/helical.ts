/**
 * Damage of which one intact copy is left, on one server or another:
 *
 *   node interop/dist/chaos/matrix/helical.js [--from 0] [--to 100000] [--seed N]
 *   node interop/dist/chaos/matrix/helical.js --slice [--seed N]
 *
 * `--slice`: one cell of each length of the turns of a helix, and one tail, which the seed decides.
 *
 * Helical: every record of the log is intact on exactly one of three servers, which is another one for the next record, or the
 * next few. Tail: the last records are damaged, or cut off, on two of three servers; all start at once, or the two first.
 *
 * All servers must come to serve everything that was acknowledged: each puts its history together again from what the others have.
 * Prints a table; exit code 1 when something acknowledged was not there while somebody served, or nobody came to serve; then, too, what is
 * intact must still be somewhere on the disks.
 *
 * The servers were stopped in order: `headkeeper.logged` tells where each log has ended, also where its end is cut off.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { RandomStream } from '@headkeeper/testkit';
import type { Member } from '../../ensemble/member.ts';
import { numberOf, programOptions, wrongUse } from '../../peers/program-options.ts';
import { seedOfRun } from '../../seed.ts';
import { type DamageKind, damage } from '../damage.ts';
import { type LogRecord, recordsBelow } from './log-records.ts';
import { Stage } from './stage.ts';

interface HelicalCell {
  readonly name: string;
  /** Columns of the table are outcomes, rows these. */
  readonly row: string;
  /** The servers that start later than the others. */
  readonly late: readonly number[];
  harm(stage: Stage, random: RandomStream): void;
}

type Outcome = 'recovered' | 'nobody serves' | 'wrong';

const SIDS = [1, 2, 3] as const;
const DAMAGES = ['bit flip', 'zeros', 'junk'] as const;
const STEADY_MS = 12_000;
const LONGEST_MS = 40_000;
const ALONE_MS = 4_000;
const LOOK_EVERY_MS = 100;

const values = programOptions(import.meta.filename, {
  from: { type: 'string', default: '0' },
  to: { type: 'string', default: '100000' },
  slice: { type: 'boolean', default: false },
  seed: { type: 'string' },
});
const seed = seedOfRun(values.seed);
process.setMaxListeners(100);
if (values.slice && (values.from !== '0' || values.to !== '100000')) wrongUse('--slice chooses for itself');
const all = [...helicalCells(), ...tailCells()];
const cells = values.slice ? sliceOf() : all.slice(numberOf('from', values.from), numberOf('to', values.to));
const stage = await Stage.prepare({ snapCount: 100_000, znodes: 90, znodeBytes: 200 });
const rows = new Map<string, Map<Outcome, number>>();
let wrong = 0;
let silent = 0;
for (const cell of cells) {
  const { outcome, words } = await tryHelical(cell);
  console.log(`${cell.name}: ${outcome}${words === '' ? '' : `\n    ${words.replaceAll('\n', '\n    ')}`}`);
  const row = rows.get(cell.row) ?? new Map<Outcome, number>();
  row.set(outcome, (row.get(outcome) ?? 0) + 1);
  rows.set(cell.row, row);
  if (outcome === 'wrong') wrong++;
  if (outcome === 'nobody serves') silent++;
}
await stage.end(wrong === 0);
const columns = ['recovered', 'nobody serves', 'wrong'] as const;
console.log(`\n| damage | ${columns.join(' | ')} |\n| --- | ${columns.map(() => '---').join(' | ')} |`);
for (const [row, counts] of rows)
  console.log(`| ${row} | ${columns.map((column) => counts.get(column) ?? 0).join(' | ')} |`);
console.log(`${cells.length} cells tried, ${wrong} wrong, ${silent} in which nobody serves`);
process.exit(wrong + silent === 0 ? 0 : 1);

/** Of the rows of helical damage one cell each, and one of all tails. */
function sliceOf(): HelicalCell[] {
  const random = new RandomStream(seed, 'slice');
  const helical = helicalCells();
  const rowsOfThem = [...new Set(helical.map(({ row }) => row))];
  const ofEach = rowsOfThem.map((row) => random.pick(helical.filter((cell) => cell.row === row)));
  return [...ofEach, random.pick(tailCells())];
}

function helicalCells(): HelicalCell[] {
  return DAMAGES.flatMap((kind) =>
    [1, 3, 10].flatMap((run) =>
      [0, 1, 2].map((turn): HelicalCell => {
        const row = `helical, ${run} at a time`;
        const harm = (at: Stage, random: RandomStream): void => {
          for (const sid of SIDS) {
            for (const [index, record] of records(at, sid).entries()) {
              if ((Math.floor(index / run) + turn) % SIDS.length !== sid - 1) hurt(record, kind, random);
            }
          }
        };
        return { name: `${row}, ${kind}, turn ${turn}`, row, late: [], harm };
      }),
    ),
  );
}

function tailCells(): HelicalCell[] {
  return ([...DAMAGES, 'truncation'] as const).flatMap((kind) =>
    [1, 5].flatMap((count) =>
      [false, true].flatMap((isLate) =>
        SIDS.map((intact): HelicalCell => {
          const row = `tail on two servers, ${isLate ? 'the third starts later' : 'all start at once'}, ${kind}`;
          const harm = (at: Stage, random: RandomStream): void => {
            for (const sid of SIDS)
              if (sid !== intact) for (const record of tail(at, sid, count)) hurt(record, kind, random);
          };
          return {
            name: `${row}, ${count} records, intact on ${intact}`,
            row,
            late: isLate ? [intact] : [],
            harm,
          };
        }),
      ),
    ),
  );
}

function records(at: Stage, sid: number): LogRecord[] {
  return recordsBelow(at.ensemble.member(sid).dataDir).sort((a, b) => a.zxid - b.zxid);
}

/** From so many changes of znodes before the end on; what comes behind the last of them are sessions. */
function tail(at: Stage, sid: number, count: number): LogRecord[] {
  const all = records(at, sid);
  const changes = all.filter(({ type }) => type > 0);
  return all.slice(all.indexOf(changes[changes.length - count] as LogRecord));
}

/** In the body of the record; `truncation` takes all from its beginning. */
function hurt({ path, at, length }: LogRecord, kind: DamageKind, random: RandomStream): void {
  const file = { name: path, path, usedBytes: Number.MAX_SAFE_INTEGER };
  if (kind === 'truncation') damage(file, kind, at, 0, random);
  else damage(file, kind, at + Math.floor(length / 2), 20, random);
}

async function tryHelical(cell: HelicalCell): Promise<{ readonly outcome: Outcome; readonly words: string }> {
  await stage.restore();
  const zxids = new Set(records(stage, 1).map(({ zxid }) => zxid));
  cell.harm(stage, new RandomStream(seed, cell.name));
  const { members } = stage.ensemble;
  const faults: string[] = [];
  const logged = new Map(members.map((member) => [member, member.logLength()]));
  for (const member of members) if (!cell.late.includes(member.sid)) await member.start();
  if (cell.late.length > 0) {
    await pause(ALONE_MS);
    for (const member of await servingNow(members)) faults.push(...(await stage.differences(member)));
    for (const sid of cell.late) await stage.ensemble.member(sid).start();
  }
  const serving = await steady(members);
  for (const member of serving) faults.push(...(await stage.differences(member)));
  if (serving.length === 0) {
    // An operator can still bring it all back: nothing that was intact is gone.
    const left = new Set(SIDS.flatMap((sid) => records(stage, sid).map(({ zxid }) => zxid)));
    const gone = [...zxids].filter((zxid) => !left.has(zxid));
    if (gone.length > 0)
      faults.push(`no intact copy is left of ${gone.map((zxid) => `0x${zxid.toString(16)}`).join(', ')}`);
  }
  if (faults.length > 0) return { outcome: 'wrong', words: faults.slice(0, 2).join('\n') };
  if (serving.length === members.length) return { outcome: 'recovered', words: '' };
  const words = members.map((member) => `${member.name}: ${lastWords(member, logged.get(member) ?? 0)}`).join('\n');
  return { outcome: serving.length === 0 ? 'nobody serves' : 'recovered', words };
}

async function servingNow(members: readonly Member[]): Promise<Member[]> {
  const modes = await Promise.all(members.map((member) => member.mode()));
  return members.filter((_, index) => modes[index] !== null);
}

/** Who serves once all do, or nothing has changed for some seconds. */
async function steady(members: readonly Member[]): Promise<Member[]> {
  const deadline = performance.now() + LONGEST_MS;
  let before = '';
  let since = performance.now();
  for (;;) {
    const serving = await servingNow(members);
    if (serving.length === members.length) return serving;
    const now = members.map((member) => `${member.running} ${serving.includes(member)}`).join(' ');
    if (now !== before) since = performance.now();
    before = now;
    if (performance.now() - since > STEADY_MS || performance.now() > deadline) return serving;
    await pause(LOOK_EVERY_MS);
  }
}

/** What it has warned of, but for what it always says. */
function lastWords(member: Member, logged: number): string {
  const lines = member.logSince(logged).split('\n');
  const said = lines.filter(
    (line) => /"level":(40|50|60)|^headkeeper: /.test(line) && !/private network|passwords are/.test(line),
  );
  return said
    .map((line) => /"msg":"(.*)"/.exec(line)?.[1] ?? line)
    .join(' / ')
    .slice(0, 600);
}

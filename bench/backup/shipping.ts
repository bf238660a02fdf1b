/**
 * What continuous backups cost a server:
 *
 *   node bench/dist/backup/shipping.js [--only small|large|full] [--rounds 12] [--seconds 3] [--znodes 1000000]
 *
 * small, large: writes at half of the rate that the server reaches without backups, by turns to a server without and to one
 * with backups to a folder on the same disk; beside a tree of a few znodes, and beside a large one. full: the longest answer
 * to a ping while a full backup of the large tree is taken, and what such a one adds to writes at the same rate. Prints every
 * turn, and the medians beside the figures to reach; exit code 1 when one is missed.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '#peers/command';
import { repositoryRoot } from '#peers/peer-cache';
import { numberOf, programOptions } from '#peers/program-options';
import { compile, fill, loadGenerator } from '../load-generator.ts';
import { type BackedUpServer, withServer } from './backed-up-server.ts';
import {
  addedOverallPercent,
  addedPercent,
  type CostedTurn,
  compileWriters,
  cpuSeconds,
  describe,
  medians,
  RUN_UP_SECONDS,
  type Turn,
  write,
} from './paced-load.ts';

const MOST_ADDED_PERCENT = 5;
const LONGEST_PING_MS = 20;
const WARM_UP_SECONDS = 5;
const PEAK_SECONDS = 3;
/** Full backups that are pinged, and those that are written beside. */
const FULLS = 3;
/** Longer than a full backup of a million znodes takes. */
const PING_SECONDS = 12;
const FULL_TURN_SECONDS = 8;
/**
 * The server's own snapshots, which come with any number of writes, would meet one turn and not the next: there are none
 * while shipping is measured, and those of full backups only while these are.
 */
const NO_SNAPSHOTS = { snapCount: '1000000000' };

const values = programOptions(import.meta.filename, {
  only: { type: 'string' },
  rounds: { type: 'string', default: '12' },
  seconds: { type: 'string', default: '3' },
  znodes: { type: 'string', default: '1000000' },
});
const folder = mkdtempSync(join(tmpdir(), 'headkeeper-shipping-'));
const writers = await compileWriters();
const verdicts: string[] = [];
try {
  process.exitCode = (await measure()) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<boolean> {
  const { only } = values;
  console.log(`cpu: ${cpus().length} x ${cpus()[0]?.model}, load before: ${loadavg()[0]?.toFixed(1)}`);
  const rate = await withServer(folder, 'peak', null, NO_SNAPSHOTS, async ({ port }) => {
    await write(writers, port, 0, WARM_UP_SECONDS);
    const { writes } = await write(writers, port, 0, PEAK_SECONDS);
    return Math.floor(writes / PEAK_SECONDS / 2);
  });
  console.log(`half of the peak: ${rate} writes a second`);
  const reached: boolean[] = [];
  if (only === undefined || only === 'small') reached.push(await compareShipping('a few znodes', 0, rate));
  if (only === undefined || only === 'large') {
    reached.push(await compareShipping(`${values.znodes} znodes`, numberOf('znodes', values.znodes), rate));
  }
  if (only === undefined || only === 'full') reached.push(await measureFull(rate));
  if (reached.length === 0) throw new Error(`--only ${only}: small, large or full`);
  for (const verdict of verdicts) console.log(verdict);
  return reached.every(Boolean);
}

/** Two servers run all the time, and one of them is written to: whatever else the machine does meets both alike. */
async function compareShipping(tree: string, znodes: number, rate: number): Promise<boolean> {
  const { off, on } = await pairs(znodes, rate);
  console.log(`beside ${tree}:`);
  console.log(`  without backups: ${describe(medians(off))}`);
  console.log(`  with backups:    ${describe(medians(on))}`);
  const added = addedPercent(off, on);
  return judge(
    `shipping beside ${tree} adds to the mean latency, median of the pairs: ${added.toFixed(1)} %`,
    `all turns together: ${addedOverallPercent(off, on).toFixed(1)} %`,
    `under ${MOST_ADDED_PERCENT} %`,
    added < MOST_ADDED_PERCENT,
  );
}

function pairs(
  znodes: number,
  rate: number,
): Promise<{ readonly off: readonly CostedTurn[]; readonly on: readonly CostedTurn[] }> {
  return withServer(folder, `off-${znodes}`, null, NO_SNAPSHOTS, (offServer) =>
    withServer(folder, `on-${znodes}`, targetFor(znodes), NO_SNAPSHOTS, async (onServer) => {
      const off = { name: 'off', server: offServer, turns: [] as CostedTurn[] };
      const on = { name: 'on', server: onServer, turns: [] as CostedTurn[] };
      for (const { server } of [off, on]) {
        await grow(server, znodes);
        await write(writers, server.port, rate, WARM_UP_SECONDS);
      }
      // With the first full backup, which is measured by itself.
      for (const { server } of [off, on]) await server.rest();
      for (let round = 1; round <= numberOf('rounds', values.rounds); round++) {
        for (const side of round % 2 === 1 ? [off, on] : [on, off]) {
          const turn = await costedTurn(side.server, rate);
          side.turns.push(turn);
          console.log(`  ${`${side.name}-${round}`.padEnd(6)} ${describe(turn)}`);
        }
      }
      return { off: off.turns, on: on.turns };
    }),
  );
}

async function costedTurn({ pid, port, rest }: BackedUpServer, rate: number): Promise<CostedTurn> {
  const seconds = numberOf('seconds', values.seconds);
  const before = cpuSeconds(pid);
  const turn = await write(writers, port, rate, seconds);
  // What was written last is shipped before the other server has its turn.
  await rest();
  return { ...turn, cpuPer100k: ((cpuSeconds(pid) - before) * 100_000) / (rate * (RUN_UP_SECONDS + seconds)) };
}

/** Pings every millisecond, and then writes, while full backups are taken. */
async function measureFull(rate: number): Promise<boolean> {
  const probe = await compile('ping-probe', join(repositoryRoot, 'bench/ping-probe.c'));
  const znodes = numberOf('znodes', values.znodes);
  return withServer(folder, 'full', targetFor('full'), NO_SNAPSHOTS, async (server) => {
    await grow(server, znodes);
    await server.rest();
    const pingsMs: number[] = [];
    for (let full = 1; full <= FULLS; full++) pingsMs.push(await longestPing(probe, server, full));
    const without: Turn[] = [];
    const beside: Turn[] = [];
    await write(writers, server.port, rate, WARM_UP_SECONDS);
    for (let full = 1; full <= FULLS; full++) {
      await server.rest();
      without.push(await write(writers, server.port, rate, FULL_TURN_SECONDS));
      await server.rest();
      const [turn, seconds] = await Promise.all([
        write(writers, server.port, rate, FULL_TURN_SECONDS),
        server.takeFull(),
      ]);
      beside.push(turn);
      console.log(`  without full-${full} ${describe(without.at(-1) as Turn)}`);
      console.log(`  beside  full-${full} ${describe(turn)}; it took ${seconds.toFixed(1)} s`);
    }
    verdicts.push(
      `${FULL_TURN_SECONDS} s of writes with a full backup of ${znodes} znodes in them: mean latency ` +
        `${addedPercent(without, beside).toFixed(1)} % longer, ${describe(medians(beside))} (no figure to reach)`,
    );
    const longest = Math.max(...pingsMs);
    return judge(
      `longest ping during ${FULLS} full backups of ${znodes} znodes: ${longest.toFixed(1)} ms`,
      `each: ${pingsMs.map((ms) => ms.toFixed(1)).join(', ')} ms`,
      `${LONGEST_PING_MS} ms`,
      longest <= LONGEST_PING_MS,
    );
  });
}

async function longestPing(probe: string, server: BackedUpServer, full: number): Promise<number> {
  const begun = performance.now();
  const [output, seconds] = await Promise.all([
    run([probe, String(server.port), String(PING_SECONDS)], { timeoutMs: 120_000 }),
    server.takeFull(),
  ]);
  if (performance.now() - begun < seconds * 1000) throw new Error('the full backup took longer than the pings');
  const figures = JSON.parse(output) as Readonly<Record<string, number>>;
  console.log(
    `  full-${full} took ${seconds.toFixed(1)} s; pings: p99 ${figures.p99_us} us, p99.9 ${figures.p999_us} us, ` +
      `longest ${figures.max_us} us, probe late by ${figures.late_max_us} us at most`,
  );
  await server.rest();
  return (figures.max_us ?? Number.NaN) / 1000;
}

async function grow({ port }: BackedUpServer, znodes: number): Promise<void> {
  if (znodes > 0) await fill(await loadGenerator(undefined), `127.0.0.1:${port}`, znodes);
}

function targetFor(name: string | number): string {
  const target = join(folder, `target-${name}`);
  mkdirSync(target);
  return target;
}

/** Keeps what is to be said of a figure to reach. */
function judge(figure: string, more: string, target: string, isReached: boolean): boolean {
  verdicts.push(`${figure} (${more}; ${target}: ${isReached ? 'reached' : 'missed'})`);
  return isReached;
}

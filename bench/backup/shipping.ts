/**
 * What continuous backups cost a server:
 *
 *   node bench/dist/backup/shipping.js [--rounds 12] [--seconds 3] [--znodes 1000000]
 *
 * Writes at half of the rate that the server reaches without backups, by turns to a server without and to one with backups to a
 * folder on the same disk: latency, and processor time for 100,000 writes. Then the longest answer to a ping while a full
 * backup of a large tree is taken. Prints every round, and the medians beside the figures to reach; exit code 1 when one is
 * missed.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { run } from '#peers/command';
import { startHeadkeeper } from '#peers/headkeeper';
import { repositoryRoot } from '#peers/peer-cache';
import { compile, fill, loadGenerator } from '../load-generator.ts';
import { median } from '../rows.ts';

const MOST_ADDED_PERCENT = 5;
const LONGEST_PING_MS = 20;
const WARM_UP_SECONDS = 5;
/** Of every round, without being counted. */
const RUN_UP_SECONDS = 0.5;
const SHIPPED_MS = 500;
const PEAK_SECONDS = 3;
const TICKS_PER_SECOND = 100;
const FULL_EVERY_SECONDS = 60;

/** What the writers of one round say; latencies in microseconds from the moment that each write was due. */
interface Round {
  readonly writes: number;
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** Processor seconds of the server for 100,000 writes. */
  readonly cpuPer100k: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '3' },
    znodes: { type: 'string', default: '1000000' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'headkeeper-shipping-'));
process.exitCode = (await measure()) ? 0 : 1;
rmSync(folder, { recursive: true, force: true });

async function measure(): Promise<boolean> {
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  console.log(`cpu: ${cpus().length} x ${cpus()[0]?.model}, load before: ${loadavg()[0]?.toFixed(1)}`);
  const writers = await compile('paced-writers', join(repositoryRoot, 'bench/backup/paced-writers.c'));
  const rate = await withServer('peak', {}, async (port) => {
    await write(writers, port, 0, WARM_UP_SECONDS);
    const { writes } = await write(writers, port, 0, PEAK_SECONDS);
    return Math.floor(writes / PEAK_SECONDS / 2);
  });
  console.log(`half of the peak: ${rate} writes a second`);
  const { off, on } = await pairs(writers, rate, rounds, seconds);
  const ratios = on.map((round, i) => round.meanUs / (off[i] as Round).meanUs);
  const added = 100 * ((median(ratios) ?? Number.NaN) - 1);
  console.log(`without backups: ${describe(medians(off))}`);
  console.log(`with backups:    ${describe(medians(on))}`);
  const overall = 100 * (average(on) / average(off) - 1);
  console.log(`added to the mean latency of all rounds together: ${overall.toFixed(1)} %`);
  const pingMs = await longestPing();
  const isQuick = added < MOST_ADDED_PERCENT;
  const isSmooth = pingMs <= LONGEST_PING_MS;
  console.log(
    `added to the mean latency, median of the pairs: ${added.toFixed(1)} % (under ${MOST_ADDED_PERCENT} %: ${verdict(isQuick)})`,
  );
  console.log(
    `longest ping during a full backup of ${values.znodes} znodes: ${pingMs.toFixed(1)} ms ` +
      `(${LONGEST_PING_MS} ms: ${verdict(isSmooth)})`,
  );
  return isQuick && isSmooth;
}

/** Two servers run all the time, and one of them is written to: whatever else the machine does meets both alike. */
function pairs(
  writers: string,
  rate: number,
  rounds: number,
  seconds: number,
): Promise<{ readonly off: readonly Round[]; readonly on: readonly Round[] }> {
  return withServer('off', {}, (offPort, offPid) =>
    withServer('on', backupTo('on'), async (onPort, onPid) => {
      const off = { name: 'off', port: offPort, pid: offPid, rounds: [] as Round[] };
      const on = { name: 'on', port: onPort, pid: onPid, rounds: [] as Round[] };
      for (const { port } of [off, on]) await write(writers, port, rate, WARM_UP_SECONDS);
      for (let round = 1; round <= rounds; round++) {
        for (const side of round % 2 === 1 ? [off, on] : [on, off]) {
          const result = await oneRound(writers, side.port, side.pid, rate, seconds);
          side.rounds.push(result);
          console.log(`  ${`${side.name}-${round}`.padEnd(6)} ${describe(result)}`);
        }
      }
      return { off: off.rounds, on: on.rounds };
    }),
  );
}

async function oneRound(writers: string, port: number, pid: number, rate: number, seconds: number): Promise<Round> {
  const before = cpuSeconds(pid);
  const latencies = await write(writers, port, rate, seconds);
  // What was written last is shipped before the other server has its turn.
  await pause(SHIPPED_MS);
  return { ...latencies, cpuPer100k: ((cpuSeconds(pid) - before) * 100_000) / (rate * (RUN_UP_SECONDS + seconds)) };
}

/** Writes at a rate, after a run-up that does not count; rate 0: as fast as the server answers. */
async function write(writers: string, port: number, rate: number, seconds: number): Promise<Omit<Round, 'cpuPer100k'>> {
  const argv = [writers, ...[port, rate, RUN_UP_SECONDS, seconds].map(String)];
  const output = await run(argv, { timeoutMs: (seconds + 60) * 1000 });
  const figures = JSON.parse(output) as Readonly<Record<string, number>>;
  const figure = (name: string): number => figures[name] ?? Number.NaN;
  return {
    writes: figure('writes'),
    meanUs: figure('mean_us'),
    p50Us: figure('p50_us'),
    p90Us: figure('p90_us'),
    p99Us: figure('p99_us'),
    p999Us: figure('p999_us'),
    maxUs: figure('max_us'),
  };
}

/** Pings every millisecond while a full backup is taken, which is due at an interval. */
async function longestPing(): Promise<number> {
  const probe = await compile('ping-probe', join(repositoryRoot, 'bench/ping-probe.c'));
  const settings = { ...backupTo('full'), 'backup.fullInterval': `${FULL_EVERY_SECONDS}s` };
  return withServer('full', settings, async (port) => {
    await fill(await loadGenerator(undefined), `127.0.0.1:${port}`, Number(values.znodes));
    const fulls = (): number =>
      readdirSync(join(folder, 'target-full', 'full')).filter((file) => file.endsWith('.json')).length;
    const before = fulls();
    const output = await run([probe, String(port), String(FULL_EVERY_SECONDS + 10)], { timeoutMs: 120_000 });
    if (fulls() === before) throw new Error('no full backup was taken while the server was pinged');
    const figures = JSON.parse(output) as Readonly<Record<string, number>>;
    console.log(`  pings: p99.9 ${figures.p999_us} us, probe late by ${figures.late_max_us} us at most`);
    return (figures.max_us ?? Number.NaN) / 1000;
  });
}

function backupTo(name: string): Record<string, string> {
  const target = join(folder, `target-${name}`);
  mkdirSync(target);
  return { 'backup.target': target };
}

async function withServer<T>(
  name: string,
  settings: Readonly<Record<string, string>>,
  act: (port: number, pid: number) => Promise<T>,
): Promise<T> {
  const dataDir = join(folder, name);
  const server = await startHeadkeeper({ dataDir, extraConfig: { maxClientCnxns: '0', ...settings } });
  try {
    return await act(server.port, server.pid);
  } finally {
    await server.stop(60_000);
    await pause(500);
  }
}

/** What the process has used so far. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function medians(rounds: readonly Round[]): Round {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick)) ?? Number.NaN;
  return {
    writes: of((round) => round.writes),
    meanUs: of((round) => round.meanUs),
    p50Us: of((round) => round.p50Us),
    p90Us: of((round) => round.p90Us),
    p99Us: of((round) => round.p99Us),
    p999Us: of((round) => round.p999Us),
    maxUs: of((round) => round.maxUs),
    cpuPer100k: of((round) => round.cpuPer100k),
  };
}

function average(rounds: readonly Round[]): number {
  return rounds.reduce((sum, { meanUs }) => sum + meanUs, 0) / rounds.length;
}

function describe({ writes, cpuPer100k, ...latencies }: Round): string {
  const { meanUs, p50Us, p90Us, p99Us, p999Us, maxUs } = latencies;
  const texts = Object.entries({
    mean: meanUs,
    p50: p50Us,
    p90: p90Us,
    p99: p99Us,
    'p99.9': p999Us,
    longest: maxUs,
  }).map(([name, us]) => `${name} ${us.toFixed(0)}`);
  return `${writes} writes, us: ${texts.join(', ')}; ${cpuPer100k.toFixed(2)} CPU seconds for 100,000`;
}

function verdict(isReached: boolean): string {
  return isReached ? 'reached' : 'missed';
}

/** Writers at a fixed rate, what they and the server's processor time say of a turn, and how turns are compared. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '#peers/command';
import { repositoryRoot } from '#peers/peer-cache';
import { compile } from '../load-generator.ts';
import { median } from '../rows.ts';

/** Of every turn, without being counted. */
export const RUN_UP_SECONDS = 0.5;
const TICKS_PER_SECOND = 100;

/** What the writers of one turn say; latencies in microseconds from the moment that each write was due. */
export interface Turn {
  readonly writes: number;
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/** A turn and what followed it, until all that was written was shipped. */
export interface CostedTurn extends Turn {
  /** Processor seconds of the server for 100,000 writes. */
  readonly cpuPer100k: number;
}

export function compileWriters(): Promise<string> {
  return compile('paced-writers', join(repositoryRoot, 'bench/backup/paced-writers.c'));
}

/** Writes at a rate, after a run-up that does not count; rate 0: as fast as the server answers. */
export async function write(writers: string, port: number, rate: number, seconds: number): Promise<Turn> {
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

/** What the process has used so far. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Field by field. */
export function medians<T extends Turn>(turns: readonly T[]): T {
  const names = Object.keys(turns[0] ?? {}) as (keyof T)[];
  const of = (name: keyof T): number => median(turns.map((turn) => Number(turn[name]))) ?? Number.NaN;
  return Object.fromEntries(names.map((name) => [name, of(name)])) as unknown as T;
}

/** By how many per cent the mean latency of the second of each pair is above that of the first: the median of the pairs. */
export function addedPercent(without: readonly Turn[], beside: readonly Turn[]): number {
  const ratios = beside.map(({ meanUs }, i) => meanUs / (without[i]?.meanUs ?? Number.NaN));
  return 100 * ((median(ratios) ?? Number.NaN) - 1);
}

/** The same of all turns together. */
export function addedOverallPercent(without: readonly Turn[], beside: readonly Turn[]): number {
  return 100 * (average(beside) / average(without) - 1);
}

export function describe(turn: Turn | CostedTurn): string {
  const { writes, meanUs, p50Us, p90Us, p99Us, p999Us, maxUs } = turn;
  const texts = Object.entries({
    mean: meanUs,
    p50: p50Us,
    p90: p90Us,
    p99: p99Us,
    'p99.9': p999Us,
    longest: maxUs,
  }).map(([name, us]) => `${name} ${us.toFixed(0)}`);
  const cost = 'cpuPer100k' in turn ? `; ${turn.cpuPer100k.toFixed(2)} CPU seconds for 100,000` : '';
  return `${writes} writes, us: ${texts.join(', ')}${cost}`;
}

function average(turns: readonly Turn[]): number {
  return turns.reduce((sum, { meanUs }) => sum + meanUs, 0) / turns.length;
}

/** The rows of the table: what is measured, in what unit, and the figure to reach. */

import type { Load } from './load-generator.ts';

export type Side = 'Apache ZooKeeper' | 'Headkeeper';

/** What runs on a side: its own program, but in a self-check, when both sides run Apache ZooKeeper. */
export type Program = 'apache' | 'headkeeper';

export interface Row {
  /** Name for --rows. */
  readonly id: string;
  readonly title: string;
  readonly unit: 'ops/s' | 'ms' | 'MB' | 'x';
  /**
   * ratio: Headkeeper / Apache, at least `target`; share: Headkeeper / Apache, at most `target`;
   * limit: Headkeeper alone, at most `target`; floor: Headkeeper alone, at least `target`.
   */
  readonly judged: 'ratio' | 'share' | 'limit' | 'floor';
  readonly target: number;
  /** What Headkeeper's own figure may be at most, besides. */
  readonly atMost?: number;
  /** The load, for rows that are one run of the load generator. */
  readonly load?: Load;
}

export const third: number = 1 / 3;

const load = (id: string, title: string, target: number, shape: Load): Row => ({
  id,
  title,
  unit: 'ops/s',
  judged: 'ratio',
  target,
  load: shape,
});

export const rows: readonly Row[] = [
  load('get-c1-w1', 'getData, 1 connection, window 1', 1.7, { mode: 'get', connections: 1, window: 1 }),
  load('get-c50-w1', 'getData, 50 connections, window 1', 1.25, { mode: 'get', connections: 50, window: 1 }),
  load('get-c50-w20', 'getData, 50 connections, window 20', 5, { mode: 'get', connections: 50, window: 20 }),
  load('set-c1-w1', 'setData 100 B, 1 connection, window 1', 1.3, { mode: 'set', connections: 1, window: 1 }),
  load('set-c50-w1', 'setData 100 B, 50 connections, window 1', 1.2, { mode: 'set', connections: 50, window: 1 }),
  load('set-c50-w20', 'setData 100 B, 50 connections, window 20', 3, { mode: 'set', connections: 50, window: 20 }),
  load('mix-c50-w20', '90% get + 10% set, 50 connections, window 20', 4, { mode: 'mix', connections: 50, window: 20 }),
  load('create-c50-w4', 'sequential create, 50 connections, window 4', 1.5, {
    mode: 'create',
    connections: 50,
    window: 4,
  }),
  load('fanout-1000', 'watch fan-out to 1,000 connections', 2, { mode: 'fanout', connections: 1000, window: 1 }),
  load('connect', 'open and close sessions, 50 connections', 1.5, { mode: 'connect', connections: 50, window: 1 }),
  { id: 'start', title: 'start until srvr answers', unit: 'ms', judged: 'share', target: third },
  { id: 'million-memory', title: '1,000,000 znodes: memory when filled', unit: 'MB', judged: 'share', target: third },
  {
    id: 'million-memory-restarted',
    title: '1,000,000 znodes: memory when restarted',
    unit: 'MB',
    judged: 'share',
    target: third,
  },
  { id: 'million-restart', title: '1,000,000 znodes: restart', unit: 'ms', judged: 'share', target: third },
  {
    id: 'ping-stall',
    title: '1,000,000 znodes: longest ping during a snapshot',
    unit: 'ms',
    judged: 'limit',
    target: 20,
  },
];

/** The rows that need the tree of a million znodes. */
export const millionRows: readonly string[] = rows
  .filter((row) => row.title.startsWith('1,000,000'))
  .map((row) => row.id);

export interface Judged {
  readonly row: Row;
  readonly apache: number | undefined;
  readonly headkeeper: number | undefined;
  /** Headkeeper / Apache. */
  readonly ratio: number | undefined;
  readonly verdict: 'reached' | 'missed' | 'not judged';
}

/** Compares the medians of both sides with the row's figure. */
export function judge(row: Row, apache: readonly number[], headkeeper: readonly number[]): Judged {
  const theirs = median(apache);
  const ours = median(headkeeper);
  const ratio = theirs === undefined || ours === undefined ? undefined : ours / theirs;
  const judgedValue = row.judged === 'limit' || row.judged === 'floor' ? ours : ratio;
  if (judgedValue === undefined) return { row, apache: theirs, headkeeper: ours, ratio, verdict: 'not judged' };
  const atLeast = row.judged === 'ratio' || row.judged === 'floor';
  const within = row.atMost === undefined || (ours !== undefined && ours <= row.atMost);
  const reached = within && (atLeast ? judgedValue >= row.target : judgedValue <= row.target);
  return { row, apache: theirs, headkeeper: ours, ratio, verdict: reached ? 'reached' : 'missed' };
}

/** The middle value, the mean of the two middle ones of an even number; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

/** The rows of the comparison of two ensembles of three servers. */

import type { Load } from '../load-generator.ts';
import { type Row, third } from '../rows.ts';
import { syncLimitTicks, tickTimeMs } from './ensemble.ts';

const load = (id: string, title: string, target: number, shape: Load): Row => ({
  id,
  title,
  unit: 'ops/s',
  judged: 'ratio',
  target,
  load: shape,
});

/** Half a tick more than a follower waits for a silent leader: it may have been heard just before it stopped. */
const silenceMs = syncLimitTicks * tickTimeMs + tickTimeMs / 2;

export const ensembleRows: readonly Row[] = [
  {
    id: 'kill-follower',
    title: "leader killed: next write, a surviving follower's client",
    unit: 'ms',
    judged: 'share',
    target: 0.2,
    atMost: 150,
  },
  {
    id: 'kill-leader',
    title: "leader killed: next write, the leader's client",
    unit: 'ms',
    judged: 'share',
    target: 0.2,
    atMost: 150,
  },
  {
    id: 'stop',
    title: "leader stopped: next write, a follower's client",
    unit: 'ms',
    judged: 'share',
    target: 1,
    atMost: silenceMs,
  },
  load('set-c1-w1', 'setData 100 B, 1 connection, window 1', 2, { mode: 'set', connections: 1, window: 1 }),
  load('set-c48-w1', 'setData 100 B, 48 connections, window 1', 2, { mode: 'set', connections: 48, window: 1 }),
  load('set-c48-w20', 'setData 100 B, 48 connections, window 20', 4, { mode: 'set', connections: 48, window: 20 }),
  load('get-c48-w20', 'getData, 48 connections, window 20', 5, { mode: 'get', connections: 48, window: 20 }),
  load('mix-c48-w20', '90% get + 10% set, 48 connections, window 20', 4, { mode: 'mix', connections: 48, window: 20 }),
  { id: 'catch-up', title: 'a follower 1,000,000 txns behind catches up', unit: 'ms', judged: 'share', target: 0.5 },
  { id: 'cold-start', title: 'cold start of three until the first write', unit: 'ms', judged: 'share', target: third },
  { id: 'simulation', title: 'simulated time per real time', unit: 'x', judged: 'floor', target: 300 },
];

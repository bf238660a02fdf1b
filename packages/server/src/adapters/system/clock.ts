import { performance } from 'node:perf_hooks';
import type { Clock } from '../../ports.ts';

/** The clocks of this machine, in whole milliseconds. The monotonic one begins near 0 when the process starts. */
export function createClock(): Clock {
  return {
    monotonicMs: () => Math.floor(performance.now()),
    wallMs: () => Date.now(),
  };
}

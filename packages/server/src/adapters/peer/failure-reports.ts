import type { Clock } from '../../ports.ts';

/** Reports in one period, unless it is said otherwise; what goes beyond is counted only. */
const MOST = 20;
const PERIOD_MS = 60_000;

/**
 * Passes failures on, but not more than 20, or `most`, a minute: whoever can reach a port could fill the log otherwise (known failures,
 * O12). The first one of the next period says how many were left out.
 */
export function boundedReports(
  clock: Clock,
  report: (error: Error) => void,
  what = 'failures',
  most: number = MOST,
): (error: Error) => void {
  let sinceMs = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (error) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - sinceMs >= PERIOD_MS) {
      if (count > most) report(new Error(`${count - most} more ${what} were not reported`));
      sinceMs = nowMs;
      count = 0;
    }
    count++;
    if (count <= most) report(error);
  };
}

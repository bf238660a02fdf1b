import type { Clock } from '../../ports.ts';

/** Failures in one period; what goes beyond is counted only. */
const MOST = 20;
const PERIOD_MS = 60_000;

/**
 * Passes failures on, but not more than 20 a minute: whoever can reach a port could fill the log otherwise (known failures, O12).
 * The first one of the next period says how many were left out.
 */
export function boundedReports(
  clock: Clock,
  report: (error: Error) => void,
  what = 'failures',
): (error: Error) => void {
  return bounded(clock, report, (count) => new Error(wordsOn(count, what)), MOST);
}

/** The same with messages, `most` a minute. An error for each would cost far more than to count it. */
export function boundedNotes(
  clock: Clock,
  note: (message: string) => void,
  what: string,
  most: number,
): (message: string) => void {
  return bounded(clock, note, (count) => wordsOn(count, what), most);
}

function wordsOn(count: number, what: string): string {
  return `${count} more ${what} were not reported`;
}

function bounded<Report>(
  clock: Clock,
  report: (report: Report) => void,
  leftOut: (count: number) => Report,
  most: number,
): (report: Report) => void {
  let sinceMs = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (each) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - sinceMs >= PERIOD_MS) {
      if (count > most) report(leftOut(count - most));
      sinceMs = nowMs;
      count = 0;
    }
    count++;
    if (count <= most) report(each);
  };
}

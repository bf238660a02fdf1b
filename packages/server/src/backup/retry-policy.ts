/** Which failures of a target are worth another try, and when. */

import { TargetError } from './target.ts';

export interface BackOff {
  /** Milliseconds before the second try. */
  readonly firstMs: number;
  /** No pause is longer. */
  readonly maxMs: number;
}

/**
 * Whether the same request may succeed later without anybody doing anything, or once an operator has done what the
 * message says: room is made, permissions are granted, a bucket is created. Only an object that is not there, or that is
 * there already, stays so.
 *
 * A put that was tried again after `unreachable` and now fails with `exists` has been carried out the first time: names
 * are never given twice.
 */
export function isWorthRetrying(error: unknown): boolean {
  return error instanceof TargetError && error.failure !== 'missing' && error.failure !== 'exists';
}

/**
 * Milliseconds to wait after `failures` failures in a row: doubling, up to the most, and spread by a quarter either way
 * so that many servers do not come back at the same moment.
 * @param failures From 1
 * @param random From 0 to 1, 1 excluded
 */
export function pauseAfter(failures: number, random: number, backOff: BackOff): number {
  const full = Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(failures - 1, 40));
  return Math.min(backOff.maxMs, Math.round(full * (0.75 + random * 0.5)));
}

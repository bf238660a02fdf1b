/** Waiting for a condition, bounded in time. */

import { setTimeout as pause } from 'node:timers/promises';

const LOOK_EVERY_MS = 15;

/**
 * Asks again and again until the answer is neither null nor false, and returns it.
 * @throws Error saying what was waited for, and `details()`, when the time is over
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | null | false> | T | null | false,
  details: () => string = () => '',
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms\n${details()}`);
    await pause(LOOK_EVERY_MS);
  }
}

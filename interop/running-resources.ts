/** What keeps this process alive: a run of many parts wants to know which of them left something behind. */

import { setTimeout as pause } from 'node:timers/promises';

/** Longer than the system and Node take to close what has been ended, in milliseconds. */
const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 20;
/** Longer than the compiler takes for what was hot when the last part ended, in milliseconds. */
const IDLE_MS = 500;

/** How many there are of each type of resource that keeps the process alive: `TCPSocketWrap`, `ProcessWrap`, `Timeout`. */
export function runningResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}

/** Waits until no more runs than `before`, for five seconds at most; returns what there is beyond it, such as `2 Timeout`. */
export async function leftRunning(before: ReadonlyMap<string, number>): Promise<string[]> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const left: string[] = [];
    for (const [type, number] of runningResources()) {
      const more = number - (before.get(type) ?? 0);
      if (more > 0) left.push(`${more} ${type}`);
    }
    if (left.length === 0 || performance.now() > deadline) return left;
    await pause(LOOK_EVERY_MS);
  }
}

/**
 * Ends the process, after a moment in which nothing runs. A process of Node 20 that ends while the compiler works in the
 * background may stay for ever: each waits for the other (nodejs/node issue 54918). A run of ten minutes once stayed so,
 * with all parts passed and its 'exit' listeners run.
 */
export async function endProgram(code: number): Promise<never> {
  await pause(IDLE_MS);
  process.exit(code);
}

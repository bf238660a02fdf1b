import { constants, getPriority, platform, setPriority } from 'node:os';

/** Steps of nice: with ten of them a thread gets a tenth of a processor that another one wants, too, and all of an idle one. */
const STEPS = 10;

/**
 * Makes the calling thread give way to the other threads of the process in the long run; a bite of work that is under way may
 * still be carried on for milliseconds while they wait. Only on Linux, where the priority of "the calling process" is that of
 * the thread (setpriority(2), "C library/kernel differences"); elsewhere it would be that of the whole process, and nothing is
 * done.
 */
export function giveWay(): void {
  if (platform() !== 'linux') return;
  try {
    setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + STEPS));
  } catch {
    // Where a sandbox forbids it everything works, only less evenly.
  }
}

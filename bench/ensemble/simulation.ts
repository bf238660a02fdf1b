/** The speed of the simulator: simulated time per real time, on one core. */

import { join } from 'node:path';
import { runToEnd } from '#peers/command';
import { repositoryRoot } from '#peers/peer-cache';

export interface SimulationSpeed {
  /** Simulated time per real time. */
  readonly ratio: number;
  readonly note: string;
}

/**
 * Runs seeds from 1 on for so many seconds: three servers under faults, ten operations a second, all checkers that are always on.
 * @throws Error when a seed fails, or nothing is reported
 */
export async function simulate(seconds: number): Promise<SimulationSpeed> {
  const main = join(repositoryRoot, 'packages/sim/dist/src/main.js');
  const argv = [
    process.execPath,
    '--enable-source-maps',
    main,
    '--voters',
    '3',
    '--rate',
    '10',
    '--seed',
    '1',
    '--for',
    `${seconds}s`,
  ];
  const { code, output } = await runToEnd(argv, { timeoutMs: (seconds + 120) * 1000 });
  const found = /([\d.]+) simulated minutes in ([\d.]+) s/.exec(output);
  if (code !== 0 || found === null) throw new Error(`${argv.join(' ')} exited with ${code}\n${output.slice(-3000)}`);
  const [, minutes, took] = found;
  return { ratio: (Number(minutes) * 60) / Number(took), note: `${minutes} minutes in ${took} s` };
}

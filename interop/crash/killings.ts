/** kill -9 at any moment, again and again, on one data directory. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, type RandomStream } from '@headkeeper/testkit';
import { headkeeperBin, startHeadkeeper } from '../peers/headkeeper.ts';
import { Load } from './load.ts';

/** Small, so that rolls, snapshots and purges are under way when the end comes. */
export const BUSY_FILES: Readonly<Record<string, string>> = {
  snapCount: '400',
  preAllocSize: '256',
  'autopurge.purgeInterval': '150ms',
};
const CLIENTS = 4;
/** Every so many rounds one client ends its session and begins another; and a start is killed half way. */
const CLOSE_EVERY = 5;
const KILLED_START_EVERY = 4;

export interface Killings {
  /** What was wrong after each killing; empty lists are good. */
  readonly rounds: readonly (readonly string[])[];
  readonly acknowledged: number;
  readonly killedStarts: number;
}

/** Kills a server under load `times` times, at moments that `random` says; `told` hears of each round's faults. */
export async function killRepeatedly(
  dataDir: string,
  times: number,
  random: RandomStream,
  told: (round: number, faults: readonly string[]) => void,
): Promise<Killings> {
  const load = new Load(CLIENTS);
  const rounds: (readonly string[])[] = [];
  let killedStarts = 0;
  for (let round = 0; ; round++) {
    const port = await freePort();
    if (round > 0 && round % KILLED_START_EVERY === 0) {
      await killWhileStarting(`${dataDir}.cfg`, random.between(100, 400));
      killedStarts++;
    }
    const server = await startHeadkeeper({ dataDir, port, extraConfig: BUSY_FILES });
    await load.attach(port);
    if (round > 0) {
      const faults = [...load.takeFaults(), ...errorsLogged(server.logFile)];
      rounds.push(faults);
      told(round, faults);
      if (faults.length > 0 || round === times) {
        load.disconnect();
        await server.stop();
        return { rounds, acknowledged: load.acknowledged, killedStarts };
      }
    }
    const leaving = round % CLOSE_EVERY === CLOSE_EVERY - 1 ? load.ledgers[round % CLIENTS] : undefined;
    if (leaving !== undefined) {
      await leaving.close();
      await leaving.attach(port);
    }
    const writing = load.write();
    await pause(random.between(50, 500));
    await server.kill();
    await writing;
  }
}

async function killWhileStarting(config: string, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, [headkeeperBin, 'server', config], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await pause(afterMs);
  child.kill('SIGKILL');
  await ended;
}

/** What the servers logged as errors; a torn log after a killing is only a warning. */
function errorsLogged(logFile: string): string[] {
  const text = readFileSync(logFile, 'utf8');
  return text.split('\n').filter((line) => /"level":(50|60)/.test(line));
}

/** All processes of a crew at one piece of work without turns, with some of them killed in the middle of a use. */

import { until } from '../ensemble/waiting.ts';
import type { Crew } from './crew.ts';
import type { ScenarioOptions } from './scenario.ts';
import type { Said, Worker } from './worker.ts';

export interface SharedWork {
  /** The command for a process. */
  readonly command: (worker: Worker) => string;
  /** Whether a process does anything; all of them unless given. */
  readonly takesPart?: (worker: Worker) => boolean;
  /** What a process says when it begins something that a kill leaves in doubt. */
  readonly begins: ReadonlySet<string>;
  /** Whether something said is a round that has been made. */
  readonly isRound: (said: Said) => boolean;
}

/** What each process has said, in order, those that were killed included. */
export async function work(
  crew: Crew,
  { rounds, kills }: ScenarioOptions,
  { command, takesPart = () => true, begins, isRound }: SharedWork,
): Promise<readonly Said[][]> {
  const begun = new Map(crew.workers.map((worker) => [worker, worker.said.length]));
  const replacing = new Set<Promise<void>>();
  const killsAt = Array.from({ length: kills }, (_, i) => Math.floor(((i + 0.5) * rounds) / kills));
  let made = 0;
  crew.heard = (said) => {
    if (isRound(said)) made++;
    const { worker, what } = said;
    // The next one in turn, when it has just begun something.
    const busy = crew.workers.filter(takesPart);
    const isNext = worker === busy[crew.kills % busy.length] && begins.has(what);
    if (!isNext || worker.isKilled || (killsAt[0] ?? Number.POSITIVE_INFINITY) > made) return;
    killsAt.shift();
    const replaced = crew.replace(worker).then((fresh) => {
      begun.set(fresh, 0);
      fresh.send(command(fresh));
    });
    replacing.add(replaced);
    void replaced.then(() => replacing.delete(replaced));
  };
  for (const worker of crew.workers) worker.send(command(worker));
  await until(`${rounds} rounds`, 60_000 + rounds * 1_000, () => {
    return (made >= rounds && killsAt.length === 0) || crew.mishaps.length > 0;
  });
  await Promise.all(replacing);
  crew.heard = () => {};
  for (const worker of crew.workers) worker.send('stop');
  await Promise.all(crew.workers.map((worker) => worker.hears('stopped', begun.get(worker))));
  return [...begun].map(([worker, from]) => worker.said.slice(from));
}

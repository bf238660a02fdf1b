/**
 * One counter of 32 bits: AtomicCounter, Curator's DistributedAtomicInteger, kazoo's Counter with support_curator.
 *
 * While connections last, each of them counts exactly once. After a lost connection Curator and kazoo repeat the change
 * and may count twice; ours does not. A process that is killed may have counted once more than it said.
 */

import { AtomicCounter } from '@headkeeper/recipes';
import type { Crew } from './crew.ts';
import type { Scenario, ScenarioOptions, Verdict } from './scenario.ts';
import { work } from './shared-work.ts';
import type { Said, Worker } from './worker.ts';

export const counterScenario: Scenario = {
  name: 'counter',
  share: 0.07,
  run: (crew, options) => count(crew, options, null),
  // One of them asks for no version.
  runBroken: (crew) => count(crew, { rounds: 60, kills: 0 }, crew.workers[0] as Worker),
};

async function count(crew: Crew, options: ScenarioOptions, broken: Worker | null): Promise<Verdict> {
  const path = `/counter-${crew.client.uniqueId()}`;
  await using counter = new AtomicCounter(crew.client, path, { format: 'int32' });
  await counter.set(0);
  const histories = await work(crew, options, {
    command: (worker) => `${worker === broken ? 'count-broken' : 'count'} ${path}`,
    begins: new Set(['counting']),
    isRound: ({ what }) => what === 'counted',
  });
  await crew.client.sync(path);
  return judgeCounts(histories, Number(await counter.get()));
}

function judgeCounts(histories: readonly (readonly Said[])[], final: number): Verdict {
  const faults: string[] = [];
  const counted = new Map<number, string>();
  let inDoubt = 0;
  for (const said of histories) {
    if (said.at(-1)?.what === 'counting') inDoubt++;
    for (const { what, words, worker } of said) {
      if (what !== 'counted') continue;
      const value = Number(words[0]);
      const other = counted.get(value);
      if (other !== undefined) faults.push(`lost: ${other} and ${worker.name} have both counted to ${value}`);
      if (value < 1 || value > final) faults.push(`lost: ${worker.name} counted to ${value}, and ${final} is there`);
      counted.set(value, worker.name);
    }
  }
  const unclaimed = final - counted.size;
  if (unclaimed > inDoubt) faults.push(`doubled: ${unclaimed} values that nobody counted to, ${inDoubt} in doubt`);
  return { rounds: counted.size, faults };
}

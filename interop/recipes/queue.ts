/**
 * One queue: SimpleQueue, Curator's SimpleDistributedQueue, kazoo's Queue with the names of the others.
 *
 * While connections last, each of them hands an item out exactly once. After a lost connection Curator and kazoo may put an
 * item twice, or lose one that they take; ours does neither. A process that is killed may have put one item more than it
 * said, and may take one with it.
 */

import { SimpleQueue } from '@headkeeper/recipes';
import type { Crew } from './crew.ts';
import type { Scenario, ScenarioOptions, Verdict } from './scenario.ts';
import { work } from './shared-work.ts';
import type { Said, Worker } from './worker.ts';

const NOTHING = 'nothing';

export const queueScenario: Scenario = {
  name: 'queue',
  share: 0.15,
  run: (crew, options) => exchange(crew, options, null),
  // One of them takes what others take.
  runBroken: (crew) => exchange(crew, { rounds: 60, kills: 0 }, crew.workers[0] as Worker),
};

async function exchange(crew: Crew, options: ScenarioOptions, broken: Worker | null): Promise<Verdict> {
  const path = `/queue-${crew.client.uniqueId()}`;
  // Not a container, which kazoo does not expect to be gone.
  await crew.client.create(path);
  const histories = await work(crew, options, {
    command: (worker) => `${worker === broken ? 'exchange-broken' : 'exchange'} ${path}`,
    begins: new Set(['putting', 'taking']),
    isRound: ({ what, words }) => what === 'took' && words[0] !== NOTHING,
  });
  await crew.client.sync(path);
  const left: string[] = [];
  await using queue = new SimpleQueue(crew.client, path);
  for (let item = await queue.poll(); item !== null; item = await queue.poll()) {
    left.push(new TextDecoder().decode(item.data));
  }
  return judgeItems(histories, left);
}

function judgeItems(histories: readonly (readonly Said[])[], left: readonly string[]): Verdict {
  const faults: string[] = [];
  const put = new Set<string>();
  const maybePut = new Set<string>();
  const taken = new Map<string, string>();
  let takesInDoubt = 0;
  const take = (item: string, by: string): void => {
    const other = taken.get(item);
    if (other !== undefined) faults.push(`doubled: ${item} was taken by ${other} and by ${by}`);
    taken.set(item, by);
  };
  for (const said of histories) {
    if (said.at(-1)?.what === 'taking') takesInDoubt++;
    for (const { what, words, worker } of said) {
      const [item = ''] = words;
      if (what === 'putting') maybePut.add(item);
      else if (what === 'put') put.add(item);
      else if (what === 'took' && item !== NOTHING) take(item, worker.name);
    }
  }
  const rounds = taken.size;
  for (const item of left) take(item, 'nobody, at the end');
  for (const [item, by] of taken) if (!maybePut.has(item)) faults.push(`${by} took ${item}, which nobody has put`);
  const missing = [...put].filter((item) => !taken.has(item));
  if (missing.length > takesInDoubt) {
    faults.push(`lost: ${missing.length} items, such as ${missing[0]}, with ${takesInDoubt} takers in doubt`);
  }
  return { rounds, faults };
}
